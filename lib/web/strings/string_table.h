// The table of the console's texts: one row per text, one column per language. Each area of the
// console has its rows in <area>.h; add new texts there. strings.h looks them up.
#pragma once

#include <span>
#include <string_view>

namespace gw::web {

// One row. `id` is what pages use; `{name}` in a text is a placeholder that the page fills in, and
// it must occur in every language. Ids that end in `.one` and `.many` are the singular and plural
// of one text.
struct Word {
  std::string_view id, en, it, de;
};

}  // namespace gw::web

#include "web/strings/account.h"
#include "web/strings/common.h"
#include "web/strings/events.h"
#include "web/strings/mailboxes.h"
#include "web/strings/messages.h"
#include "web/strings/overview.h"
#include "web/strings/routes.h"
#include "web/strings/tokens.h"

namespace gw::web::word_table {

inline constexpr std::span<const Word> kAreas[] = {
    kCommonWords,  kAccountWords, kOverviewWords, kMailboxWords,
    kMessageWords, kRouteWords,   kEventWords,    kTokenWords,
};

// Returns the row with this id, for ids that are composed at run time; null if there is none.
constexpr const Word* find_or_null(std::string_view id) {
  for (const std::span<const Word> area : kAreas)
    for (const Word& word : area)
      if (word.id == id) return &word;
  return nullptr;
}

// Returns the row with this id; an unknown id does not compile. It does not call find_or_null(),
// because under sanitizers GCC does not treat the comparison of such a pointer with null as a
// constant expression.
consteval const Word* find(std::string_view id) {
  for (const std::span<const Word> area : kAreas)
    for (const Word& word : area)
      if (word.id == id) return &word;
  throw "no such id in the table of words";
}

}  // namespace gw::web::word_table
