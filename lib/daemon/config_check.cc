#include "daemon/config_check.h"

#include <unistd.h>

#include "base/clock.h"
#include "net/certificate.h"
#include "sandbox/identity.h"

namespace gw::daemon {
namespace {

constexpr const char* kInstall = "gw-store certificate install FULLCHAIN KEY";

Error unreadable(const Error& error) {
  std::string text = error.text();
  if (error.code() == Code::Denied)
    text += " for the user " + sandbox::user_numbered(::geteuid(), ::getegid()).name;
  return Error(Code::Config, std::move(text)).with_hint(kInstall);
}

void check_pair(const net::CertificateFiles& files, std::vector<ConfigFault>& faults) {
  const auto text = net::read_certificate(files);
  if (!text) {
    faults.push_back({unreadable(text.error())});
    return;
  }
  const auto facts = net::inspect_certificate(*text, files);
  if (!facts) {
    faults.push_back({Error(Code::Config, facts.error().text()).with_hint(facts.error().hint())});
    return;
  }
  // OpenSSL has further demands, such as on the size of the key.
  if (const auto loaded = net::ServerTls::load({files}); !loaded) {
    faults.push_back({loaded.error()});
    return;
  }
  // The server starts with these and serves clients that do not verify.
  for (const std::string& fault : {facts->chain_fault, net::validity_fault(*facts, now())})
    if (!fault.empty())
      faults.push_back({Error(Code::Config, files.certificate + ": " + fault).with_hint(kInstall), true});
}

}  // namespace

std::vector<ConfigFault> check_config(const DaemonOptions& plan,
                                      const std::vector<net::CertificateFiles>& files,
                                      const Confinement& confinement) {
  std::vector<ConfigFault> faults;
  bool needs_tls = plan.stdio && plan.implicit_tls;
  for (const std::string& text : plan.listen) {
    const auto spec = listener_address(plan, text);
    if (!spec) {
      faults.push_back({spec.error()});
    } else if (spec->second.implicit_tls) {
      needs_tls = true;
    }
  }
  if (files.empty() && (needs_tls || plan.listen.empty()))
    faults.push_back({Error(Code::Config, "no certificate is configured").with_hint(kInstall), !needs_tls});
  if (const auto became = confinement.become(); !became) {
    faults.push_back({became.error()});
    return faults;
  }
  for (const net::CertificateFiles& pair : files) check_pair(pair, faults);
  return faults;
}

}  // namespace gw::daemon
