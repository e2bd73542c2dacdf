// What salvage reads from: a copy of a damaged vault, its database looked at in each way that works.
//
// The same key may be found more than once, with values of different age. Who asks judges.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/local/blob_file.h"
#include "store/local/body.h"
#include "store/local/engine.h"
#include "store/local/head.h"

namespace gw::store {

// The lock of a vault that is not to be written to. Busy: a keeper has it.
Result<Fd> hold_unwritten(const std::string& vault);

// A stored body as it was found. Not whole: damaged, and the best there is.
struct FoundBody {
  Bytes stored;
  bool whole = false;
};

class SalvageSource {
 public:
  // `work` is made, and is the caller's to remove. NotFound: there is no database.
  static Result<SalvageSource> open(const std::string& vault, const std::string& work, std::size_t buffers);

  using Visit = std::function<bool(ByteView key, ByteView value)>;
  // All that can be read, in order within each look, until `visit` gives false; then the next look.
  void scan(Family family, ByteView from, ByteView end, const Visit& visit);
  // Every value that is found; `visit` as above.
  void get(Family family, ByteView key, const std::function<void(ByteView value)>& visit) const;
  // None: not a trace of it. `fits` says whether a stored body is the one.
  std::optional<FoundBody> body(const MailboxId& mailbox, const MessageId& message,
                                const std::function<bool(ByteView stored)>& fits);
  // The keys of all bodies that are found, also of such as were removed.
  void bodies(const std::function<void(const MailboxId&, const MessageId&)>& visit);

  // Whether all of a family was read as its database has it.
  bool complete(Family family) const { return complete_[static_cast<std::size_t>(family)]; }
  // What the head file says; none: it is missing or damaged.
  const std::optional<Head>& head() const { return head_; }
  // Why the database does not open as it is; empty: it does.
  const std::string& reason() const { return reason_; }
  // Whether, of a database that does not open, files are gone that its list names.
  bool files_missing() const { return files_missing_; }
  // A container's own file.
  std::string large(const MessageId& message) const { return vault_ + "/large/" + message.hex(); }

 private:
  SalvageSource() = default;
  Result<void> look(const std::string& work, std::size_t buffers);
  bool read_all();
  void index_blobs();

  std::string vault_;
  std::string database_;  // the copy
  std::vector<std::unique_ptr<Engine>> views_;
  std::array<bool, kFamilies> complete_{};
  std::optional<Head> head_;
  std::string reason_;
  bool files_missing_ = false;
  bool indexed_ = false;
  std::multimap<std::string, BlobPlace> blobs_;  // by key
};

}  // namespace gw::store
