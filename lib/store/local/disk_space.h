// Free space on the vault's disk, watched so that RocksDB does not run out of it: Debian's RocksDB
// aborts the process on a full disk, even while opening. A write that finds no space all the same
// waits for some (waiting_files.h).
//
// There are three levels. Below the low mark appends fail with Full, until free space reaches the
// high mark. The ballast file is then released, so that draining and removing, which also need to
// write, can go on. And any change that would not fit is refused before it is tried.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace gw::store {

// Limits in bytes, scaled down on a small file system.
struct Marks {
  std::uint64_t low = 0;      // appends are refused with less free space than this
  std::uint64_t high = 0;     // and accepted again from this on
  std::uint64_t ballast = 0;  // size of the ballast file
  std::uint64_t floor = 0;    // with less, nothing is written at all
  std::uint64_t inodes = 0;   // low mark of inodes; 0 if the file system does not count them
};

// An amount of space.
struct Room {
  std::uint64_t size = 0;
  std::uint64_t inodes = 0;
};

// Reads are thread-safe; look() and the ballast functions may race with each other harmlessly.
class DiskSpace {
 public:
  // Determines the marks: the ones asked for, or smaller ones on a small file system. Does not yet
  // measure; call look().
  static Result<DiskSpace> open(const std::string& vault, std::uint64_t low, std::uint64_t high,
                                std::uint64_t ballast);
  DiskSpace(DiskSpace&& other) noexcept;
  DiskSpace& operator=(DiskSpace&&) = delete;

  // Measures free space. `promised` returns the bytes that RocksDB will write a second time when it
  // flushes; it is called only if space is short, because asking RocksDB is not free.
  void look(const std::function<std::uint64_t()>& promised);
  // Returns true if appends are refused.
  bool full() const { return full_; }
  // Returns true if the file system was mounted read-only at the last look().
  bool read_only() const { return read_only_; }
  // Returns how much must become free before appends are accepted again.
  Room missing() const;
  // Fails with Full if an append of this many more bytes must not begin; the disk then counts as
  // full until the high mark is reached.
  Result<void> room_for_append(std::uint64_t size);
  // Fails with Full if not even a small change of this size may be tried.
  Result<void> room_for_change(std::uint64_t size) const;
  // Returns true if a purge may go on. It ends before the disk is full, because it writes on for a
  // moment after it is cancelled.
  bool room_for_purge() const { return !full_ && size_ >= marks_.high + promised_; }
  // Returns true if there is space to write what promised() counts, and the database's own files.
  bool room_for_flush() const { return size_ >= marks_.floor + promised_; }
  std::uint64_t promised() const { return promised_; }  // bytes, at the last look()
  // Bytes for an unprivileged process, at the last look().
  std::uint64_t free_bytes() const { return size_; }
  std::uint64_t free_inodes() const { return inodes_; }
  std::uint64_t disk_bytes() const { return disk_; }  // size of the file system, at the last look()
  const Marks& marks() const { return marks_; }

  // Called when a write found no space: releases the ballast; the disk counts as full until look()
  // finds the high mark reached.
  void ran_out();
  // Removes the ballast file, or creates it again if there is ample space.
  void release_ballast();
  void restore_ballast();

 private:
  DiskSpace() = default;
  std::uint64_t ballast_now() const;

  Fd folder_;
  std::string ballast_path_;
  Marks marks_;
  std::atomic<std::uint64_t> disk_ = 0;
  std::atomic<std::uint64_t> size_ = 0;
  std::atomic<std::uint64_t> inodes_ = 0;
  std::atomic<std::uint64_t> promised_ = 0;
  std::atomic<bool> full_ = false;
  std::atomic<bool> read_only_ = false;
};

}  // namespace gw::store
