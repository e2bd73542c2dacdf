// The format files that make a directory the old or the new one of a migration.
#include <thread>

#include "base/file.h"
#include "local_vault.h"
#include "store/open/open_store.h"
#include "store/vault_format.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::new_mail;
using contract::new_mailbox;

TEST_CASE("a format is read as it was written") {
  const LocalVault vault;
  const std::string& path = vault.options.path;
  const std::string plain = read_file(path + "/format").value();
  CHECK(plain == "gw-vault 1\nvault " + vault.id.hex() + "\nrequires\n");
  const Move there{new_move_token(), "/srv/new vault "};
  CHECK(there.token != new_move_token());
  REQUIRE(replace_format(path, {vault.id, there, {}}));
  auto format = read_format(path);
  REQUIRE(format);
  CHECK(format->vault == vault.id);
  CHECK(format->moved == there);
  CHECK_FALSE(format->arrival);
  REQUIRE(replace_format(path, {vault.id, {}, there}));
  format = read_format(path);
  REQUIRE(format);
  CHECK(format->arrival == there);
  CHECK_FALSE(format->moved);
  REQUIRE(replace_format(path, {vault.id, {}, {}}));
  CHECK(read_file(path + "/format").value() == plain);
  for (const char* place : {"", "/a\nb", "/a\x7f"})
    CHECK(replace_format(path, {vault.id, Move{"t", place}, {}}).error().code() == Code::BadInput);
  CHECK(read_file(path + "/format").value() == plain);
}

TEST_CASE("the format of a store of another kind is read as it was written, and no such store is opened") {
  const LocalVault vault;
  const std::string& path = vault.options.path;
  const std::string plain = read_file(path + "/format").value();
  const std::string pools = "gw-meta,gw-data@/etc/ceph/ceph.conf";
  Format format{vault.id, {}, {}, "rados", pools};
  REQUIRE(replace_format(path, format));
  const std::string begin = "gw-vault 1\nvault " + vault.id.hex() + "\n";
  CHECK(read_file(path + "/format").value() == begin + "requires rados\nstore rados:" + pools + "\n");
  auto found = read_format(path);
  REQUIRE(found);
  CHECK(found->kind == "rados");
  CHECK(found->place == pools);
  const auto refused = [&](const Error& error) {
    CAPTURE(error.text());
    CHECK(error.code() == Code::Config);
    CHECK(error.exit_status() == 78);
    CHECK(error.text().find("`rados`") != std::string::npos);
    CHECK(error.text().find("gw-store-rados") != std::string::npos);
  };
  OpenOptions options;
  options.path = path;
  refused(open_store(options).error());
  refused(openable_vault(path).error());
  refused(open_local_store(vault.options).error());
  refused(repair_local_store(vault.options, true, "test").error());
  const test::TempFolder folder;
  refused(create_store("rados", folder.path() + "/new", vault.id, {}).error());
  CHECK_FALSE(fs::exists(folder.path() + "/new"));

  // A migration goes between kinds too.
  format.arrival = Move{new_move_token(), "/srv/old"};
  REQUIRE(replace_format(path, format));
  found = read_format(path);
  REQUIRE(found);
  CHECK(found->kind == "rados");
  CHECK(found->arrival == format.arrival);
  format.arrival.reset();
  format.moved = Move{new_move_token(), "/srv/new"};
  REQUIRE(replace_format(path, format));
  const Error moved = open_store(options).error();
  CHECK(moved.text().find("has moved to /srv/new") != std::string::npos);

  for (const char* kind : {"", "Rados", "ra dos", "../x", "moved", "arrival"})
    CHECK(replace_format(path, {vault.id, {}, {}, kind, pools}).error().code() == Code::BadInput);
  for (const char* place : {"", "a\nb"})
    CHECK(replace_format(path, {vault.id, {}, {}, "rados", place}).error().code() == Code::BadInput);
  for (const std::string rest : {"requires\nstore rados:x\n", "requires rados\nstore rados\n",
                                 "requires rados\nstore rados:\n", "requires local\nstore local:x\n"}) {
    CAPTURE(rest);
    std::ofstream(path + "/format") << begin << rest;
    CHECK(read_format(path).error().code() == Code::Corrupt);
  }
  // The kind of store that this file requires may be in a line that is not known.
  for (const std::string rest : {"requires rados\n", "requires tapes\nstore rados:x\n",
                                 "requires moved arrival\nmoved t /x\narrival t /x\n"}) {
    CAPTURE(rest);
    std::ofstream(path + "/format") << begin << rest;
    CHECK(read_format(path).error().code() == Code::Version);
  }
  std::ofstream(path + "/format") << plain;
  CHECK(open_store(options));
}

TEST_CASE("an incomplete line about a move is a damaged format") {
  const LocalVault vault;
  const std::string begin = "gw-vault 1\nvault " + vault.id.hex() + "\n";
  for (const std::string rest : {"requires moved\n", "requires arrival\n", "requires\nmoved t /x\n",
                                 "requires moved\nmoved t\n", "requires arrival\nmoved t /x\n"}) {
    CAPTURE(rest);
    std::ofstream(vault.options.path + "/format") << begin << rest;
    CHECK(open_local_store(vault.options).error().code() == Code::Corrupt);
  }
}

TEST_CASE("a suspended store refuses changes, and accepts them after the suspension") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  REQUIRE(deliver(*store, mailbox, new_mail()));
  const LogHead head = store->history_head(mailbox).value();
  const std::uint64_t commits = store->health()->commits;
  auto begun = store->begin(mailbox, random_id<MessageId>());
  REQUIRE(begun);
  {
    auto suspension = store->suspend();
    REQUIRE(suspension);
    CHECK(store->suspend().error().code() == Code::Busy);
    CHECK(deliver(*store, mailbox, new_mail()).error().code() == Code::Busy);
    CHECK(store->begin(mailbox, random_id<MessageId>()).error().code() == Code::Busy);
    CHECK(store->checkpoint("test").error().code() == Code::Busy);
    Leaf leaf;
    leaf.type = LeafType::Refused;
    CHECK(store->note(mailbox, leaf).error().code() == Code::Busy);
    CHECK(store->list(mailbox, 0, 10)->size() == 1);
    auto snapshot = store->snapshot();
    REQUIRE(snapshot);
    CHECK((*snapshot)->commits() == commits);
    CHECK(store->history_head(mailbox).value() == head);
  }
  CHECK(deliver(*store, mailbox, new_mail()));
}

TEST_CASE("a change that is under way when a store is suspended is in its snapshot, or is refused") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::atomic<bool> over = false;
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> tried = 0;
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i) {
    senders.emplace_back([&] {
      while (!over) {
        accepted += deliver(*store, mailbox, new_mail()) ? 1 : 0;
        ++tried;
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    const auto suspension = store->suspend();
    const bool good = suspension.has_value();
    const std::uint64_t before = store->stat(mailbox)->accepted;
    for (const std::uint64_t enough = tried + 8; tried < enough;) std::this_thread::yield();
    const std::uint64_t after = store->stat(mailbox)->accepted;
    if (!good || before != after) {
      over = true;
      FAIL_CHECK("changed from " << before << " to " << after);
    }
  }
  over = true;
  for (std::thread& sender : senders) sender.join();
  CHECK(store->stat(mailbox)->accepted == accepted);
}

TEST_CASE("a store that has moved refuses changes, and never opens again") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  {
    auto suspension = store->suspend();
    REQUIRE(suspension);
    CHECK((*suspension)->moved("/a\nb", "token").error().code() == Code::BadInput);
    REQUIRE((*suspension)->moved("/srv/new", "token"));
  }
  CHECK(deliver(*store, mailbox, new_mail()).error().code() == Code::Busy);
  CHECK(store->suspend().error().code() == Code::Busy);
  store.reset();
  const auto opened = open_local_store(vault.options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Code::Config);
  CHECK(opened.error().text().find("has moved to /srv/new") != std::string::npos);
  CHECK(repair_local_store(vault.options, true, "test").error().code() == Code::Config);
  CHECK(moved_away(vault.options.path));
}

TEST_CASE("a move that cannot be recorded has not happened") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  {
    auto suspension = store->suspend();
    REQUIRE(suspension);
    CHECK((*suspension)->moved("", "token").error().code() == Code::BadInput);
  }
  CHECK(deliver(*store, mailbox, new_mail()));
  CHECK_FALSE(moved_away(vault.options.path));
}

TEST_CASE("the new directory is a vault as soon as the format file of the old one says so") {
  const LocalVault vault;
  const std::string& old = vault.options.path;
  vault.open();
  const std::string fresh = old + "-new";
  fs::copy(old, fresh, fs::copy_options::recursive);
  const Move arrival{new_move_token(), old};
  REQUIRE(replace_format(fresh, {vault.id, {}, arrival}));
  LocalOptions options = vault.options;
  options.path = fresh;
  const auto refused = [&] {
    const auto opened = open_local_store(options);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == Code::Config);
    return opened.error();
  };

  CHECK(refused().text().find("still has it") != std::string::npos);
  CHECK(refused().hint().find("--resume") != std::string::npos);
  vault.open();
  SECTION("it has moved here") {
    REQUIRE(replace_format(old, {vault.id, Move{arrival.token, fresh}, {}}));
    REQUIRE(open_local_store(options));
    CHECK_FALSE(read_format(fresh)->arrival);
    // It no longer needs the old one.
    fs::remove_all(old);
    CHECK(open_local_store(options));
  }
  SECTION("it has moved here, and is opened for reading") {
    REQUIRE(replace_format(old, {vault.id, Move{arrival.token, fresh}, {}}));
    options.look_only = true;
    REQUIRE(open_local_store(options));
    CHECK(read_format(fresh)->arrival == arrival);
  }
  SECTION("it has moved elsewhere, or by another move") {
    REQUIRE(replace_format(old, {vault.id, Move{new_move_token(), fresh}, {}}));
    refused();
  }
  SECTION("there is another vault in the old directory") {
    REQUIRE(replace_format(old, {random_id<VaultId>(), Move{arrival.token, fresh}, {}}));
    refused();
  }
  SECTION("the old directory does not exist") {
    fs::rename(old, old + "-hidden");
    CHECK(refused().text().find("cannot be read") != std::string::npos);
    fs::rename(old + "-hidden", old);
  }
}

TEST_CASE("a vault that is opened for reading only keeps its files unchanged") {
  const LocalVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const contract::Mail small = new_mail();
  const contract::Mail large = new_mail(700'000);
  REQUIRE(deliver(*store, mailbox, small));
  REQUIRE(deliver(*store, mailbox, large));
  const LogHead head = store->history_head(mailbox).value();
  vault.await_head(*store);
  const std::string copy = vault.options.path + "-copy";
  fs::create_directory(copy);
  {
    auto snapshot = store->snapshot();
    REQUIRE(snapshot);
    fs::copy(vault.options.path + "/snapshot/1", copy, fs::copy_options::recursive);
  }
  fs::create_directory(copy + "/large/tmp");
  store.reset();
  const auto contents = [&] {
    std::map<std::string, std::string> all;
    for (const auto& entry : fs::recursive_directory_iterator(copy)) {
      const std::string name = entry.path().filename().string();
      if (entry.is_regular_file() && name != "lock" && !name.starts_with("LOG"))
        all[entry.path().string()] = read_file(entry.path().string(), 64 << 20).value();
    }
    return all;
  };
  const auto before = contents();
  LocalOptions options = vault.options;
  options.path = copy;
  options.look_only = true;
  {
    auto looked = open_local_store(options);
    REQUIRE(looked);
    CHECK((*looked)->history_head(mailbox).value() == head);
    CHECK((*looked)->list(mailbox, 0, 10)->size() == 2);
    CHECK((*looked)->envelope(mailbox, large.id));
    CHECK(deliver(**looked, mailbox, new_mail()).error().code() == Code::Unavailable);
  }
  CHECK(contents() == before);

  SECTION("a database that is older than its head file does not open for reading only") {
    REQUIRE(fs::remove(copy + "/head"));
    REQUIRE(HeadFile::create(copy, {{1'000'000, {}}, false}));
    CHECK(open_local_store(options).error().code() == Code::Corrupt);
  }
}

}  // namespace
}  // namespace gw::store
