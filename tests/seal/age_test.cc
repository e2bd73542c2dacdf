#include "seal/age.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>
#include <set>

#include "support/source_dir.h"
#include "support/stock_age.h"

using namespace gw;
using namespace gw::seal;

namespace {

Bytes pattern(std::size_t size) {
  Bytes data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i * 31 + i / 256);
  return data;
}

Bytes sealed(const Bytes& plain, const PublicKey& key) {
  const Result<Bytes> file = seal_file(Secret(plain), key);
  REQUIRE(file);
  return *file;
}

Result<Bytes> opened(ByteView file, std::span<const RingKey> keys) {
  Bytes plain;
  const Result<void> done = open_file(file, keys, [&](ByteView piece) { append(plain, piece); });
  if (!done) return done.error();
  return plain;
}

std::string own_vector(const std::string& name) {
  std::ifstream in(gw::test::source_dir() + "/tests/vectors/age/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::array<RingKey, 1> keys_of(SecretKey key) {
  return {ring_key(1, std::move(key))};
}

const std::size_t kSizes[] = {0, 1, 15, 65535, 65536, 65537, 131072, 200000};

}  // namespace

TEST_CASE("sealed data opens to the same data, at every size around the chunk size") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  for (std::size_t size : kSizes) {
    INFO(size);
    const Bytes plain = pattern(size);
    const Bytes file = sealed(plain, keys[0].public_half);
    CHECK(file.size() == container_size(size));
    const Result<Bytes> again = opened(file, keys);
    REQUIRE(again);
    CHECK(*again == plain);
  }
}

TEST_CASE("the stock age opens what is sealed here") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  const std::string file = std::string(identity(keys[0].secret).text()) + "\n";
  for (std::size_t size : kSizes) {
    INFO(size);
    const Bytes plain = pattern(size);
    const test::AgeOutput out = test::age_decrypt(sealed(plain, keys[0].public_half), file);
    REQUIRE(out.ok);
    CHECK(out.data == plain);
  }
}

TEST_CASE("what the stock age seals to one key has the same form and opens here") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  for (std::size_t size : kSizes) {
    INFO(size);
    const Bytes plain = pattern(size);
    const test::AgeOutput out = test::age_encrypt(plain, recipient(keys[0].public_half));
    REQUIRE(out.ok);
    CHECK(out.data.size() == container_size(size));
    CHECK(open_header(out.data, keys, Shape::Own));
    const Result<Bytes> again = opened(out.data, keys);
    REQUIRE(again);
    CHECK(*again == plain);
  }
}

TEST_CASE("files that an older age sealed still open") {
  Result<SecretKey> key = read_identity_file(own_vector("identity.txt"));
  REQUIRE(key);
  const std::array<RingKey, 1> keys = keys_of(std::move(*key));
  const Bytes message = to_bytes(own_vector("message.eml"));
  REQUIRE_FALSE(message.empty());
  const Result<Bytes> one = opened(as_bytes(own_vector("message.age")), keys);
  REQUIRE(one);
  CHECK(*one == message);
  const Result<Bytes> empty = opened(as_bytes(own_vector("empty.age")), keys);
  REQUIRE(empty);
  CHECK(empty->empty());
  const std::string two = own_vector("two_recipients.age");
  const Result<Bytes> both = opened(as_bytes(two), keys);
  REQUIRE(both);
  CHECK(*both == message);
  const Result<OpenedHeader> own = open_header(as_bytes(two), keys, Shape::Own);
  REQUIRE_FALSE(own);
  CHECK(own.error().code() == Code::BadInput);
}

TEST_CASE("an altered, truncated or lengthened container never opens completely") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  const Bytes plain = pattern(300);
  const Bytes file = sealed(plain, keys[0].public_half);
  for (std::size_t i = 0; i < file.size(); ++i) {
    INFO(i);
    for (unsigned flip : {1u, 0x80u}) {
      Bytes altered = file;
      altered[i] ^= static_cast<std::byte>(flip);
      CHECK_FALSE(opened(altered, keys));
    }
    CHECK_FALSE(opened(ByteView(file).first(i), keys));
  }
  Bytes longer = file;
  longer.push_back(std::byte{0});
  CHECK_FALSE(opened(longer, keys));
}

TEST_CASE("chunks cannot be left out, repeated or exchanged") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  const Bytes file = sealed(pattern(3 * kChunk), keys[0].public_half);
  const auto piece = [&](std::size_t number) {
    return ByteView(file).subspan(kHeader + number * kSealedChunk, kSealedChunk);
  };
  const auto joined = [&](std::initializer_list<std::size_t> numbers) {
    Bytes result = to_bytes(ByteView(file).first(kHeader));
    for (std::size_t number : numbers) append(result, piece(number));
    return result;
  };
  CHECK(opened(joined({0, 1, 2}), keys));
  CHECK_FALSE(opened(joined({0, 1}), keys));
  CHECK_FALSE(opened(joined({0, 2}), keys));
  CHECK_FALSE(opened(joined({1, 0, 2}), keys));
  CHECK_FALSE(opened(joined({0, 1, 1, 2}), keys));
  CHECK_FALSE(opened(joined({0, 1, 2, 2}), keys));
  CHECK_FALSE(opened(joined({}), keys));
}

TEST_CASE("a failed chunk leaves no readable data in the buffer") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  Bytes file = sealed(pattern(1000), keys[0].public_half);
  const Result<OpenedHeader> header = open_header(file, keys, Shape::Own);
  REQUIRE(header);
  Opener opener(header->file_key, ByteView(file).subspan(header->size).first<kNonce>());
  file.back() ^= std::byte{1};
  const std::span<std::byte> chunk = std::span(file).subspan(kHeader);
  CHECK_FALSE(opener.open(0, true, chunk));
  CHECK(std::all_of(chunk.begin(), chunk.end(), [](std::byte b) { return b == std::byte{0}; }));
}

TEST_CASE("a wrong key is distinguished from a damaged header") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  const std::array<RingKey, 1> others = keys_of(generate_key());
  const Bytes file = sealed(pattern(10), keys[0].public_half);
  const Result<OpenedHeader> denied = open_header(file, others, Shape::Own);
  REQUIRE_FALSE(denied);
  CHECK(denied.error().code() == Code::Denied);
  CHECK_FALSE(open_header(ByteView(file).first(kHeader - 1), keys, Shape::Own));
  CHECK(open_header(ByteView(file).first(kHeader), keys, Shape::Own));
}

TEST_CASE("no two containers share an ephemeral key, a file key or a nonce") {
  const SecretKey key = generate_key();
  const PublicKey to = public_key(key);
  std::set<Bytes> shares;
  std::set<Bytes> file_keys;
  std::set<Bytes> nonces;
  for (int i = 0; i < 200; ++i) {
    const Result<Sealer> sealer = Sealer::begin(to);
    REQUIRE(sealer);
    shares.insert(to_bytes(sealer->header().subspan(32, 43)));
    file_keys.insert(to_bytes(sealer->file_key().view()));
    nonces.insert(to_bytes(sealer->header().last(kNonce)));
  }
  CHECK(shares.size() == 200);
  CHECK(file_keys.size() == 200);
  CHECK(nonces.size() == 200);
}

TEST_CASE("sealing to a public key of low order is refused") {
  PublicKey zero{};
  const Result<Sealer> sealer = Sealer::begin(zero);
  REQUIRE_FALSE(sealer);
  CHECK(sealer.error().code() == Code::BadInput);
}

TEST_CASE("container sizes are known before sealing") {
  CHECK(container_size(0) == kHeader + kTag);
  CHECK(container_size(1) == kHeader + 1 + kTag);
  CHECK(container_size(kChunk) == kHeader + kChunk + kTag);
  CHECK(container_size(kChunk + 1) == kHeader + kChunk + 1 + 2 * kTag);
  CHECK(chunk_count(0) == 1);
  CHECK(chunk_count(3 * kChunk) == 3);
}

TEST_CASE("the cost of sealing and opening 4 KiB", "[.bench]") {
  const std::array<RingKey, 1> keys = keys_of(generate_key());
  const Bytes plain = pattern(4096);
  constexpr int kRounds = 5000;
  const auto microseconds = [](auto&& work) {
    // Of this process only, so that other load on the machine does not count.
    const std::clock_t start = std::clock();
    for (int i = 0; i < kRounds; ++i) work();
    return static_cast<double>(std::clock() - start) * 1e6 / CLOCKS_PER_SEC / kRounds;
  };
  Bytes chunk = plain;
  chunk.resize(plain.size() + kTag);
  const double seal = microseconds([&] {
    Result<Sealer> sealer = Sealer::begin(keys[0].public_half);
    sealer->seal(chunk, true);
  });
  const Bytes file = sealed(plain, keys[0].public_half);
  const double open = microseconds([&] {
    Bytes copy = file;
    const Result<OpenedHeader> header = open_header(copy, keys, Shape::Own);
    Opener opener(header->file_key, ByteView(copy).subspan(header->size).first<kNonce>());
    CHECK(opener.open(0, true, std::span(copy).subspan(kHeader)));
  });
  std::printf("4 KiB: seal %.1f us, open %.1f us\n", seal, open);
}
