#include "store/merkle.h"

#include <bit>

namespace gw::store {
namespace {

Digest hash(std::byte prefix, ByteView first, ByteView second) {
  // Reused, since creating an OpenSSL context costs more than hashing a node.
  thread_local Sha256 sha;
  return sha.update(std::span(&prefix, 1)).update(first).update(second).finish();
}

Digest root_of(std::span<const Digest> leaves) {
  CompactRange range;
  for (const Digest& leaf : leaves) range.append(leaf);
  return range.root();
}

// Returns the largest power of two below `size`, which is at least 2: where RFC 6962 splits a tree.
std::size_t split_point(std::size_t size) {
  return std::bit_floor(size - 1);
}

// PATH of RFC 6962, section 2.1.1.
void inclusion(std::span<const Digest> leaves, std::uint64_t index, std::vector<Digest>& path) {
  if (leaves.size() <= 1) return;
  const std::size_t left = split_point(leaves.size());
  if (index < left) {
    inclusion(leaves.first(left), index, path);
    path.push_back(root_of(leaves.subspan(left)));
  } else {
    inclusion(leaves.subspan(left), index - left, path);
    path.push_back(root_of(leaves.first(left)));
  }
}

}  // namespace

Digest leaf_hash(ByteView leaf) {
  return hash(std::byte{0}, leaf, {});
}
Digest node_hash(const Digest& left, const Digest& right) {
  return hash(std::byte{1}, left, right);
}

void CompactRange::append(const Digest& leaf) {
  Digest node = leaf;
  // Like adding 1 to a binary number: each trailing 1 bit is a perfect subtree that the new leaf
  // completes into a larger one.
  for (std::uint64_t rest = size_; (rest & 1) != 0; rest >>= 1) {
    node = node_hash(edge_.back(), node);
    edge_.pop_back();
  }
  edge_.push_back(node);
  ++size_;
}

Digest CompactRange::root() const {
  if (edge_.empty()) return sha256({});
  Digest node = edge_.back();
  // From right to left: the smaller trees are the right children.
  for (std::size_t i = edge_.size() - 1; i-- > 0;) node = node_hash(edge_[i], node);
  return node;
}

Bytes CompactRange::encode() const {
  ByteWriter writer;
  writer.u64(size_);
  for (const Digest& node : edge_) writer.bytes(node);
  return writer.take();
}

Result<CompactRange> CompactRange::decode(ByteView stored) {
  ByteReader reader(stored);
  CompactRange range;
  range.size_ = reader.u64();
  // A valid edge has one hash for each 1 bit, so the size of the value is checked with it.
  range.edge_.resize(static_cast<std::size_t>(std::popcount(range.size_)));
  for (Digest& node : range.edge_) reader.copy(node);
  if (!reader.done()) return Error(Code::Corrupt, "the right edge of the history's tree is malformed");
  return range;
}

// Descends from the root to the leaf as PATH of RFC 6962 does, and notes the subtree on the other side
// at each step.
InclusionWalk::InclusionWalk(std::uint64_t index, std::uint64_t size) {
  for (std::uint64_t begin = 0; size > 1;) {
    const std::uint64_t left = std::bit_floor(size - 1);
    if (index < left) {
      siblings_.push_back({begin + left, begin + size, {}});
      size = left;
    } else {
      siblings_.push_back({begin, begin + left, {}});
      begin += left;
      index -= left;
      size -= left;
    }
  }
}

void InclusionWalk::append(const Digest& leaf) {
  for (Sibling& sibling : siblings_) {
    if (at_ < sibling.begin || at_ >= sibling.end) continue;
    sibling.range.append(leaf);
    break;
  }
  ++at_;
}

std::vector<Digest> InclusionWalk::path() const {
  std::vector<Digest> path;
  for (auto at = siblings_.rbegin(); at != siblings_.rend(); ++at) path.push_back(at->range.root());
  return path;
}

std::vector<Digest> inclusion_path(std::span<const Digest> leaves, std::uint64_t index) {
  std::vector<Digest> path;
  if (index < leaves.size()) inclusion(leaves, index, path);
  return path;
}

}  // namespace gw::store
