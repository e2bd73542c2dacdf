#include "vault/totals.h"

#include "base/text.h"
#include "support/store_shell.h"
#include "vault/diagnosis.h"
#include "vault/fixture.h"
#include "vault/mailbox_settings.h"
#include "vault/message_change.h"
#include "vault/setup_guide.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

const Diagnosis* finding(const std::vector<Diagnosis>& findings, Cause cause) {
  const auto found = std::ranges::find(findings, cause, &Diagnosis::cause);
  return found == findings.end() ? nullptr : &*found;
}

store::State state_of(Vault& vault, const MailboxId& mailbox, const MessageId& id) {
  const auto record = vault.store->find(mailbox, id);
  REQUIRE(record);
  return record->state;
}

}  // namespace

TEST_CASE("totals have a row for each mailbox by name, and their sums") {
  Vault vault;
  const CreatedMailbox second = vault.mailbox("second");
  const CreatedMailbox first = vault.mailbox("first");
  REQUIRE(deliver(*vault.store, first.record, as_bytes("12345")));
  REQUIRE(deliver(*vault.store, second.record, as_bytes("1234567")));
  const auto rows = mailbox_rows(*vault.store);
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK(rows->front().record.name == "first");
  CHECK(rows->front().stat.live_bytes == 5);
  const Totals total = totals_of(*rows);
  CHECK(total.live == 2);
  CHECK(total.live_bytes == 12);
  CHECK(total.accepted == 2);
  CHECK(total.oldest == std::min(rows->front().stat.oldest, rows->back().stat.oldest));
  CHECK(total.last_drain == 0);
}

TEST_CASE("findings have causes and facts beside their text") {
  Vault vault;
  NewMailbox wanted;
  wanted.quota = 10;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  const auto stored = deliver(*vault.store, made.record, as_bytes("1234567890"));
  REQUIRE(stored);
  MailboxSettings suspend;
  suspend.status = store::Status::Suspended;
  REQUIRE(change_mailbox(*vault.store, made.record, suspend, "test"));
  DiagnosisLimits limits;
  limits.unfetched = std::chrono::seconds(-1);
  std::vector<Diagnosis> findings;
  REQUIRE(examine_vault(*vault.store, "/", limits, findings));
  const Diagnosis* quota = finding(findings, Cause::Quota);
  REQUIRE(quota != nullptr);
  CHECK(quota->about == "journal");
  CHECK(quota->facts.size == 10);
  CHECK(quota->facts.limit == 10);
  const Diagnosis* unfetched = finding(findings, Cause::NeverDrained);
  REQUIRE(unfetched != nullptr);
  CHECK(unfetched->facts.count == 1);
  CHECK(finding(findings, Cause::Suspended) != nullptr);
  CHECK(finding(findings, Cause::WeakPasswords) != nullptr);
  CHECK(finding(findings, Cause::Silence) == nullptr);
  CHECK(name(quota->level) == "warning");
}

TEST_CASE("what a store says is wrong with it is among the findings") {
  struct Troubled : gw::test::StoreShell {
    using StoreShell::StoreShell;
    Result<store::Health> health() override {
      Result<store::Health> health = inner_.health();
      health->troubles = troubles;
      health->reason = "no quorum";
      health->free_bytes = 4711;
      return health;
    }
    std::vector<store::Trouble> troubles;
  };
  Vault vault;
  Troubled store(*vault.store);
  const auto examine = [&] {
    std::vector<Diagnosis> findings;
    REQUIRE(examine_vault(store, "/srv/vault", {}, findings));
    return findings;
  };
  std::vector<Diagnosis> findings = examine();
  REQUIRE(findings.size() > 2);
  CHECK((findings[0].check == "vault" && findings[0].level == Level::Good));
  CHECK((findings[1].check == "disk" && findings[1].level == Level::Good));
  CHECK(findings[1].facts.size == 4711);

  using Kind = store::Trouble::Kind;
  store.troubles = {{Kind::Other, true, "cluster", "two of three are down", "start them"},
                    {Kind::LittleRoom, false, "disk", "4.6 KiB free", "add a disk"},
                    {Kind::ReadOnly, true, "vault", "read-only: no quorum", "start a monitor"}};
  findings = examine();
  REQUIRE(findings.size() > 3);
  CHECK((findings[0].cause == Cause::ReadOnly && findings[0].level == Level::Trouble));
  CHECK(findings[0].facts.detail == "no quorum");
  CHECK((findings[1].cause == Cause::LittleRoom && findings[1].level == Level::Warning));
  CHECK((findings[1].hint == "add a disk" && findings[1].facts.size == 4711));
  CHECK((findings[2].check == "cluster" && findings[2].level == Level::Trouble));
  CHECK((findings[2].text == "two of three are down" && findings[2].about == "/srv/vault"));
}

TEST_CASE("messages are quarantined, restored and removed, and each failure is named") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const MailboxId mailbox = made.record.id;
  const auto one = deliver(*vault.store, made.record, as_bytes("one"));
  const auto two = deliver(*vault.store, made.record, as_bytes("two"));
  REQUIRE((one && two));
  const std::vector<MessageId> both{one->id, two->id};
  const auto change = [&](MessageChange what, const std::vector<MessageId>& ids, bool dry_run = false) {
    auto changed = change_messages(*vault.store, mailbox, what, ids, "console ann", dry_run);
    REQUIRE(changed);
    return std::move(*changed);
  };
  CHECK(change(MessageChange::Quarantine, both, true).done.size() == 2);
  CHECK(state_of(vault, mailbox, one->id) == store::State::Live);
  CHECK(change(MessageChange::Quarantine, both).done.size() == 2);
  CHECK(state_of(vault, mailbox, one->id) == store::State::Quarantined);
  CHECK(change(MessageChange::Quarantine, both).done.size() == 2);
  CHECK(change(MessageChange::Restore, {one->id}).done.size() == 1);
  CHECK(state_of(vault, mailbox, one->id) == store::State::Live);
  const ChangedMessages removed = change(MessageChange::Remove, {two->id, new_message_id(gw::now())});
  CHECK(removed.done == std::vector<MessageId>{two->id});
  REQUIRE(removed.failed.size() == 1);
  CHECK(removed.failed.front().error.code() == Code::NotFound);
  CHECK_FALSE(possible(MessageChange::Remove, store::State::Pending));
  CHECK_FALSE(possible(MessageChange::Restore, store::State::Live));
}

TEST_CASE("every recipe is filled in, and has lines for a CA only if there is one") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const auto settings = read_settings(*vault.store);
  REQUIRE(settings);
  for (const RecipeEnd end : {RecipeEnd::Drain, RecipeEnd::Sender}) {
    for (const std::string_view program : recipe_programs(end)) {
      for (const std::string_view language : recipe_languages()) {
        for (const std::string& ca : {std::string(), std::string("/etc/ca.pem")}) {
          const auto text =
              recipe(end, program, made.record, *settings, {"gw.example", "4711", ca}, language);
          REQUIRE(text);
          INFO(*text);
          for (const char* left : {"{host}", "{port}", "{user}", "{address}", "{domain}", "{name}", "{span}",
                                   "{?", "{:", "{ca}"})
            CHECK(text->find(left) == std::string::npos);
          CHECK(text->find(made.password.text()) == std::string::npos);
          if (ca.empty()) CHECK(text->find("ca.pem") == std::string::npos);
        }
      }
    }
  }
  const auto fetchmail =
      recipe(RecipeEnd::Drain, "fetchmail", made.record, *settings, {"gw.example", "4711", "/etc/ca.pem"});
  CHECK(fetchmail->find("sslcertfile \"/etc/ca.pem\"") != std::string::npos);
  CHECK(fetchmail->find(made.record.local_part()) != std::string::npos);
  CHECK_FALSE(recipe(RecipeEnd::Drain, "microsoft365", made.record, *settings, {}));
}

TEST_CASE("recipes explain themselves in each language, with the same commands and settings in all") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const auto settings = read_settings(*vault.store);
  REQUIRE(settings);
  store::MailboxRecord mailbox = made.record;
  mailbox.grace = 30 * 86'400;
  const auto in = [&](RecipeEnd end, std::string_view program, std::string_view language) {
    return recipe(end, program, mailbox, *settings, {"gw.example", "4711", ""}, language).value();
  };
  // Lines that are neither comments nor prose: indented lines of shells, and all of a configuration.
  const auto commands = [](const std::string& text, bool prose) {
    std::string kept;
    for (const std::string_view line : split(text, '\n'))
      if (prose ? line.starts_with("  gw-store") || line.starts_with("    --allow")
                : !line.starts_with("#") || line.starts_with("#!"))
        kept += std::string(line) + "\n";
    return kept;
  };
  for (const RecipeEnd end : {RecipeEnd::Drain, RecipeEnd::Sender}) {
    for (const std::string_view program : recipe_programs(end)) {
      const bool prose =
          program == "mailstore" || program == "microsoft365" || program == "google" || program == "exchange";
      const std::string english = in(end, program, "en");
      CHECK(in(end, program, "fr") == english);
      for (const std::string_view language : {"it", "de"}) {
        INFO(program);
        CHECK(in(end, program, language) != english);
        CHECK(commands(in(end, program, language), prose) == commands(english, prose));
      }
    }
  }
  CHECK(in(RecipeEnd::Drain, "getmail", "en").find("brought back for 30 days.") != std::string::npos);
  CHECK(in(RecipeEnd::Drain, "getmail", "it").find("per 30 giorni.") != std::string::npos);
  CHECK(in(RecipeEnd::Drain, "getmail", "de").find("30 Tage lang") != std::string::npos);
  const auto after = [&](std::int64_t grace, std::string_view language) {
    store::MailboxRecord other = made.record;
    other.grace = grace;
    return recipe(RecipeEnd::Drain, "getmail", other, *settings, {"gw.example", "995", ""}, language).value();
  };
  CHECK(after(3600, "en").find("for 1 hour.") != std::string::npos);
  CHECK(after(3600, "it").find("per 1 ora.") != std::string::npos);
  CHECK(after(86'400, "de").find("1 Tag lang") != std::string::npos);
  CHECK(after(120, "de").find("2 Minuten lang") != std::string::npos);
  CHECK(after(3601, "it").find("per 3601 secondi.") != std::string::npos);
  store::MailboxRecord at_once = made.record;
  at_once.grace = 0;
  const auto none = recipe(RecipeEnd::Drain, "getmail", at_once, *settings, {"gw.example", "995", ""});
  CHECK(none->find("cannot be brought back.") != std::string::npos);
}
