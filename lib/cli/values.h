// Options whose value is a size, a duration or a time, as people write them (base/text.h, base/clock.h).
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

// `200MiB`, `1048576`. What is bound must outlive the parsing, here and below.
CLI::Option* size_option(CLI::App& app, const std::string& name, std::optional<std::uint64_t>& to,
                         const std::string& help);
// `90`, `10m`.
CLI::Option* duration_option(CLI::App& app, const std::string& name, std::optional<std::chrono::seconds>& to,
                             const std::string& help);
// RFC 3339; a date alone is its midnight UTC.
CLI::Option* time_option(CLI::App& app, const std::string& name, std::optional<Micros>& to,
                         const std::string& help);

// Given once for each element; an empty value alone clears the list.
void list_option(CLI::App& app, const std::string& name, std::optional<std::vector<std::string>>& to,
                 const std::string& type, const std::string& help);

}  // namespace gw::cli
