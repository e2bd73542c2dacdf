// How far acknowledged commits go, kept outside RocksDB, whose recovery can drop synced records and say OK.
//
// Two slots, written in turn: a torn write leaves the other. The file has its full size from the start, so
// that writing it needs no room.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

// The number of the last batch and the hash over all batches up to it.
struct CommitPoint {
  std::uint64_t number = 0;
  Digest chain{};

  friend bool operator==(const CommitPoint&, const CommitPoint&) = default;
};

struct Head {
  CommitPoint point;
  bool clean = false;  // written by a close, after everything was flushed
};

class HeadFile {
 public:
  static Result<void> create(const std::string& vault, const Head& head);
  // Corrupt: the file is missing, or neither slot is whole. On a file system that is mounted read-only it
  // opens, and write() fails.
  static Result<HeadFile> open(const std::string& vault);

  const Head& head() const { return head_; }
  // Durable when it returns.
  Result<void> write(const Head& head);

 private:
  HeadFile() = default;
  Fd fd_;
  std::uint64_t turn_ = 0;
  Head head_;
};

}  // namespace gw::store
