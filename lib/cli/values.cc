#include "cli/values.h"

#include <CLI/CLI.hpp>

#include "base/text.h"
#include "cli/program.h"

namespace gw::cli {
namespace {

template <class Value, class Parse>
// The parser throws ValidationError, which CLI11 turns into a usage error.
CLI::Option* option(CLI::App& app, const std::string& name, std::optional<Value>& to, const std::string& help,
                    const char* type, const char* wanted, Parse parse) {
  return app
      .add_option_function<std::string>(
          name,
          [&to, name, wanted, parse](const std::string& text) {
            const auto value = parse(text);
            if (!value) throw CLI::ValidationError(name, "`" + text + "` is not " + wanted);
            to = *value;
          },
          help)
      ->type_name(type);
}

}  // namespace

CLI::Option* size_option(CLI::App& app, const std::string& name, std::optional<std::uint64_t>& to,
                         const std::string& help) {
  return option(app, name, to, help, "SIZE", "a valid size, e.g. 200MiB or 10GB",
                [](const std::string& t) { return parse_size(t); });
}

CLI::Option* duration_option(CLI::App& app, const std::string& name, std::optional<std::chrono::seconds>& to,
                             const std::string& help) {
  return option(app, name, to, help, "TIME", "a valid duration, e.g. 90 or 10m",
                [](const std::string& t) { return parse_duration(t); });
}

std::optional<Micros> parse_when(std::string_view text, Micros now, Relative relative) {
  constexpr Micros kSecond = 1'000'000;
  constexpr Micros kDay = 86'400 * kSecond;
  const Micros today = now - now % kDay;
  if (iequals(text, "now")) return now;
  if (iequals(text, "today")) return today;
  if (iequals(text, "yesterday")) return today - kDay;
  if (iequals(text, "tomorrow")) return today + kDay;
  if (const auto time = parse_time(text)) return time;
  // A number without a unit could be meant as a year, a day or seconds since 1970.
  const auto span = parse_duration(text);
  if (!span || text.back() < 'A') return std::nullopt;
  const Micros distance = span->count() * kSecond;
  if (relative == Relative::FromNow) return now + distance;
  return distance <= now ? std::optional(now - distance) : std::nullopt;
}

CLI::Option* time_option(CLI::App& app, const std::string& name, std::optional<Micros>& to,
                         const std::string& help, Relative relative) {
  return option(app, name, to, help, "WHEN", "a valid time, e.g. 2026-11-25, yesterday or 2h",
                [relative](const std::string& t) { return parse_when(t, now(), relative); });
}

void list_option(CLI::App& app, const std::string& name, std::optional<std::vector<std::string>>& to,
                 const std::string& type, const std::string& help) {
  repeatable(app.add_option_function<std::vector<std::string>>(
                    name,
                    [&to](const std::vector<std::string>& values) {
                      to = values;
                      // A list option that is given sets `to` in any case, so `--alias ''` sets an
                      // empty list.
                      std::erase(*to, "");
                    },
                    help)
                 ->type_name(type));
}

}  // namespace gw::cli
