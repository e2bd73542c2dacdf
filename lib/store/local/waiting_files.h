// The file system that RocksDB writes to: a write that finds no space is repeated until there is
// some.
//
// Debian builds RocksDB with its assertions, and after a write that failed for lack of space one of
// them aborts the process. The store therefore watches free space (disk_space.h), but it cannot
// exclude that another program takes the last byte between its look and RocksDB's write. With
// these files such a write waits, up to a limit, while the store releases space and people make
// some. A failed sync is never repeated, because the kernel may have dropped the data.
#pragma once

#include <rocksdb/file_system.h>

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

namespace gw::store {

// Forwards to RocksDB's own file system, except that appending to a file, creating, renaming and
// linking one wait for space. Thread-safe.
class WaitingFiles : public rocksdb::FileSystemWrapper {
 public:
  // Each call that finds no space is repeated for at most `limit`, then fails with RocksDB's
  // NoSpace. With a limit of 0 nothing waits.
  explicit WaitingFiles(std::chrono::milliseconds limit);
  static const char* kClassName() { return "gw.WaitingFiles"; }
  const char* Name() const override { return kClassName(); }

  // Sets what is called before each repetition, on the thread that waits, which is one of RocksDB's
  // or one inside a call of RocksDB. It must be quick and must not call RocksDB. When this returns,
  // the function that was set before is not running and will not be called any more.
  void on_no_space(std::function<void()> no_space);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;

  // Runs `write` until it ends with another result than NoSpace or the limit is over; returns its
  // last result. `write` must be repeatable after a failure.
  rocksdb::IOStatus repeat(const std::function<rocksdb::IOStatus()>& write);

 private:
  void report();

  const std::chrono::milliseconds limit_;
  std::mutex mutex_;  // guards no_space_ and is held while it runs
  std::function<void()> no_space_;
};

}  // namespace gw::store
