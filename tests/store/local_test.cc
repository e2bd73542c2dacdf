#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <utility>

#include "local_vault.h"
#include "store/local/vault_lock.h"

namespace gw::store::test_lock {

// Called once, before the next flock(2) of this program.
std::function<void()> before_flock;

}  // namespace gw::store::test_lock

// Replaces the function of the C library.
extern "C" int flock(int fd, int operation) noexcept {
  if (const auto call = std::exchange(gw::store::test_lock::before_flock, nullptr)) call();
  return static_cast<int>(::syscall(SYS_flock, fd, operation));
}

namespace gw::store {
namespace {

using contract::deliver;
using contract::new_mail;
using contract::new_mailbox;

TEST_CASE("a vault is created in an absent or empty directory, and never over files") {
  const test::TempFolder folder(test::quick_folder());
  const std::string path = folder.path() + "/vault";
  const VaultId id = random_id<VaultId>();
  LocalOptions options;
  options.path = path;
  CHECK(open_local_store(options).error().code() == Code::NotFound);
  REQUIRE(create_local_store(path, id, {}));
  {
    const Result<std::unique_ptr<Store>> store = open_local_store(options);
    REQUIRE(store);
    CHECK((*store)->health().value().vault == id);
  }
  CHECK(create_local_store(path, id, {}).error().code() == Code::Exists);
  CHECK((fs::status(path).permissions() & fs::perms::all) == fs::perms::owner_all);
  REQUIRE(fs::create_directory(folder.path() + "/empty"));
  CHECK(create_local_store(folder.path() + "/empty", id, {}));
}

TEST_CASE("the vault's first leaf names its recovery recipient") {
  const LocalVault vault;
  const auto store = vault.open();
  const Leaf leaf = contract::history(*store, {}).at(0);
  CHECK(leaf.type == LeafType::VaultMade);
  CHECK(leaf.container == sha256(as_bytes("age1test")));
}

TEST_CASE("one process has the vault open, and the error for a second names the first") {
  const LocalVault vault;
  auto store = vault.open();
  const auto second = open_local_store(vault.options);
  REQUIRE_FALSE(second);
  CHECK(second.error().code() == Code::Busy);
  CHECK(second.error().text().find("pid " + std::to_string(::getpid())) != std::string::npos);
  store.reset();
  vault.open();
}

TEST_CASE("a lock file that was removed before it was locked does not lock the vault") {
  const LocalVault vault;
  const std::string path = vault.options.path + "/lock";
  // A `gw-store init` that fails at this moment removes the file.
  test_lock::before_flock = [&] { fs::remove(path); };
  const auto lost = VaultLock::take(vault.options.path);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code() == Code::Busy);
  CHECK(VaultLock::take(vault.options.path));
}

TEST_CASE("a vault of a newer gw is not opened") {
  const LocalVault vault;
  const std::string path = vault.options.path + "/format";
  const auto with = [&](const std::string& text) {
    std::ofstream(path) << text;
    const auto opened = open_local_store(vault.options);
    REQUIRE_FALSE(opened);
    return opened.error().code();
  };
  CHECK(with("gw-vault 2\nvault " + vault.id.hex() + "\nrequires\n") == Code::Version);
  CHECK(with("gw-vault 1\nvault " + vault.id.hex() + "\nrequires tapes\n") == Code::Version);
  CHECK(with("gw-vault 1\nvault " + vault.id.hex() + "\ncolour blue\n") == Code::Version);
  CHECK(with("gw-vault 1\nvault nonsense\n") == Code::Corrupt);
  CHECK(with("") == Code::Corrupt);
}

TEST_CASE("a vault without a format file is damaged, and any other directory is not a vault") {
  const LocalVault vault;
  fs::remove(vault.options.path + "/format");
  for (const char* lost : {"", "db"}) {
    if (*lost != '\0') fs::remove_all(vault.options.path + "/" + lost);
    const auto opened = open_local_store(vault.options);
    REQUIRE_FALSE(opened);
    CAPTURE(lost, opened.error().text());
    CHECK(opened.error().code() == Code::Corrupt);
    CHECK(opened.error().hint().starts_with("gw-store salvage "));
  }
  const test::TempFolder other;
  fs::create_directories(other.path() + "/db/migrate");
  LocalOptions options;
  options.path = other.path();
  CHECK(open_local_store(options).error().code() == Code::NotFound);
}

TEST_CASE("a child made by fork changes nothing and closes nothing") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, new_mailbox("journal"));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto done = store->remove_mailbox(mailbox.id, "child");
    store.reset();
    ::_exit(!done && done.error().code() == Code::Internal ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(deliver(*store, mailbox.id, new_mail()));
}

TEST_CASE("everything acknowledged is there after a close and after a kill") {
  LocalVault vault;
  vault.options.large_threshold = 10'000;
  auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, new_mailbox("journal"));
  for (int i = 0; i < 20; ++i) REQUIRE(deliver(*store, mailbox.id, new_mail(i % 5 == 0 ? 50'000 : 3000)));
  REQUIRE(store->put_if({Kind::Setting, {}, "x"}, 0, as_bytes("y"), {LeafType::Setting, "t", 0}));
  const std::string before = contract::dump(*store);

  SECTION("close") {
    store.reset();
  }
  SECTION("kill") {
    vault.kill(std::move(store));
  }
  SECTION("kill, kill") {
    vault.kill(std::move(store));
    vault.kill(vault.open());
  }
  store = vault.open();
  CHECK(store->health().value().writable);
  CHECK(contract::dump(*store) == before);
  CHECK(deliver(*store, mailbox.id, new_mail()));
}

TEST_CASE("pending mail that a starting store finds becomes unconfirmed") {
  LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  contract::Mail mail = new_mail();
  mail.commit.pending = true;
  const CommitResult committed = deliver(*store, mailbox, mail).value();
  REQUIRE(deliver(*store, mailbox, new_mail()));
  SECTION("close") {
    store.reset();
  }
  SECTION("kill") {
    vault.kill(std::move(store));
  }
  store = vault.open();
  const MessageRecord record = store->find(mailbox, mail.id).value();
  CHECK(record.state == State::Unconfirmed);
  CHECK(record.seq == 3);
  CHECK(store->list(mailbox, 2, 10).value().size() == 1);
  CHECK(contract::types(*store, mailbox).back() == LeafType::Unconfirmed);
  Transition settle;
  settle.mailbox = mailbox;
  settle.messages = {mail.id};
  settle.from = State::Pending;
  settle.to = State::Live;
  settle.token = committed.token;
  CHECK(store->transition(settle).error().code() == Code::Conflict);
}

TEST_CASE("the next open removes what a kill leaves of unfinished large messages") {
  LocalVault vault;
  vault.options.large_threshold = 1000;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const contract::Mail kept = new_mail(5000);
  REQUIRE(deliver(*store, mailbox, kept));
  const contract::Mail half = new_mail(5000);
  auto append = store->begin(mailbox, half.id);
  REQUIRE(append);
  REQUIRE((*append)->put(half.container));
  CHECK(vault.files("large/tmp", half.id.hex()).size() == 1);
  // A kill between the rename and the commit, or between the commit of a removal and the unlink, leaves
  // this.
  const std::string stray = new_message_id(0).hex();
  std::ofstream(vault.options.path + "/large/" + stray) << "x";
  append->reset();
  std::ofstream(vault.options.path + "/large/tmp/" + half.id.hex()) << "x";
  vault.kill(std::move(store));
  store = vault.open();
  CHECK(vault.files("large/tmp", "").empty());
  CHECK(vault.files("large", stray).empty());
  CHECK(contract::read_all(*store, mailbox, kept.id) == kept.container);
}

TEST_CASE("a large message is a file, and a reader can read it to the end after its removal") {
  LocalVault vault;
  vault.options.large_threshold = 1000;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const contract::Mail mail = new_mail(1000);
  const contract::Mail small = new_mail(999);
  REQUIRE(deliver(*store, mailbox, mail));
  REQUIRE(deliver(*store, mailbox, small));
  CHECK(store->find(mailbox, mail.id).value().large);
  CHECK_FALSE(store->find(mailbox, small.id).value().large);
  CHECK(vault.files("large", "").size() == 1);

  SECTION("the removal of the message removes the file") {
    REQUIRE(contract::move(*store, mailbox, {mail.id, small.id}, State::Live, std::nullopt));
    CHECK(vault.files("large", "").empty());
  }
  SECTION("the same id in another mailbox never takes its place") {
    const MailboxId other = contract::put(*store, new_mailbox("other")).id;
    contract::Mail twin = new_mail(1000);
    twin.id = mail.id;
    CHECK(deliver(*store, other, twin).error().code() == Code::Exists);
    CHECK(contract::read_all(*store, mailbox, mail.id) == mail.container);
    CHECK(store->find(other, twin.id).error().code() == Code::NotFound);
  }
  SECTION("an unfinished append of the same id makes a second one Busy, and nothing counts as stored") {
    contract::Mail late = new_mail(1000);
    {
      auto first = store->begin(mailbox, late.id);
      REQUIRE(first);
      REQUIRE((*first)->put(late.container));
      CHECK(deliver(*store, mailbox, late).error().code() == Code::Busy);
    }
    CHECK(deliver(*store, mailbox, late));
    CHECK(contract::read_all(*store, mailbox, late.id) == late.container);
  }
  SECTION("a refused commit removes the file") {
    contract::Mail refused = new_mail(1000);
    refused.commit.generation = 9;
    CHECK(deliver(*store, mailbox, refused).error().code() == Code::Conflict);
    CHECK(vault.files("large", "").size() == 1);
  }
}

TEST_CASE("a container that does not fit into the memory for appends becomes a file") {
  LocalVault vault;
  vault.options.append_memory = 5000;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const contract::Mail first = new_mail(3000);
  auto open = store->begin(mailbox, first.id);
  REQUIRE(open);
  REQUIRE((*open)->put(first.container));
  const contract::Mail second = new_mail(3000);
  REQUIRE(deliver(*store, mailbox, second));
  CHECK(store->find(mailbox, second.id).value().large);
  REQUIRE((*open)->commit(first.commit));
  const contract::Mail third = new_mail(3000);
  REQUIRE(deliver(*store, mailbox, third));
  CHECK(store->find(mailbox, third.id).value().large == false);
  CHECK(contract::read_all(*store, mailbox, second.id) == second.container);
}

}  // namespace
}  // namespace gw::store
