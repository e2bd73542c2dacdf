// Room on the disk: watched before RocksDB could find out by itself that there is none.
//
// Debian's RocksDB aborts the process on a full disk, also at open. So appends stop at a low mark and are
// taken again above a high one; a ballast file gives room for draining and deleting meanwhile; and what still
// does not fit is refused before it is tried.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

struct Marks {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t ballast = 0;
  std::uint64_t floor = 0;   // under this nothing is written at all
  std::uint64_t inodes = 0;  // low mark of these; 0: the file system does not count them
};

struct Room {
  std::uint64_t octets = 0;
  std::uint64_t inodes = 0;
};

class Space {
 public:
  // The marks asked for, or smaller ones where the file system is small.
  static Result<Space> open(const std::string& vault, std::uint64_t low, std::uint64_t high,
                            std::uint64_t ballast);
  Space(Space&& other) noexcept;
  Space& operator=(Space&&) = delete;

  // Looks again. `promised`: octets already acknowledged that RocksDB will write once more when it flushes;
  // asked for only where room is getting short.
  void look(const std::function<std::uint64_t()>& promised);
  bool full() const { return full_; }
  // Whether the file system was mounted read-only at the last look.
  bool read_only() const { return read_only_; }
  // What has to become free before a full disk counts as one that has room.
  Room missing() const;
  // Full, where an append of this many more octets must not begin; and from then on it is full.
  Result<void> room_for_append(std::uint64_t octets);
  // Full, where not even a small change may be tried.
  Result<void> room_for_change(std::uint64_t octets) const;
  std::uint64_t promised() const { return promised_; }
  std::uint64_t free_octets() const { return octets_; }
  std::uint64_t free_inodes() const { return inodes_; }
  const Marks& marks() const { return marks_; }

  // Ballast: given up at once where room is short, made again where there is enough.
  void release_ballast();
  void restore_ballast();

 private:
  Space() = default;
  std::uint64_t ballast_now() const;

  Fd folder_;
  std::string ballast_path_;
  Marks marks_;
  std::atomic<std::uint64_t> octets_ = 0;
  std::atomic<std::uint64_t> inodes_ = 0;
  std::atomic<std::uint64_t> promised_ = 0;
  std::atomic<bool> full_ = false;
  std::atomic<bool> read_only_ = false;
};

}  // namespace gw::store
