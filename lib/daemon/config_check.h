// What --check-config finds beyond the syntax of gw.toml: opens the files that the settings name,
// as the user that will serve.
//
//   for (const ConfigFault& fault : check_config(plan, files, *confinement)) …
#pragma once

#include <vector>

#include "base/result.h"
#include "daemon/confinement.h"
#include "daemon/server.h"

namespace gw::daemon {

struct ConfigFault {
  Error error;  // Config; the text names the file and what is wrong
  // The server serves in spite of it: the certificate has expired, for example.
  bool warning = false;
};

// Returns all faults of the listeners and certificates; empty if there is none. Changes to the user
// of `confinement` for good, because root can read keys that the server cannot read.
std::vector<ConfigFault> check_config(const DaemonOptions& plan,
                                      const std::vector<net::CertificateFiles>& files,
                                      const Confinement& confinement);

}  // namespace gw::daemon
