// Merkle trees over a history's leaves (RFC 6962 section 2.1, RFC 9162 section 2.1).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"

namespace gw::store {

Digest leaf_hash(ByteView leaf);                            // SHA-256(0x00 ‖ leaf)
Digest node_hash(const Digest& left, const Digest& right);  // SHA-256(0x01 ‖ left ‖ right)

// The right edge of a growing tree: enough to append and to know the root. At most 64 hashes.
class CompactRange {
 public:
  CompactRange() = default;

  void append(const Digest& leaf);
  std::uint64_t size() const { return size_; }
  Digest root() const;  // SHA-256 of nothing for the empty tree

  Bytes encode() const;
  static Result<CompactRange> decode(ByteView stored);

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> edge_;  // roots of the perfect subtrees, left to right
};

// Proofs are made from leaf hashes in order; `leaves` holds the whole tree of that size.
std::vector<Digest> inclusion_path(std::span<const Digest> leaves, std::uint64_t index);
bool verify_inclusion(const Digest& leaf, std::uint64_t index, std::uint64_t size,
                      std::span<const Digest> path, const Digest& root);
std::vector<Digest> consistency_path(std::span<const Digest> leaves, std::uint64_t old_size);
bool verify_consistency(std::uint64_t old_size, const Digest& old_root, std::uint64_t size,
                        const Digest& root, std::span<const Digest> path);

}  // namespace gw::store
