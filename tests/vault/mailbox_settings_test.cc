#include "vault/mailbox_settings.h"

#include <algorithm>

#include "support/faulty_store.h"
#include "vault/fixture.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

store::Leaf last_leaf(store::Store& store, const MailboxId& log) {
  const Result<store::LogHead> head = store.history_head(log);
  REQUIRE(head);
  const auto leaves = store.history_read(log, head->size - 1, 1);
  REQUIRE(leaves);
  return *store::decode_leaf(leaves->front());
}

}  // namespace

TEST_CASE("a change sets the fields that it names, and leaves the others") {
  Vault vault;
  NewMailbox wanted;
  wanted.description = "Journal";
  wanted.quota = 5;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  MailboxSettings settings;
  settings.aliases = {"Journal@Example.COM", "journal@example.com"};
  settings.grace = 0;
  settings.hold = true;
  const auto now = change_mailbox(*vault.store, made.record, settings, "console ann");
  REQUIRE(now);
  CHECK(now->aliases == std::vector<std::string>{"journal@example.com"});
  CHECK(now->grace == 0);
  CHECK(now->hold);
  CHECK(now->description == "Journal");
  CHECK(now->quota == 5);
  CHECK(now->version != made.record.version);
  CHECK(last_leaf(*vault.store, now->id).type == store::LeafType::Setting);
  CHECK(last_leaf(*vault.store, now->id).actor ==
        "console ann, mailbox journal: legal hold no -> yes, aliases +journal@example.com, grace 86400 s -> "
        "none");

  MailboxSettings status;
  status.status = store::Status::Suspended;
  const auto suspended = change_mailbox(*vault.store, *now, status, "test");
  REQUIRE(suspended);
  CHECK(last_leaf(*vault.store, now->id).type == store::LeafType::Status);

  SECTION("a change without a difference writes nothing") {
    const auto again = change_mailbox(*vault.store, *suspended, status, "test");
    REQUIRE(again);
    CHECK(again->version == suspended->version);
  }
  SECTION("a change of another client is not overwritten") {
    const auto stale = change_mailbox(*vault.store, made.record, settings, "test");
    REQUIRE_FALSE(stale);
    CHECK(stale.error().code() == Code::Conflict);
  }
  SECTION("a name that is taken is refused") {
    vault.mailbox("other");
    MailboxSettings rename;
    rename.name = "other";
    const auto taken = change_mailbox(*vault.store, *suspended, rename, "test");
    REQUIRE_FALSE(taken);
    CHECK(taken.error().code() == Code::Exists);
  }
}

TEST_CASE("aliases and domains are stored in the form in which addresses are compared") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox("journal");
  MailboxSettings settings;
  settings.aliases = {"J\xc3\x9cRGEN@M\xc3\xbcller.example", "\"ju\xcc\x88rgen\"@xn--mller-kva.example"};
  settings.domains = {"K\xc3\xb6ln.example", "xn--kln-sna.example"};
  const auto now = change_mailbox(*vault.store, made.record, settings, "test");
  REQUIRE(now);
  CHECK(now->aliases == std::vector<std::string>{"j\xc3\xbcrgen@xn--mller-kva.example"});
  CHECK(now->domains == std::vector<std::string>{"xn--kln-sna.example"});
}

TEST_CASE("the first invalid field is named with its value") {
  const auto wrong = [](auto change) {
    MailboxSettings settings;
    change(settings);
    const auto found = first_wrong(settings);
    REQUIRE(found);
    CHECK(refusal(*found).code() == Code::BadInput);
    return std::pair(found->field, found->value);
  };
  using Field = MailboxField;
  CHECK(wrong([](auto& s) { s.name = "Upper"; }) == std::pair(Field::Name, std::string("Upper")));
  CHECK(wrong([](auto& s) { s.name = "mbx-a"; }).first == Field::Name);
  CHECK(wrong([](auto& s) { s.description = "two\nlines"; }).first == Field::Description);
  CHECK(wrong([](auto& s) {
          s.aliases = {"a@b.example", "a+b@b.example"};
        }) == std::pair(Field::Alias, std::string("a+b@b.example")));
  CHECK(wrong([](auto& s) { s.aliases = std::vector<std::string>(1001, "a@b.example"); }) ==
        std::pair(Field::Alias, std::string()));
  MailboxSettings many;
  many.aliases = std::vector<std::string>(1001, "a@b.example");
  CHECK(first_wrong(many)->too_many);
  CHECK(wrong([](auto& s) { s.domains = {"no domain"}; }).first == Field::Domain);
  CHECK(wrong([](auto& s) { s.allow = {"192.0.2.0/33"}; }).first == Field::Allow);
  CHECK(wrong([](auto& s) { s.grace = -1; }).first == Field::Grace);
  CHECK_FALSE(first_wrong({}));
  CHECK(refusal({Field::Alias, "a+b@b.example"}).text() ==
        "`aliases`: `a+b@b.example` is not a plain address");
  CHECK(refusal({Field::Alias, "", true}).text() == "`aliases`: more than 1000 values");

  // A setting is judged as at the making.
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  MailboxSettings settings;
  settings.description = "a\tb";
  const auto refused = change_mailbox(*vault.store, made.record, settings, "test");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::BadInput);
}

TEST_CASE("the name of a sender list is replaced by its blocks") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  MailboxSettings settings;
  settings.allow = {"192.0.2.1", "microsoft365"};
  const auto now = change_mailbox(*vault.store, made.record, settings, "test");
  REQUIRE(now);
  CHECK(now->allow.size() == 7);
  CHECK(std::ranges::count(now->allow, "40.92.0.0/15") == 1);
}

TEST_CASE("a mailbox is removed only if it is suspended and empty") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const auto active = remove_mailbox(*vault.store, made.record, "test");
  REQUIRE_FALSE(active);
  CHECK(active.error().code() == Code::Conflict);
  CHECK_FALSE(active.error().hint().empty());
  MailboxSettings suspend;
  suspend.status = store::Status::Suspended;
  const auto suspended = change_mailbox(*vault.store, made.record, suspend, "test");
  REQUIRE(suspended);
  CHECK(remove_mailbox(*vault.store, *suspended, "test"));
  CHECK_FALSE(find_mailbox(*vault.store, "journal"));
}

TEST_CASE("if the reply to a change or removal is lost, it was made or is reported as not made") {
  Vault vault;
  gw::test::FaultyStore store(*vault.store);
  const CreatedMailbox made = vault.mailbox();
  MailboxSettings suspend;
  suspend.status = store::Status::Suspended;
  const auto lose_reply = [](std::string_view operation) {
    const bool changes = operation == "put_mailbox" || operation == "remove_mailbox";
    return changes ? std::optional(Error(Code::Unknown, "lost")) : std::nullopt;
  };
  store.fail = lose_reply;
  CHECK(change_mailbox(store, made.record, suspend, "test").error().code() == Code::Unavailable);
  CHECK(remove_mailbox(store, made.record, "test").error().code() == Code::Unavailable);
  store.fail = nullptr;
  store.fail_afterwards = lose_reply;
  const auto suspended = change_mailbox(store, made.record, suspend, "test");
  REQUIRE(suspended);
  CHECK(suspended->status == store::Status::Suspended);
  CHECK(remove_mailbox(store, *suspended, "test"));
  CHECK_FALSE(find_mailbox(*vault.store, "journal"));
}

TEST_CASE("an alias without a list of allowed senders can be guessed") {
  store::MailboxRecord record;
  CHECK_FALSE(open_to_guesses(record));
  record.domains = {"b.example"};
  CHECK(open_to_guesses(record));
  record.allow = {"192.0.2.1"};
  CHECK_FALSE(open_to_guesses(record));
}
