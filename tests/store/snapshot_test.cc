// A snapshot of a vault's files: complete, of one moment, and without effect on the running store.
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>

#include "base/file.h"
#include "store/local/snapshot.h"
#include "store/local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::new_mail;
using contract::new_mailbox;

constexpr std::size_t kLarge = 600 << 10;

std::string content(const Fd& fd) {
  std::string all;
  Bytes piece(64 << 10);
  for (;;) {
    const auto got = read_some(fd.get(), piece, "a file of the snapshot");
    REQUIRE(got);
    if (*got == 0) return all;
    all += as_text(ByteView(piece).first(*got));
  }
}

// Writes the snapshot's files to a directory that can be opened as a vault. Returns their names.
std::set<std::string> save(Snapshot& snapshot, const std::string& to) {
  std::set<std::string> names;
  for (const char* folder : {"", "/db", "/large", "/large/tmp"}) fs::create_directory(to + folder);
  for (;;) {
    auto file = snapshot.next();
    REQUIRE(file);
    if (!*file) return names;
    const std::string data = content((*file)->content);
    CHECK(data.size() == (*file)->size);
    CHECK(names.insert((*file)->name).second);
    std::ofstream(to + "/" + (*file)->name, std::ios::binary) << data;
  }
}

bool is_there(const LocalVault& vault) {
  return fs::exists(vault.options.path + "/snapshot");
}

}  // namespace

TEST_CASE("A snapshot is a complete vault with everything that was acknowledged, and nothing later") {
  LocalVault vault;
  test::TempFolder folder;
  auto store = vault.open();
  const MailboxRecord box = contract::put(*store, new_mailbox("a"));
  const contract::Mail small = new_mail();
  const contract::Mail large = new_mail(kLarge);
  REQUIRE(deliver(*store, box.id, small));
  REQUIRE(deliver(*store, box.id, large));
  const std::string before = contract::dump(*store);
  const std::uint64_t commits = store->health()->commits;

  auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  CHECK((*snapshot)->commits() == commits);
  const contract::Mail later = new_mail();
  REQUIRE(deliver(*store, box.id, later));
  const std::set<std::string> names = save(**snapshot, folder.path() + "/copy");
  CHECK(names.contains("format"));
  CHECK(names.contains("head"));
  CHECK(names.contains("db/CURRENT"));
  CHECK(names.contains("large/" + large.id.hex()));
  CHECK_FALSE(names.contains("lock"));

  LocalOptions options = vault.options;
  options.path = folder.path() + "/copy";
  const auto copy = open_local_store(options);
  REQUIRE(copy);
  CHECK((*copy)->health()->writable);
  CHECK(contract::dump(**copy) == before);
  CHECK((*copy)->find(box.id, later.id).error().code() == Code::NotFound);
  CHECK(store->find(box.id, later.id));
}

TEST_CASE("Files of a snapshot that are marked immutable are the same in the next one") {
  LocalVault vault;
  auto store = vault.open();
  const MailboxRecord box = contract::put(*store, new_mailbox("a"));
  REQUIRE(deliver(*store, box.id, new_mail(kLarge)));
  REQUIRE(deliver(*store, box.id, new_mail(4000)));
  std::map<std::string, std::pair<ino_t, std::string>> first;
  std::size_t same = 0;
  for (const int round : {1, 2}) {
    const auto snapshot = store->snapshot();
    REQUIRE(snapshot);
    for (;;) {
      auto file = (*snapshot)->next();
      REQUIRE(file);
      if (!*file) break;
      const std::string& name = (*file)->name;
      CHECK((*file)->immutable ==
            (name.starts_with("large/") || name.ends_with(".sst") || name.ends_with(".blob")));
      if (!(*file)->immutable) continue;
      struct stat found {};
      REQUIRE(::fstat((*file)->content.get(), &found) == 0);
      const std::pair<ino_t, std::string> now{found.st_ino, content((*file)->content)};
      if (round == 1) first[name] = now;
      if (round == 2 && first.contains(name)) {
        ++same;
        CHECK(first[name] == now);
      }
    }
  }
  CHECK(same >= 2);  // the large message, and a file of the database
}

TEST_CASE("What is removed while a snapshot exists is still in it, and is gone from the vault") {
  LocalVault vault;
  auto store = vault.open();
  const MailboxRecord box = contract::put(*store, new_mailbox("a"));
  const contract::Mail large = new_mail(kLarge);
  REQUIRE(deliver(*store, box.id, large));
  auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  REQUIRE(contract::move(*store, box.id, {large.id}, State::Live, std::nullopt));
  CHECK_FALSE(fs::exists(vault.options.path + "/large/" + large.id.hex()));
  bool seen = false;
  for (auto file = (*snapshot)->next(); file && *file; file = (*snapshot)->next()) {
    if ((*file)->name == "large/" + large.id.hex())
      seen = content((*file)->content) == as_text(large.container);
  }
  CHECK(seen);
  snapshot->reset();
  CHECK_FALSE(is_there(vault));
}

TEST_CASE("There is one snapshot at a time, and it leaves no files") {
  LocalVault vault;
  auto store = vault.open();
  auto first = store->snapshot();
  REQUIRE(first);
  CHECK(store->snapshot().error().code() == Code::Busy);
  CHECK(is_there(vault));
  first->reset();
  CHECK_FALSE(is_there(vault));
  REQUIRE(store->snapshot());
  CHECK_FALSE(is_there(vault));
}

TEST_CASE("A snapshot that a killed keeper left is removed by the next one") {
  LocalVault vault;
  {
    auto store = vault.open();
    auto snapshot = store->snapshot();
    REQUIRE(snapshot);
    fs::copy(vault.options.path + "/snapshot", vault.options.path + "/left", fs::copy_options::recursive);
  }
  fs::rename(vault.options.path + "/left", vault.options.path + "/snapshot");
  CHECK(vault.open()->health()->writable);
  CHECK_FALSE(is_there(vault));
}

TEST_CASE("Files that a snapshot has left are removed, and an error is reported if that is impossible") {
  const test::TempFolder folder;
  Snapshots snapshots(folder.path());
  CHECK_FALSE(snapshots.remain(1).value());
  const std::string left = folder.path() + "/snapshot/2";
  fs::create_directories(left);
  CHECK_FALSE(snapshots.remain(1).value());
  CHECK(fs::exists(left));
  // The process has no descriptor left to list the directory with.
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  const auto unknown = snapshots.remain(2);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  REQUIRE_FALSE(unknown);
  CHECK(fs::exists(left));
  CHECK_FALSE(snapshots.remain(2).value());
  CHECK_FALSE(fs::exists(left));
}

TEST_CASE("A read-only vault refuses a snapshot and says why") {
  LocalVault vault;
  { vault.open(); }
  fs::remove(vault.options.path + "/head");
  auto store = vault.open();
  REQUIRE_FALSE(store->health()->writable);
  const auto snapshot = store->snapshot();
  REQUIRE_FALSE(snapshot);
  CHECK(snapshot.error().code() == Code::Unavailable);
  CHECK_FALSE(snapshot.error().hint().empty());
}

TEST_CASE("Snapshots hold every large message that their database names, whatever is removed meanwhile") {
  LocalVault vault;
  vault.options.large_threshold = 2000;
  test::TempFolder folder;
  auto store = vault.open();
  const MailboxRecord box = contract::put(*store, new_mailbox("a"));
  std::atomic<bool> over = false;
  std::thread churn([&] {
    std::vector<MessageId> here;
    while (!over) {
      const contract::Mail mail = new_mail(3000);
      if (!deliver(*store, box.id, mail)) break;
      here.push_back(mail.id);
      if (here.size() < 20) continue;
      const std::vector<MessageId> gone(here.begin(), here.begin() + 10);
      if (!contract::move(*store, box.id, gone, State::Live, std::nullopt)) break;
      here.erase(here.begin(), here.begin() + 10);
    }
  });
  for (int round = 0; round < 5; ++round) {
    auto snapshot = store->snapshot();
    REQUIRE(snapshot);
    const std::string to = folder.path() + "/" + std::to_string(round);
    save(**snapshot, to);
    const std::uint64_t commits = (*snapshot)->commits();
    snapshot->reset();
    LocalOptions options = vault.options;
    options.path = to;
    const auto copy = open_local_store(options);
    REQUIRE(copy);
    CHECK((*copy)->health()->writable);
    CHECK((*copy)->health()->commits >= commits);
    const auto listed = (*copy)->list(box.id, 0, 1000);
    REQUIRE(listed);
    for (const MessageRecord& record : *listed)
      CHECK(sha256(contract::read_all(**copy, box.id, record.id)) == record.container);
  }
  over = true;
  churn.join();
}

}  // namespace gw::store
