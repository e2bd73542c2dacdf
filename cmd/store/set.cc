#include "store/set.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>
#include <vector>

namespace gw::cmd {

void require_change(CLI::App& command) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : std::as_const(command).get_options())
    if (!option->get_positional()) options.push_back(option);
  command.final_callback([options = std::move(options)] {
    const auto given = [](const CLI::Option* option) { return option->count() > 0; };
    if (std::ranges::none_of(options, given))
      throw CLI::ParseError("nothing to set", CLI::ExitCodes::RequiredError);
  });
}

}  // namespace gw::cmd
