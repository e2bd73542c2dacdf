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
#include <string_view>
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

// How a duration such as `30d` counts as a time.
enum class Relative : unsigned char { Ago, FromNow };
// Parses a time in one of these forms: RFC 3339 (gw::parse_time), `now`, `today`, `yesterday` or
// `tomorrow` (midnight UTC of that day), or a duration with a unit such as `2h`, which counts from
// `now` as `relative` says. Returns nullopt for anything else, and for a time before 1970.
std::optional<Micros> parse_when(std::string_view text, Micros now, Relative relative);
// Adds an option with such a time.
CLI::Option* time_option(CLI::App& app, const std::string& name, std::optional<Micros>& to,
                         const std::string& help, Relative relative = Relative::Ago);

// Adds an option that is given once for each element. Empty values are dropped, so that a single
// empty value clears the list.
void list_option(CLI::App& app, const std::string& name, std::optional<std::vector<std::string>>& to,
                 const std::string& type, const std::string& help);

}  // namespace gw::cli
