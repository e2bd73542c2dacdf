#include "transfer/export.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "support/store_shell.h"
#include "support/temp_folder.h"
#include "transfer/export_pool.h"
#include "vault/fixture.h"

namespace gw::transfer {
namespace {

namespace fs = std::filesystem;
using vault::test::deliver;
using Json = nlohmann::ordered_json;

// Flips a byte of one message's container, or loses the connection.
class FaultyStore : public test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::optional<MessageId> damaged;
  std::optional<MessageId> unreachable;

  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    if (unreachable == message) return Error(Code::Unavailable, "the keeper has gone");
    auto got = StoreShell::read(mailbox, message, offset, to);
    // Late in the container, so that the beginning opens and the damage is found in the middle.
    constexpr std::uint64_t kAt = 150'000;
    if (got && damaged == message && kAt >= offset && kAt < offset + *got) to[kAt - offset] ^= std::byte{1};
    return got;
  }
};

struct Place {
  vault::test::Vault vault;
  vault::CreatedMailbox made = vault.mailbox();
  FaultyStore store{*vault.store};
  seal::KeyRing ring = std::move(*vault::unlock(*vault.store, made.record, made.password));
  test::TempFolder temp;
  std::string root = temp.path() + "/out";
  std::string manifest_path = temp.path() + "/manifest.jsonl";

  MessageId put(std::string_view text) {
    auto stored = deliver(*vault.store, made.record, as_bytes(text));
    REQUIRE(stored);
    return stored->id;
  }
  // One export of everything, as gw-export does it.
  Result<ExportReport> run(ExportOptions options = {}, bool resume = false,
                           std::vector<MessageId>* taken = nullptr) {
    auto writer = make_eml_writer(root, resume);
    REQUIRE(writer);
    auto manifest = Manifest::open(manifest_path, resume);
    if (!manifest) return manifest.error();
    Exporter exporter(store, made.record, **writer, &*manifest, options);
    const auto records = store.list(made.record.id, 0, 1000);
    REQUIRE(records);
    for (const store::MessageRecord& record : *records) {
      auto added = exporter.add(record, vault::open_message(store, ring, vault.id, made.record.id, record));
      if (!added) return added.error();
    }
    if (auto finished = exporter.finish(); !finished) return finished.error();
    if (taken != nullptr) *taken = exporter.give_taken();
    return exporter.report();
  }
  std::vector<Json> manifest() const {
    std::vector<Json> lines;
    const std::string text = *read_file(manifest_path);
    for (const std::string_view line : split(text, '\n')) {
      if (!line.empty()) lines.push_back(Json::parse(line));
    }
    return lines;
  }
  std::map<std::string, std::string> files(const std::string& extension = ".eml") const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(root)) {
      if (entry.is_regular_file() && entry.path().extension() == extension) {
        found[entry.path().stem().string()] = *read_file(entry.path().string());
      }
    }
    return found;
  }
  std::size_t leaves(store::LeafType type) {
    std::size_t count = 0;
    const auto stored = vault.store->history_read(made.record.id, 0, 1000);
    REQUIRE(stored);
    for (const Bytes& leaf : *stored) count += store::decode_leaf(leaf)->type == type ? 1 : 0;
    return count;
  }
};

std::string large(char filling) {
  return "Message-ID: <large@x>\r\n\r\n" + std::string(300'000, filling);
}

}  // namespace

TEST_CASE("each message becomes a file of its exact bytes, listed and noted in the history") {
  Place place;
  const std::string odd("Subject: x\r\nMessage-ID: <1@example.com>\r\n\r\n\0bare\nlf \xff no end", 60);
  const MessageId first = place.put(odd);
  const MessageId second = place.put(large('a'));
  const MessageId empty = place.put("");
  const auto report = place.run();
  REQUIRE(report);
  CHECK(report->written == 3);
  CHECK(report->size == odd.size() + large('a').size());
  CHECK(report->failures.empty());
  const auto files = place.files();
  CHECK(files.at(first.hex()) == odd);
  CHECK(files.at(second.hex()) == large('a'));
  CHECK(files.at(empty.hex()).empty());

  const auto lines = place.manifest();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["id"] == first.hex());
  CHECK(lines[0]["sha256"] == to_hex(sha256(as_bytes(odd))));
  CHECK(lines[0]["message_id"] == "<1@example.com>");
  CHECK(lines[0]["envelope"]["mail_from"] == "sender@example.com");
  CHECK(lines[2]["message_id"].is_null());
  CHECK(*read_file(place.root + "/" + lines[0]["file"].get<std::string>()) == odd);
  CHECK(place.leaves(store::LeafType::Exported) == 3);
}

TEST_CASE("a report names the first failed messages, counts all, and the manifest lists all") {
  Place place;
  place.put("damaged in every way");
  const auto records = place.store.list(place.made.record.id, 0, 1);
  REQUIRE(records);
  auto writer = make_eml_writer(place.root, false);
  REQUIRE(writer);
  auto manifest = Manifest::open(place.manifest_path, false);
  REQUIRE(manifest);
  constexpr std::size_t kFailed = kMaxFailures + 7;
  const auto fail = [&](Exporter& exporter, std::size_t number) {
    store::MessageRecord record = records->front();
    for (std::size_t i = 0; i < number; ++i) {
      record.id = random_id<MessageId>();
      REQUIRE(exporter.add(record, Error(Code::Corrupt, "damaged")));
    }
    REQUIRE(exporter.finish());
  };
  std::vector<std::unique_ptr<Exporter>> two;
  two.push_back(
      std::make_unique<Exporter>(place.store, place.made.record, **writer, &*manifest, ExportOptions()));
  fail(*two.front(), kFailed);
  CHECK(two.front()->report().failures.size() == kMaxFailures);
  CHECK(two.front()->report().failures.count() == kFailed);
  CHECK(place.manifest().size() == kFailed);
  two.push_back(
      std::make_unique<Exporter>(place.store, place.made.record, **writer, nullptr, ExportOptions()));
  fail(*two.back(), 3);
  const ExportPool pool(std::move(two), {});
  CHECK(pool.report().failures.size() == kMaxFailures);
  CHECK(pool.report().failures.count() == kFailed + 3);
  CHECK(pool.report().failures.omitted() == 10);
}

TEST_CASE("a damaged message is listed with its reason, leaves no file, and the others are exported") {
  Place place;
  place.put("first");
  const MessageId damaged = place.put(large('b'));
  place.put("third");
  place.store.damaged = damaged;
  const auto report = place.run();
  REQUIRE(report);
  CHECK(report->written == 2);
  REQUIRE(report->failures.size() == 1);
  CHECK(report->failures[0].id == damaged);
  CHECK(place.files().size() == 2);
  const auto lines = place.manifest();
  REQUIRE(lines.size() == 3);
  CHECK(lines[1]["result"] == "failed");
  CHECK(lines[1]["file"].is_null());
  CHECK_FALSE(lines[1]["reason"].get<std::string>().empty());
  CHECK(place.leaves(store::LeafType::Exported) == 2);
  // Nothing half is left under another name either.
  for (const auto& entry : fs::recursive_directory_iterator(place.root)) {
    CHECK(entry.path().extension() != ".part");
  }
}

TEST_CASE("the number of failed messages that are kept is bounded") {
  Place place;
  place.put("x");
  const store::MessageRecord record = place.store.list(place.made.record.id, 0, 1)->front();
  const auto writer = std::move(*make_eml_writer(place.root, false));
  auto manifest = Manifest::open(place.manifest_path, false);
  REQUIRE(manifest);
  Exporter exporter(place.store, place.made.record, *writer, &*manifest, {});
  const Error damage(Code::Corrupt, std::string(1000, 'x'));
  for (int count = 0; count < 1000; ++count) REQUIRE(exporter.add(record, damage));
  CHECK(fs::file_size(place.manifest_path) > 500'000);
  REQUIRE(exporter.finish());
}

TEST_CASE("a store that fails ends the export; --resume exports the rest and reads existing files again") {
  Place place;
  place.put("first");
  const MessageId second = place.put(large('c'));
  place.put("third");
  place.store.unreachable = second;
  const auto broken = place.run();
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code() == Code::Unavailable);
  CHECK(place.files().size() == 1);

  place.store.unreachable.reset();
  SECTION("without --resume the existing manifest is an error") {
    CHECK(place.run().error().code() == Code::Exists);
  }
  SECTION("with --resume") {
    const auto resumed = place.run({}, true);
    REQUIRE(resumed);
    CHECK(resumed->present == 1);
    CHECK(resumed->written == 2);
    CHECK(place.files().size() == 3);
    CHECK(place.manifest().size() == 3);
    const auto again = place.run({}, true);
    REQUIRE(again);
    CHECK(again->present == 3);
    CHECK(again->written == 0);
    CHECK(place.manifest().size() == 3);
    CHECK(place.leaves(store::LeafType::Exported) == 3);
  }
}

TEST_CASE("an existing file is exit status 73, with --resume only if it is another mail") {
  Place place;
  const MessageId id = place.put("octets");
  REQUIRE(place.run());
  const std::string file = place.root + "/" + place.manifest()[0]["file"].get<std::string>();
  REQUIRE(fs::remove(place.manifest_path));
  CHECK(place.run().error().exit_status() == 73);
  REQUIRE(fs::remove(file));
  REQUIRE(create_file(file, as_bytes("OCTETS"), 0600));
  CHECK(place.run({}, true).error().exit_status() == 73);
  CHECK(place.files().at(id.hex()) == "OCTETS");
}

TEST_CASE("a sidecar is the message's manifest line, beside it") {
  Place place;
  const MessageId id = place.put("Message-ID: <a@b>\r\n\r\nbody");
  ExportOptions options;
  options.sidecar = true;
  REQUIRE(place.run(options));
  const Json sidecar = Json::parse(place.files(".json").at(id.hex()));
  CHECK(sidecar == place.manifest()[0]);
  REQUIRE(place.run(options, true));
}

TEST_CASE("messages to be removed are read back first, and only these are drained") {
  Place place;
  const MessageId good = place.put("first");
  const MessageId damaged = place.put(large('d'));
  place.store.damaged = damaged;
  ExportOptions options;
  options.read_back = true;
  std::vector<MessageId> taken;
  REQUIRE(place.run(options, false, &taken));
  CHECK(taken == std::vector<MessageId>{good});
}

}  // namespace gw::transfer
