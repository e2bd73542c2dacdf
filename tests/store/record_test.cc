#include "store/record.h"

#include <catch2/catch.hpp>

#include "base/secret.h"
#include "store/leaf.h"

namespace gw::store {
namespace {

MessageRecord sample_message() {
  MessageRecord record;
  record.id = new_message_id(1);
  record.seq = 300;
  record.state = State::Quarantined;
  record.received = -5;
  record.changed = 7;
  record.size = std::uint64_t{1} << 40;
  record.wire_size = 9;
  record.container_size = 10;
  record.generation = 11;
  random_bytes(record.container);
  random_bytes(record.envelope);
  random_bytes(record.commitment);
  record.large = true;
  return record;
}

Leaf sample_leaf() {
  Leaf leaf;
  leaf.type = LeafType::Drained;
  leaf.index = 0x0102030405060708;
  leaf.time = 0x1112131415161718;
  leaf.mailbox = random_id<MailboxId>();
  leaf.message = random_id<MessageId>();
  leaf.value = 42;
  random_bytes(leaf.container);
  random_bytes(leaf.envelope);
  random_bytes(leaf.commitment);
  leaf.actor = "uid=992 drain pop3";
  return leaf;
}

TEST_CASE("a message record is read as it was stored") {
  const MessageRecord record = sample_message();
  auto decoded = decode_message(encode(record));
  REQUIRE(decoded);
  CHECK(*decoded == record);
}

TEST_CASE("bytes that are not a record are Corrupt") {
  CHECK(decode_message({}).error().code() == Code::Corrupt);
  CHECK(decode_mailbox({}).error().code() == Code::Corrupt);
  CHECK(decode_message(as_bytes("nonsense")).error().code() == Code::Corrupt);
  Bytes cut = encode(sample_message());
  cut.pop_back();
  CHECK(decode_message(cut).error().code() == Code::Corrupt);
  MessageRecord odd = sample_message();
  odd.state = static_cast<State>(6);
  CHECK(decode_message(encode(odd)).error().code() == Code::Corrupt);
}

TEST_CASE("fields of a newer version survive an edit by this one") {
  MailboxRecord record;
  record.id = random_id<MailboxId>();
  record.name = "journal";
  record.generations = {{1, {}, 3}, {2, {}, 4}};
  Bytes stored = encode(record);
  const Bytes newer = to_bytes("\xc2\x3e\x03new");  // field 1000
  append(stored, newer);
  auto decoded = decode_mailbox(stored);
  REQUIRE(decoded);
  CHECK(decoded->unknown == as_text(newer));
  decoded->name = "renamed";
  auto again = decode_mailbox(encode(*decoded));
  REQUIRE(again);
  CHECK(again->name == "renamed");
  CHECK(again->unknown == as_text(newer));
  CHECK(again->generations == record.generations);
}

TEST_CASE("a removal record is read as it was stored, and other bytes are Corrupt") {
  const RemovalRecord swept{sample_message(), 77, to_bytes("header"), to_bytes("envelope")};
  const Bytes stored = encode(swept);
  auto decoded = decode_removal_record(stored);
  REQUIRE(decoded);
  CHECK(*decoded == swept);
  CHECK(decode_removal_record({}).error().code() == Code::Corrupt);
  CHECK(decode_removal_record(ByteView(stored).first(20)).error().code() == Code::Corrupt);
  Bytes newer = stored;
  newer[0] = std::byte{2};
  CHECK(decode_removal_record(newer).error().code() == Code::Version);
}

TEST_CASE("the time for removal records is stored, and is 90 days if an older record does not have it") {
  MailboxRecord record;
  record.id = random_id<MailboxId>();
  record.generations = {{1, {}, 3}};
  CHECK(decode_mailbox(encode(record))->receipts == kReceipts);
  for (const std::int64_t seconds : {std::int64_t{0}, std::int64_t{3600}, kReceipts}) {
    record.receipts = seconds;
    record = *decode_mailbox(encode(record));
    CHECK(record.receipts == seconds);
    CHECK(record.unknown.empty());
  }
}

TEST_CASE("an age header ends after its MAC, and is refused if it is longer than 4 KiB") {
  const std::string header = "age-encryption.org/v1\n-> X25519 a\nb\n--- mac\n";
  CHECK(as_text(age_header(as_bytes(header + "payload\n--- no\n"))) == header);
  CHECK(age_header(as_bytes(header.substr(0, header.size() - 1))).empty());
  CHECK(
      age_header(as_bytes("age-encryption.org/v1\n" + std::string(kMaxHeader, 'x') + "\n--- mac\n")).empty());
  CHECK(age_header(as_bytes("another/v1\n--- mac\n")).empty());
  CHECK(age_header({}).empty());
}

TEST_CASE("the names of states are parsed to the same states") {
  for (int number = 1; number <= 5; ++number) {
    const auto state = static_cast<State>(number);
    CHECK(parse_state(name(state)) == state);
  }
  CHECK_FALSE(parse_state("gone"));
}

TEST_CASE("a leaf has the layout that leaf.h documents") {
  const Leaf leaf = sample_leaf();
  const Bytes stored = encode(leaf);
  REQUIRE(stored.size() == 156 + leaf.actor.size());
  CHECK(to_hex(std::span(stored).first(18)) == "010601020304050607081112131415161718");
  CHECK(equal(std::span(stored).subspan(18, 16), leaf.mailbox.view()));
  CHECK(equal(std::span(stored).subspan(156), as_bytes(leaf.actor)));
  auto decoded = decode_leaf(stored);
  REQUIRE(decoded);
  CHECK(*decoded == leaf);
}

TEST_CASE("a leaf receives its index and time before it is hashed") {
  Leaf leaf = sample_leaf();
  Bytes stored = encode(leaf);
  place(stored, 5, 6);
  leaf.index = 5;
  leaf.time = 6;
  CHECK(stored == encode(leaf));
}

TEST_CASE("bytes that are not a leaf are Corrupt, and a leaf of a newer version is Version") {
  const Bytes stored = encode(sample_leaf());
  for (std::size_t size = 0; size < stored.size(); ++size)
    CHECK(decode_leaf(std::span(stored).first(size)).error().code() == Code::Corrupt);
  Bytes longer = stored;
  longer.push_back({});
  CHECK(decode_leaf(longer).error().code() == Code::Corrupt);
  Bytes newer = stored;
  newer[0] = std::byte{2};
  CHECK(decode_leaf(newer).error().code() == Code::Version);
  newer = stored;
  newer[1] = std::byte{200};
  CHECK(decode_leaf(newer).error().code() == Code::Version);
}

}  // namespace
}  // namespace gw::store
