#include "store/merkle.h"

#include <catch2/catch.hpp>
#include <string>

namespace gw::store {
namespace {

Digest digest(std::string_view hex) {
  Digest value;
  REQUIRE(from_hex(hex, value));
  return value;
}

// The leaves and roots with which implementations of Certificate Transparency are tested.
const std::vector<std::string> kLeaves{
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"};
const std::vector<std::string> kRoots{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};

std::vector<Digest> numbered(std::size_t count) {
  std::vector<Digest> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(leaf_hash(as_bytes(std::to_string(i))));
  return leaves;
}

TEST_CASE("the root is that of RFC 6962 at every size") {
  CompactRange range;
  CHECK(range.root() == digest(kRoots[0]));
  for (std::size_t i = 0; i < kLeaves.size(); ++i) {
    range.append(leaf_hash(from_hex(kLeaves[i]).value()));
    CHECK(range.root() == digest(kRoots[i + 1]));
    CHECK(range.size() == i + 1);
  }
}

TEST_CASE("a compact range goes on after it was stored and read, and other bytes are refused") {
  CompactRange whole;
  CompactRange part;
  for (const Digest& leaf : numbered(37)) {
    whole.append(leaf);
    auto decoded = CompactRange::decode(part.encode());
    REQUIRE(decoded);
    part = *decoded;
    part.append(leaf);
    CHECK(part.root() == whole.root());
  }
  Bytes stored = whole.encode();
  stored.pop_back();
  CHECK(CompactRange::decode(stored).error().code() == Code::Corrupt);
  CHECK(CompactRange::decode({}).error().code() == Code::Corrupt);
  CHECK(CompactRange::decode(Bytes(8, std::byte{0xff})).error().code() == Code::Corrupt);
}

// Checks an inclusion proof by the algorithm of RFC 9162, section 2.1.3.2, with its variable names.
bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const Digest> path, const Digest& root) {
  if (index >= size) return false;
  std::uint64_t fn = index;
  std::uint64_t sn = size - 1;
  Digest node = leaf;
  for (const Digest& sibling : path) {
    if (sn == 0) return false;
    if ((fn & 1) != 0 || fn == sn) {
      node = node_hash(sibling, node);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      node = node_hash(node, sibling);
    }
    fn >>= 1;
    sn >>= 1;
  }
  return sn == 0 && node == root;
}

TEST_CASE("an inclusion path holds for its leaf, index and root only") {
  for (std::size_t size = 1; size <= 20; ++size) {
    const std::vector<Digest> leaves = numbered(size);
    CompactRange range;
    for (const Digest& leaf : leaves) range.append(leaf);
    for (std::size_t i = 0; i < size; ++i) {
      const std::vector<Digest> path = inclusion_path(leaves, i);
      CHECK(verify_inclusion(leaves[i], i, size, path, range.root()));
      // The same path, computed without the leaves in memory.
      InclusionWalk walk(i, size);
      for (const Digest& leaf : leaves) walk.append(leaf);
      walk.append(leaf_hash({}));  // leaves after the tree do not matter
      CHECK(walk.path() == path);
      CHECK_FALSE(
          verify_inclusion(leaves[i], i, size, path, leaves[0] == range.root() ? sha256({}) : leaves[0]));
      CHECK_FALSE(verify_inclusion(leaf_hash({}), i, size, path, range.root()));
      if (size > 1) CHECK_FALSE(verify_inclusion(leaves[i], (i + 1) % size, size, path, range.root()));
      std::vector<Digest> longer = path;
      longer.push_back(leaves[0]);
      CHECK_FALSE(verify_inclusion(leaves[i], i, size, longer, range.root()));
    }
    CHECK(inclusion_path(leaves, size).empty());
    CHECK_FALSE(verify_inclusion(leaves[0], size, size, {}, range.root()));
  }
}

}  // namespace
}  // namespace gw::store
