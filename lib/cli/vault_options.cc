#include "cli/vault_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file.h"

namespace gw::cli {

void VaultOptions::declare(CLI::App& app) {
  // The value of an unset variable in a script must not mean the system's vault.
  const auto named = [](const std::string& text) { return text.empty() ? "the name is empty" : ""; };
  app.add_option("--vault", vault, "Use this vault (else $GW_VAULT, gw.toml, /var/lib/gw)")
      ->type_name("DIR")
      ->check(named);
  app.add_option("--config", config, "Use this settings file (else $GW_CONFIG, /etc/gw/gw.toml)")
      ->type_name("FILE")
      ->check(named);
}

void ConfigOptions::declare(CLI::App& app) {
  app.add_flag("--check-config", check, "Check settings and certificates and exit: 0 if valid");
  app.add_flag("--dump-config", dump, "Print the effective settings as gw.toml and exit");
}

// The servers check the files that the settings name (cmd/server_options.h).
Result<bool> ConfigOptions::done(const config::Config& config) const {
  if (dump) {
    auto written = write_all(STDOUT_FILENO, as_bytes(config::dump(config)), "standard output");
    if (!written) return written.error();
  }
  return check || dump;
}

}  // namespace gw::cli
