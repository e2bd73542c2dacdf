// What salvage reads from: a copy of a damaged vault whose database is opened in every way that
// works (a "view" each). The same key can be found more than once with values of different age; the
// caller decides which one counts.
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

// Takes the vault lock without writing to the vault. Fails with Busy if a keeper holds it. Returns
// an empty Fd if there is no lock file.
Result<Fd> hold_unwritten(const std::string& vault);

// A stored body as it was found.
struct FoundBody {
  Bytes stored;
  bool whole = false;  // false: damaged, and the best that was found
};

class SalvageSource {
 public:
  // Copies the database to the directory `work`, which it creates and the caller removes, and opens
  // it. `buffers` as in Engine::open(). Fails with NotFound if there is no database, Full.
  static Result<SalvageSource> open(const std::string& vault, const std::string& work, std::size_t buffers);

  // Returns false to stop.
  using Visit = std::function<bool(ByteView key, ByteView value)>;
  // Calls `visit` for all readable keys, in order within each view; false skips to the next view.
  void scan(Family family, ByteView from, ByteView end, const Visit& visit);
  // Calls `visit` with each value found for a key.
  void get(Family family, ByteView key, const std::function<void(ByteView value)>& visit) const;
  // Returns the body for which `fits` returns true, or the longest damaged one; nullopt if there is
  // no trace of it.
  std::optional<FoundBody> body(const MailboxId& mailbox, const MessageId& message,
                                const std::function<bool(ByteView stored)>& fits);
  // Calls `visit` with the key of every body found, including removed ones, possibly more than
  // once.
  void bodies(const std::function<void(const MailboxId&, const MessageId&)>& visit);

  // Returns true if a family was read completely and without damage.
  bool complete(Family family) const { return complete_[static_cast<std::size_t>(family)]; }
  // Returns the head file; nullopt if it is missing or damaged.
  const std::optional<Head>& head() const { return head_; }
  // Returns why the database does not open as it is; empty if it does.
  const std::string& reason() const { return reason_; }
  // Returns true if the database does not open and has a MANIFEST: files that it names may be
  // missing.
  bool files_missing() const { return files_missing_; }
  // Returns the path of a container's own file.
  std::string large(const MessageId& message) const { return vault_ + "/large/" + message.hex(); }

 private:
  SalvageSource() = default;
  Result<void> look(const std::string& work, std::size_t buffers);
  bool read_all();
  void index_blobs();

  std::string vault_;
  std::string database_;                        // path of the copy
  std::vector<std::unique_ptr<Engine>> views_;  // the copy as it is comes first
  std::array<bool, kFamilies> complete_{};
  std::optional<Head> head_;
  std::string reason_;
  bool files_missing_ = false;
  bool indexed_ = false;                         // blobs_ was filled
  std::multimap<std::string, BlobPlace> blobs_;  // by key
};

}  // namespace gw::store
