// --vault and --config: which vault a tool works on, and with which settings.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace CLI {
class App;
}

namespace gw::cli {

// The two options. nullopt if not given.
struct VaultOptions {
  std::optional<std::string> vault;
  std::optional<std::string> config;

  // Adds the options to `app`. This object must outlive the parsing.
  void declare(CLI::App& app);

  // Returns the settings in force; `vault` in them is the absolute path of the vault's directory
  // (config/config.h describes the order of sources). keeper::place_of(result.vault, result.run)
  // then tells where its keeper listens.
  Result<config::Config> resolve() const { return config::find(config, vault); }
};

// --check-config and --dump-config, for the tools that gw.toml configures.
struct ConfigOptions {
  bool check = false;
  bool dump = false;

  // Adds the options to `app`. This object must outlive the parsing.
  void declare(CLI::App& app);
  // Prints the settings if --dump-config was given. Returns true if one of the options was given:
  // the tool then ends without doing its work. A configuration with errors has already failed in
  // VaultOptions::resolve().
  Result<bool> done(const config::Config& config) const;
};

}  // namespace gw::cli
