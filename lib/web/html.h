// Markup in which text is escaped unless a function says that it is not.
//
//   Html row = tag("tr", {}, tag("td", {}, escaped(mailbox.name)) + tag("td", {{"class", "number"}},
//   w("mailbox.none")));
//
// Words that people read come from the table of words (words.h), what the vault holds from escaped().
// Attributes are escaped by tag(); their names and the tags' are ours and never come from outside.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gw::web {

class Html {
 public:
  Html() = default;
  const std::string& markup() const { return markup_; }
  std::string take() { return std::move(markup_); }
  bool empty() const { return markup_.empty(); }

  Html& operator+=(const Html& more) {
    markup_ += more.markup_;
    return *this;
  }
  friend Html operator+(Html left, const Html& right) { return left += right; }

 private:
  friend Html markup_as_it_is(std::string);
  std::string markup_;
};

// Octets that are markup already: drawings that were made here. Never anything from outside.
Html markup_as_it_is(std::string markup);

// What the vault, a user or the system said: escaped; invalid UTF-8 and control characters but line ends and
// tabs become U+FFFD.
Html escaped(std::string_view text);

// An attribute's value. `true` is an attribute without one, `false` none at all.
struct Value {
  Value(std::string_view given) : text(given) {}    // NOLINT
  Value(const std::string& given) : text(given) {}  // NOLINT
  Value(const char* given) : text(given) {}         // NOLINT
  Value(bool given) : shown(given), bare(given) {}  // NOLINT
  std::string text;
  bool shown = true;
  bool bare = false;
};
using Attributes = std::vector<std::pair<std::string_view, Value>>;

Html tag(std::string_view name, const Attributes& attributes, const Html& inside);
Html tag(std::string_view name, const Attributes& attributes = {});  // `<input …>`, or an empty `<td></td>`

// A whole page around `head` and `body`.
std::string document(std::string_view language, const Html& head, const Html& body);

}  // namespace gw::web
