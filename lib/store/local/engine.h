// RocksDB as this store uses it: its options, its column families, and its errors as ours.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace gw::store {

enum class Family : unsigned char { Heads, Records, Messages, Bodies, History, Seen };
inline constexpr std::size_t kFamilies = 6;

// For bodies: what is read of RocksDB's buffers is not copied once more.
using Pinned = rocksdb::PinnableSlice;

class Engine {
 public:
  enum class Mode : unsigned char {
    Create,
    ReadWrite,  // fails with Corrupt where synced records are damaged; a torn tail is no damage
    ReadOnly,   // shows what can be read
    // The same two, but with nothing behind the first damage in the write-ahead log.
    ReadWriteToDamage,
    ReadOnlyToDamage,
  };
  // `buffers`: octets of each write buffer of bodies; the others have half.
  static Result<std::unique_ptr<Engine>> open(const std::string& path, Mode mode, std::size_t buffers);
  // Lists a database's files anew (RepairDB), where the list of them is lost: from what is in its tables and
  // logs, without its blob files. What cannot be read is put into `path`/lost.
  static Result<void> list_anew(const std::string& path, std::size_t buffers);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // None: there is no such key.
  Result<std::optional<std::string>> get(Family family, ByteView key) const;
  Result<bool> get(Family family, ByteView key, Pinned& value) const;  // false: no such key
  // In order from `from` to just before `end`, until `visit` gives false.
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const;

  // With one sync. An error says nothing about what a later open will find.
  Result<void> write(rocksdb::WriteBatch& batch);
  Result<void> flush();
  // Gives back the room of deleted bodies where all in a file are deleted; with `move`, also moves what is
  // left in other files together, which needs room for as much.
  Result<void> compact_bodies(bool move);
  // Writes all but histories anew, without what was replaced or removed, and waits until the files of before
  // are gone. Busy: cancelled, or somebody does not let go of one.
  Result<void> purge();
  std::uint64_t purge_room() const;  // octets that it takes beside those
  void cancel_purge() { purge_cancelled_ = true; }
  struct BodySizes {
    std::uint64_t all = 0;
    std::uint64_t deleted = 0;
  };
  BodySizes body_sizes() const;
  // A database of its own at `path`, which must not be there: links to our files where they never change,
  // copies of the rest. It has every write that was done before.
  Result<void> checkpoint(const std::string& path) const;
  void cancel_compactions() {
    cancelled_ = true;
    cancel_purge();
  }
  // Compactions need room for their results before they give back any.
  void pause_compactions(bool pause);
  // Octets that wait to be written once more.
  std::uint64_t promised() const;
  // A flush or compaction failed: no write will succeed any more.
  bool failed() const { return failed_; }

  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }

 private:
  Engine() = default;
  class Listener;
  Result<void> rewrite(Family family);
  std::set<std::string> files_to_rewrite() const;
  bool await_removal(const std::set<std::string>& names);

  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  std::atomic<bool> failed_ = false;
  std::atomic<bool> cancelled_ = false;
  std::atomic<bool> purge_cancelled_ = false;
};

inline rocksdb::Slice slice(ByteView octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}
inline ByteView view(const rocksdb::Slice& octets) {
  return as_bytes(std::string_view(octets.data(), octets.size()));
}

}  // namespace gw::store
