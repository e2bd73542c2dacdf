#include "vault/verify.h"

#include "store/merkle.h"
#include "support/store_shell.h"
#include "vault/fixture.h"
#include "vault/proof.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

// Lies about one thing or another.
class LyingStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::optional<MessageId> flipped;   // a byte of its container
  std::optional<MessageId> unsealed;  // a byte of its envelope
  std::optional<MessageId> hidden;    // it is not here
  std::optional<store::MailboxRecord> hidden_mailbox;
  std::function<void(store::MessageRecord&)> change_record;
  std::function<void(MailboxId, std::uint64_t, Bytes&)> change_leaf;
  std::function<void(MailboxId, store::LogHead&)> change_head;
  std::optional<std::pair<MailboxId, std::uint64_t>> cut_history;  // this history has only so many leaves
  std::function<void()> before_list;
  std::function<void(store::RemovalRecord&)> change_removal_record;
  std::optional<Bytes> mailbox_value;

  Result<std::vector<store::MailboxRecord>> mailboxes() override {
    Result<std::vector<store::MailboxRecord>> all = StoreShell::mailboxes();
    if (all && hidden_mailbox) std::erase_if(*all, [&](const auto& m) { return m.id == hidden_mailbox->id; });
    return all;
  }
  Result<store::MailboxRecord> mailbox(const MailboxId& id) override {
    if (hidden_mailbox && hidden_mailbox->id == id) return Error(Code::NotFound, "no such mailbox");
    return StoreShell::mailbox(id);
  }
  Result<store::Record> get(const store::RecordKey& key) override {
    Result<store::Record> got = StoreShell::get(key);
    if (got && mailbox_value && key.kind == store::Kind::Mailbox) got->value = *mailbox_value;
    return got;
  }
  Result<std::vector<store::MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                 std::size_t limit) override {
    if (before_list) before_list();
    Result<std::vector<store::MessageRecord>> page = StoreShell::list(mailbox, after, limit);
    if (!page) return page;
    if (hidden) std::erase_if(*page, [&](const store::MessageRecord& r) { return r.id == *hidden; });
    if (change_record) std::for_each(page->begin(), page->end(), change_record);
    return page;
  }
  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    if (hidden == message) return Error(Code::NotFound, "no such message");
    Result<store::MessageRecord> record = StoreShell::find(mailbox, message);
    if (record && change_record) change_record(*record);
    return record;
  }
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    Result<Bytes> sealed = StoreShell::envelope(mailbox, message);
    if (sealed && unsealed == message) sealed->back() ^= std::byte{1};
    return sealed;
  }
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    Result<std::size_t> got = StoreShell::read(mailbox, message, offset, to);
    if (got && *got > 0 && flipped == message) to[*got / 2] ^= std::byte{1};
    return got;
  }
  Result<std::vector<store::RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                            std::size_t limit) override {
    Result<std::vector<store::RemovalRecord>> page = StoreShell::removal_records(mailbox, from, limit);
    if (page && change_removal_record) std::for_each(page->begin(), page->end(), change_removal_record);
    return page;
  }
  Result<store::LogHead> history_head(const MailboxId& log) override {
    Result<store::LogHead> head = StoreShell::history_head(log);
    if (head && change_head) change_head(log, *head);
    return head;
  }
  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    Result<std::vector<Bytes>> leaves = StoreShell::history_read(log, from, limit);
    if (leaves && cut_history && cut_history->first == log && from + leaves->size() > cut_history->second)
      leaves->resize(cut_history->second - std::min(from, cut_history->second));
    if (leaves && change_leaf)
      for (std::size_t i = 0; i < leaves->size(); ++i) change_leaf(log, from + i, (*leaves)[i]);
    return leaves;
  }
};

struct Filled {
  Vault vault;
  CreatedMailbox made = vault.mailbox();
  std::vector<MessageId> ids;

  Filled() {
    for (std::size_t size : {0u, 100u, 70'000u, 200'000u}) {
      const Result<Stored> stored = deliver(*vault.store, made.record, Bytes(size, std::byte{'x'}));
      REQUIRE(stored);
      ids.push_back(stored->id);
    }
  }
  void move(std::size_t index, store::State from, std::optional<store::State> to) {
    store::Transition transition;
    transition.mailbox = made.record.id;
    transition.messages = {ids[index]};
    transition.from = from;
    transition.to = to;
    transition.actor = "test";
    const Result<std::size_t> moved = vault.store->transition(transition);
    if (!moved) FAIL(moved.error().text());
  }
};

VerifyReport verified(store::Store& store) {
  const Result<VerifyReport> report = verify(store);
  if (!report) FAIL(report.error().text());
  return *report;
}

bool names(const VerifyReport& report, const MessageId& message) {
  return std::any_of(report.findings.begin(), report.findings.end(),
                     [&](const Finding& finding) { return finding.message == message; });
}

std::string all(const VerifyReport& report) {
  std::string text;
  for (const Finding& finding : report.findings)
    text += finding.mailbox.hex() + " " + (finding.message ? finding.message->hex() : "-") + ": " +
            finding.what + "\n";
  return text;
}

}  // namespace

TEST_CASE("an undamaged vault has no findings after any kind of change") {
  Filled filled;
  filled.move(0, store::State::Live, store::State::Drained);
  filled.move(0, store::State::Drained, store::State::Live);
  filled.move(1, store::State::Live, store::State::Quarantined);
  filled.move(2, store::State::Live, store::State::Drained);
  filled.move(3, store::State::Live, std::nullopt);
  REQUIRE(filled.vault.store->checkpoint("test"));
  (void)filled.vault.mailbox("second");
  REQUIRE(deliver(*filled.vault.store, filled.made.record, as_bytes("more")));
  REQUIRE(filled.vault.store->checkpoint("test"));
  Result<seal::KeyRing> ring = unlock(*filled.vault.store, filled.made.record, filled.made.password);
  REQUIRE(ring);
  REQUIRE(rotate(*filled.vault.store, filled.made.record, std::move(*ring), filled.made.password, "test"));

  std::uint64_t last = 0;
  const Result<VerifyReport> report = verify(*filled.vault.store, [&](std::uint64_t done) { last = done; });
  REQUIRE(report);
  INFO(all(*report));
  CHECK(report->findings.empty());
  CHECK(report->mailboxes == 2);
  CHECK(report->messages == 4);
  CHECK(report->leaves > 10);
  CHECK(report->gaps == 0);
  CHECK(last == 4);
}

TEST_CASE("a pending message that is settled, discarded or left is accounted for") {
  Filled filled;
  store::Store& store = *filled.vault.store;
  for (std::optional<store::State> to :
       {std::optional(store::State::Live), std::optional<store::State>(),
        std::optional(store::State::Unconfirmed), std::optional(store::State::Pending)}) {
    Result<Delivery> delivery =
        Delivery::begin(store, recipient_of(store, filled.made.record), some_envelope(), "test");
    REQUIRE(delivery);
    REQUIRE(delivery->write(as_bytes("copy")));
    const Result<Stored> stored = delivery->finish(true);
    REQUIRE(stored);
    if (to == store::State::Pending) continue;
    filled.ids.push_back(stored->id);
    filled.move(filled.ids.size() - 1, store::State::Pending, to);
  }
  const VerifyReport report = verified(store);
  INFO(all(report));
  CHECK(report.findings.empty());
}

TEST_CASE("a flipped byte of a container or an envelope is found, and only there") {
  Filled filled;
  for (const MessageId& id : filled.ids) {
    LyingStore store(*filled.vault.store);
    store.flipped = id;
    const VerifyReport report = verified(store);
    CHECK(report.findings.size() == 1);
    CHECK(names(report, id));
    LyingStore other(*filled.vault.store);
    other.unsealed = id;
    const VerifyReport envelopes = verified(other);
    CHECK(envelopes.findings.size() == 1);
    CHECK(names(envelopes, id));
  }
}

TEST_CASE("an accepted message that is missing is found") {
  Filled filled;
  LyingStore store(*filled.vault.store);
  store.hidden = filled.ids[1];
  const VerifyReport report = verified(store);
  REQUIRE(report.findings.size() == 1);
  CHECK(names(report, filled.ids[1]));
}

TEST_CASE("a record that contradicts the history is found") {
  Filled filled;
  const std::vector<std::function<void(store::MessageRecord&)>> changes = {
      [](store::MessageRecord& r) { r.state = store::State::Drained; },
      [](store::MessageRecord& r) { r.seq += 100; },
      [](store::MessageRecord& r) { ++r.size; },
      [](store::MessageRecord& r) { ++r.container_size; },
      [](store::MessageRecord& r) { r.container[0] ^= std::byte{1}; },
      [](store::MessageRecord& r) { r.envelope[0] ^= std::byte{1}; },
      [](store::MessageRecord& r) { r.commitment[0] ^= std::byte{1}; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    INFO(i);
    LyingStore store(*filled.vault.store);
    store.change_record = [&](store::MessageRecord& record) {
      if (record.id == filled.ids[1]) changes[i](record);
    };
    const VerifyReport report = verified(store);
    CHECK(report.findings.size() == 1);
    CHECK(names(report, filled.ids[1]));
  }
}

TEST_CASE("an altered leaf is found, whichever byte was altered") {
  Filled filled;
  const MailboxId mailbox = filled.made.record.id;
  const Result<std::vector<Bytes>> leaves = filled.vault.store->history_read(mailbox, 2, 1);
  REQUIRE(leaves);
  for (std::size_t at = 0; at < leaves->front().size(); at += 5) {
    INFO(at);
    LyingStore store(*filled.vault.store);
    store.change_leaf = [&](MailboxId log, std::uint64_t index, Bytes& leaf) {
      if (log == mailbox && index == 2) leaf[at] ^= std::byte{1};
    };
    CHECK_FALSE(verified(store).findings.empty());
  }
  LyingStore store(*filled.vault.store);
  store.change_leaf = [&](MailboxId log, std::uint64_t index, Bytes& leaf) {
    if (log.zero() && index == 1) leaf.back() ^= std::byte{1};
  };
  const VerifyReport report = verified(store);
  REQUIRE_FALSE(report.findings.empty());
  CHECK(report.findings.front().mailbox.zero());
}

TEST_CASE("a wrong head of the vault or of a mailbox is found") {
  Filled filled;
  for (const MailboxId& log : {MailboxId{}, filled.made.record.id}) {
    for (int what = 0; what < 3; ++what) {
      INFO(what);
      LyingStore store(*filled.vault.store);
      store.change_head = [&](MailboxId asked, store::LogHead& head) {
        if (asked != log) return;
        if (what == 0) head.root[5] ^= std::byte{1};
        if (what == 1) ++head.size;
        if (what == 2) --head.size;
      };
      CHECK_FALSE(verified(store).findings.empty());
    }
  }
}

TEST_CASE("a mailbox's history that was rewritten after a checkpoint is found") {
  Filled filled;
  REQUIRE(filled.vault.store->checkpoint("test"));
  // Every leaf's actor is another one, and the head fits: only the vault's history remembers the old root.
  LyingStore store(*filled.vault.store);
  const MailboxId mailbox = filled.made.record.id;
  store.change_leaf = [&](MailboxId log, std::uint64_t, Bytes& leaf) {
    if (log == mailbox) leaf.back() ^= std::byte{1};
  };
  store.change_head = [&](MailboxId log, store::LogHead& head) {
    if (log != mailbox) return;
    const Result<std::vector<Bytes>> leaves = store.history_read(mailbox, 0, 1000);
    REQUIRE(leaves);
    store::CompactRange range;
    for (const Bytes& leaf : *leaves) range.append(store::leaf_hash(leaf));
    head.root = range.root();
  };
  const VerifyReport report = verified(store);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].mailbox == mailbox);
}

TEST_CASE("a mailbox's history that was cut before a checkpoint is found, even if its head agrees") {
  Filled filled;
  const MailboxId mailbox = filled.made.record.id;
  const Result<std::string> note = filled.vault.store->checkpoint("test");
  REQUIRE(note);
  const Result<Checkpoint> kept =
      open_checkpoint(*note, verifier_key(filled.vault.history_key, filled.vault.id));
  REQUIRE(kept);
  // The last message is gone, with its leaf, and the head is that of the leaves before.
  LyingStore store(*filled.vault.store);
  store.hidden = filled.ids.back();
  const std::uint64_t cut = filled.vault.store->history_head(mailbox)->size - 1;
  store.cut_history = {mailbox, cut};
  store.change_head = [&](MailboxId log, store::LogHead& head) {
    if (log != mailbox) return;
    const Result<std::vector<Bytes>> leaves = filled.vault.store->history_read(mailbox, 0, cut);
    REQUIRE(leaves);
    store::CompactRange range;
    for (const Bytes& leaf : *leaves) range.append(store::leaf_hash(leaf));
    head.size = cut;
    head.root = range.root();
  };
  for (const Checkpoint* against : {static_cast<const Checkpoint*>(nullptr), &*kept}) {
    const Result<VerifyReport> report = verify(store, {}, against);
    REQUIRE(report);
    INFO(all(*report));
    REQUIRE(report->findings.size() == 1);
    CHECK(report->findings[0].mailbox == mailbox);
    CHECK(report->findings[0].what.find("an older state was restored") != std::string::npos);
  }
}

TEST_CASE("a missing mailbox and a planted record are found") {
  Filled filled;
  LyingStore store(*filled.vault.store);
  store.hidden_mailbox = filled.made.record;
  const VerifyReport report = verified(store);
  REQUIRE(report.findings.size() == 1);
  CHECK(report.findings[0].mailbox == filled.made.record.id);

  LyingStore forged(*filled.vault.store);
  store::MailboxRecord record = filled.made.record;
  record.generations.back().public_key = seal::public_key(seal::generate_key());
  forged.mailbox_value = encode(record);
  const VerifyReport found = verified(forged);
  REQUIRE(found.findings.size() == 1);
  CHECK(found.findings[0].mailbox == filled.made.record.id);
}

TEST_CASE("mail that arrives, changes or is removed during the check is not a finding") {
  Filled filled;
  LyingStore store(*filled.vault.store);
  int calls = 0;
  store.before_list = [&] {
    if (++calls == 1) {
      REQUIRE(deliver(*filled.vault.store, filled.made.record, as_bytes("late")));
      filled.move(0, store::State::Live, store::State::Drained);
      filled.move(1, store::State::Live, std::nullopt);
    }
    if (calls == 2) {
      filled.move(2, store::State::Live, std::nullopt);
      filled.move(0, store::State::Drained, store::State::Live);
    }
  };
  const VerifyReport report = verified(store);
  INFO(all(report));
  CHECK(report.findings.empty());
  CHECK(calls >= 2);
}

TEST_CASE("a deep check opens every message") {
  Filled filled;
  const Result<seal::KeyRing> ring = unlock(*filled.vault.store, filled.made.record, filled.made.password);
  REQUIRE(ring);
  const Result<VerifyReport> sound = verify_deep(*filled.vault.store, filled.made.record, *ring);
  REQUIRE(sound);
  INFO(all(*sound));
  CHECK(sound->findings.empty());
  CHECK(sound->messages == 4);

  // A container that was sealed again, with a record and history that fit: only the envelope shows it.
  seal::KeyRing other;
  other.keys.push_back(seal::ring_key(1, seal::generate_key()));
  const Result<VerifyReport> foreign = verify_deep(*filled.vault.store, filled.made.record, other);
  REQUIRE(foreign);
  CHECK(foreign->findings.size() == 4);
}

TEST_CASE("if the store is unavailable, the check fails and has no findings") {
  Filled filled;
  class Away : public gw::test::StoreShell {
   public:
    using StoreShell::StoreShell;
    Result<std::size_t> read(const MailboxId&, const MessageId&, std::uint64_t,
                             std::span<std::byte>) override {
      return Error(Code::Unavailable, "away");
    }
  };
  Away store(*filled.vault.store);
  const Result<VerifyReport> report = verify(store);
  REQUIRE_FALSE(report);
  CHECK(report.error().code() == Code::Unavailable);
}

TEST_CASE("a checkpoint kept elsewhere shows that a vault was rolled back or rewritten") {
  Filled filled;
  const auto checkpoint = [](Vault& vault) {
    const Result<std::string> note = vault.store->checkpoint("test");
    REQUIRE(note);
    const Result<Checkpoint> opened = open_checkpoint(*note, verifier_key(vault.history_key, vault.id));
    REQUIRE(opened);
    return *opened;
  };
  const Checkpoint early = checkpoint(filled.vault);
  REQUIRE(deliver(*filled.vault.store, filled.made.record, as_bytes("more")));
  const Checkpoint late = checkpoint(filled.vault);
  for (const Checkpoint* kept : {&early, &late}) {
    const Result<VerifyReport> report = verify(*filled.vault.store, {}, kept);
    REQUIRE(report);
    INFO(all(*report));
    CHECK(report->findings.empty());
  }
  Checkpoint ahead = late;
  ++ahead.head.size;
  Checkpoint other = early;
  other.head.root[0] ^= std::byte{1};
  for (const Checkpoint* wrong : {&ahead, &other}) {
    const Result<VerifyReport> report = verify(*filled.vault.store, {}, wrong);
    REQUIRE(report);
    REQUIRE(report->findings.size() == 1);
    CHECK(report->findings[0].mailbox.zero());
  }
  Checkpoint foreign = early;
  foreign.vault = random_id<VaultId>();
  const Result<VerifyReport> refused = verify(*filled.vault.store, {}, &foreign);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::BadInput);
}

TEST_CASE("removal records are checked against the history, and opened in a deep check") {
  Vault vault;
  NewMailbox wanted;
  wanted.grace = 0;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  std::vector<MessageId> ids;
  for (const std::size_t size : {0u, 100u, 70'000u}) {
    const Result<Stored> stored = deliver(*vault.store, made.record, Bytes(size, std::byte{'x'}));
    REQUIRE(stored);
    ids.push_back(stored->id);
  }
  std::ranges::sort(ids);  // made within one millisecond, they may be in any order
  store::Transition drain;
  drain.mailbox = made.record.id;
  drain.messages = {ids[0], ids[1]};
  drain.from = store::State::Live;
  drain.to = store::State::Drained;
  REQUIRE(vault.store->transition(drain));
  const Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const auto deep = [&](store::Store& store) {
    const Result<VerifyReport> report = verify_deep(store, made.record, *ring, {});
    if (!report) FAIL(report.error().text());
    return *report;
  };
  const VerifyReport sound = verified(*vault.store);
  INFO(all(sound));
  CHECK(sound.findings.empty());
  CHECK(sound.receipts == 2);
  CHECK(deep(*vault.store).findings.empty());

  LyingStore lying(*vault.store);
  const auto finds = [&](const std::function<void(store::RemovalRecord&)>& lie, std::string_view what,
                         bool shallow) {
    lying.change_removal_record = lie;
    const VerifyReport report = shallow ? verified(lying) : deep(lying);
    REQUIRE(report.findings.size() == 1);
    INFO(report.findings[0].what);
    CHECK(report.findings[0].message.has_value());
    CHECK(report.findings[0].what.find(what) != std::string::npos);
  };
  const auto first = [&](const std::function<void(store::RemovalRecord&)>& lie) {
    return [&ids, lie](store::RemovalRecord& swept) {
      if (swept.record.id == ids[0]) lie(swept);
    };
  };
  finds(first([](store::RemovalRecord& swept) { swept.envelope.back() ^= std::byte{1}; }),
        "differs from what was accepted", true);
  finds(first([](store::RemovalRecord& swept) { swept.record.container[0] ^= std::byte{1}; }),
        "differs from what was accepted", true);
  finds(first([](store::RemovalRecord& swept) { swept.record.seq = 0; }), "does not record its acceptance",
        true);
  finds(first([](store::RemovalRecord& swept) { swept.record.seq = 1'000'000; }),
        "does not record its acceptance", true);
  finds(
      [&](store::RemovalRecord& swept) {
        if (swept.record.id == ids[1]) swept.record.id = ids[2];
      },
      "does not record its removal", true);
  lying.change_removal_record = first([](store::RemovalRecord& swept) { swept.header[60] ^= std::byte{1}; });
  CHECK(verified(lying).findings.empty());
  finds(lying.change_removal_record, "removal record", false);
}

TEST_CASE("a removed mail is proved by its removal record and its earlier proof") {
  Vault vault;
  NewMailbox wanted;
  wanted.grace = 0;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  const Result<Stored> stored = deliver(*vault.store, made.record, as_bytes("some mail"));
  REQUIRE(stored);
  const Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const Result<Content> before = content_of(*vault.store, *ring, made.record.id, stored->id);
  REQUIRE(before);
  CHECK(before->sha256 == sha256(as_bytes("some mail")));
  store::Transition drain;
  drain.mailbox = made.record.id;
  drain.messages = {stored->id};
  drain.from = store::State::Live;
  drain.to = store::State::Drained;
  REQUIRE(vault.store->transition(drain));
  const Result<Content> after = content_of(*vault.store, *ring, made.record.id, stored->id);
  REQUIRE(after);
  CHECK(after->sha256 == before->sha256);
  CHECK(after->commitment_key == before->commitment_key);
  store::MailboxRecord record = *vault.store->mailbox(made.record.id);
  record.receipts = 0;
  REQUIRE(vault.store->put_mailbox(record, {}, {store::LeafType::Setting, "test", 0}));
  REQUIRE(vault.store->sweep(10, true));
  CHECK(content_of(*vault.store, *ring, made.record.id, stored->id).error().code() == Code::NotFound);
}
