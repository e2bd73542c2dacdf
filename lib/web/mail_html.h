// HTML that came by mail, as far as it may be shown.
//
// What is not known to be harmless is left out: the text is read by a lenient parser, and a new document is
// written of the elements, attributes and style properties on three lists (mail_html.cc). Nothing in it
// loads, connects, runs or leads anywhere: there is no attribute with an address but images that stand in the
// mail itself (`data:`), no element that holds a document of its own, no style sheet. Where a link led to is
// its title.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gw::web {

inline constexpr std::size_t kMostShownHtml = 4 << 20;  // bytes of the new document; the rest is cut off

// `html` is UTF-8. The time is linear in its length, which is the caller's to bound.
std::string harmless_html(std::string_view html);

}  // namespace gw::web
