// Options whose value is a size, a duration or a time as people write them (base/text.h,
// base/clock.h).
//
// Each function adds an option to `app`. The variable `to` must outlive the parsing; it stays
// nullopt if the option is not given. A value that cannot be parsed is a usage error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gw::cli {

// Adds an option in bytes: `200MiB`, `1048576`.
CLI::Option* size_option(CLI::App& app, const std::string& name, std::optional<std::uint64_t>& to,
                         const std::string& help);
// Adds an option in seconds, or with a unit: `90`, `10m`.
CLI::Option* duration_option(CLI::App& app, const std::string& name, std::optional<std::chrono::seconds>& to,
                             const std::string& help);
// Adds an option with a time in RFC 3339; a date alone is midnight UTC of that day.
CLI::Option* time_option(CLI::App& app, const std::string& name, std::optional<Micros>& to,
                         const std::string& help);

// Adds an option that is given once for each element. Empty values are dropped, so that a single
// empty value clears the list.
void list_option(CLI::App& app, const std::string& name, std::optional<std::vector<std::string>>& to,
                 const std::string& type, const std::string& help);

}  // namespace gw::cli
