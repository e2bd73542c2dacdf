// A vault of the first format, kept in the repository: every later build must open and verify it.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"
#include "store/local/local_store.h"
#include "support/source_dir.h"
#include "support/stock_age.h"
#include "support/temp_folder.h"
#include "vault/fixture.h"
#include "vault/verify.h"

using namespace gw;
using namespace gw::vault;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = gw::test::source_dir() + "/tests/vectors/golden-vault";
constexpr std::string_view kPassword = "correct horse battery staple";

std::string read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& path, std::string_view data) {
  std::ofstream(path, std::ios::binary).write(data.data(), static_cast<std::streamsize>(data.size()));
}

// The messages in the order of their delivery, as files 1.eml, 2.eml …
std::vector<std::string> messages() {
  std::vector<std::string> all;
  for (int i = 1;; ++i) {
    const fs::path path = kGolden / (std::to_string(i) + ".eml");
    if (!fs::exists(path)) return all;
    all.push_back(read(path));
  }
}

store::LocalOptions options_for(const std::string& path) {
  store::LocalOptions options;
  options.path = path;
  options.large_threshold = 4096;
  options.ballast = 0;
  options.low_mark = 0;
  options.high_mark = 0;
  options.allow_network_fs = true;
  const Secret history_key(as_bytes(trim(read(kGolden / "history.key"))));
  Result<store::Signer> signer = make_signer(history_key);
  REQUIRE(signer);
  options.signer = *signer;
  return options;
}

std::unique_ptr<store::Store> open_copy(const std::string& folder) {
  fs::copy(kGolden / "vault", folder + "/vault", fs::copy_options::recursive);
  fs::create_directories(folder + "/vault/large/tmp");  // git keeps no empty directory
  Result<std::unique_ptr<store::Store>> opened = store::open_local_store(options_for(folder + "/vault"));
  if (!opened) FAIL(opened.error().text());
  return std::move(*opened);
}

}  // namespace

TEST_CASE("the golden vault opens, is verified and returns its mail") {
  const gw::test::TempFolder folder;
  const std::unique_ptr<store::Store> store = open_copy(folder.path());
  const Result<store::Health> health = store->health();
  REQUIRE(health);
  CHECK(health->writable);
  CHECK(health->reason.empty());

  const Secret history_key(as_bytes(trim(read(kGolden / "history.key"))));
  const Result<Checkpoint> kept =
      open_checkpoint(read(kGolden / "checkpoint"), verifier_key(history_key, health->vault));
  REQUIRE(kept);
  const Result<VerifyReport> report = verify(*store, {}, &*kept);
  REQUIRE(report);
  for (const Finding& finding : report->findings) UNSCOPED_INFO(finding.what);
  CHECK(report->findings.empty());
  CHECK(report->mailboxes == 1);

  const std::vector<std::string> sent = messages();
  REQUIRE(sent.size() == 4);
  CHECK(report->messages == sent.size());
  Result<Drain> drain = Drain::open(*store, "journal@golden.example", Secret(as_bytes(kPassword)), "test");
  REQUIRE(drain);
  // The first is drained, the others are there: one of the first key, two of the second, one of them a file.
  REQUIRE(drain->messages().size() == 3);
  CHECK(drain->messages()[0].generation == 1);
  CHECK(drain->messages()[2].generation == 2);
  CHECK(drain->messages()[2].large);
  for (std::size_t i = 0; i < 3; ++i) {
    Result<Message> message = drain->open(drain->messages()[i]);
    REQUIRE(message);
    CHECK(message->envelope().reverse_path == "sender@example.com");
    CHECK(vault::test::read_all(message) == to_bytes(sent[i + 1]));
  }

  const Result<store::MailboxRecord> mailbox = find_mailbox(*store, "journal");
  REQUIRE(mailbox);
  const Result<VerifyReport> deep = verify_deep(*store, *mailbox, drain->ring());
  REQUIRE(deep);
  CHECK(deep->findings.empty());
}

TEST_CASE("the golden vault opens with its recovery key, and the stock age opens its containers") {
  const gw::test::TempFolder folder;
  const std::unique_ptr<store::Store> store = open_copy(folder.path());
  const Result<seal::SecretKey> recovery = seal::read_identity_file(read(kGolden / "recovery.key"));
  REQUIRE(recovery);
  const Result<store::MailboxRecord> mailbox = find_mailbox(*store, "journal");
  REQUIRE(mailbox);
  const Result<seal::KeyRing> ring = unlock_with_recovery(*store, *mailbox, *recovery);
  REQUIRE(ring);
  REQUIRE(ring->keys.size() == 2);
  std::string identities;
  for (const seal::RingKey& key : ring->keys)
    identities += std::string(seal::identity(key.secret).text()) + "\n";
  const Result<std::vector<store::MessageRecord>> listed = store->list(mailbox->id, 0, 100);
  REQUIRE(listed);
  const std::vector<std::string> sent = messages();
  REQUIRE(listed->size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const gw::test::AgeOutput out =
        gw::test::age_decrypt(vault::test::container_of(*store, mailbox->id, (*listed)[i]), identities);
    REQUIRE(out.ok);
    CHECK(as_text(out.data) == sent[i]);
  }
}

TEST_CASE("the golden vault accepts new mail") {
  const gw::test::TempFolder folder;
  const std::unique_ptr<store::Store> store = open_copy(folder.path());
  const Result<store::MailboxRecord> mailbox = find_mailbox(*store, "journal");
  REQUIRE(mailbox);
  REQUIRE(vault::test::deliver(*store, *mailbox, as_bytes("Subject: new\r\n\r\nnew\r\n")));
  const Result<VerifyReport> report = verify(*store);
  REQUIRE(report);
  CHECK(report->findings.empty());
  CHECK(report->messages == 5);
}

// Makes it again from the files beside it: `vault_tests "the golden vault is made"`, for a new format only.
TEST_CASE("the golden vault is made", "[.golden]") {
  const fs::path path = kGolden / "vault";
  REQUIRE_FALSE(fs::exists(path));
  const std::vector<std::string> sent = messages();
  REQUIRE(sent.size() == 4);
  const Result<seal::SecretKey> recovery = seal::read_identity_file(read(kGolden / "recovery.key"));
  REQUIRE(recovery);
  Settings settings;
  settings.host = "golden.example";
  settings.recovery_recipient = seal::recipient(seal::public_key(*recovery));
  settings.argon2_memory = 64 << 20;
  settings.argon2_passes = 1;
  REQUIRE(
      store::create_local_store(path.string(), random_id<VaultId>(), as_bytes(settings.recovery_recipient)));
  {
    Result<std::unique_ptr<store::Store>> store = store::open_local_store(options_for(path.string()));
    REQUIRE(store);
    REQUIRE(write_settings(**store, settings, "golden"));
    NewMailbox wanted;
    wanted.name = "journal";
    wanted.aliases = {"journal@golden.example"};
    wanted.grace = std::int64_t{9} * 365 * 86'400;
    const Result<CreatedMailbox> made =
        add_mailbox(**store, wanted, Secret(as_bytes(kPassword)), "golden", generate_token());
    REQUIRE(made);
    REQUIRE(vault::test::deliver(**store, made->record, as_bytes(sent[0])));
    REQUIRE(vault::test::deliver(**store, made->record, as_bytes(sent[1])));
    {
      Result<Drain> drain = Drain::open(**store, "journal", Secret(as_bytes(kPassword)), "golden");
      REQUIRE(drain);
      const std::vector<MessageId> first{drain->messages().front().id};
      REQUIRE(drain->remove(first, "golden"));
    }
    Result<seal::KeyRing> ring = unlock(**store, made->record, Secret(as_bytes(kPassword)));
    REQUIRE(ring);
    const Result<store::MailboxRecord> rotated =
        rotate(**store, made->record, std::move(*ring), Secret(as_bytes(kPassword)), "golden");
    REQUIRE(rotated);
    REQUIRE(vault::test::deliver(**store, *rotated, as_bytes(sent[2])));
    const Result<std::string> note = (*store)->checkpoint("golden");
    REQUIRE(note);
    write(kGolden / "checkpoint", *note);
    REQUIRE(vault::test::deliver(**store, *rotated, as_bytes(sent[3])));
  }
  fs::remove(path / "ballast");
  fs::remove(path / "lock");
  // RocksDB's own log, which names this machine's paths.
  std::vector<fs::path> logs;
  for (const fs::directory_entry& entry : fs::directory_iterator(path / "db"))
    if (entry.path().filename().string().starts_with("LOG")) logs.push_back(entry.path());
  for (const fs::path& log : logs) fs::remove(log);
}
