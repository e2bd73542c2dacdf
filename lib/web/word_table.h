// The table of words: all areas put together. Additions go to the area's header.
#pragma once

#include <span>
#include <string_view>

namespace gw::web {

struct Word {
  std::string_view id, en, it, de;
};

}  // namespace gw::web

#include "web/words_account.h"
#include "web/words_common.h"
#include "web/words_events.h"
#include "web/words_mailboxes.h"
#include "web/words_messages.h"
#include "web/words_overview.h"
#include "web/words_routes.h"
#include "web/words_tokens.h"

namespace gw::web::word_table {

inline constexpr std::span<const Word> kAreas[] = {
    kCommonWords,  kAccountWords, kOverviewWords, kMailboxWords,
    kMessageWords, kRouteWords,   kEventWords,    kTokenWords,
};

// Null: there is no such id.
constexpr const Word* find_or_null(std::string_view id) {
  for (const std::span<const Word> area : kAreas)
    for (const Word& word : area)
      if (word.id == id) return &word;
  return nullptr;
}

// Not by find_or_null: under sanitizers GCC's comparison of such a pointer with null is no constant.
consteval const Word* find(std::string_view id) {
  for (const std::span<const Word> area : kAreas)
    for (const Word& word : area)
      if (word.id == id) return &word;
  throw "no such id in the table of words";
}

}  // namespace gw::web::word_table
