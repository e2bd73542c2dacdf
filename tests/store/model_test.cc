// The store on disk and the one on RADOS against the plain model, given the same operations in any order, with closes and kills.
#include <random>

#include "local_vault.h"
#include "support/memory_store.h"
#include "support/rados_vault.h"

namespace gw::store {
namespace {

using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

template <class Vault>
class Pair {
 public:
  explicit Pair(unsigned seed) : random_(seed) {
    if constexpr (std::is_same_v<Vault, LocalVault>) vault_.options.large_threshold = 4000;
    MemoryOptions options;
    options.vault = vault_.id;
    options.recovery_recipient = to_bytes("age1test");
    options.signer = contract::plain_signer();
    options.clock = vault_.options.clock;
    options.boot_clock = vault_.options.boot_clock;
    model_ = make_memory_store(options);
    store_ = vault_.open();
    for (const char* name : {"a", "b", "c"}) {
      const MailboxRecord record = new_mailbox(name);
      both([&](Store& store) { return store.put_mailbox(record, {}, note_); });
      mailboxes_.push_back(record.id);
    }
  }

  void step() {
    vault_.clocks->wall +=
        static_cast<Micros>(below(3)) * static_cast<Micros>(below(30'000)) * contract::kSecond;
    switch (below(24)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return deliver(false);
      case 6:
      case 7:
        return deliver(true);
      case 8:
        return move(State::Pending, State::Live);
      case 9:
        return move(State::Pending, std::nullopt);
      case 10:
        return move(State::Pending, State::Unconfirmed);
      case 11:
      case 12:
        return move(State::Live, State::Drained);
      case 13:
        return move(State::Drained, State::Live);
      case 14:
        return move(State::Live, State::Quarantined);
      case 15:
        return move(State::Quarantined, State::Live);
      case 16:
        return move(pick<State>({State::Live, State::Drained, State::Quarantined, State::Unconfirmed}),
                    std::nullopt);
      case 17:
      case 18:
        return sweep();
      case 19:
        return rotate();
      case 20:
        return change_settings();
      case 21:
        return put_record();
      case 22:
        return note();
      default:
        if (below(3) == 0) return reopen();
        return below(3) == 0 ? purge() : void();
    }
  }

  void compare() {
    const std::string expected = contract::dump(*model_);
    const std::string found = contract::dump(*store_);
    if (expected == found) return;
    const auto [a, b] = std::mismatch(expected.begin(), expected.end(), found.begin(), found.end());
    FAIL("the dumps differ at: " << std::string(a, std::min(a + 200, expected.end()))
                                 << "\nagainst: " << std::string(b, std::min(b + 200, found.end())));
  }

  void purge() {
    Purge purge = store_->purge(0).value();
    while (!purge.done) purge = store_->purge(purge.number).value();
  }

  void reopen() {
    if (below(2) == 0) {
      vault_.kill(std::move(store_));
    } else {
      store_.reset();
    }
    store_ = vault_.open();
    // A start makes pending mail unconfirmed; the model has no start.
    std::vector<MailboxId> order = mailboxes_;
    std::sort(order.begin(), order.end());
    for (const MailboxId& mailbox : order) {
      Transition all;
      all.mailbox = mailbox;
      all.from = State::Pending;
      all.to = State::Unconfirmed;
      all.actor = "start";
      const std::vector<MessageRecord> records = model_->list(mailbox, 0, 10'000).value();
      for (const MessageRecord& record : records) {
        if (record.state == State::Pending) all.messages.push_back(record.id);
      }
      REQUIRE(model_->transition(all));
    }
  }

 private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  template <class T>
  T pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

  // The same on both, with the same outcome.
  template <class Operation>
  void both(const Operation& operation) {
    auto expected = operation(*model_);
    auto found = operation(*store_);
    INFO("model: " << (expected ? "ok" : expected.error().text()));
    INFO("store: " << (found ? "ok" : found.error().text()));
    REQUIRE(expected.has_value() == found.has_value());
    if (!expected) REQUIRE(expected.error().code() == found.error().code());
  }

  void deliver(bool pending) {
    static constexpr std::array kSizes{0, 1, 900, 3999, 4000, 4001, 20'000};
    const auto size = static_cast<std::size_t>(kSizes[below(kSizes.size())]);
    Mail mail = below(2) == 0 ? contract::sealed_mail(size) : new_mail(size);
    mail.commit.pending = pending;
    mail.commit.generation = static_cast<std::uint32_t>(1 + below(2));
    if (below(3) == 0) {
      mail.commit.fingerprints.emplace_back();
      mail.commit.fingerprints[0][0] = static_cast<std::byte>(below(20));
    }
    if (below(10) == 0 && !messages_.empty()) mail.id = pick(messages_).second;
    const MailboxId mailbox = pick(mailboxes_);
    // An id that is a file in another mailbox is the one thing that the model does not know.
    for (const auto& [where, id] : messages_) {
      if (id == mail.id && where != mailbox) return;
    }
    both([&](Store& store) { return contract::deliver(store, mailbox, mail); });
    messages_.emplace_back(mailbox, mail.id);
    for (int print = 0; print < 20; ++print) {
      Digest fingerprint{};
      fingerprint[0] = static_cast<std::byte>(print);
      REQUIRE(model_->seen(mailbox, fingerprint).value() == store_->seen(mailbox, fingerprint).value());
    }
  }

  void move(State from, std::optional<State> to) {
    const MailboxId mailbox = pick(mailboxes_);
    std::vector<MessageId> chosen;
    const std::vector<MessageRecord> records = model_->list(mailbox, 0, 10'000).value();
    const std::size_t most = 1 + below(8);
    for (const MessageRecord& record : records) {
      const bool fits = record.state == from || (from == State::Live && record.state == State::Unconfirmed);
      // Now and then one that does not fit, or fitted once.
      if (chosen.size() < most && below(2) == 0 && (fits || below(40) == 0)) chosen.push_back(record.id);
    }
    if (below(10) == 0 && !messages_.empty()) chosen.push_back(pick(messages_).second);
    both([&](Store& store) { return contract::move(store, mailbox, chosen, from, to); });
  }

  void sweep() {
    const std::size_t budget = 1 + below(10);
    const MailboxId only = below(4) == 0 ? pick(mailboxes_) : MailboxId{};
    const SweepReport expected = model_->sweep(budget, true, only).value();
    const SweepReport found = store_->sweep(budget, true, only).value();
    REQUIRE(expected.receipts == found.receipts);
    REQUIRE(expected.expired == found.expired);
    REQUIRE(expected.size == found.size);
    REQUIRE(expected.more == found.more);
  }

  void rotate() {
    MailboxRecord record = model_->mailbox(pick(mailboxes_)).value();
    if (record.generations.size() > 3) return;
    record.generations.push_back({record.newest().number + 1, {}, vault_.clocks->wall});
    const Slot slot{"password", to_bytes("slot " + std::to_string(below(1000)))};
    both([&](Store& store) {
      return store.put_mailbox(record, {slot}, {LeafType::Key, "rotate", record.newest().number});
    });
  }

  void change_settings() {
    MailboxRecord record = model_->mailbox(pick(mailboxes_)).value();
    record.grace = pick<std::int64_t>({0, 3600, 86'400});
    record.hold = below(4) == 0;
    record.receipts = pick<std::int64_t>({0, 3600, 3 * 86'400, kReceipts});
    record.quota = pick<std::uint64_t>({0, 0, 60'000});
    record.status = below(5) == 0 ? Status::Suspended : Status::Active;
    record.aliases = {std::string("alias") + std::to_string(below(3)) + "@example.com"};
    record.version -= below(10) == 0 ? 1 : 0;
    if (record.version == 0) return;
    both([&](Store& store) { return store.put_mailbox(record, {}, note_); });
  }

  void put_record() {
    const RecordKey key{Kind::Setting, below(2) == 0 ? MailboxId{} : pick(mailboxes_),
                        "k" + std::to_string(below(3))};
    const auto known = model_->get(key);
    const std::uint64_t version = known && below(5) != 0 ? known->version : 0;
    const Bytes value(below(100), std::byte{7});
    if (version != 0 && below(3) == 0) {
      both([&](Store& store) { return store.erase_if(key, version, note_); });
    } else {
      both([&](Store& store) { return store.put_if(key, version, value, note_); });
    }
  }

  void note() {
    if (below(2) == 0) {
      both([&](Store& store) { return store.checkpoint("cron"); });
      return;
    }
    Leaf leaf;
    leaf.type = LeafType::Exported;
    leaf.actor = "export";
    const MailboxId mailbox = pick(mailboxes_);
    if (!messages_.empty()) leaf.message = pick(messages_).second;
    both([&](Store& store) { return store.note(mailbox, leaf); });
  }

  std::mt19937 random_;
  Vault vault_;
  std::unique_ptr<Store> model_;
  std::unique_ptr<Store> store_;
  std::vector<MailboxId> mailboxes_;
  std::vector<std::pair<MailboxId, MessageId>> messages_;
  const Note note_{LeafType::Setting, "test", 0};
};

TEST_CASE("the store on disk does what the model does, whatever is asked and however often it is killed") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  Pair<LocalVault> pair(seed);
  for (int i = 0; i < 400; ++i) pair.step();
  pair.compare();
  pair.reopen();
  pair.compare();
}

TEST_CASE("the store on RADOS does what the model does, whatever is asked and however often it is killed") {
  const unsigned seed = GENERATE(1U, 2U, 3U, 4U);
  INFO("seed " << seed);
  Pair<RadosVault> pair(seed);
  for (int i = 0; i < 400; ++i) pair.step();
  pair.compare();
  pair.reopen();
  pair.compare();
}

}  // namespace
}  // namespace gw::store
