// How a server gives up, once it is set up, what it does not need to serve.
//
//   auto confinement = Confinement::begin(settings, place);   // before keys are read
//   ...                                                       // sockets, keys
//   confinement->close();                                     // before the first connection
//
// Who it goes on as, where root has started it: the user that is set; else, of a vault whose sockets are
// within its folder, that vault's owner, as nobody else may use them; else the server's own user. So a root
// that has a vault of its own stays root, without root's capabilities, and no other does.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "confine/identity.h"
#include "confine/sandbox.h"
#include "keeper/start.h"
#include "keeper/starter.h"

namespace gw::gate {

struct ConfinementSettings {
  std::string user;      // --user; empty: by the rule above
  std::string own_user;  // the server's: `gw-receive`
  confine::Mode sandbox = confine::Mode::Auto;
  confine::Needs needs;
};

class Confinement {
 public:
  // Chooses the user; and where a keeper may have to be started later, makes who can do it then.
  // Config where root has started it and there is no user to go on as; Denied where --user cannot be.
  static Result<Confinement> begin(ConfinementSettings settings, const keeper::Place& place);

  // Whether close() changes the user: then what only root may read must be read before.
  bool changes_user() const { return user_.has_value(); }
  // Of connections to the keeper, which from then on are started by the one that begin() made.
  std::function<keeper::Reached<void>()> starting() const;
  // Files that may be read afterwards, beside those of the settings.
  void also_readable(std::vector<std::string> paths);

  Result<void> become() const;  // the user, and no new privileges
  Result<void> close() const;   // become(), and the sandbox

 private:
  ConfinementSettings settings_;
  std::optional<confine::Identity> user_;
  std::shared_ptr<keeper::Starter> starter_;
};

}  // namespace gw::gate
