// What several clients of one storage may rely on.
#include <atomic>
#include <barrier>
#include <map>
#include <set>
#include <thread>

#include "store/merkle.h"
#include "support/await.h"
#include "support/store_contract_subjects.h"

namespace gw::store::contract {
namespace {

template <class T>
Code code_of(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

State state_of(Store& store, const MailboxId& mailbox, const MessageId& message) {
  const auto found = store.find(mailbox, message);
  REQUIRE(found);
  return found->state;
}

std::vector<Mail> new_mails(std::size_t count) {
  std::vector<Mail> mails;
  for (std::size_t i = 0; i < count; ++i) mails.push_back(new_mail(i % 20 == 0 ? 70'000 : 300));
  return mails;
}

// Checks that the history has no hole and no leaf twice, and that each mail is in it once and whole.
void check_all(Store& store, const MailboxId& mailbox, const std::vector<Mail>& mails) {
  CompactRange range;
  std::map<MessageId, std::uint64_t> accepted;
  std::set<MessageId> drained;
  for (const Leaf& leaf : history(store, mailbox)) {
    CHECK(leaf.index == range.size());
    range.append(leaf_hash(encode(leaf)));
    if (leaf.type == LeafType::Accepted) CHECK(accepted.emplace(leaf.message, leaf.index).second);
    if (leaf.type == LeafType::Drained) {
      CHECK(accepted.contains(leaf.message));
      CHECK(drained.insert(leaf.message).second);
    }
  }
  const LogHead head = store.history_head(mailbox).value();
  CHECK(head.size == range.size());
  CHECK(head.root == range.root());
  CHECK(accepted.size() == mails.size());
  for (const Mail& mail : mails) {
    REQUIRE(accepted.contains(mail.id));
    CHECK(store.find(mailbox, mail.id).value().seq == accepted.at(mail.id));
    CHECK(read_all(store, mailbox, mail.id) == mail.container);
  }
}

// Runs both at the same moment and returns their results.
template <class Work>
auto race(Store& one, Store& other, Work work) {
  std::barrier start(2);
  decltype(work(one, 0)) first;
  decltype(work(one, 0)) second;
  std::thread thread([&] {
    start.arrive_and_wait();
    second = work(other, 1);
  });
  start.arrive_and_wait();
  first = work(one, 0);
  thread.join();
  return std::pair(std::move(first), std::move(second));
}

}  // namespace

void racing_deliveries(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  const MailboxId mailbox = put(one, new_mailbox("journal")).id;
  const std::vector<Mail> mails = new_mails(60);
  std::atomic<std::size_t> stored = 0;
  std::atomic<int> wrong = 0;
  const auto deliver_all = [&](Store& store, auto from, auto to) {
    for (; from != to; ++from) {
      auto done = deliver(store, mailbox, *from);
      // Busy: it is being stored at this moment, and may fail.
      while (!done && done.error().code() == Code::Busy) {
        std::this_thread::yield();
        done = deliver(store, mailbox, *from);
      }
      if (done) {
        ++stored;
      } else if (done.error().code() != Code::Exists) {
        ++wrong;
      }
    }
  };
  std::vector<std::thread> threads;
  for (Store* store : {&one, other.get()}) {
    threads.emplace_back([&, store] { deliver_all(*store, mails.begin(), mails.end()); });
    threads.emplace_back([&, store] { deliver_all(*store, mails.rbegin(), mails.rend()); });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(stored == mails.size());
  check_all(one, mailbox, mails);
  check_all(*other, mailbox, mails);
  CHECK(other->stat(mailbox).value().live == mails.size());
}

void drain_beside_deliveries(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  MailboxRecord record = new_mailbox("journal");
  record.grace = 86'400;
  const MailboxId mailbox = put(one, record).id;
  const std::vector<Mail> mails = new_mails(80);
  std::atomic<bool> delivered = false;
  std::atomic<int> wrong = 0;
  std::thread delivering([&] {
    for (const Mail& mail : mails) wrong += deliver(*other, mailbox, mail) ? 0 : 1;
    delivered = true;
  });
  const auto lease = one.acquire(mailbox, "pop3", std::chrono::minutes(10));
  std::set<MessageId> drained;
  for (bool last = false; lease && !last;) {
    last = delivered;
    Transition drain;
    drain.mailbox = mailbox;
    drain.from = State::Live;
    drain.to = State::Drained;
    drain.actor = "test";
    drain.lease = lease->get();
    const auto listed = one.list(mailbox, 0, 1000);
    for (const MessageRecord& each : listed ? *listed : std::vector<MessageRecord>())
      if (each.state == State::Live) drain.messages.push_back(each.id);
    if (drain.messages.empty()) {
      std::this_thread::yield();
      continue;
    }
    const auto done = one.transition(drain);
    wrong += done && *done == drain.messages.size() ? 0 : 1;
    for (const MessageId& id : drain.messages) wrong += drained.insert(id).second ? 0 : 1;
  }
  delivering.join();
  REQUIRE(lease);
  CHECK(wrong == 0);
  CHECK(drained.size() == mails.size());
  const MailboxStat stat = other->stat(mailbox).value();
  CHECK(stat.live == 0);
  CHECK(stat.drained == mails.size());
  check_all(one, mailbox, mails);
  check_all(*other, mailbox, mails);
}

void lease_taken_over(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  const MailboxId mailbox = put(one, new_mailbox("journal")).id;
  const Mail mail = new_mail();
  REQUIRE(deliver(one, mailbox, mail));
  Transition drain;
  drain.mailbox = mailbox;
  drain.messages = {mail.id};
  drain.from = State::Live;
  drain.to = State::Drained;
  drain.actor = "test";

  auto lease = one.acquire(mailbox, "the first", std::chrono::minutes(1));
  REQUIRE(lease);
  const auto refused = other->acquire(mailbox, "the second", std::chrono::minutes(1));
  CHECK(code_of(refused) == Code::Busy);
  CHECK(refused.error().text().find("the first") != std::string::npos);
  shared.subject.clocks->boot += std::chrono::minutes(1);
  const auto second = other->acquire(mailbox, "the second", std::chrono::minutes(1));
  REQUIRE(second);
  // The former holder is late, and must not remove what the new one has listed.
  drain.lease = lease->get();
  CHECK(code_of(one.transition(drain)) == Code::LeaseLost);
  CHECK(code_of((*lease)->renew()) == Code::LeaseLost);
  CHECK(state_of(*other, mailbox, mail.id) == State::Live);
  lease->reset();
  CHECK((*second)->renew());
  CHECK(code_of(one.acquire(mailbox, "the first", std::chrono::minutes(1))) == Code::Busy);
  drain.lease = second->get();
  CHECK(other->transition(drain).value() == 1);
  CHECK(types(one, mailbox).back() == LeafType::Drained);
}

void racing_records(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  const Note note{LeafType::Setting, "test", 0};
  for (int round = 0; round < 10; ++round) {
    // In odd rounds the names differ and an alias is the same.
    std::array<MailboxRecord, 2> wanted;
    for (int i = 0; i < 2; ++i) {
      wanted[static_cast<std::size_t>(i)] =
          new_mailbox("name-" + std::to_string(round) + (round % 2 == 0 || i == 0 ? "" : "-other"));
      wanted[static_cast<std::size_t>(i)].aliases = {"a" + std::to_string(round) + "@example.com"};
    }
    const auto [first, second] = race(one, *other, [&](Store& store, std::size_t which) {
      return store.put_mailbox(wanted.at(which), {}, note);
    });
    REQUIRE(first.has_value() != second.has_value());
    CHECK((first ? second : first).error().code() == Code::Exists);
    const MailboxRecord& winner = wanted.at(first ? 0 : 1);
    for (Store* store : {&one, other.get()}) {
      CHECK(store->resolve(winner.aliases.front(), Lookup::Recipient).value().mailbox.id == winner.id);
      CHECK(store->resolve(winner.name, Lookup::Login).value().mailbox.id == winner.id);
    }
  }
  const RecordKey key{Kind::Setting, {}, "raced"};
  std::uint64_t version = 0;
  for (int round = 0; round < 10; ++round) {
    const auto [first, second] = race(one, *other, [&](Store& store, std::size_t which) {
      return store.put_if(key, version, as_bytes(which == 0 ? "one" : "other"), note);
    });
    REQUIRE(first.has_value() != second.has_value());
    CHECK((first ? second : first).error().code() == (round == 0 ? Code::Exists : Code::Conflict));
    version = first ? *first : *second;
    for (Store* store : {&one, other.get()}) {
      const Record record = store->get(key).value();
      CHECK(record.version == version);
      CHECK(as_text(record.value) == (first ? "one" : "other"));
    }
  }
}

void changed_password(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  const MailboxRecord made = new_mailbox("journal");
  const RecordKey slot{Kind::Slot, made.id, "password"};
  REQUIRE(one.put_mailbox(made, {{"password", to_bytes("old")}}, {LeafType::MailboxMade, "test", 0}));
  CHECK(as_text(other->get(slot).value().value) == "old");
  const MailboxRecord before = other->mailbox(made.id).value();
  CHECK_FALSE(other->resolve("journal", Lookup::Login).value().mailbox.token_hash);

  MailboxRecord changed = before;
  changed.token_hash = Digest{std::byte{9}};
  REQUIRE(one.put_mailbox(changed, {{"password", to_bytes("new")}}, {LeafType::Slot, "test", 0}));
  // A login reads the slot, which must be the present one.
  CHECK(as_text(other->get(slot).value().value) == "new");
  // A client may keep a record for a moment.
  gw::test::await("the new record of the mailbox", [&] {
    return other->resolve("journal", Lookup::Login).value().mailbox.token_hash == changed.token_hash;
  });
  // A change that is based on the old record is refused.
  CHECK(code_of(other->put_mailbox(before, {}, {LeafType::Setting, "test", 0})) == Code::Conflict);
}

void pending_of_others(const MakeShared& make) {
  const Shared shared = make();
  Store& one = *shared.subject.store;
  const auto other = shared.join();
  const MailboxId mailbox = put(one, new_mailbox("journal")).id;
  Mail held = new_mail();
  Mail left = new_mail();
  held.commit.pending = true;
  left.commit.pending = true;
  const auto result = deliver(one, mailbox, held);
  REQUIRE(result);
  {
    const auto leaving = shared.join();
    REQUIRE(deliver(*leaving, mailbox, left));
    CHECK(state_of(*other, mailbox, left.id) == State::Pending);
  }
  // Nobody can settle it any more.
  gw::test::await("the message of the client that has gone",
                  [&] { return state_of(*other, mailbox, left.id) == State::Unconfirmed; });
  CHECK(state_of(*other, mailbox, held.id) == State::Pending);
  Transition settle;
  settle.mailbox = mailbox;
  settle.messages = {held.id};
  settle.from = State::Pending;
  settle.to = State::Live;
  settle.token = result->token;
  CHECK(one.transition(settle).value() == 1);
  CHECK(state_of(*other, mailbox, held.id) == State::Live);
}

}  // namespace gw::store::contract
