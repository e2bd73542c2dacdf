// The part of gw-store doctor that examines this host. vault/diagnosis.h examines the vault through
// its keeper.
#pragma once

#include <vector>

#include "config/config.h"
#include "vault/diagnosis.h"

namespace gw::cmd {

using vault::Diagnosis;
using vault::DiagnosisLimits;
using vault::Level;

// Examines permissions of the vault and of key files, certificates, and whether the configured
// listeners reply. Appends to `findings`, also what is good. Needs no keeper. Waits up to 5 s for
// each listener.
void examine_host(const config::Config& config, const DiagnosisLimits& limits,
                  std::vector<Diagnosis>& findings);

// Returns the command to run as a user who may examine everything.
std::string permitted(const config::Config& config);

// Appends a finding for each unit of gw that systemd has loaded: failed units, services that systemd
// starts again and again, enabled units that do not run, and running ones that will not start at the
// next boot are defects. So are running sockets that need TLS if there is no certificate.
// `systemctl` is the program to ask. Appends nothing if it cannot be run, fails, or takes more than
// 10 s.
void examine_units(const std::string& systemctl, bool has_certificate, std::vector<Diagnosis>& findings);

class Commands;

// Examines this host, and the vault if its keeper can be reached; otherwise that is a finding too.
// Units are examined only for the system's vault /var/lib/gw on a host where systemd runs, or if
// `systemctl` names a program. Returns all findings, also what is good.
std::vector<Diagnosis> examine(const Commands& commands, const config::Config& config,
                               const DiagnosisLimits& limits, const std::string& systemctl = {});

}  // namespace gw::cmd
