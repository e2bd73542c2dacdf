// Small text functions: ASCII case, UTF-8 validity, sizes and durations in the form that people
// write, and text that is safe for a terminal, a log or JSON.
//
// Case functions work on ASCII only and ignore the locale: protocol keywords are ASCII, and Unicode
// case folding would make different keywords equal. Returned views point into the argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw {

char lower(char c);
std::string lower(std::string_view text);
std::string upper(std::string_view text);
bool iequals(std::string_view a, std::string_view b);
bool istarts_with(std::string_view text, std::string_view prefix);
// Returns the text without spaces, tabs, CRs and LFs at both ends.
std::string_view trim(std::string_view text);
// Cuts at each separator. Always returns one piece more than there are separators; pieces may be
// empty.
std::vector<std::string_view> split(std::string_view text, char separator);

// Returns true if the text is UTF-8 (RFC 3629) without overlong forms and surrogates. NUL is
// allowed.
bool valid_utf8(std::string_view text);
// Returns true if a byte is 0x80 or higher.
bool has_8bit(std::string_view text);
// Returns true if a byte is below 0x20 or is 0x7f. C1 controls in UTF-8 do not count.
bool has_control(std::string_view text);

// Returns the text in a form that is safe for a terminal and for a log: replaces control characters
// (C0, also tab and line endings, DEL, and C1 in UTF-8) and invalid UTF-8 by U+FFFD.
std::string printable(std::string_view text);
// Returns the text with invalid UTF-8 replaced by U+FFFD, for JSON. Keeps control characters, which
// the JSON writer escapes.
std::string valid_text(std::string_view text);

// Returns true if all of `text` matches `pattern`, in which `*` stands for any number of bytes.
// Ignores ASCII case. There is no escape for `*`. The time is at most proportional to the product
// of both lengths.
bool fits_pattern(std::string_view text, std::string_view pattern);

// Parses a decimal number without sign. Returns nullopt if there is anything else or it exceeds 64
// bits.
std::optional<std::uint64_t> parse_number(std::string_view text);

// Parses a size: `1048576`, `200MiB`, `4 k`, `1.5 GB`. Returns bytes. k, M, G and T are powers of
// 1024 like KiB, MiB, GiB and TiB; kB, MB, GB and TB are powers of 1000. Ignores case. Returns
// nullopt if it is no size or above about 2^63.
std::optional<std::uint64_t> parse_size(std::string_view text);
// Formats bytes for people: `4.0 KiB`, and below 1024 `17 B`.
std::string format_size(std::uint64_t size);
// Parses a duration: `90` or `90s` (seconds), `10m` or `10min` (minutes), `2h`, `1d`. Accepts
// fractions and drops those of a second. Returns nullopt if it is no duration or above 10^11
// seconds.
std::optional<std::chrono::seconds> parse_duration(std::string_view text);

// Returns the candidate with the smallest edit distance to `word`, for "did you mean …?"; empty if
// even that one differs by more than a third of the word's length (at least one edit is allowed).
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace gw
