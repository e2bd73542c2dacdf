// The folder that a vault moves into, until it is one.
//
//   auto arrival = Arrival::open("/srv/gw", vault, "/var/lib/gw", resume);
//   copy_into(arrival->copies(), …);  …             // as often as need be, the last one of a suspended vault
//   arrival->publish(name, {token, "/var/lib/gw"})  // all in its place, and nobody opens it yet
//   (store/vault_format.h) …                                               // the old vault is told that it
//   has moved Arrival::complete("/srv/gw");
//
// Copies are in DIR/.migrate, as backups, with `from` beside them. Interrupted anywhere, what there is is
// taken up by the next run. It copies and publishes; what switches, the store's suspension does.
#pragma once

#include <optional>
#include <string>

#include "backup/destination.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/vault_format.h"

namespace gw::backup {

class Arrival {
 public:
  // Absent (then it is made), empty, or what an interrupted run for this vault left, with `resume`. Exists,
  // with a hint: anything else. Busy: another run. What an interrupted run had published is taken back.
  static Result<Arrival> open(const std::string& path, const VaultId& vault, const std::string& from,
                              bool resume);
  // Behind the switch: an ordinary vault, and nothing stays of the copies. Config: it has not moved here.
  static Result<void> complete(const std::string& path);
  // Removes all that was made, but for the folder. NotFound: there is nothing.
  static Result<void> abandon(const std::string& path, const VaultId& vault, const std::string& from);

  bool resumed() const { return resumed_; }
  const Destination& copies() const { return copies_; }
  // The path of a copy, to be looked at.
  std::string path_of(const std::string& copy) const { return copies_.path() + "/" + copy; }

  // Into a copy, beside what the store is made of: `history.key`, `tls/key.pem`. Replaces.
  Result<void> add(const std::string& copy, const std::string& name, const Secret& content) const;
  // This copy becomes what the folder holds, synced, and with a format that says where from.
  Result<void> publish(const std::string& copy, const VaultId& vault, const store::Move& from) const;

 private:
  Arrival(std::string path, Fd folder, Destination copies, bool resumed)
      : path_(std::move(path)), folder_(std::move(folder)), copies_(std::move(copies)), resumed_(resumed) {}
  Result<void> take_back() const;

  std::string path_;
  Fd folder_;
  Destination copies_;
  bool resumed_ = false;
};

}  // namespace gw::backup
