#include "vault/drain.h"

#include <chrono>
#include <ctime>
#include <map>

#include "seal/age.h"
#include "support/store_shell.h"
#include "vault/fixture.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

using Place = std::pair<MailboxId, MessageId>;

// Answers for one message with what another one has.
class SwappingStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::map<Place, Place> containers;
  std::map<Place, Place> envelopes;

  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    const auto at = envelopes.find({mailbox, message});
    if (at == envelopes.end()) return StoreShell::envelope(mailbox, message);
    return StoreShell::envelope(at->second.first, at->second.second);
  }
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    const auto at = containers.find({mailbox, message});
    if (at == containers.end()) return StoreShell::read(mailbox, message, offset, to);
    return StoreShell::read(at->second.first, at->second.second, offset, to);
  }
};

// Flips one byte of every container, or ends it early, or returns it in small pieces.
class DamagingStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  std::optional<std::uint64_t> flip;
  std::uint64_t end = std::numeric_limits<std::uint64_t>::max();
  std::size_t most = std::numeric_limits<std::size_t>::max();

  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    to = to.first(std::min<std::uint64_t>({to.size(), most, end - std::min(end, offset)}));
    Result<std::size_t> got = StoreShell::read(mailbox, message, offset, to);
    if (got && flip && *flip >= offset && *flip < offset + *got) to[*flip - offset] ^= std::byte{1};
    return got;
  }
};

std::size_t given(Result<Message>& message, Bytes& all) {
  if (!message) return 0;
  for (;;) {
    const Result<ByteView> chunk = message->next();
    if (!chunk || chunk->empty()) return all.size();
    append(all, *chunk);
  }
}

bool is_corrupt(const Result<Bytes>& got) {
  return !got && got.error().code() == Code::Corrupt;
}

}  // namespace

TEST_CASE("a container or an envelope in another message's place is corrupt") {
  Vault vault;
  const CreatedMailbox one = vault.mailbox("one");
  const CreatedMailbox two = vault.mailbox("two");
  const Bytes data = to_bytes("the same octets");
  const Result<Stored> first = deliver(*vault.store, one.record, data);
  const Result<Stored> second = deliver(*vault.store, one.record, data);
  const Result<Stored> third = deliver(*vault.store, two.record, data);
  REQUIRE(first);
  REQUIRE(second);
  REQUIRE(third);
  const Place target{one.record.id, first->id};

  const auto drained = [&](SwappingStore& store) {
    Result<Drain> drain = Drain::open(store, "one", one.password, "test");
    REQUIRE(drain);
    return read_all(drain->open(drain->messages().front()));
  };
  SwappingStore honest(*vault.store);
  CHECK(drained(honest));
  for (const Place& source : {Place{one.record.id, second->id}, Place{two.record.id, third->id}}) {
    SwappingStore container(*vault.store);
    container.containers[target] = source;
    CHECK(is_corrupt(drained(container)));
    SwappingStore envelope(*vault.store);
    envelope.envelopes[target] = source;
    CHECK(is_corrupt(drained(envelope)));
    SwappingStore both(*vault.store);
    both.containers[target] = source;
    both.envelopes[target] = source;
    CHECK(is_corrupt(drained(both)));
  }
}

TEST_CASE("a message under another mailbox, vault or record does not open") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  REQUIRE(deliver(*vault.store, made.record, as_bytes("text")));
  Result<Drain> drain = Drain::open(*vault.store, "journal", made.password, "test");
  REQUIRE(drain);
  const store::MessageRecord record = drain->messages().front();
  CHECK(open_message(*vault.store, drain->ring(), vault.id, made.record.id, record));
  CHECK_FALSE(open_message(*vault.store, drain->ring(), random_id<VaultId>(), made.record.id, record));
  const auto refused = [&](auto change) {
    store::MessageRecord other = record;
    change(other);
    const Result<Message> message =
        open_message(*vault.store, drain->ring(), vault.id, made.record.id, other);
    return !message && message.error().code() == Code::Corrupt;
  };
  CHECK(refused([](store::MessageRecord& r) { ++r.size; }));
  CHECK(refused([](store::MessageRecord& r) {
    --r.size;
    --r.container_size;
  }));
  CHECK(refused([](store::MessageRecord& r) { ++r.wire_size; }));
  CHECK(refused([](store::MessageRecord& r) { ++r.received; }));
  CHECK(refused([](store::MessageRecord& r) { ++r.generation; }));
  CHECK(refused([](store::MessageRecord& r) { r.container[0] ^= std::byte{1}; }));
  CHECK(refused([](store::MessageRecord& r) { r.commitment[0] ^= std::byte{1}; }));
}

TEST_CASE("a flipped byte anywhere never returns wrong bytes, and never the complete mail") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const Bytes data(150'000, std::byte{'x'});
  REQUIRE(deliver(*vault.store, made.record, data));
  const std::uint64_t size = seal::container_size(data.size());
  std::vector<std::uint64_t> places{0, 50, 100, 150, 170, 183, 184, 70'000, size - 1};
  for (std::uint64_t at = 5; at < size; at += 7919) places.push_back(at);
  for (std::uint64_t place : places) {
    INFO(place);
    DamagingStore store(*vault.store);
    store.flip = place;
    Result<Drain> drain = Drain::open(store, "journal", made.password, "test");
    REQUIRE(drain);
    Result<Message> message = drain->open(drain->messages().front());
    Bytes all;
    given(message, all);
    CHECK(all.size() < data.size());
    CHECK(std::equal(all.begin(), all.end(), data.begin()));
    if (message) {
      const Result<ByteView> after = message->next();
      REQUIRE_FALSE(after);
      CHECK(after.error().code() == Code::Corrupt);
    }
  }
}

TEST_CASE("a container that ends early is corrupt") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  REQUIRE(deliver(*vault.store, made.record, Bytes(150'000)));
  for (std::uint64_t end : {0u, 10u, 183u, 184u, 65'736u, 150'000u}) {
    DamagingStore store(*vault.store);
    store.end = end;
    Result<Drain> drain = Drain::open(store, "journal", made.password, "test");
    REQUIRE(drain);
    INFO(end);
    CHECK(is_corrupt(read_all(drain->open(drain->messages().front()))));
  }
}

TEST_CASE("a store that returns small pieces makes no difference") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const Bytes data(150'000, std::byte{'y'});
  REQUIRE(deliver(*vault.store, made.record, data));
  DamagingStore store(*vault.store);
  store.most = 1000;
  Result<Drain> drain = Drain::open(store, "journal", made.password, "test");
  REQUIRE(drain);
  const Result<Bytes> got = read_all(drain->open(drain->messages().front()));
  REQUIRE(got);
  CHECK(*got == data);
}

TEST_CASE("a drain opens by name, id and address, and only with the password") {
  Vault vault;
  NewMailbox wanted;
  wanted.aliases = {"journal@own.example"};
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  for (const std::string& login : {std::string("journal"), made.record.id.hex(), made.record.local_part(),
                                   made.address, std::string("journal@own.example")}) {
    INFO(login);
    CHECK(Drain::open(*vault.store, login, made.password, "test"));
  }
  const Result<Drain> wrong =
      Drain::open(*vault.store, "journal", Secret(as_bytes("not the password")), "test");
  REQUIRE_FALSE(wrong);
  const Result<Drain> unknown = Drain::open(*vault.store, "nobody", made.password, "test");
  REQUIRE_FALSE(unknown);
  CHECK(wrong.error().code() == Code::Denied);
  CHECK(unknown.error().code() == Code::Denied);
  CHECK(wrong.error().text() == unknown.error().text());
}

TEST_CASE("one drain at a time; the next one lacks what it removed and has what came later") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  for (int i = 0; i < 3; ++i)
    REQUIRE(deliver(*vault.store, made.record, as_bytes("mail " + std::to_string(i))));
  std::vector<MessageId> left;
  {
    Result<Drain> drain = Drain::open(*vault.store, "journal", made.password, "one");
    REQUIRE(drain);
    REQUIRE(drain->messages().size() == 3);
    REQUIRE(deliver(*vault.store, made.record, as_bytes("late")));
    CHECK(drain->messages().size() == 3);
    const Result<Drain> second = Drain::open(*vault.store, "journal", made.password, "two");
    REQUIRE_FALSE(second);
    CHECK(second.error().code() == Code::Busy);
    REQUIRE(drain->renew());
    REQUIRE(drain->remove({}, "test"));
    const std::vector<MessageId> gone{drain->messages()[0].id, drain->messages()[2].id};
    left.push_back(drain->messages()[1].id);
    REQUIRE(drain->remove(gone, "test"));
  }
  Result<Drain> next = Drain::open(*vault.store, "journal", made.password, "three");
  REQUIRE(next);
  REQUIRE(next->messages().size() == 2);
  CHECK(next->messages()[0].id == left[0]);
}

namespace {

// Of this process: what others do on the machine does not count.
std::chrono::duration<double, std::micro> cpu_time() {
  return std::chrono::duration<double>(static_cast<double>(std::clock()) / CLOCKS_PER_SEC);
}

}  // namespace

TEST_CASE("a drain shows no more than the store removes in one transition, and the next shows the rest") {
  struct SmallStore : gw::test::StoreShell {
    using StoreShell::StoreShell;
    store::Limits limits() const override {
      store::Limits limits = StoreShell::limits();
      limits.batch = 2;
      return limits;
    }
    Result<std::size_t> transition(const store::Transition& transition) override {
      if (transition.messages.size() > limits().batch) return Error(Code::BadInput, "too many messages");
      return StoreShell::transition(transition);
    }
  };
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  for (const char* text : {"one", "two", "three"})
    REQUIRE(deliver(*vault.store, made.record, as_bytes(text)));
  SmallStore store(*vault.store);
  for (const std::size_t shown : {2, 1, 0}) {
    auto drain = Drain::open(store, "journal", made.password, "test");
    REQUIRE(drain);
    std::vector<MessageId> all;
    for (const store::MessageRecord& record : drain->messages()) all.push_back(record.id);
    CHECK(all.size() == shown);
    REQUIRE(drain->remove(all, "test"));
  }
}

TEST_CASE("what 8 KiB messages cost to deliver and to drain", "[.bench]") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  constexpr int kCount = 5000;
  Bytes data;
  while (data.size() < 8192)
    append(data, as_bytes("a line of a message, as long as most of them are, about so\r\n"));
  const store::Recipient recipient = recipient_of(*vault.store, made.record);
  const auto start = cpu_time();
  for (int i = 0; i < kCount; ++i) {
    Result<Delivery> delivery = Delivery::begin(*vault.store, recipient, some_envelope(), "test");
    REQUIRE(delivery->write(data));
    REQUIRE(delivery->finish());
  }
  const auto delivered = cpu_time();
  Result<Drain> drain = Drain::open(*vault.store, "journal", made.password, "one");
  const auto opened = cpu_time();
  for (const store::MessageRecord& record : drain->messages()) REQUIRE(read_all(drain->open(record)));
  const auto done = cpu_time();
  const auto each = [](auto duration) { return duration.count() / kCount; };
  WARN("deliver " << each(delivered - start) << " us, snapshot " << each(opened - delivered) << " us, open "
                  << each(done - opened) << " us a message");
}

TEST_CASE("a message is read again from its start, and from any offset") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const seal::KeyRing ring = std::move(*unlock(*vault.store, made.record, made.password));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, seal::kChunk, seal::kChunk + 1, 5 * seal::kChunk + 7}) {
    Bytes data(size);
    for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 31 + i / 251);
    const auto stored = deliver(*vault.store, made.record, data);
    REQUIRE(stored);
    const auto record = vault.store->find(made.record.id, stored->id);
    REQUIRE(record);
    auto message = open_message(*vault.store, ring, vault.id, made.record.id, *record);
    REQUIRE(message);
    CHECK(message->size() == size);
    Bytes end(std::min<std::size_t>(size, 10));
    REQUIRE(message->read(size - end.size(), end));
    CHECK(equal(end, ByteView(data).last(end.size())));
    CHECK(*read_all(message) == data);
    message->rewind();
    if (size > 0) CHECK(message->next());
    Bytes all(size);
    REQUIRE(message->read(0, all));
    CHECK(all == data);
    message->rewind();
    CHECK(*read_all(message) == data);
    Bytes one(1);
    CHECK_FALSE(message->read(size, one));
  }
}

TEST_CASE("damage is found at any offset, by the tag of its own chunk") {
  class Flipping : public gw::test::StoreShell {
   public:
    using StoreShell::StoreShell;
    Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                             std::span<std::byte> to) override {
      auto got = StoreShell::read(mailbox, message, offset, to);
      constexpr std::uint64_t kAt = 150'000;
      if (got && kAt >= offset && kAt < offset + *got) to[kAt - offset] ^= std::byte{1};
      return got;
    }
  };
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const seal::KeyRing ring = std::move(*unlock(*vault.store, made.record, made.password));
  const auto stored = deliver(*vault.store, made.record, Bytes(300'000));
  REQUIRE(stored);
  Flipping store(*vault.store);
  auto message = open_message(store, ring, vault.id, made.record.id, *store.find(made.record.id, stored->id));
  REQUIRE(message);
  Bytes some(100);
  CHECK(message->read(0, some));
  CHECK(message->read(140'000, some).error().code() == Code::Corrupt);
  CHECK(message->read(250'000, some));
}
