// A disk that is full, on a small tmpfs that the test mounts (as root only).
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

class SmallDisk {
 public:
  explicit SmallDisk(const char* options) {
    mounted_ = ::mount("gw-test", folder_.path().c_str(), "tmpfs", 0, options) == 0;
    if (!mounted_) WARN("not allowed to mount a tmpfs: nothing tested");
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  void become_read_only(bool read_only) const {
    const unsigned long flags = MS_REMOUNT | (read_only ? MS_RDONLY : 0);
    REQUIRE(::mount("gw-test", folder_.path().c_str(), "tmpfs", flags, nullptr) == 0);
  }
  const std::string& path() const { return folder_.path(); }

 private:
  test::TempFolder folder_;
  bool mounted_ = false;
};

struct Filled {
  std::vector<Mail> mails;  // acknowledged
  std::vector<Code> refusals;
};

// Delivers until `refusals` mails in a row were refused: after one or two the store may have freed space.
Filled fill(Store& store, const MailboxId& mailbox, std::size_t refusals, std::size_t size) {
  Filled filled;
  for (std::size_t row = 0; row < refusals && filled.mails.size() < 10'000;) {
    Mail mail = new_mail(size);
    const auto committed = deliver(store, mailbox, mail);
    row = committed ? 0 : row + 1;
    if (committed) {
      filled.mails.push_back(std::move(mail));
    } else {
      filled.refusals.push_back(committed.error().code());
      std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
  }
  return filled;
}

bool await(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

void check_all(Store& store, const MailboxId& mailbox, const std::vector<Mail>& mails) {
  for (const Mail& mail : mails) CHECK(contract::read_all(store, mailbox, mail.id) == mail.container);
}

constexpr std::chrono::minutes kFullFor{10};  // afterwards grace times are cut short

// Fills the disk except for this many bytes.
void fill_with_junk(const SmallDisk& disk, std::uint64_t but) {
  std::ofstream junk(disk.path() + "/junk");
  const std::string block(1 << 16, 'x');
  while (fs::space(disk.path()).available > but + block.size() &&
         junk.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
  }
}

std::vector<MessageId> ids(const std::vector<Mail>& mails) {
  std::vector<MessageId> all;
  for (const Mail& mail : mails) all.push_back(mail.id);
  return all;
}

TEST_CASE("on a full disk mail is refused as Full, draining goes on, and space is freed without help") {
  const std::size_t size = GENERATE(8000, 300'000);
  const SmallDisk disk("size=16m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 200'000;
  vault.options.failed = [](const Error&) { ::abort(); };
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round << " of " << size << " octets");
    // The store frees the space of what was deleted in the previous round some time later.
    Filled filled;
    REQUIRE(await([&] {
      Filled more = fill(*store, mailbox, 15, size);
      std::move(more.mails.begin(), more.mails.end(), std::back_inserter(filled.mails));
      filled.refusals.insert(filled.refusals.end(), more.refusals.begin(), more.refusals.end());
      return filled.mails.size() * size > 4'000'000;
    }));
    for (const Code code : filled.refusals) CHECK(code == Code::Full);
    CHECK(store->health().value().writable);
    check_all(*store, mailbox, filled.mails);
    auto moved = contract::move(*store, mailbox, ids(filled.mails), State::Live, State::Drained);
    INFO((moved ? "" : moved.error().text()));
    REQUIRE(moved);
    CHECK(*moved == filled.mails.size());
    REQUIRE(await([&] {
      vault.clocks->boot += kFullFor;
      const auto swept = store->sweep(1000, false);
      INFO((swept ? "" : swept.error().text()));
      REQUIRE(swept);
      return !store->health().value().full;
    }));
    (void)contract::move(*store, mailbox, ids(filled.mails), State::Drained, std::nullopt);
  }
  REQUIRE(await([&] { return deliver(*store, mailbox, new_mail(size)).has_value(); }));
  contract::dump(*store);
}

// Takes all space in one step, so that a store finds nothing left when it looks. If the store writes
// at the same moment, the step fails and is repeated.
void take_all(const std::string& junk) {
  const Fd file(::open(junk.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  REQUIRE(file);
  REQUIRE(await([&] {
    const std::uint64_t free = fs::space(junk).available;
    return free == 0 || (::posix_fallocate(file.get(), static_cast<off_t>(fs::file_size(junk)),
                                           static_cast<off_t>(free)) == 0 &&
                         fs::space(junk).available == 0);
  }));
}

TEST_CASE("A disk that others fill to its last byte, again and again, does not end the store") {
  // Without a ballast the store has nothing to release and must not write at all.
  const std::uint64_t ballast = GENERATE(std::uint64_t{0}, std::uint64_t{1} << 20);
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.ballast = ballast;
  vault.options.failed = [](const Error&) { ::abort(); };
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const std::string junk = disk.path() + "/junk";
  const auto settled = [&] {
    return !store->health().value().full && (ballast == 0 || fs::exists(vault.options.path + "/ballast"));
  };
  for (int round = 0; round < 6; ++round) {
    INFO("round " << round << ", ballast of " << ballast);
    REQUIRE(await(settled));
    take_all(junk);
    REQUIRE(await([&] { return store->health().value().full; }));
    const auto refused = deliver(*store, mailbox, new_mail(100));
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::Full);
    fs::remove(junk);
  }
  REQUIRE(await(settled));
  CHECK(store->health().value().writable);
  REQUIRE(deliver(*store, mailbox, new_mail(100)));
  contract::dump(*store);
}

TEST_CASE("Others that take the space of the ballast as soon as it is released do not end the store") {
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.failed = [](const Error&) { ::abort(); };
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const std::string junk = disk.path() + "/junk";
  const std::string ballast = vault.options.path + "/ballast";
  for (int round = 0; round < 10; ++round) {
    INFO("round " << round);
    REQUIRE(await([&] { return !store->health().value().full && fs::exists(ballast); }));
    // Less than the low mark, which is an eighth of the disk.
    fill_with_junk(disk, 700 << 10);
    // Without a pause: the store must not have time for anything in between.
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (fs::exists(ballast) && std::chrono::steady_clock::now() < end) {
    }
    take_all(junk);
    REQUIRE(await([&] { return store->health().value().full; }));
    fs::remove(junk);
  }
  REQUIRE(await([&] { return deliver(*store, mailbox, new_mail(100)).has_value(); }));
  contract::dump(*store);
}

TEST_CASE("Others that take every byte at any moment do not end the store") {
  const std::uint64_t ballast = GENERATE(std::uint64_t{0}, std::uint64_t{1} << 20);
  const SmallDisk disk("size=24m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.low_mark = 128 << 10;
  vault.options.high_mark = 256 << 10;
  vault.options.ballast = ballast;
  vault.options.failed = [](const Error&) { ::abort(); };
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::atomic<unsigned> accepted = 0;
  std::atomic<bool> over = false;
  std::thread taker([&] {
    constexpr unsigned kRounds = 40;
    const Fd junk(::open((disk.path() + "/junk").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    for (unsigned round = 0; round < kRounds; ++round) {
      // In the middle of the traffic, and again and again while it is held, because the store
      // releases space.
      const unsigned before = accepted;
      if (!await([&] { return accepted > before + round % 5; })) break;
      off_t taken = 0;
      for (unsigned step = 0; step < 500; ++step) {
        const auto free = static_cast<off_t>(fs::space(disk.path()).available);
        if (free != 0 && ::posix_fallocate(junk.get(), taken, free) == 0) taken += free;
      }
      if (::ftruncate(junk.get(), 0) != 0) break;
    }
    over = true;
  });
  std::vector<Mail> mails;
  std::size_t wrong = 0;
  while (!over) {
    // A removal writes, too, and keeps the small disk from filling with mail.
    if (mails.size() > 50 && contract::move(*store, mailbox, {mails.back().id}, State::Live, std::nullopt))
      mails.pop_back();
    Mail mail = new_mail(4000);
    const auto committed = deliver(*store, mailbox, mail);
    if (committed) {
      mails.push_back(std::move(mail));
      ++accepted;
    } else if (committed.error().code() != Code::Full) {
      ++wrong;
    }
  }
  taker.join();
  CHECK(accepted > 40);
  CHECK(wrong == 0);
  CHECK(store->health().value().writable);
  check_all(*store, mailbox, mails);
  store.reset();
  store = vault.open();
  check_all(*store, mailbox, mails);
  contract::dump(*store);
}

TEST_CASE("A store that is closed on a full disk has everything when it is opened again") {
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.ballast = 0;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const std::string junk = disk.path() + "/junk";
  std::vector<Mail> mails;
  for (int round = 0; round < 20; ++round) {
    mails.push_back(new_mail(1000));
    REQUIRE(deliver(*store, mailbox, mails.back()));
    take_all(junk);
    store.reset();
    fs::remove(junk);
    store = vault.open();
    REQUIRE(store->health().value().writable);
    check_all(*store, mailbox, mails);
  }
  contract::dump(*store);
}

TEST_CASE("a disk that other programs fill costs no grace time, however long it is full") {
  const SmallDisk disk("size=32m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 50'000;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::vector<Mail> mails;
  for (const std::size_t size : {100, 8000, 60'000}) {
    mails.push_back(new_mail(size));
    REQUIRE(deliver(*store, mailbox, mails.back()));
  }
  REQUIRE(contract::move(*store, mailbox, ids(mails), State::Live, State::Drained));
  fill_with_junk(disk, 2 << 20);
  REQUIRE(await([&] { return store->health().value().full; }));
  for (int look = 0; look < 5; ++look) {
    REQUIRE(store->sweep(1000, true).value().expired == 0);
    vault.clocks->boot += kFullFor;
  }
  CHECK(store->stat(mailbox).value().drained == mails.size());
  check_all(*store, mailbox, mails);
}

TEST_CASE("on a disk that stays full the oldest drained mail is removed, and no more than new mail needs") {
  const SmallDisk disk("size=32m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 100'000;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const Filled filled = fill(*store, mailbox, 15, 200'000);
  REQUIRE(filled.mails.size() > 50);
  for (const Mail& mail : filled.mails) {
    REQUIRE(contract::move(*store, mailbox, {mail.id}, State::Live, State::Drained));
    vault.clocks->wall += 1000;
  }
  CHECK(store->sweep(1000, false).value().expired == 0);
  vault.clocks->boot += kFullFor - std::chrono::seconds(1);
  CHECK(store->sweep(1000, false).value().expired == 0);
  REQUIRE(store->health().value().full);
  vault.clocks->boot += std::chrono::seconds(1);
  const std::uint64_t expired = store->sweep(1000, false).value().expired;
  CHECK(expired > 0);
  CHECK(expired < filled.mails.size() / 2);
  CHECK_FALSE(store->health().value().full);
  for (std::size_t i = 0; i < filled.mails.size(); ++i)
    CHECK(store->find(mailbox, filled.mails[i].id).has_value() == (i >= expired));
  vault.clocks->boot += kFullFor;
  CHECK(store->sweep(1000, false).value().expired == 0);
  CHECK(deliver(*store, mailbox, new_mail(200'000)));
}

TEST_CASE(
    "a vault on a read-only file system can be read, and is opened again when the file system is writable") {
  const SmallDisk disk("size=32m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 50'000;
  std::vector<Mail> mails;
  MailboxId mailbox;
  {
    auto store = vault.open();
    mailbox = contract::put(*store, new_mailbox("journal")).id;
    for (const std::size_t size : {100, 8000, 60'000}) {
      mails.push_back(new_mail(size));
      REQUIRE(deliver(*store, mailbox, mails.back()));
    }
    vault.await_head(*store);
    if (GENERATE(true, false)) vault.kill(std::move(store));
  }
  const bool damaged = GENERATE(false, true);
  const auto logs = vault.files("db", ".log");
  if (damaged) {
    if (logs.empty() || fs::file_size(logs[0]) < 8000) return;  // the store was closed, and its log is empty
    LocalVault::flip(logs[0], fs::file_size(logs[0]) / 2);
  }
  disk.become_read_only(true);
  std::atomic<bool> told = false;
  LocalOptions options = vault.options;
  options.failed = [&](const Error&) { told = true; };
  auto opened = open_local_store(options);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened);
  CHECK(open_local_store(options).error().code() == Code::Busy);
  const Health health = (*opened)->health().value();
  CHECK_FALSE(health.writable);
  CHECK(health.damaged == damaged);
  CHECK(health.reason.starts_with("its file system is mounted read-only"));
  if (!damaged) check_all(**opened, mailbox, mails);
  CHECK(deliver(**opened, mailbox, new_mail()).error().code() == Code::Unavailable);
  CHECK((*opened)->sweep(0, true));
  CHECK_FALSE(told);
  disk.become_read_only(false);
  CHECK(await([&] { return told.load(); }));
  opened->reset();
  if (damaged) return;
  const auto store = vault.open();
  CHECK(store->health().value().writable);
  check_all(*store, mailbox, mails);
  CHECK(deliver(*store, mailbox, new_mail()));
}

// Runs in another process, started by fill_and_die: delivers until the store refuses, and ends without
// closing it. Prints the acknowledged mails on standard output.
TEST_CASE("(a store that fills its disk and dies)", "[.]") {
  const char* path = std::getenv("GW_TEST_VAULT");
  const char* mailbox = std::getenv("GW_TEST_MAILBOX");
  if (path == nullptr || mailbox == nullptr) return;
  LocalOptions options;
  options.path = path;
  auto opened = open_local_store(options);
  if (!opened) ::_exit(1);
  for (;;) {
    const Mail mail = new_mail(8000);
    if (!deliver(**opened, *MailboxId::parse(mailbox), mail)) ::_exit(0);
    const std::string line = "acknowledged " + mail.id.hex() + "\n";
    if (::write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::_exit(1);
  }
}

std::vector<MessageId> fill_and_die(const std::string& vault, const MailboxId& mailbox) {
  const std::string command = "GW_TEST_VAULT=" + vault + " GW_TEST_MAILBOX=" + mailbox.hex() + " exec " +
                              fs::read_symlink("/proc/self/exe").string() +
                              " '(a store that fills its disk and dies)'";
  std::FILE* output = ::popen(command.c_str(), "r");
  REQUIRE(output != nullptr);
  std::vector<MessageId> acknowledged;
  // Catch may print text in between.
  std::array<char, 200> line{};
  while (std::fgets(line.data(), line.size(), output) != nullptr) {
    const std::string_view text = line.data();
    if (!text.starts_with("acknowledged ")) continue;
    const auto id = MessageId::parse(text.substr(13, 32));
    REQUIRE(id);
    acknowledged.push_back(*id);
  }
  REQUIRE(::pclose(output) == 0);
  return acknowledged;
}

TEST_CASE("a store killed on a full disk opens again, and has everything") {
  const SmallDisk disk("size=16m");
  if (!disk.mounted()) return;
  const LocalVault vault(disk.path());
  MailboxId mailbox;
  {
    const auto store = vault.open();
    mailbox = contract::put(*store, new_mailbox("journal")).id;
  }
  const std::vector<MessageId> acknowledged = fill_and_die(vault.options.path, mailbox);
  REQUIRE(acknowledged.size() > 100);

  const auto check = [&](Store& store) {
    for (const MessageId& id : acknowledged) {
      const auto found = store.find(mailbox, id);
      INFO(id.hex() << (found ? "" : ": " + found.error().text()));
      REQUIRE(found);
      const MessageRecord& record = *found;
      CHECK(sha256(contract::read_all(store, mailbox, id)) == record.container);
    }
  };
  SECTION("as it was left") {
    const auto store = vault.open();
    CHECK(store->health().value().writable);
    check(*store);
    CHECK(contract::move(*store, mailbox, acknowledged, State::Live, std::nullopt));
    CHECK(await([&] { return deliver(*store, mailbox, new_mail(8000)).has_value(); }));
  }
  SECTION("other programs filled it to the last byte") {
    fill_with_junk(disk, 0);
    LocalOptions options = vault.options;
    std::atomic<bool> told = false;
    options.failed = [&](const Error& error) { told = error.code() == Code::Full; };
    auto opened = open_local_store(options);
    INFO((opened ? "" : opened.error().text()));
    REQUIRE(opened);
    check(**opened);
    const auto refused = deliver(**opened, mailbox, new_mail());
    REQUIRE_FALSE(refused);
    const bool writable = (*opened)->health().value().writable;
    CHECK(refused.error().code() == (writable ? Code::Full : Code::Unavailable));
    fs::remove(disk.path() + "/junk");
    // A store that opened read-only asks to be opened again.
    if (!writable) CHECK(await([&] { return told.load(); }));
    opened->reset();
    const auto store = vault.open();
    CHECK(store->health().value().writable);
    check(*store);
    CHECK(contract::move(*store, mailbox, acknowledged, State::Live, std::nullopt));
    CHECK(await([&] { return deliver(*store, mailbox, new_mail(8000)).has_value(); }));
  }
}

TEST_CASE("without free inodes mail is refused as Full, too") {
  const SmallDisk disk("size=64m,nr_inodes=80");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 1000;
  vault.options.failed = [](const Error&) { ::abort(); };
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const Filled filled = fill(*store, mailbox, 15, 2000);
  CHECK(filled.mails.size() > 5);
  for (const Code code : filled.refusals) CHECK(code == Code::Full);
  check_all(*store, mailbox, filled.mails);
  REQUIRE(contract::move(*store, mailbox, ids(filled.mails), State::Live, std::nullopt));
  CHECK(await([&] { return deliver(*store, mailbox, new_mail(2000)).has_value(); }));
}

}  // namespace
TEST_CASE("On a disk that fills, the space of a snapshot is freed, and a new snapshot is refused") {
  const SmallDisk disk("size=32m");
  if (!disk.mounted()) return;
  const LocalVault vault(disk.path());
  auto store = vault.open();
  const MailboxRecord box = contract::put(*store, new_mailbox("a"));
  std::vector<Mail> removed;
  for (int count = 0; count < 8; ++count) {
    removed.push_back(new_mail(1 << 20));
    REQUIRE(deliver(*store, box.id, removed.back()));
  }
  auto snapshot = store->snapshot();
  REQUIRE(snapshot);
  REQUIRE(contract::move(*store, box.id, ids(removed), State::Live, std::nullopt));
  const Filled filled = fill(*store, box.id, 10, 700 << 10);
  CHECK(await([&] { return !fs::exists(vault.options.path + "/snapshot"); }));
  CHECK((*snapshot)->next().error().code() == Code::Full);
  // The space that it held is available for mail: more than the disk less those eight.
  const Filled rest = fill(*store, box.id, 10, 700 << 10);
  CHECK(store->snapshot().error().code() == Code::Full);
  CHECK((filled.mails.size() + rest.mails.size()) * (700 << 10) > (16U << 20));
  check_all(*store, box.id, filled.mails);
  check_all(*store, box.id, rest.mails);
}

TEST_CASE("a purge on a disk that is filling is refused or given up as Full, and the store goes on") {
  const SmallDisk disk("size=32m");
  if (!disk.mounted()) return;
  LocalVault vault(disk.path());
  vault.options.large_threshold = 200'000;
  vault.options.failed = [](const Error&) { ::abort(); };
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::atomic<bool> full = false;
  std::atomic<int> wrong = 0;
  std::thread purger([&] {
    while (!full) {
      const auto purge = store->purge(0);
      if (!purge && purge.error().code() != Code::Full && purge.error().code() != Code::Busy) ++wrong;
      if (!purge) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const Filled filled = fill(*store, mailbox, 15, 30'000);
  full = true;
  purger.join();
  CHECK(wrong == 0);
  CHECK(filled.mails.size() > 100);
  CHECK(await([&] {
    const auto purge = store->purge(0);
    return !purge && purge.error().code() == Code::Full;
  }));
  CHECK(store->health().value().writable);
  check_all(*store, mailbox, filled.mails);
}

}  // namespace gw::store
