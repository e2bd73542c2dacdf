// Several threads change the same messages: every change happens once, in the order of the history.
#include <atomic>
#include <map>
#include <random>
#include <set>

#include "local_vault.h"
#include "store/merkle.h"
#include "store/rules.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

// Replays a mailbox's history: the state before each leaf must allow its change. Returns the final states.
std::map<MessageId, LocationInfo> play(Store& store, const MailboxId& mailbox) {
  std::map<MessageId, LocationInfo> messages;
  CompactRange range;
  for (const Leaf& leaf : contract::history(store, mailbox)) {
    range.append(leaf_hash(encode(leaf)));
    if (leaf.message.zero()) continue;
    const auto found = messages.find(leaf.message);
    const std::optional<State> state = found == messages.end() ? std::nullopt : found->second.state;
    LocationInfo& now = messages[leaf.message];
    INFO("leaf " << leaf.index << " " << name(leaf.type) << " on " << (state ? name(*state) : "nothing"));
    switch (leaf.type) {
      case LeafType::Accepted:
        CHECK(found == messages.end());
        now.state = State::Live;
        break;
      case LeafType::Drained:
        CHECK(state == State::Live);
        now.state = State::Drained;
        break;
      case LeafType::Undeleted:
        CHECK(state == State::Drained);
        now.state = State::Live;
        break;
      case LeafType::Expired:
      case LeafType::Removed:
        CHECK(state == State::Drained);
        now = {std::nullopt, leaf.type};
        break;
      default:
        FAIL("a leaf that nobody asked for");
    }
  }
  CHECK(range.root() == store.history_head(mailbox).value().root);
  return messages;
}

TEST_CASE("sweeps, changes of state and reads of the same messages run at the same time") {
  LocalVault vault;
  vault.options.large_threshold = 5000;
  // The clock advances each time that it is read.
  std::atomic<Micros> wall = vault.clocks->wall;
  vault.options.clock = [&wall] { return wall += 20'000; };
  const auto store = vault.open();
  MailboxRecord record = new_mailbox("journal");
  record.grace = 1;
  const MailboxId mailbox = contract::put(*store, record).id;
  std::vector<Mail> mails;
  for (int i = 0; i < 150; ++i) {
    mails.push_back(new_mail(i % 10 == 0 ? 9000 : 500));
    REQUIRE(deliver(*store, mailbox, mails.back()));
  }

  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  const auto expect = [&](bool right) { wrong += right ? 0 : 1; };
  std::vector<std::thread> threads;
  const auto start = [&](unsigned seed, auto work) {
    threads.emplace_back([&stop, seed, work] {
      std::mt19937 random(seed);
      while (!stop) work(random);
    });
  };
  const auto some = [&](std::mt19937& random) {
    std::vector<MessageId> ids;
    for (int i = 0; i < 5; ++i) ids.push_back(mails[random() % mails.size()].id);
    return ids;
  };
  const auto expected = [](const auto& result, std::initializer_list<Code> codes) {
    return result || std::find(codes.begin(), codes.end(), result.error().code()) != codes.end();
  };
  for (const unsigned seed : {1U, 2U}) {
    start(seed, [&](std::mt19937& random) {
      expect(expected(contract::move(*store, mailbox, some(random), State::Live, State::Drained), {}));
    });
  }
  start(3, [&](std::mt19937& random) {
    expect(expected(contract::move(*store, mailbox, some(random), State::Drained, State::Live),
                    {Code::Conflict}));
  });
  start(4, [&](std::mt19937&) { expect(expected(store->sweep(3, true), {})); });
  start(5, [&](std::mt19937& random) {
    const Mail& mail = mails[random() % mails.size()];
    Bytes all(mail.container.size());
    const auto got = store->read(mailbox, mail.id, 0, all);
    expect(expected(got, {Code::NotFound}));
    if (got) expect(all == mail.container);
    expect(expected(store->find(mailbox, mail.id), {Code::NotFound}));
    expect(expected(store->envelope(mailbox, mail.id), {Code::NotFound}));
  });
  start(6, [&](std::mt19937&) {
    expect(expected(store->list(mailbox, 0, 1000), {}));
    expect(expected(store->stat(mailbox), {}));
    expect(expected(store->checkpoint("race"), {}));
  });
  // Until a third of the messages is gone.
  const auto left = [&] {
    const MailboxStat stat = store->stat(mailbox).value();
    return stat.live + stat.drained;
  };
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (left() > 100 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);

  std::map<MessageId, State> present;
  const std::vector<MessageRecord> listed = store->list(mailbox, 0, 1000).value();
  for (const MessageRecord& message : listed) present[message.id] = message.state;
  std::uint64_t live = 0;
  for (const auto& [id, where] : play(*store, mailbox)) {
    CHECK(where.state.has_value() == present.contains(id));
    if (where.state) CHECK(present[id] == *where.state);
    live += where.state == State::Live ? 1 : 0;
  }
  CHECK(store->stat(mailbox).value().live == live);
  contract::dump(*store);
}

TEST_CASE(
    "a client that lists pages while mail arrives skips none, and only one of several appends of an id "
    "succeeds") {
  LocalVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::vector<std::thread> writers;
  std::atomic<int> running = 4;
  std::atomic<int> twice = 0;
  const Mail shared = new_mail(10);
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      for (int n = 0; n < 100; ++n) {
        Mail mail = new_mail(100);
        mail.commit.pending = n % 5 == 0;
        const auto committed = deliver(*store, mailbox, mail);
        if (mail.commit.pending && committed)
          (void)contract::move(*store, mailbox, {mail.id}, State::Pending, State::Live);
        if (deliver(*store, mailbox, shared)) ++twice;
      }
      --running;
    });
  }
  std::set<MessageId> seen;
  std::uint64_t after = 0;
  const auto page = [&] {
    const std::vector<MessageRecord> records = store->list(mailbox, after, 7).value();
    for (const MessageRecord& record : records) {
      if (record.state == State::Live) seen.insert(record.id);
      after = record.seq;
    }
    return !records.empty();
  };
  while (running > 0) page();
  while (page()) {
  }
  for (std::thread& writer : writers) writer.join();
  CHECK(twice == 1);
  CHECK(seen.size() == 401);
}

TEST_CASE("a purge runs beside deliveries, drains, sweeps, snapshots and reads, and loses nothing") {
  LocalVault vault;
  vault.options.large_threshold = 5000;
  std::atomic<Micros> wall = vault.clocks->wall;
  vault.options.clock = [&wall] { return wall += 20'000; };
  auto store = vault.open();
  MailboxRecord record = new_mailbox("journal");
  record.grace = 1;
  const MailboxId mailbox = contract::put(*store, record).id;
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  const auto expect = [&](bool right) { wrong += right ? 0 : 1; };
  std::vector<std::thread> threads;
  const auto start = [&](auto work) {
    threads.emplace_back([&stop, work] {
      while (!stop) work();
    });
  };
  std::atomic<int> delivered = 0;
  start([&] {
    const Mail mail = contract::sealed_mail(delivered % 10 == 0 ? 9000 : 2000);
    expect(deliver(*store, mailbox, mail).has_value());
    const bool drained = ++delivered % 2 == 0;
    if (drained) expect(contract::move(*store, mailbox, {mail.id}, State::Live, State::Drained).has_value());
    Bytes all(mail.container.size());
    if (!drained) expect(store->read(mailbox, mail.id, 0, all).has_value() && all == mail.container);
  });
  start([&] { expect(store->sweep(3, true).has_value()); });
  start([&] { expect(store->removal_records(mailbox, {}, 20).has_value()); });
  start([&] {
    auto snapshot = store->snapshot();
    expect(snapshot || snapshot.error().code() == Code::Busy);
    if (!snapshot) return;
    for (;;) {
      const auto file = (*snapshot)->next();
      expect(file.has_value());
      if (!file || !*file) return;
    }
  });
  for (int done = 0; done < 4;) {
    const auto purge = store->purge(0);
    expect(purge.has_value());
    if (!purge) break;
    done += purge->done ? 1 : 0;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  while (store->sweep(10'000, true)->more) {
  }
  const std::string before = contract::dump(*store);
  CHECK(before.find("removal-record") != std::string::npos);
  store.reset();
  store = vault.open();
  CHECK(contract::dump(*store) == before);
}

}  // namespace
}  // namespace gw::store
