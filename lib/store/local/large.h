// Containers that are files of their own: VAULT/large/<message id>, and VAULT/large/tmp/<id> on their way in.
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

// One on its way in. Destruction without finish() leaves nothing behind.
class LargeWriter {
 public:
  LargeWriter(LargeFiles& files, const MessageId& message, Fd fd);
  LargeWriter(const LargeWriter&) = delete;
  LargeWriter& operator=(const LargeWriter&) = delete;
  ~LargeWriter();

  Result<void> write(ByteView octets);
  // Under its name and durable. Exists: there is such a file.
  Result<void> finish();
  // Removes it again after finish(): its message was not committed.
  void abandon();

 private:
  LargeFiles& files_;
  const std::string name_;
  Fd fd_;
  std::uint64_t written_ = 0;
  std::uint64_t synced_ = 0;
  bool finished_ = false;
};

class LargeFiles {
 public:
  static Result<void> create(const std::string& vault);
  static Result<std::unique_ptr<LargeFiles>> open(const std::string& vault);

  Result<std::unique_ptr<LargeWriter>> begin(const MessageId& message);
  // Open as long as somebody holds it, also when its message is removed meanwhile. Corrupt: missing, or not
  // of this size.
  Result<std::shared_ptr<const Fd>> reader(const MessageId& message, std::uint64_t octets);
  void remove(const MessageId& message);
  // While what this gives lives, removed files stay in the folder, and go then.
  std::shared_ptr<void> hold_removals();
  // A second name for each that there is, in this folder, which is made. Those that come meanwhile may be
  // among them.
  Result<void> link_all(const std::string& to) const;
  // Empties tmp.
  Result<void> clear_unfinished();
  // Removes what `named` does not know. Only where the whole database is known to be there.
  Result<void> remove_unnamed(const std::function<Result<bool>(const MessageId&)>& named);
  // Moves them into this folder instead, which is made when there is one. Durable. Gives how many.
  Result<std::uint64_t> set_unnamed_aside(const std::string& to,
                                          const std::function<Result<bool>(const MessageId&)>& named);

 private:
  friend class LargeWriter;
  struct Reader {
    MessageId message;
    std::shared_ptr<const Fd> fd;
  };

  Fd folder_;
  Fd unfinished_;
  void end_hold();

  std::mutex mutex_;
  std::list<Reader> readers_;  // the last used in front
  int holds_ = 0;
  std::vector<MessageId> held_;  // to be removed once nobody holds
};

}  // namespace gw::store
