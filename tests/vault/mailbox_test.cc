#include "vault/mailbox.h"

#include <map>

#include "support/faulty_store.h"
#include "support/store_shell.h"
#include "vault/fixture.h"
#include "vault/keys.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

// Serves records that somebody has put in place of the true ones.
class ForgingStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::optional<store::MailboxRecord> record;
  std::map<store::RecordKey, Bytes> values;
  std::uint64_t permits = 0;
  std::uint64_t permitted = 0;

  Result<store::MailboxRecord> mailbox(const MailboxId& id) override {
    return record ? Result<store::MailboxRecord>(*record) : StoreShell::mailbox(id);
  }
  Result<store::Record> get(const store::RecordKey& key) override {
    Result<store::Record> got = StoreShell::get(key);
    const auto at = values.find(key);
    if (got && at != values.end()) got->value = at->second;
    return got;
  }
  Result<std::unique_ptr<store::MemoryPermit>> permit(std::uint64_t size) override {
    ++permits;
    permitted += size;
    return StoreShell::permit(size);
  }
};

Code code_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

}  // namespace

TEST_CASE("settings are written and read, and their ranges are checked") {
  store::MemoryOptions options;
  options.vault = random_id<VaultId>();
  const std::unique_ptr<store::Store> store = store::make_memory_store(options);
  const Result<Settings> none = read_settings(*store);
  REQUIRE(none);
  CHECK(none->argon2_memory == 128 << 20);
  CHECK(none->argon2_passes == 3);

  Settings settings;
  settings.host = "gw.example";
  settings.argon2_memory = 64 << 20;
  settings.argon2_passes = 2;
  REQUIRE(write_settings(*store, settings, "test"));
  settings.host = "other.example";
  REQUIRE(write_settings(*store, settings, "test"));
  const Result<Settings> read = read_settings(*store);
  REQUIRE(read);
  CHECK(read->host == "other.example");
  CHECK(read->argon2_memory == 64 << 20);
  CHECK(read->argon2_passes == 2);
  CHECK_FALSE(read->cheap_passwords);

  const auto refused = [&](auto change) {
    Settings bad = settings;
    change(bad);
    const Result<void> written = write_settings(*store, bad, "test");
    return !written && written.error().code() == Code::BadInput;
  };
  CHECK(refused([](Settings& s) { s.argon2_memory = 63 << 20; }));
  CHECK(refused([](Settings& s) { s.argon2_memory = (1ull << 30) + 1024; }));
  CHECK(refused([](Settings& s) { s.argon2_passes = 0; }));
  CHECK(refused([](Settings& s) { s.argon2_passes = 11; }));
  CHECK(refused([](Settings& s) { s.host = "not a host"; }));
  CHECK(refused([](Settings& s) { s.recovery_recipient = "age1x"; }));
}

TEST_CASE("a new mailbox has a key, an address, a password and both slots") {
  Vault vault;
  NewMailbox wanted;
  wanted.description = "Journal of everything";
  wanted.aliases = {"Journal@Example.COM", "journal@example.com"};
  wanted.domains = {"Catch.Example"};
  wanted.quota = 5;
  wanted.allow = {"192.0.2.0/24"};
  const CreatedMailbox made = vault.mailbox("journal", wanted, generate_token());
  CHECK(made.address == "mbx-" + made.record.id.hex() + "@gw.example");
  CHECK(made.record.version != 0);
  CHECK(made.record.aliases == std::vector<std::string>{"journal@example.com"});
  CHECK(made.record.domains == std::vector<std::string>{"catch.example"});
  CHECK(made.record.newest().number == 1);
  CHECK(made.password.size() == 32);
  REQUIRE(made.token);
  CHECK(token_matches(made.record, made.token->view()));
  CHECK_FALSE(token_matches(made.record, made.password.view()));
  store::MailboxRecord other = made.record;
  other.id = random_id<MailboxId>();
  CHECK_FALSE(token_matches(other, made.token->view()));

  const Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  REQUIRE(ring->keys.size() == 1);
  CHECK(ring->keys[0].public_half == made.record.newest().public_key);
  const Result<seal::KeyRing> recovered = unlock_with_recovery(*vault.store, made.record, vault.recovery);
  REQUIRE(recovered);
  CHECK(equal_secrets(recovered->keys[0].secret.scalar.view(), ring->keys[0].secret.scalar.view()));
  CHECK(code_of(unlock_with_recovery(*vault.store, made.record, seal::generate_key())) == Code::Denied);
  CHECK(code_of(unlock(*vault.store, made.record, Secret(as_bytes("something else")))) == Code::Denied);

  for (const std::string& name : {std::string("journal"), made.record.id.hex(), made.address,
                                  made.record.local_part(), std::string("JOURNAL@example.com")}) {
    const Result<store::MailboxRecord> found = find_mailbox(*vault.store, name);
    REQUIRE(found);
    CHECK(found->id == made.record.id);
    CHECK(found->description == wanted.description);
  }
  CHECK(code_of(find_mailbox(*vault.store, "anyone@catch.example")) == Code::NotFound);
}

TEST_CASE("invalid mailboxes are refused") {
  Vault vault;
  const auto refused = [&](auto change) {
    NewMailbox wanted;
    wanted.name = "fine";
    change(wanted);
    const Result<CreatedMailbox> made = add_mailbox(*vault.store, wanted, generate_password(), "test");
    return !made && made.error().code() == Code::BadInput;
  };
  for (const char* name : {"", "Upper", "with blank", "mbx-x", "00112233445566778899aabbccddeeff"})
    CHECK(refused([&](NewMailbox& w) { w.name = name; }));
  CHECK(refused([](NewMailbox& w) { w.name = std::string(65, 'a'); }));
  CHECK(refused([](NewMailbox& w) { w.aliases = {"no-at-sign"}; }));
  CHECK(refused([](NewMailbox& w) { w.aliases = {"mbx-00@x.example"}; }));
  CHECK(refused([](NewMailbox& w) { w.aliases = {"a+tag@x.example"}; }));
  CHECK(refused([](NewMailbox& w) { w.domains = {"@x.example"}; }));
  CHECK(refused([](NewMailbox& w) { w.allow = {"192.0.2.0/33"}; }));
  CHECK(refused([](NewMailbox& w) { w.grace = -1; }));
  CHECK(refused([](NewMailbox& w) { w.description = "two\nlines"; }));
  CHECK(refused([](NewMailbox& w) { w.description = "\xff"; }));
  const auto with_password = [&](std::string_view text) {
    NewMailbox wanted;
    wanted.name = "fine";
    return add_mailbox(*vault.store, wanted, Secret(as_bytes(text)), "test");
  };
  CHECK(code_of(with_password("fifteen octets.")) == Code::BadInput);
  CHECK(code_of(with_password("a control char \x01 within")) == Code::BadInput);
  CHECK(code_of(with_password(std::string(1025, 'x'))) == Code::BadInput);
  CHECK(code_of(with_password("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9")) ==
        Code::BadInput);
  CHECK(with_password("sixteen octets.."));
  CHECK(code_of(with_password("sixteen octets..")) == Code::Exists);
}

TEST_CASE("a password opens its mailbox in whichever form a client sends it") {
  const std::string composed =
      "gr\xc3\xbc\xc3\x9f"
      "e an alle Leute";
  const std::string decomposed =
      "gru\xcc\x88\xc3\x9f"
      "e an\xc2\xa0"
      "alle\xe3\x80\x80Leute";
  const auto normal = [](std::string_view text) {
    return std::string(normal_password(Secret(as_bytes(text))).text());
  };
  CHECK(normal(composed) == composed);
  CHECK(normal(decomposed) == composed);
  CHECK(normal("ASCII  as it is") == "ASCII  as it is");
  CHECK(normal("Gr\xfc\xdf"
               "e") ==
        "Gr\xfc\xdf"
        "e");
  CHECK(normal("").empty());
  const std::string grows = "\xf0\x9d\x85\xa0\xef\xac\xac\xce\x90";  // what NFC makes longer
  CHECK(normal(grows + grows).size() > 2 * grows.size());

  Vault vault;
  for (const std::string& kept : {composed, decomposed}) {
    NewMailbox wanted;
    wanted.name = kept == composed ? "composed" : "decomposed";
    const auto made = add_mailbox(*vault.store, wanted, Secret(as_bytes(kept)), "test");
    REQUIRE(made);
    for (const std::string& sent : {composed, decomposed})
      CHECK(unlock(*vault.store, made->record, Secret(as_bytes(sent))));
    CHECK(code_of(unlock(*vault.store, made->record, Secret(as_bytes("gr\xc3\xbcsse an alle Leute")))) ==
          Code::Denied);
  }
}

TEST_CASE("generated passwords differ and need no quoting") {
  const Secret one = generate_password();
  const Secret two = generate_password();
  CHECK_FALSE(equal_secrets(one.view(), two.view()));
  CHECK(one.text().find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos);
  CHECK(check_password(one));
}

TEST_CASE("a password is changed without changing mail, and the old one is not valid any more") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  REQUIRE(deliver(*vault.store, made.record, as_bytes("mail")));
  const Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const Secret chosen(as_bytes("a chosen password"));
  REQUIRE(change_password(*vault.store, made.record, *ring, chosen, "test"));
  CHECK(code_of(unlock(*vault.store, made.record, made.password)) == Code::Denied);
  Result<Drain> drain = Drain::open(*vault.store, "journal", chosen, "test");
  REQUIRE(drain);
  CHECK(read_all(drain->open(drain->messages().front())) == to_bytes("mail"));

  // The record of before the change is stale.
  CHECK(code_of(change_password(*vault.store, made.record, *ring, chosen, "test")) == Code::Conflict);
  const Result<store::MailboxRecord> now = find_mailbox(*vault.store, "journal");
  REQUIRE(now);
  CHECK(code_of(change_password(*vault.store, *now, *ring, Secret(as_bytes("short")), "test")) ==
        Code::BadInput);
  const Secret generated = generate_password();
  REQUIRE(change_password(*vault.store, *now, *ring, generated, "test"));
  CHECK(unlock(*vault.store, *now, generated));
}

TEST_CASE("a sender token must be a generated one, and an id may be chosen before the mailbox is created") {
  Vault vault;
  NewMailbox wanted;
  wanted.name = "journal";
  wanted.id = random_id<MailboxId>();
  for (const char* weak : {"", "short", "0123456789abcdef0123456789abcdef"})
    CHECK(code_of(add_mailbox(*vault.store, wanted, generate_password(), "test",
                              Secret(as_bytes(std::string_view(weak))))) == Code::BadInput);
  const Result<CreatedMailbox> made =
      add_mailbox(*vault.store, wanted, generate_password(), "test", generate_token());
  REQUIRE(made);
  CHECK(made->record.id == *wanted.id);
}

TEST_CASE("if the reply to a commit is lost, the vault tells whether it was made") {
  Vault vault;
  gw::test::FaultyStore store(*vault.store);
  const CreatedMailbox made = vault.mailbox();
  const Result<seal::KeyRing> ring = unlock(store, made.record, made.password);
  REQUIRE(ring);
  const auto lost = [](std::string_view operation) -> std::optional<Error> {
    if (operation != "put_mailbox") return std::nullopt;
    return Error(Code::Unknown, "the request to the keeper failed");
  };
  const Secret fresh = generate_password();
  store.fail = lost;  // it was not done
  CHECK(code_of(change_password(store, made.record, *ring, fresh, "test")) == Code::Unavailable);
  CHECK(unlock(store, made.record, made.password));
  store.fail = nullptr;
  store.fail_afterwards = lost;  // it was
  CHECK(change_password(store, made.record, *ring, fresh, "test"));
  CHECK(unlock(store, made.record, fresh));
  NewMailbox wanted;
  wanted.name = "second";
  CHECK(add_mailbox(store, wanted, generate_password(), "test"));
  // And nobody can say where the vault does not answer.
  store.fail_afterwards = nullptr;
  store.fail = [](std::string_view operation) -> std::optional<Error> {
    if (operation == "put_mailbox") return Error(Code::Unknown, "the request to the keeper failed");
    if (operation == "get") return Error(Code::Unavailable, "no keeper");
    return std::nullopt;
  };
  const Result<store::MailboxRecord> now = vault.store->mailbox(made.record.id);
  REQUIRE(now);
  const Result<void> unknown = change_password(store, *now, *ring, generate_password(), "test");
  CHECK((!unknown && unknown.error().code() != Code::Conflict));
}

TEST_CASE("after a rotation new mail has a new key and old mail still opens") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  REQUIRE(deliver(*vault.store, made.record, as_bytes("old")));
  Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const Result<store::MailboxRecord> rotated =
      rotate(*vault.store, made.record, std::move(*ring), made.password, "test");
  REQUIRE(rotated);
  CHECK(rotated->generations.size() == 2);
  CHECK(rotated->newest().number == 2);
  REQUIRE(deliver(*vault.store, *rotated, as_bytes("new")));

  Result<Drain> drain = Drain::open(*vault.store, "journal", made.password, "test");
  REQUIRE(drain);
  REQUIRE(drain->messages().size() == 2);
  CHECK(drain->messages()[0].generation == 1);
  CHECK(drain->messages()[1].generation == 2);
  CHECK(read_all(drain->open(drain->messages()[0])) == to_bytes("old"));
  CHECK(read_all(drain->open(drain->messages()[1])) == to_bytes("new"));
  const Result<seal::KeyRing> recovered = unlock_with_recovery(*vault.store, *rotated, vault.recovery);
  REQUIRE(recovered);
  CHECK(recovered->keys.size() == 2);
  // A caller that still holds the record of before is not told that the vault is corrupt.
  CHECK(unlock(*vault.store, made.record, made.password));
}

TEST_CASE("a lost password is reset only if no mail can be lost by that") {
  Vault vault;
  NewMailbox wanted;
  wanted.grace = 0;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  const auto refused = [&] {
    CHECK(code_of(reset_password(*vault.store, made.record, generate_password(), "test")) == Code::Conflict);
  };
  const auto set_status = [&](store::Status status) {
    store::MailboxRecord record = *vault.store->mailbox(made.record.id);
    record.status = status;
    REQUIRE(vault.store->put_mailbox(record, {}, {store::LeafType::Status, "test", 0}));
  };
  const auto move = [&](const MessageId& message, store::State from, store::State to) {
    store::Transition transition;
    transition.mailbox = made.record.id;
    transition.messages = {message};
    transition.from = from;
    transition.to = to;
    REQUIRE(vault.store->transition(transition));
  };
  refused();
  const Result<Stored> stored = deliver(*vault.store, made.record, as_bytes("mail"));
  REQUIRE(stored);
  set_status(store::Status::Suspended);
  refused();
  move(stored->id, store::State::Live, store::State::Quarantined);
  refused();
  move(stored->id, store::State::Quarantined, store::State::Live);
  move(stored->id, store::State::Live, store::State::Drained);  // and gone
  CHECK(reset_password(*vault.store, made.record, Secret(as_bytes("short")), "test").error().code() ==
        Code::BadInput);
  const Secret fresh = generate_password();
  REQUIRE(reset_password(*vault.store, made.record, fresh, "test"));

  const store::MailboxRecord record = *vault.store->mailbox(made.record.id);
  CHECK(record.generations.size() == 1);
  CHECK(record.newest().number == made.record.newest().number + 1);
  CHECK(record.newest().public_key != made.record.newest().public_key);
  CHECK(unlock(*vault.store, record, made.password).error().code() == Code::Denied);
  const Result<seal::KeyRing> ring = unlock(*vault.store, record, fresh);
  REQUIRE(ring);
  CHECK(ring->keys.size() == 1);
  CHECK(unlock_with_recovery(*vault.store, record, vault.recovery));
  set_status(store::Status::Active);
  const Result<Stored> later = deliver(*vault.store, record, as_bytes("later"));
  REQUIRE(later);
  const Result<store::MessageRecord> found = vault.store->find(record.id, later->id);
  REQUIRE(found);
  CHECK(read_all(open_message(*vault.store, *ring, vault.id, record.id, *found)) == to_bytes("later"));
}

TEST_CASE("a replaced public key in the record is found each time the mailbox is opened") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  ForgingStore store(*vault.store);
  store.record = made.record;
  store.record->generations.back().public_key = seal::public_key(seal::generate_key());
  CHECK(code_of(unlock(store, *store.record, made.password)) == Code::Corrupt);
  CHECK(code_of(unlock_with_recovery(store, *store.record, vault.recovery)) == Code::Corrupt);
  store.record = made.record;
  store.record->generations.push_back({2, seal::public_key(seal::generate_key()), 0});
  CHECK(code_of(unlock(store, *store.record, made.password)) == Code::Corrupt);
}

TEST_CASE("another mailbox's slot opens nothing") {
  Vault vault;
  const CreatedMailbox one = vault.mailbox("one");
  const CreatedMailbox two = vault.mailbox("two");
  ForgingStore store(*vault.store);
  for (std::string_view name : {kPasswordSlot, kRecoverySlot}) {
    const Result<store::Record> foreign =
        vault.store->get({store::Kind::Slot, two.record.id, std::string(name)});
    REQUIRE(foreign);
    store.values[{store::Kind::Slot, one.record.id, std::string(name)}] = foreign->value;
  }
  CHECK(code_of(unlock(store, one.record, two.password)) == Code::Corrupt);
  CHECK(code_of(unlock_with_recovery(store, one.record, vault.recovery)) == Code::Corrupt);
}

TEST_CASE("a recovery recipient that is not that of the vault gets no slot") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  Settings settings = cheap_settings();
  settings.recovery_recipient = seal::recipient(seal::public_key(seal::generate_key()));
  REQUIRE(write_settings(*vault.store, settings, "intruder"));
  NewMailbox wanted;
  wanted.name = "second";
  CHECK(code_of(add_mailbox(*vault.store, wanted, generate_password(), "test")) == Code::Corrupt);
  settings.recovery_recipient.clear();
  REQUIRE(write_settings(*vault.store, settings, "intruder"));
  CHECK(code_of(add_mailbox(*vault.store, wanted, generate_password(), "test")) == Code::Corrupt);
  // Logging in does not depend on it.
  CHECK(unlock(*vault.store, made.record, made.password));
}

TEST_CASE("a mailbox may have no recovery slot, and stays without one") {
  Vault vault;
  NewMailbox wanted;
  wanted.recovery = false;
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  CHECK(code_of(unlock_with_recovery(*vault.store, made.record, vault.recovery)) == Code::NotFound);
  Result<seal::KeyRing> ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const Result<store::MailboxRecord> rotated =
      rotate(*vault.store, made.record, std::move(*ring), made.password, "test");
  REQUIRE(rotated);
  CHECK(code_of(unlock_with_recovery(*vault.store, *rotated, vault.recovery)) == Code::NotFound);
}

TEST_CASE("a wrong password and an unknown mailbox take the same permits and get the same error") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  ForgingStore store(*vault.store);
  const Secret wrong(as_bytes("wrong password, all the same"));
  const Result<seal::KeyRing> denied = unlock(store, made.record, wrong);
  REQUIRE_FALSE(denied);
  CHECK(store.permits == 1);
  const std::uint64_t size = store.permitted;
  CHECK(size == 8 << 10);
  const Error unknown = refuse_unknown(store, wrong);
  CHECK(store.permits == 2);
  CHECK(store.permitted == 2 * size);
  CHECK(unknown.code() == Code::Denied);
  CHECK(unknown.text() == denied.error().text());
}

TEST_CASE("settings that make passwords cheap without the flag for tests are corrupt") {
  Vault vault;
  Settings settings = cheap_settings();
  settings.recovery_recipient = seal::recipient(seal::public_key(vault.recovery));
  const CreatedMailbox made = vault.mailbox();
  const store::RecordKey key{store::Kind::Setting, {}, "vault"};
  const Result<store::Record> record = vault.store->get(key);
  REQUIRE(record);
  ForgingStore store(*vault.store);
  // The last field is the one that allows it.
  store.values[key] = to_bytes(ByteView(record->value).first(record->value.size() - 2));
  CHECK(code_of(read_settings(store)) == Code::Corrupt);
  CHECK(code_of(unlock(store, made.record, made.password)) == Code::Corrupt);
  CHECK(refuse_unknown(store, made.password).code() == Code::Corrupt);
}
