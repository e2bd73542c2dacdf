// VAULT/head: how far acknowledged commits go. It is kept outside of RocksDB, because RocksDB's
// recovery can drop synced records of its log and still report success. A database whose last
// commit is older than the head file has lost acknowledged mail, and is opened read-only.
//
// The file has two slots that are written in turn, so that a torn write leaves the other one
// intact. It has its full size from the start, so that writing it never needs disk space.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

// The position of the database in its sequence of commits.
struct CommitPoint {
  std::uint64_t number = 0;  // number of the last batch; the first one is 1
  Digest chain{};            // hash over the leaves of all batches up to it, see Batch::finish()

  friend bool operator==(const CommitPoint&, const CommitPoint&) = default;
};

// The content of the head file.
struct Head {
  CommitPoint point;   // an acknowledged commit; up to a second older than the last one
  bool clean = false;  // true if it was written by a close after everything was flushed
};

// The open head file. Not thread-safe.
class HeadFile {
 public:
  // Creates the file, durably. Fails with Exists if there is one.
  static Result<void> create(const std::string& vault, const Head& head);
  // Opens the file and reads the newer intact slot. Fails with Corrupt if the file is missing or
  // neither slot is intact. On a file system that is mounted read-only it succeeds, and write()
  // fails.
  static Result<HeadFile> open(const std::string& vault);

  // Returns what was read or written last.
  const Head& head() const { return head_; }
  // Writes the next slot. Durable when it returns without an error; after an error the previous
  // head is still there.
  Result<void> write(const Head& head);

 private:
  HeadFile() = default;
  Fd fd_;
  std::uint64_t turn_ = 0;  // number of the last slot write; odd numbers are in the first slot
  Head head_;
};

}  // namespace gw::store
