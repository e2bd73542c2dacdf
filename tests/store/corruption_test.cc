// The store reports damage, never returns wrong bytes, and goes on with what is not damaged.
#include "local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

struct Sent {
  MailboxId mailbox;
  std::vector<Mail> mails;
};

Sent fill(Store& store, int count = 40) {
  Sent sent{contract::put(store, new_mailbox("journal")).id, {}};
  for (int i = 0; i < count; ++i) {
    sent.mails.push_back(new_mail(3000));
    REQUIRE(deliver(store, sent.mailbox, sent.mails.back()));
  }
  return sent;
}

// Reads each message, which must succeed with the right bytes or fail. Returns how many succeeded.
std::size_t readable(Store& store, const Sent& sent) {
  std::size_t right = 0;
  for (const Mail& mail : sent.mails) {
    Bytes all(mail.container.size());
    const auto got = store.read(sent.mailbox, mail.id, 0, all);
    if (!got) continue;
    CHECK(*got == all.size());
    CHECK(all == mail.container);
    ++right;
  }
  return right;
}

void check_read_only(Store& store, const Sent& sent) {
  const Health health = store.health().value();
  CHECK_FALSE(health.writable);
  CHECK(health.damaged);
  CHECK_FALSE(health.reason.empty());
  CHECK(deliver(store, sent.mailbox, new_mail()).error().code() == Code::Unavailable);
  CHECK(store.put_if({Kind::Setting, {}, "x"}, 0, {}, {LeafType::Setting, "", 0}).error().code() ==
        Code::Unavailable);
  CHECK(store.sweep(10, true).error().code() == Code::Unavailable);
  // The missing commits may have created this mailbox.
  for (const Lookup lookup : {Lookup::Recipient, Lookup::Login})
    CHECK(store.resolve("nobody@example.com", lookup).error().code() == Code::Unavailable);
  CHECK(store.mailboxes());
}

TEST_CASE("a flipped byte in the middle of the write-ahead log is reported, and the rest is readable") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  vault.kill(std::move(store));
  const fs::path log = vault.files("db", ".log").at(0);
  LocalVault::flip(log, fs::file_size(log) / 2);
  store = vault.open();
  check_read_only(*store, sent);
  const std::size_t right = readable(*store, sent);
  CHECK(right > sent.mails.size() / 4);
  CHECK(right < sent.mails.size());
}

TEST_CASE("a deleted write-ahead log is reported") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  vault.await_head(*store);
  vault.kill(std::move(store));
  for (const fs::path& log : vault.files("db", ".log")) fs::remove(log);
  store = vault.open();
  check_read_only(*store, sent);
  store.reset();
  store = vault.open();  // a second open reports it again
  check_read_only(*store, sent);
}

TEST_CASE("a torn tail of the write-ahead log, which a power cut leaves, is not damage") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  vault.await_head(*store);
  const std::string head = vault.options.path + "/head";
  const std::string saved = vault.options.path + "/../head";
  fs::copy_file(head, saved);
  const Mail unacknowledged = new_mail(3000);
  REQUIRE(deliver(*store, sent.mailbox, unacknowledged));
  vault.kill(std::move(store));
  fs::copy_file(saved, head, fs::copy_options::overwrite_existing);
  const fs::path log = vault.files("db", ".log").at(0);
  const auto size = fs::file_size(log);
  SECTION("cut") {
    fs::resize_file(log, size - 100);
  }
  SECTION("zeros in place of bytes that were never written") {
    fs::resize_file(log, size - 100);
    fs::resize_file(log, size);
  }
  SECTION("zeros in the last sector, of which the file has a few bytes only") {
    const auto end = size - size % 512 - 512;
    fs::resize_file(log, end);
    fs::resize_file(log, end + 7);
  }
  SECTION("a sector of zeros in the middle") {
    std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size - size % 512 - 1024));
    file.write(std::string(512, '\0').data(), 512);
  }
  SECTION("more zeros") {
    fs::resize_file(log, size - 100);
    fs::resize_file(log, size + 100'000);
  }
  store = vault.open();
  CHECK(store->health().value().writable);
  CHECK(readable(*store, sent) == sent.mails.size());
  CHECK(store->find(sent.mailbox, unacknowledged.id).error().code() == Code::NotFound);
  CHECK(deliver(*store, sent.mailbox, unacknowledged));
  contract::dump(*store);
}

TEST_CASE("a lost sector of the write-ahead log that complete commits follow is damage, not a torn tail") {
  LocalVault vault;
  auto store = vault.open();
  Sent sent = fill(*store);
  const fs::path log = vault.files("db", ".log").at(0);
  constexpr std::uint64_t kBlock = 32 << 10;
  while (fs::file_size(log) % kBlock > kBlock / 2) {
    sent.mails.push_back(new_mail(3000));
    REQUIRE(deliver(*store, sent.mailbox, sent.mails.back()));
  }
  vault.await_head(*store);
  const std::string head = vault.options.path + "/head";
  const std::string saved = vault.options.path + "/../head";
  fs::copy_file(head, saved);
  const auto before = fs::file_size(log);
  // The head file knows none of these three, and RocksDB does not find the last two: it skips the rest
  // of the block.
  for (int i = 0; i < 3; ++i) REQUIRE(deliver(*store, sent.mailbox, new_mail(1500)));
  vault.kill(std::move(store));
  fs::copy_file(saved, head, fs::copy_options::overwrite_existing);
  const auto sector = before - before % 512 + 512;
  REQUIRE(sector / kBlock == (fs::file_size(log) - 1) / kBlock);
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(sector));
  file.write(std::string(512, '\0').data(), 512);
  file.close();
  store = vault.open();
  check_read_only(*store, sent);
}

TEST_CASE("zeros in the place of acknowledged commits are reported") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  vault.await_head(*store);
  vault.kill(std::move(store));
  const fs::path log = vault.files("db", ".log").at(0);
  const auto size = fs::file_size(log);
  fs::resize_file(log, size - 100);
  fs::resize_file(log, size);
  store = vault.open();
  check_read_only(*store, sent);
  CHECK(readable(*store, sent) == sent.mails.size() - 1);
}

TEST_CASE("a cut that takes acknowledged commits with it is reported") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  vault.await_head(*store);
  vault.kill(std::move(store));
  const fs::path log = vault.files("db", ".log").at(0);
  fs::resize_file(log, fs::file_size(log) - 100);
  store = vault.open();
  check_read_only(*store, sent);
  CHECK(readable(*store, sent) == sent.mails.size() - 1);
}

TEST_CASE("an older copy of the database with a newer head file is reported") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  store.reset();
  const std::string copy = vault.options.path + "/../db";
  fs::copy(vault.options.path + "/db", copy, fs::copy_options::recursive);
  store = vault.open();
  REQUIRE(deliver(*store, sent.mailbox, new_mail()));
  store.reset();
  fs::remove_all(vault.options.path + "/db");
  fs::rename(copy, vault.options.path + "/db");
  store = vault.open();
  check_read_only(*store, sent);
  CHECK(readable(*store, sent) == sent.mails.size());
}

TEST_CASE("the store opens with one torn slot of the head file, and not with two") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store, 5);
  store.reset();
  const std::string head = vault.options.path + "/head";
  SECTION("the older slot") {
    LocalVault::flip(head, 4096 + 20);
    LocalVault::flip(head, 4096 + 60);
    store = vault.open();
    CHECK(deliver(*store, sent.mailbox, new_mail()).has_value() == store->health().value().writable);
    CHECK(readable(*store, sent) == 5);
  }
  SECTION("both slots") {
    LocalVault::flip(head, 20);
    LocalVault::flip(head, 4096 + 20);
    store = vault.open();
    check_read_only(*store, sent);
    CHECK(readable(*store, sent) == 5);
  }
  SECTION("no file") {
    fs::remove(head);
    store = vault.open();
    check_read_only(*store, sent);
    CHECK(readable(*store, sent) == 5);
  }
}

TEST_CASE("a flipped byte in a body damages this message only, and the next delivery succeeds") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store);
  store.reset();
  const fs::path blobs = vault.files("db", ".blob").at(0);
  LocalVault::flip(blobs, fs::file_size(blobs) / 2);
  store = vault.open();
  CHECK(store->health().value().writable);
  CHECK(readable(*store, sent) == sent.mails.size() - 1);
  std::size_t corrupt = 0;
  for (const Mail& mail : sent.mails) {
    std::array<std::byte, 1> one;
    const auto got = store->read(sent.mailbox, mail.id, 0, one);
    if (got) continue;
    CHECK(got.error().code() == Code::Corrupt);
    CHECK(store->envelope(sent.mailbox, mail.id).error().code() == Code::Corrupt);
    CHECK(store->find(sent.mailbox, mail.id));
    CHECK(contract::move(*store, sent.mailbox, {mail.id}, State::Live, State::Quarantined).value() == 1);
    ++corrupt;
  }
  CHECK(corrupt == 1);
  const Mail next = new_mail();
  REQUIRE(deliver(*store, sent.mailbox, next));
  CHECK(contract::read_all(*store, sent.mailbox, next.id) == next.container);
}

TEST_CASE("messages whose blob file is missing are Corrupt, and the next delivery succeeds") {
  LocalVault vault;
  auto store = vault.open();
  const Sent sent = fill(*store, 3);
  store.reset();
  fs::remove(vault.files("db", ".blob").at(0));
  store = vault.open();
  CHECK(store->health().value().writable);
  std::array<std::byte, 1> one;
  for (const Mail& mail : sent.mails) {
    // Io would mean that the same read may succeed later.
    CHECK(store->read(sent.mailbox, mail.id, 0, one).error().code() == Code::Corrupt);
    CHECK(store->envelope(sent.mailbox, mail.id).error().code() == Code::Corrupt);
  }
  const Mail next = new_mail();
  REQUIRE(deliver(*store, sent.mailbox, next));
  CHECK(contract::read_all(*store, sent.mailbox, next.id) == next.container);
}

TEST_CASE("a large message whose file is missing or truncated is Corrupt, and the next delivery succeeds") {
  LocalVault vault;
  vault.options.large_threshold = 1000;
  auto store = vault.open();
  const Sent sent = fill(*store, 3);
  store.reset();
  const auto file = [&](int i) {
    return vault.options.path + "/large/" + sent.mails[static_cast<std::size_t>(i)].id.hex();
  };
  fs::remove(file(0));
  fs::resize_file(file(1), 2999);
  store = vault.open();
  CHECK(store->health().value().writable);
  CHECK(readable(*store, sent) == 1);
  std::array<std::byte, 1> one;
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(store->read(sent.mailbox, sent.mails[i].id, 0, one).error().code() == Code::Corrupt);
  CHECK(deliver(*store, sent.mailbox, new_mail(3000)));
}

TEST_CASE("a read-only vault keeps the files that no message names, because their records may be missing") {
  LocalVault vault;
  vault.options.large_threshold = 1000;
  auto store = vault.open();
  const Sent sent = fill(*store, 3);
  vault.await_head(*store);
  vault.kill(std::move(store));
  for (const fs::path& log : vault.files("db", ".log")) fs::remove(log);
  store = vault.open();
  check_read_only(*store, sent);
  CHECK(vault.files("large", "").size() == 3);
}

TEST_CASE("a missing database is reported as missing, and nothing is created in its place") {
  LocalVault vault;
  const Sent sent = fill(*vault.open(), 3);
  const std::string database = vault.options.path + "/db";
  fs::rename(database, database + ".away");
  const bool empty = GENERATE(false, true);  // a file system that is not mounted
  if (empty) fs::create_directory(database);
  for (int look = 0; look < 2; ++look) {
    vault.options.look_only = look == 1;
    const auto opened = open_local_store(vault.options);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().code() == Code::Corrupt);
    CHECK(opened.error().text().find("the database at " + database + " is missing") != std::string::npos);
    CHECK(fs::exists(database) == empty);
    if (empty) CHECK(fs::is_empty(database));
  }
  vault.options.look_only = false;
  fs::remove(database);
  fs::rename(database + ".away", database);
  const auto store = vault.open();
  CHECK(readable(*store, sent) == 3);
}

TEST_CASE("a database that does not open is an error") {
  LocalVault vault;
  { fill(*vault.open(), 3); }
  for (const fs::path& table : vault.files("db", ".sst")) LocalVault::flip(table, fs::file_size(table) - 20);
  for (const fs::path& manifest : vault.files("db", "")) {
    if (manifest.filename().string().starts_with("MANIFEST")) fs::resize_file(manifest, 10);
  }
  const auto opened = open_local_store(vault.options);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code() == Code::Corrupt);
}

}  // namespace
}  // namespace gw::store
