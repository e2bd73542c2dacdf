#include "vault/account.h"

#include <array>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "support/faulty_store.h"
#include "support/memory_store.h"
#include "vault/mailbox.h"
#include "vault/token.h"

using namespace gw;
using namespace gw::vault;

namespace {

constexpr std::string_view kPassword = "correct horse battery staple";

Secret secret(std::string_view text) {
  return Secret(as_bytes(text));
}

struct Accounts {
  std::unique_ptr<store::Store> store;

  Accounts() {
    store::MemoryOptions options;
    options.vault = random_id<VaultId>();
    store = store::make_memory_store(options);
    Settings settings;
    settings.argon2_memory = 64 << 10;
    settings.argon2_passes = 1;
    settings.cheap_passwords = true;
    REQUIRE(write_settings(*store, settings, "test"));
  }
  Account add(const std::string& name, Role role = Role::Viewer, std::vector<std::string> only = {}) {
    Account wanted;
    wanted.name = name;
    wanted.role = role;
    wanted.only = std::move(only);
    auto made = add_account(*store, wanted, secret(kPassword), "test");
    REQUIRE(made);
    return made->account;
  }
  Result<SignedIn> in(std::string_view name, std::string_view password = kPassword) {
    return sign_in(*store, name, secret(password));
  }
  std::string last_actor() {
    const auto head = store->history_head({});
    const auto leaves = store->history_read({}, head->size - 1, 1);
    const auto leaf = store::decode_leaf(leaves->front());
    REQUIRE(leaf->type == store::LeafType::Admin);
    return leaf->actor;
  }
};

}  // namespace

TEST_CASE("An account is signed in to with its password, and with nothing else") {
  Accounts accounts;
  accounts.add("anna", Role::Operator, {"sales-*"});
  const auto who = accounts.in("anna");
  REQUIRE(who);
  CHECK(who->account.role == Role::Operator);
  CHECK(who->account.only == std::vector<std::string>{"sales-*"});
  CHECK(accounts.in("anna", "correct horse battery stapler").error().code() == Code::Denied);
  CHECK(accounts.in("bob").error().code() == Code::Denied);
  CHECK(accounts.in("no name at all").error().text() == accounts.in("anna", "wrong").error().text());
}

TEST_CASE("A disabled account is refused like an unknown one") {
  Accounts accounts;
  Account anna = accounts.add("anna");
  anna.disabled = true;
  REQUIRE(change_account(*accounts.store, anna, "disabled", "test"));
  CHECK(accounts.last_actor() == "test, account anna: disabled");
  CHECK(accounts.in("anna").error().text() == accounts.in("nobody").error().text());
}

TEST_CASE("Patterns say which mailboxes and routes an account may know of") {
  Account account;
  CHECK(account.may_see("anything"));
  account.only = {"sales-*", "office"};
  CHECK(account.may_see("sales-north"));
  CHECK(account.may_see("office"));
  CHECK_FALSE(account.may_see("office2"));
  CHECK_FALSE(account.may_see("journal"));
  account.only = {"*"};
  CHECK(account.may_see("journal"));
}

TEST_CASE("Names, patterns and languages that no account may have are refused") {
  Account account;
  account.name = "anna";
  CHECK(check_account(account));
  for (const char* pattern : {"", "a b", "A", "a/b", "a\n"}) {
    account.only = {pattern};
    CHECK(check_account(account).error().code() == Code::BadInput);
  }
  account.only = {"a*.b_c-9"};
  CHECK(check_account(account));
  account.language = "fr";
  CHECK_FALSE(check_account(account));
  account.language = "it";
  account.name = "Anna";
  CHECK_FALSE(check_account(account));
}

TEST_CASE("The second of two changes of the same version is a conflict") {
  Accounts accounts;
  const Account anna = accounts.add("anna");
  REQUIRE(change_account(*accounts.store, anna, "role", "test"));
  CHECK(change_account(*accounts.store, anna, "role", "test").error().code() == Code::Conflict);
  Account wanted;
  wanted.name = "anna";
  CHECK(add_account(*accounts.store, wanted, generate_password(), "test").error().code() == Code::Exists);
}

TEST_CASE("A new password keeps the second factor, a reset cannot") {
  Accounts accounts;
  const Account before = accounts.add("anna");
  CHECK(open_totp(*accounts.in("anna")).error().code() == Code::NotFound);
  REQUIRE(set_totp(*accounts.store, before, secret("a secret"), "anna"));
  CHECK(accounts.last_actor() == "anna, account anna: second factor set");
  const auto who = accounts.in("anna");
  CHECK(open_totp(*who)->text() == "a secret");
  CHECK(as_text(who->account.totp).find("a secret") == std::string_view::npos);

  const auto changed = change_password(*accounts.store, *who, secret("another password, long"), "anna");
  REQUIRE(changed);
  CHECK(changed->account.password_generation == who->account.password_generation + 1);
  CHECK_FALSE(accounts.in("anna"));
  const auto again = accounts.in("anna", "another password, long");
  CHECK(open_totp(*again)->text() == "a secret");

  const auto refused = reset_password(*accounts.store, again->account, generate_password(), false, "root");
  CHECK(refused.error().code() == Code::Conflict);
  const auto reset = reset_password(*accounts.store, again->account, generate_password(), true, "root");
  REQUIRE(reset);
  CHECK(accounts.last_actor() == "root, account anna: password reset, second factor removed");
  const auto fresh = sign_in(*accounts.store, "anna", reset->password);
  REQUIRE(fresh);
  CHECK_FALSE(fresh->account.has_totp());
}

TEST_CASE("Accounts are listed by name, without other records of their kind") {
  Accounts accounts;
  for (const char* name : {"carl", "anna", "bob"}) accounts.add(name);
  REQUIRE(accounts.store->put_if({store::Kind::Admin, {}, "token:1"}, 0, as_bytes("x"),
                                 {store::LeafType::Admin, "test", 0}));
  const auto all = vault::accounts(*accounts.store);
  REQUIRE(all);
  REQUIRE(all->size() == 3);
  CHECK(all->front().name == "anna");
  REQUIRE(remove_account(*accounts.store, all->front(), "test"));
  CHECK(find_account(*accounts.store, "anna").error().code() == Code::NotFound);
}

TEST_CASE("The last enabled administrator without patterns stays, unless the caller permits its removal") {
  Accounts accounts;
  Account anna = accounts.add("anna", Role::Administrator);
  accounts.add("limited", Role::Administrator, {"sales-*"});
  accounts.add("bob", Role::Operator);
  store::Store& store = *accounts.store;
  const auto changed = [&](const std::function<void(Account&)>& change) {
    Account account = *find_account(store, "anna");
    change(account);
    return account;
  };
  for (const Account& less :
       {changed([](Account& a) { a.role = Role::Operator; }), changed([](Account& a) { a.disabled = true; }),
        changed([](Account& a) { a.only = {"a*"}; })}) {
    const auto refused = change_account(store, less, "less", "test");
    CHECK(refused.error().code() == Code::Conflict);
    CHECK(refused.error().text().find("last unrestricted administrator") != std::string::npos);
  }
  CHECK(remove_account(store, anna, "test").error().code() == Code::Conflict);
  CHECK(change_account(store, changed([](Account& a) { a.language = "it"; }), "language", "test"));
  CHECK_FALSE(*leaves_ruler(store, "anna", nullptr));

  // A disabled one is not left either; with another one that rules it goes.
  Account carl = accounts.add("carl", Role::Administrator);
  carl.disabled = true;
  REQUIRE(change_account(store, carl, "disabled", "test"));
  CHECK_FALSE(change_account(store, changed([](Account& a) { a.disabled = true; }), "disabled", "test"));
  carl = *find_account(store, "carl");
  carl.disabled = false;
  REQUIRE(change_account(store, carl, "enabled", "test"));
  CHECK(change_account(store, changed([](Account& a) { a.disabled = true; }), "disabled", "test"));
  carl = *find_account(store, "carl");
  CHECK_FALSE(remove_account(store, carl, "test"));
  CHECK(remove_account(store, carl, "test", LastAdministrator::MayGo));
}

namespace {

// Runs two functions in threads of their own, but only one at a time: bit i of `schedule` says
// which of them does the i-th operation on a store. A function that has ended is passed over.
class Turns {
 public:
  explicit Turns(unsigned schedule) : schedule_(schedule) {}

  // Waits until it is the turn of function `me` (0 or 1).
  void wait(unsigned me) {
    std::unique_lock lock(mutex_);
    if (holds_[me]) pass(me);
    changed_.wait(lock, [&] { return !holds_[1 - me] && (ended_[1 - me] || (schedule_ & 1) == me); });
    holds_[me] = true;
    schedule_ >>= 1;
  }
  void end(unsigned me) {
    const std::lock_guard lock(mutex_);
    pass(me);
    ended_[me] = true;
  }

 private:
  void pass(unsigned me) {
    holds_[me] = false;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  unsigned schedule_;
  std::array<bool, 2> holds_{};
  std::array<bool, 2> ended_{};
};

}  // namespace

TEST_CASE("If administrators of two processes remove each other, one of them stays in any order") {
  unsigned succeeded = 0;
  // A removal takes four operations, and more if it looks for another account.
  for (unsigned schedule = 0; schedule < 1024; ++schedule) {
    Accounts accounts;
    const Account anna = accounts.add("anna", Role::Administrator);
    const Account bob = accounts.add("bob", Role::Administrator);
    Turns turns(schedule);
    std::array<unsigned, 2> gone{};
    const auto remove = [&](unsigned me, const Account& account) {
      // A store for each process, over the same vault.
      gw::test::FaultyStore store(*accounts.store);
      store.fail = [&, me](std::string_view) -> std::optional<Error> {
        turns.wait(me);
        return std::nullopt;
      };
      // One of them demotes the other one; the rule is the same.
      Account less = account;
      less.role = Role::Viewer;
      const bool done = me == 0 ? remove_account(store, account, "bob").has_value()
                                : change_account(store, less, "role viewer", "anna").has_value();
      gone[me] = done ? 1 : 0;
      turns.end(me);
    };
    std::thread other([&] { remove(0, anna); });
    remove(1, bob);
    other.join();
    CAPTURE(schedule);
    REQUIRE(*leaves_ruler(*accounts.store, "nobody", nullptr));
    succeeded += gone[0] + gone[1];
  }
  CHECK(succeeded > 512);
}

TEST_CASE("If administrators remove each other at the same moment, one of them stays") {
  for (int round = 0; round < 20; ++round) {
    Accounts accounts;
    const Account anna = accounts.add("anna", Role::Administrator);
    const Account bob = accounts.add("bob", Role::Administrator);
    std::thread other([&] { (void)remove_account(*accounts.store, anna, "bob"); });
    (void)remove_account(*accounts.store, bob, "anna");
    other.join();
    CHECK_FALSE(vault::accounts(*accounts.store)->empty());
  }
}

TEST_CASE("An administrator is not removed while it is unknown whether another one stays") {
  Accounts accounts;
  const Account anna = accounts.add("anna", Role::Administrator);
  (void)accounts.add("bob", Role::Administrator);
  gw::test::FaultyStore store(*accounts.store);
  int lost = 0;
  const auto lose_reply = [&lost](std::string_view operation) {
    return operation == "put_if" && lost-- > 0 ? std::optional(Error(Code::Unknown, "lost")) : std::nullopt;
  };
  // The record of the other one was not written: its content is the same, but its version is too.
  store.fail = lose_reply;
  lost = 1000;
  CHECK(remove_account(store, anna, "test").error().code() == Code::Unavailable);
  CHECK(find_account(*accounts.store, "anna"));
  // The next try writes it.
  lost = 1;
  const auto before = find_account(*accounts.store, "bob");
  CHECK(remove_account(store, anna, "test"));
  CHECK(find_account(*accounts.store, "bob")->version > before->version);
  // It was written, and only the reply was lost.
  (void)accounts.add("carl", Role::Administrator);
  store.fail = nullptr;
  store.fail_afterwards = lose_reply;
  lost = 1;
  CHECK(remove_account(store, *find_account(*accounts.store, "bob"), "test"));
}

TEST_CASE("If the reply to a removal is lost, the account or token is gone or reported as kept") {
  Accounts accounts;
  gw::test::FaultyStore store(*accounts.store);
  const Account anna = accounts.add("anna");
  ApiToken wanted;
  wanted.name = "backup";
  const auto token = make_api_token(*accounts.store, wanted, *generate_api_token("backup"), "test");
  REQUIRE(token);
  const auto lose_reply = [](std::string_view operation) {
    return operation == "erase_if" ? std::optional(Error(Code::Unknown, "lost")) : std::nullopt;
  };
  store.fail = lose_reply;
  CHECK(remove_account(store, anna, "test").error().code() == Code::Unavailable);
  CHECK(revoke_api_token(store, *token, "test").error().code() == Code::Unavailable);
  CHECK(find_account(*accounts.store, "anna"));
  CHECK(find_api_token(*accounts.store, "backup"));
  store.fail = nullptr;
  store.fail_afterwards = lose_reply;
  CHECK(remove_account(store, anna, "test"));
  CHECK(revoke_api_token(store, *token, "test"));
  CHECK_FALSE(find_account(*accounts.store, "anna"));
  CHECK_FALSE(find_api_token(*accounts.store, "backup"));
}

TEST_CASE("A slot of another account opens nothing") {
  Accounts accounts;
  const Account anna = accounts.add("anna", Role::Viewer);
  Account bob = accounts.add("bob", Role::Administrator);
  bob.slot = anna.slot;
  REQUIRE(change_account(*accounts.store, bob, "tampered", "test"));
  CHECK_FALSE(accounts.in("bob"));
}
