// What gw-store doctor looks at, one function for each side: this host, and the vault behind its keeper.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "config/config.h"
#include "store/store.h"

namespace gw::cmd {

enum class Level { Good, Warning, Trouble };

struct Finding {
  std::string check;  // `certificate`, `listener`, …: stable, scripts select by it
  Level level = Level::Good;
  std::string about;  // the file, address or mailbox
  std::string text;   // what is so
  std::string hint;   // what the user can do; empty where it is good
};

struct DoctorLimits {
  std::chrono::seconds silence{7 * 24 * 3600};       // an active mailbox that nothing came to for so long
  std::chrono::seconds unfetched{24 * 3600};         // a mail that has waited for the archive so long
  std::chrono::seconds certificate{14 * 24 * 3600};  // a certificate that ends so soon
};

// Folders and key files, certificates, configured listeners. Needs no keeper.
void examine_host(const config::Config& config, const DoctorLimits& limits, std::vector<Finding>& findings);

// Health, clock, settings, and each mailbox. An Error only where the keeper is lost on the way.
Result<void> examine_vault(store::Store& store, const std::string& folder, const DoctorLimits& limits,
                           std::vector<Finding>& findings);

}  // namespace gw::cmd
