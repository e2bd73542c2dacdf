// Rewrites the HTML of a mail so that it is safe to show.
//
// The text is read by a lenient parser, and a new document is written that contains only the
// elements, attributes and style properties on the lists in mail_html.cc. Anything else is left
// out. The new document loads nothing, connects to nothing, runs nothing and leads nowhere: no
// attribute holds an address, except images that are contained in the mail itself (`data:`); no
// element holds another document; there is no style sheet. The target of a link becomes its
// tooltip.
//
// The page shows the result in a sandboxed frame with a content security policy of its own
// (pages/message.cc), so that an error here alone is not enough for an attack.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gw::web {

// The largest size of the new document in bytes; the rest is cut off and replaced by an ellipsis.
inline constexpr std::size_t kMaxShownHtml = 4 << 20;

// Returns the new document. `html` is UTF-8, of any length and well-formed or not. The time is
// linear in its length, which the caller limits. Throws std::bad_alloc if memory is exhausted.
// Thread-safe.
std::string harmless_html(std::string_view html);

}  // namespace gw::web
