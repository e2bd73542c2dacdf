// RocksDB as LocalStore uses it: its options, its column families, and the mapping of its errors to
// Code. It knows nothing of mailboxes or messages; store/keys.h does.
//
// Failures map to Corrupt, Full, Busy or Io. After a failed write or a failed background flush
// RocksDB is not usable for writing any more; the caller must end the process.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/local/waiting_files.h"
#include "store/transaction.h"

namespace gw::store {

// A value that stays in RocksDB's buffers, so that a large body is not copied once more.
using Pinned = rocksdb::PinnableSlice;

// One open database. Thread-safe, as RocksDB is.
class Engine final : public Reader {
 public:
  // How to open the database.
  enum class Mode : unsigned char {
    // A new one; fails if it exists.
    Create,
    // Fails with Corrupt if a synced record in the write-ahead log is damaged. A torn tail, as a
    // power cut leaves it, counts as the end of the log.
    ReadWrite,
    // Shows what can be read, skipping damaged records. Writes no file.
    ReadOnly,
    // The same two, but the write-ahead log ends at the first damage.
    ReadWriteToDamage,
    ReadOnlyToDamage,
  };
  // Opens the database in directory `path`. `buffers` is the size of a write buffer for bodies in
  // bytes; the other families have half of it. Fails with Corrupt if the directory holds no
  // complete database, Busy if no thread can be created. A write that finds no space is repeated
  // for `wait_for_space` before it fails.
  static Result<std::unique_ptr<Engine>> open(const std::string& path, Mode mode, std::size_t buffers,
                                              std::chrono::milliseconds wait_for_space = {});
  // Rebuilds a lost MANIFEST with RocksDB's RepairDB, from the tables and logs in `path`. Blob
  // files are not recovered (see blob_file.h). RocksDB moves files that it cannot read to
  // `path`/lost.
  static Result<void> list_anew(const std::string& path, std::size_t buffers);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Result<std::optional<std::string>> get(Family family, ByteView key) const override;
  // Reads a value without copying it. Returns false if there is no such key.
  Result<bool> get(Family family, ByteView key, Pinned& value) const;
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const override;

  // Writes the batch with one sync. After an error it is unknown whether a later open will find the
  // batch.
  Result<void> write(rocksdb::WriteBatch& batch);
  // Writes all memtables to tables, after which the write-ahead logs can be deleted.
  Result<void> flush();
  // Compacts the bodies, which deletes blob files in which every body is deleted. With `move` it
  // also moves the remaining bodies of other files together, which needs free space for all of
  // them.
  Result<void> compact_bodies(bool move);
  // Rewrites all families except the histories without removed or replaced data, and waits until
  // the old files are deleted. Fails with Busy if it was cancelled or if a reader or snapshot keeps
  // an old file in use.
  Result<void> purge();
  std::uint64_t purge_room() const;  // bytes of new files that a purge writes beside the old ones
  // Makes a running purge stop soon and fail with Busy. Used when the disk fills.
  void cancel_purge() { purge_cancelled_ = true; }
  // Sizes of all blob files, in bytes.
  struct BodySizes {
    std::uint64_t all = 0;      // including deleted bodies
    std::uint64_t deleted = 0;  // bodies that are deleted but still in a file
  };
  BodySizes body_sizes() const;
  // Creates a second database in `path`, which must not exist: hard links to files that never
  // change, copies of the others. It contains every write that was finished before the call.
  Result<void> checkpoint(const std::string& path) const;
  // Cancels compactions and the purge for good, so that closing does not wait for them.
  void cancel_compactions() {
    cancelled_ = true;
    cancel_purge();
  }
  // Pauses or resumes automatic compactions. A compaction needs space for its result before it
  // frees any, so that a full disk must not start one.
  void pause_compactions(bool pause);
  // Returns the bytes in memtables: they are in the write-ahead log already and a flush will write
  // them a second time.
  std::uint64_t promised() const;
  // Sets what is called while a write waits for space; see WaitingFiles::on_no_space().
  void on_no_space(std::function<void()> no_space) { files_->on_no_space(std::move(no_space)); }
  // Returns true after a background flush or compaction has failed. No write will succeed any more.
  bool failed() const { return failed_; }

  // Returns RocksDB's handle, valid as long as the Engine.
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return handles_[static_cast<std::size_t>(family)];
  }

 private:
  Engine() = default;
  class Listener;
  Result<void> rewrite(Family family);
  std::set<std::string> files_to_rewrite() const;
  bool await_removal(const std::set<std::string>& names);

  // In this order: the database uses the other two until it is destroyed.
  std::shared_ptr<WaitingFiles> files_;
  std::unique_ptr<rocksdb::Env> env_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, kFamilies> handles_{};
  std::atomic<bool> failed_ = false;           // set by Listener
  std::atomic<bool> cancelled_ = false;        // for good
  std::atomic<bool> purge_cancelled_ = false;  // the running purge only
};

// Convert between views of RocksDB and of gw without copying.
inline rocksdb::Slice slice(ByteView data) {
  return {reinterpret_cast<const char*>(data.data()), data.size()};
}
inline ByteView view(const rocksdb::Slice& data) {
  return as_bytes(std::string_view(data.data(), data.size()));
}

}  // namespace gw::store
