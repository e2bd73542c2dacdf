// The texts of the console in its languages, and numbers, sizes and times as each language writes
// them.
//
//   const Words w(Language::German);
//   w("mailbox.name")                                 // Html, escaped
//   w("account.signed-in", {{"name", account.name}})  // `{name}` is replaced, and escaped
//
// An id that is not in the table does not compile. Each area of the console has its part of the
// table in a header of its own (<area>.h), listed in string_table.h. A missing translation is
// an empty cell, which a test finds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "web/strings/string_table.h"
#include "web/ui/html.h"

namespace gw::web {

// The columns of the table.
enum class Language : unsigned char { English, Italian, German };

// Returns the language tag, for example `en`.
std::string_view code(Language language);
// Returns the language of such a tag; nullopt if the console does not have it.
std::optional<Language> parse_language(std::string_view code);
// Returns the language that the browser prefers (Accept-Language, RFC 9110, section 12.5.4), or
// English if the console has none of those that it names.
Language accepted_language(std::string_view accept_language);

// A reference to one row of the table.
class Text {
 public:
  // Converts implicitly from a literal id, so that pages write w("mailbox.name").
  consteval Text(const char* id) : word_(word_table::find(id)) {}  // NOLINT
  // Returns the text of an id that is composed at run time, such as `state.` and the name of a
  // state; nullopt if there is none.
  static std::optional<Text> find(std::string_view id);
  std::string_view id() const { return word_->id; }
  std::string_view in(Language language) const;

 private:
  explicit Text(const Word* word) : word_(word) {}
  const Word* word_;
};

// The values of placeholders, by their names without the braces.
using Fills = std::vector<std::pair<std::string_view, std::string>>;

// All texts in one language. Immutable, hence thread-safe.
class Words {
 public:
  explicit Words(Language language) : language_(language) {}
  Language language() const { return language_; }

  // Returns the text as Html.
  Html operator()(Text text) const { return escaped(text.in(language_)); }
  Html operator()(Text text, const Fills& fills) const { return escaped(plain(text, fills)); }
  // Returns the text without escaping, for attributes, which tag() escapes. A placeholder that
  // `fills` does not name becomes empty.
  std::string plain(Text text, const Fills& fills = {}) const;
  // Returns the text with `value`, which may be markup, instead of its only placeholder.
  Html with(Text text, const Html& value) const;
  // Returns `one` if `count` is 1, else `many`. The placeholder `{count}` is the number.
  Html counted(Text one, Text many, std::uint64_t count) const;

  // Numbers and units are joined by a no-break space (U+00A0).
  //
  // With separators of thousands: `1,234`, in German `1.234`, in Italian `1234` and `12.345`.
  std::string number(std::uint64_t value) const;
  // A number of bytes: `4.0 KiB`, in Italian and German `4,0 KiB`.
  std::string size(std::uint64_t size) const;
  // A share of 1, rounded: `12%`, in German `12 %`.
  std::string percent(double share) const;
  // Dates and times, all in UTC. `time` is in microseconds since the epoch. `25 Nov 2026`, in
  // Italian `25/11/2026`, in German `25.11.2026`.
  std::string date(Micros time) const;
  // The date with hours and minutes: `25 Nov 2026, 07:00 UTC`.
  std::string time(Micros time) const;
  // The same with seconds: `25 Nov 2026, 07:00:05 UTC`.
  std::string second(Micros time) const;
  // Hours and minutes only: `07:00`.
  std::string clock(Micros time) const;
  // With seconds: `07:00:05 UTC`.
  std::string clock_second(Micros time) const;
  // Day and month only: `5 Mar`, `05/03`, `05.03.`.
  std::string day(Micros time) const;
  // A span of time in its largest unit: `3 min`, `2 days`. A negative span is 0.
  std::string span(std::int64_t seconds) const;
  // The same as it follows the German prepositions `vor`, `in` and `seit`: `2 Tagen`.
  std::string dative_span(std::int64_t seconds) const;

  // Returns a <time> element that says how long ago `time` was, or how far it lies ahead, with the
  // full time as its tooltip; the text "never" if `time` is 0.
  Html ago(Micros time, Micros now) const;
  // Returns a <time> element with the full time; the text "never" if `time` is 0.
  Html at(Micros time) const;
  // The same with seconds, for lists in which the order matters.
  Html at_second(Micros time) const;

 private:
  std::string span_in(std::int64_t seconds, Text days, Text months, Text years) const;

  Language language_;
};

}  // namespace gw::web
