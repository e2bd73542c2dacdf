// Merkle trees over the leaves of a history: hashing (RFC 6962, section 2.1) and
// inclusion proofs (RFC 9162, section 2.1.3). Pure functions without any storage.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"

namespace gw::store {

// Returns SHA-256(0x00 ‖ leaf).
Digest leaf_hash(ByteView leaf);
// Returns SHA-256(0x01 ‖ left ‖ right). The different prefix prevents a node from passing as a
// leaf.
Digest node_hash(const Digest& left, const Digest& right);

// The right edge of a growing tree: enough to append leaves and to compute the root, without the
// leaves. Holds at most 64 hashes.
class CompactRange {
 public:
  CompactRange() = default;

  // Adds the hash of the next leaf. Amortised O(1) hashes.
  void append(const Digest& leaf);
  std::uint64_t size() const { return size_; }  // number of leaves
  // Returns the root hash; SHA-256 of nothing for the empty tree (RFC 6962, section 2.1).
  Digest root() const;

  // Returns the stored form: the size and the hashes of the edge.
  Bytes encode() const;
  // Decodes the stored form. Fails with Corrupt if the number of hashes does not match the size.
  static Result<CompactRange> decode(ByteView stored);

 private:
  std::uint64_t size_ = 0;
  // Roots of the perfect subtrees, left to right: one for each 1 bit of size_.
  std::vector<Digest> edge_;
};

// Computes the inclusion proof for one leaf while the leaves of a tree pass by. Needs at most 64 right
// edges, whatever the size of the tree.
class InclusionWalk {
 public:
  // The proof is for the leaf at `index` of a tree of `size` leaves. Requires `index` < `size`.
  InclusionWalk(std::uint64_t index, std::uint64_t size);
  // Adds the hash of the next leaf. Ignores leaves after the last one of the tree.
  void append(const Digest& leaf);
  // Returns the audit path, from the leaf upwards. Valid after all leaves of the tree were added.
  std::vector<Digest> path() const;

 private:
  // A subtree whose root is on the path: the leaves from `begin` to before `end`.
  struct Sibling {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    CompactRange range;
  };
  std::vector<Sibling> siblings_;  // the topmost first
  std::uint64_t at_ = 0;           // index of the next leaf
};

// Returns the inclusion proof for the leaf at `index`. `leaves` are the leaf hashes of the whole
// tree, in order. Empty if `index` is outside of the tree.
std::vector<Digest> inclusion_path(std::span<const Digest> leaves, std::uint64_t index);

}  // namespace gw::store
