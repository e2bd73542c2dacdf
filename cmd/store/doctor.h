// What gw-store doctor looks at on this host; vault/diagnosis.h is the other side, the vault behind its
// keeper.
#pragma once

#include <vector>

#include "config/config.h"
#include "vault/diagnosis.h"

namespace gw::cmd {

using vault::Diagnosis;
using vault::DiagnosisLimits;
using vault::Level;

// Folders and key files, certificates, configured listeners. Needs no keeper.
void examine_host(const config::Config& config, const DiagnosisLimits& limits,
                  std::vector<Diagnosis>& findings);

// Our units, by what this program says of them: those that have failed, do not run, or will not after a boot.
// Nothing where it says nothing.
void examine_units(const std::string& systemctl, std::vector<Diagnosis>& findings);

class Commands;

// All of it: this host, and the vault where its keeper is there; that it is not is a finding. Units are those
// of the system's vault, and are asked about where systemd runs, or by another program than its own.
std::vector<Diagnosis> examine(const Commands& commands, const config::Config& config,
                               const DiagnosisLimits& limits, const std::string& systemctl = {});

}  // namespace gw::cmd
