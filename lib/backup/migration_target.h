// The directory that a vault is migrated to, until it is a vault itself.
//
//   auto arrival = MigrationTarget::open("/srv/gw", vault, "/var/lib/gw", resume);
//   copy_into(arrival->copies(), …);                 // repeated, at last while suspended
//   arrival->publish(name, {token, "/var/lib/gw"});  // in place, but not opened by any keeper
//   suspension->moved("/srv/gw", token);             // the switch, in the old vault's format
//   MigrationTarget::complete("/srv/gw");                    // removes the copies
//
// Copies are in DIR/.migrate, in the layout of backups (destination.h), and the file
// DIR/.migrate/from names the vault and the directory it comes from. After an interruption at any
// point, the next run continues with what is there. This class copies and publishes. Which of the
// two directories is the vault is decided by one file alone, VAULT/format of the old vault
// (store/vault_format.h), and that file is written by the store's suspension.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backup/destination.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/vault_format.h"

namespace gw::backup {

class MigrationTarget {
 public:
  // Opens the directory, which may be absent (it is created), empty, or, with `resume`, what an
  // interrupted run for the same vault and the same `from` left. Fails with Exists, and a hint, for
  // anything else, and with Busy while another run is in progress. Takes back what an interrupted
  // run had published, after `not_moved` has succeeded. That function is called only then, with the
  // lock held that keeps other runs away. It makes sure that the old vault has not moved and that
  // no keeper is about to record that it has: otherwise a published vault would be taken apart.
  using NotMoved = std::function<Result<void>()>;
  static Result<MigrationTarget> open(const std::string& path, const VaultId& vault, const std::string& from,
                                      bool resume, const NotMoved& not_moved);
  // Call it after the switch: makes the directory an ordinary vault and removes the copies. May be
  // repeated. Fails with Config if the vault has not moved here.
  static Result<void> complete(const std::string& path);
  // Removes everything that was copied, but not the directory itself. Fails with NotFound if no
  // unfinished migration is there, and like open().
  static Result<void> abandon(const std::string& path, const VaultId& vault, const std::string& from,
                              const NotMoved& not_moved);

  // Returns whether an interrupted run had left something.
  bool resumed() const { return resumed_; }
  // Returns where to copy to; it lives as long as this object.
  const Destination& copies() const { return copies_; }
  // Returns the path of a copy, to open it as a vault for reading.
  std::string path_of(const std::string& copy) const { return copies_.path() + "/" + copy; }

  // Writes a file that does not belong to the store into a copy, e.g. `history.key` or
  // `tls/key.pem`, and syncs it. Replaces an existing one.
  Result<void> add(const std::string& copy, const std::string& name, const Secret& content) const;
  // Moves the files of this copy into the directory, syncs them, and then writes a format file
  // which says that the vault is arriving and from where. From then on everything is in place, but
  // no keeper opens the directory before the old vault says that it has moved.
  Result<void> publish(const std::string& copy, const VaultId& vault, const store::Move& from) const;

 private:
  MigrationTarget(std::string path, Fd folder, Destination copies, bool resumed)
      : path_(std::move(path)), folder_(std::move(folder)), copies_(std::move(copies)), resumed_(resumed) {}
  // Returns whether publish() has begun to move something into the directory.
  bool published() const;
  Result<void> take_back() const;

  std::string path_;
  Fd folder_;
  Destination copies_;
  bool resumed_ = false;
};

}  // namespace gw::backup
