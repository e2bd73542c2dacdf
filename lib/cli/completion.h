// Shell completions, generated from the declared options and commands: `gw-store --completion
// bash`.
//
// The directory completions/ holds this output. scripts/gen-completions writes it, and a test
// compares it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace gw::cli {

// Returns the completion script of `app` for `shell`: `bash`, `zsh` or `fish`. Fails with Usage for
// another shell.
Result<std::string> completion(const CLI::App& app, std::string_view shell);

}  // namespace gw::cli
