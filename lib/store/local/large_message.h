// Large containers, each in a file of its own: VAULT/large/<message id>, and
// VAULT/large/tmp/<message id> while it is written. In the database a large container would be
// written twice, to the log and to a blob file, and be in memory meanwhile.
//
// The order of a commit is: write and sync in tmp, rename, sync the directory, then commit the
// message in the database. So a message in the database always has its file; a crash leaves at most
// a file without a message, which the next start removes.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/result.h"

namespace gw::store {

class LargeFiles;

// A file while it is written. Destruction without finish() removes it.
class LargeWriter {
 public:
  // `files` must outlive it; `fd` is open for writing.
  LargeWriter(LargeFiles& files, const MessageId& message, Fd fd);
  LargeWriter(const LargeWriter&) = delete;
  LargeWriter& operator=(const LargeWriter&) = delete;
  ~LargeWriter();

  // Appends bytes. Fails with Full or Io; after Io the data on disk is undefined and the store must
  // stop.
  Result<void> write(ByteView data);
  // Syncs the file and moves it to its final name, durably. Fails with Exists if a file of this
  // name exists.
  Result<void> finish();
  // Removes the file after finish(), because its message was not committed.
  void abandon();

 private:
  LargeFiles& files_;
  const std::string name_;  // message id in hex
  Fd fd_;
  std::uint64_t written_ = 0;  // bytes
  std::uint64_t synced_ = 0;   // of them, those that fdatasync(2) covered
  bool finished_ = false;
};

// The directory VAULT/large. Thread-safe.
class LargeFiles {
 public:
  // Creates the two directories.
  static Result<void> create(const std::string& vault);
  // Opens them. Fails if one is missing.
  static Result<std::unique_ptr<LargeFiles>> open(const std::string& vault);

  // Creates a file in tmp.
  Result<std::unique_ptr<LargeWriter>> begin(const MessageId& message);
  // Returns the file, open for reading; the last few stay open. The descriptor works as long as the
  // caller keeps it, even if the message is removed meanwhile. Fails with Corrupt if the file is
  // missing or has another size than `size`.
  Result<std::shared_ptr<const Fd>> reader(const MessageId& message, std::uint64_t size);
  // Removes the file of a message that the database no longer has; later, if hold_removals() is in
  // effect.
  void remove(const MessageId& message);
  // Postpones the removal of files until the last returned handle is destroyed, so that a snapshot
  // can link all files that its database names. The handle must not outlive this object.
  std::shared_ptr<void> hold_removals();
  // Creates the directory `to` and hard links in it to every file. Files that are added meanwhile
  // may or may not be among them.
  Result<void> link_all(const std::string& to) const;
  // Removes all files in tmp. Only at start, when no LargeWriter exists.
  Result<void> clear_unfinished();
  // Removes the files of messages that `named` returns false for. Only for a database that is known
  // to be complete: otherwise these files may be the only remains of lost messages.
  Result<void> remove_unnamed(const std::function<Result<bool>(const MessageId&)>& named);
  // Moves them to the directory `to` instead, durably, and returns how many. Creates `to` if there
  // is a file to move.
  Result<std::uint64_t> set_unnamed_aside(const std::string& to,
                                          const std::function<Result<bool>(const MessageId&)>& named);

 private:
  friend class LargeWriter;
  struct Reader {
    MessageId message;
    std::shared_ptr<const Fd> fd;
  };

  Fd folder_;      // VAULT/large
  Fd unfinished_;  // VAULT/large/tmp
  // Ends one hold; the last one removes the postponed files.
  void end_hold();

  std::mutex mutex_;
  std::list<Reader> readers_;    // most recently used first
  int holds_ = 0;                // handles of hold_removals() that exist
  std::vector<MessageId> held_;  // files to remove when no hold remains
};

}  // namespace gw::store
