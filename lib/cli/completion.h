// Shell completions, read back from the tree of options and commands: `gw-store --completion bash`.
//
// completions/ holds what this prints, made by scripts/gen-completions and compared by a test.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace CLI {
class App;
}

namespace gw::cli {

// The script for `bash`, `zsh` or `fish`. Usage: another shell.
Result<std::string> completion(const CLI::App& app, std::string_view shell);

}  // namespace gw::cli
