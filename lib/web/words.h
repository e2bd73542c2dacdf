// The words of the console in its languages, and numbers, sizes and times as each language writes them.
//
//   const Words w(Language::German);
//   w("mailbox.name")                                 Html, escaped
//   w("account.signed-in", {{"name", account.name}})  `{name}` in the text is replaced, and escaped
//
// An id that is not in the table does not compile. Each area of the console has its part of the table in a
// header of its own (words_<area>.h), listed in word_table.h. Languages are columns, so a missing text is an
// empty cell, which a test finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "web/html.h"
#include "web/word_table.h"

namespace gw::web {

enum class Language : unsigned char { English, Italian, German };

std::string_view code(Language language);  // `en`
std::optional<Language> parse_language(std::string_view code);
// What a browser asks for (RFC 9110 section 12.5.4), English where it names none of ours.
Language accepted_language(std::string_view accept_language);

// One row of the table.
class Text {
 public:
  consteval Text(const char* id) : word_(word_table::find(id)) {}  // NOLINT
  // By an id that is put together at run time, as `state.` and a state's name. None: there is no such id.
  static std::optional<Text> find(std::string_view id);
  std::string_view id() const { return word_->id; }
  std::string_view in(Language language) const;

 private:
  explicit Text(const Word* word) : word_(word) {}
  const Word* word_;
};

using Fills = std::vector<std::pair<std::string_view, std::string>>;

class Words {
 public:
  explicit Words(Language language) : language_(language) {}
  Language language() const { return language_; }

  Html operator()(Text text) const { return escaped(text.in(language_)); }
  Html operator()(Text text, const Fills& fills) const { return escaped(plain(text, fills)); }
  // For attributes, which are escaped where they are written.
  std::string plain(Text text, const Fills& fills = {}) const;
  // `one` for 1, else `many`; `{count}` is the number.
  Html counted(Text one, Text many, std::uint64_t count) const;

  std::string number(std::uint64_t value) const;  // `1,234` `1.234`
  std::string size(std::uint64_t octets) const;   // `4.0 KiB` `4,0 KiB`
  std::string percent(double share) const;        // of 1; `12 %`
  std::string date(Micros time) const;            // `25 Nov 2026` `25/11/2026` `25.11.2026`, UTC
  std::string time(Micros time) const;            // with hours and minutes, UTC
  std::string clock(Micros time) const;           // `07:00`, UTC
  std::string day(Micros time) const;             // `5 Mar` `05/03` `05.03.`, UTC
  std::string span(std::int64_t seconds) const;   // the larger unit only: `3 min`, `2 d`

  // <time>: how long ago, with the full time beside it for who asks.
  Html ago(Micros time, Micros now) const;
  // <time>: the full time.
  Html at(Micros time) const;

 private:
  Language language_;
};

}  // namespace gw::web
