// --vault and --config: which vault, and what this host is set to.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace CLI {
class App;
}

namespace gw::cli {

struct VaultOptions {
  std::optional<std::string> vault;
  std::optional<std::string> config;

  // This must outlive the parsing.
  void declare(CLI::App& app);

  // The configuration in force, with the vault's folder as an absolute path in it (config/config.h says
  // by which order). keeper::place_of(result.vault, result.run) then is where its keeper is.
  Result<config::Config> resolve() const { return config::find(config, vault); }
};

// --check-config and --dump-config, for the tools that are set up by gw.toml.
struct ConfigOptions {
  bool check = false;
  bool dump = false;

  void declare(CLI::App& app);
  // Does what was asked for: prints the values in force, or nothing, for a configuration that is good.
  // True: that was all, the tool ends here.
  Result<bool> done(const config::Config& config) const;
};

}  // namespace gw::cli
