// Small text work: ASCII case, sizes and durations as people write them, what may go to a terminal or log.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw {

// ASCII only: no locale, no Unicode folding.
char lower(char c);
std::string lower(std::string_view text);
std::string upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);  // blanks, tabs and line ends at both ends
std::vector<std::string_view> split(std::string_view text, char separator);  // n separators give n+1 pieces

bool valid_utf8(std::string_view text);  // RFC 3629: no overlong forms, no surrogates
bool has_8bit(std::string_view text);
bool has_control(std::string_view text);  // octets below 0x20, or 0x7f

// Fit for a terminal: control characters (C0, DEL, and C1 in UTF-8) and invalid UTF-8 become U+FFFD.
std::string printable(std::string_view text);
// Fit for JSON: invalid UTF-8 becomes U+FFFD; control characters stay, the JSON writer escapes them.
std::string valid_text(std::string_view text);

// Whether a text fits a pattern in which `*` is any run of octets; ASCII case is ignored. Linear.
bool fits_pattern(std::string_view text, std::string_view pattern);

// Whole decimal number without sign; none if anything else is there or it does not fit.
std::optional<std::uint64_t> parse_number(std::string_view text);

// `1048576`, `200MiB`, `200 MiB`, `4 k`, `1.5 GiB`: octets; k M G T and KiB MiB GiB TiB are powers of 1024.
std::optional<std::uint64_t> parse_size(std::string_view text);
// `4.0 KiB`; below 1024, `17 B`.
std::string format_size(std::uint64_t octets);
// `90`, `90s`, `10m`, `2h`, `1d`: seconds, minutes, hours, days.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

// The candidate that is nearest to `word` by edit distance, or empty where none is near enough to be a slip.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace gw
