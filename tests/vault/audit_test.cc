#include "vault/audit.h"

#include "support/store_shell.h"
#include "vault/fixture.h"
#include "vault/maintenance_log.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

constexpr Micros kOneDay = Micros{86'400} * 1'000'000;

// A vault whose clock the test sets, with one mailbox.
struct Dated {
  Micros time = parse_time("2026-09-15").value();
  std::unique_ptr<store::Store> store;
  std::optional<CreatedMailbox> made;

  explicit Dated(bool with_key = true) {
    store::MemoryOptions options;
    options.vault = random_id<VaultId>();
    if (with_key) options.signer = *make_signer(generate_history_key());
    options.clock = [this] { return time; };
    store = store::make_memory_store(options);
    REQUIRE(write_settings(*store, cheap_settings(), "test"));
    NewMailbox wanted;
    wanted.name = "journal";
    auto added = add_mailbox(*store, wanted, generate_password(), "test");
    REQUIRE(added);
    made = std::move(*added);
  }
  MessageId accept(const std::string& actor = "smtp 192.0.2.1 abc") {
    auto delivery = Delivery::begin(*store, recipient_of(*store, made->record), some_envelope(), actor);
    REQUIRE(delivery);
    REQUIRE(delivery->write(Bytes(100, std::byte{'x'})));
    const auto stored = delivery->finish();
    REQUIRE(stored);
    return stored->id;
  }
  void move(const MessageId& id, store::State from, std::optional<store::State> to,
            const std::string& actor) {
    REQUIRE(store->transition({made->record.id, {id}, from, to, actor, nullptr, std::nullopt}));
  }
  AuditReport october(store::Store& from, std::string note = {}) {
    AuditOptions options;
    options.note = std::move(note);
    auto report = audit(from, made->record, parse_period("2026-10").value(), options, "test");
    if (!report) FAIL(report.error().text());
    return std::move(*report);
  }
};

// Changes one byte of a leaf, or hides the end of a history.
class ForgedStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::optional<std::pair<MailboxId, std::uint64_t>> changed, cut;

  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    auto leaves = StoreShell::history_read(log, from, limit);
    if (!leaves) return leaves;
    if (cut && cut->first == log)
      leaves->resize(std::min<std::size_t>(leaves->size(), cut->second - std::min(from, cut->second)));
    if (changed && changed->first == log && changed->second >= from &&
        changed->second < from + leaves->size())
      (*leaves)[changed->second - from].back() ^= std::byte{1};  // the last letter of the actor
    return leaves;
  }
};

}  // namespace

TEST_CASE("a period is a month of the calendar in UTC") {
  const auto october = parse_period("2026-10");
  REQUIRE(october);
  CHECK(rfc3339(october->begin) == "2026-10-01T00:00:00Z");
  CHECK(rfc3339(october->end) == "2026-11-01T00:00:00Z");
  CHECK(rfc3339(parse_period("2024-12")->end) == "2025-01-01T00:00:00Z");
  for (const char* wrong :
       {"", "2026", "2026-13", "2026-00", "2026-1", "2026/10", "1969-12", "2026-10-01", "20x6-10"})
    CHECK_FALSE(parse_period(wrong));
}

TEST_CASE("an audit report counts what happened in its month, by day and by whom") {
  Dated vault;
  const MessageId early = vault.accept();
  vault.time = parse_time("2026-10-01").value();
  const MessageId first = vault.accept("smtp 192.0.2.1 t1");
  vault.time += kOneDay;
  const MessageId second = vault.accept("smtp 192.0.2.1 t2");
  vault.accept("smtp 192.0.2.2 t3");
  vault.move(early, store::State::Live, store::State::Drained, "pop3 198.51.100.1");
  vault.move(first, store::State::Live, std::nullopt, "gw-store");
  vault.move(second, store::State::Live, store::State::Quarantined, "gw-export to smtp://a.example: 550 no");
  REQUIRE(note_verify(*vault.store, {vault.time, 1, 3, 0}, "gw-store"));
  REQUIRE(vault.store->checkpoint("test"));
  vault.time = parse_time("2026-10-31T23:59:59Z").value();
  vault.accept("smtp 192.0.2.1 t4");
  vault.time = parse_time("2026-11-01").value();
  vault.accept();

  const AuditReport report = vault.october(*vault.store);
  CHECK(report.findings.empty());
  CHECK(report.before.accepted == 1);
  CHECK(report.before.remaining() == 1);
  CHECK(report.counts.accepted == 4);
  CHECK(report.counts.accepted_bytes == 400);
  CHECK(report.counts.drained == 1);
  CHECK(report.counts.removed == 1);
  CHECK(report.counts.quarantined == 1);
  CHECK(report.counts.remaining() == 3);
  CHECK(report.entries == 7);
  CHECK(report.covered == 7);
  REQUIRE(report.days.size() == 31);
  CHECK(report.days[0].accepted == 1);
  CHECK(report.days[1].accepted == 2);
  CHECK(report.days[1].drained == 1);
  CHECK(report.days[30].accepted == 1);
  // The store of this test puts nothing before the actor.
  REQUIRE(report.actors.size() == 5);
  CHECK(report.actors[0].who == "gw-export to smtp://a.example");
  CHECK(report.actors[1].who == "gw-store");
  CHECK(report.actors[2].who == "pop3 198.51.100.1");
  CHECK(report.actors[3].who == "smtp 192.0.2.1");
  CHECK(report.actors[3].counts.accepted == 3);
  CHECK(report.actors[4].who == "smtp 192.0.2.2");
  REQUIRE(report.verifications.events.size() == 1);
  CHECK(report.verifications.events[0].type == "verified");
  REQUIRE(report.checkpoints.events.size() == 1);

  // The evidence: the head that the note covers has the root of the history.
  REQUIRE(report.head);
  CHECK_FALSE(report.note.empty());
  const auto leaf = store::decode_leaf(report.head->leaf);
  REQUIRE(leaf);
  CHECK(leaf->container == report.root);
  CHECK(leaf->value == report.size);
}

TEST_CASE("an audit report covers exactly the leaves of its head") {
  Dated vault;
  vault.accept();
  const std::string note = vault.store->checkpoint("test").value();
  vault.time = parse_time("2026-10-05").value();
  vault.accept();
  std::size_t leaves = 0;
  AuditOptions options;
  options.note = note;
  options.each_leaf = [&](ByteView) -> Result<void> {
    ++leaves;
    return {};
  };
  const auto report =
      audit(*vault.store, vault.made->record, parse_period("2026-10").value(), options, "test");
  REQUIRE(report);
  CHECK(report->findings.empty());
  CHECK(leaves == report->size);
  // The checkpoint is older than the mail of October.
  CHECK(report->entries == 1);
  CHECK(report->covered == 0);
}

TEST_CASE("an audit report finds a history that is not the one of its checkpoint") {
  Dated vault;
  vault.accept();
  vault.time = parse_time("2026-10-05").value();
  vault.accept();
  const std::string note = vault.store->checkpoint("test").value();
  const MailboxId mailbox = vault.made->record.id;
  ForgedStore forged(*vault.store);
  CHECK(vault.october(forged, note).findings.empty());

  SECTION("an entry of the mailbox was changed") {
    forged.changed = std::pair(mailbox, 1);
  }
  SECTION("an entry of the vault was changed") {
    forged.changed = std::pair(MailboxId{}, 1);
  }
  SECTION("the end of the mailbox's history is missing") {
    forged.cut = std::pair(mailbox, 2);
  }
  SECTION("the end of the vault's history is missing") {
    forged.cut = std::pair(MailboxId{}, 2);
  }
  CHECK_FALSE(vault.october(forged, note).findings.empty());
}

TEST_CASE("an audit report without a history key has numbers and no checkpoint") {
  Dated vault(false);
  vault.time = parse_time("2026-10-05").value();
  vault.accept();
  const AuditReport report = vault.october(*vault.store);
  CHECK(report.note.empty());
  CHECK(report.findings.empty());
  CHECK(report.counts.accepted == 1);
}

TEST_CASE("an audit report refuses the checkpoint of another vault") {
  Dated vault;
  Dated other;
  AuditOptions options;
  options.note = other.store->checkpoint("test").value();
  const auto report =
      audit(*vault.store, vault.made->record, parse_period("2026-10").value(), options, "test");
  REQUIRE_FALSE(report);
  CHECK(report.error().code() == Code::BadInput);
}

TEST_CASE("an audit report lists a bounded number of actors") {
  Dated vault;
  vault.time = parse_time("2026-10-05").value();
  for (std::size_t i = 0; i < kMaxAuditActors + 10; ++i) vault.accept("client-" + std::to_string(i));
  const AuditReport report = vault.october(*vault.store);
  REQUIRE(report.actors.size() <= kMaxAuditActors + 1);
  CHECK(report.actors.back().who == "others");
  CHECK(report.actors.back().counts.accepted == 10);
  CHECK(report.counts.accepted == kMaxAuditActors + 10);
}
