// HTML as a type: text is escaped unless a function is named to the contrary.
//
//   Html row = tag("tr", {}, tag("td", {}, escaped(mailbox.name)) +
//                            tag("td", {{"class", "number"}}, w("mailbox.none")));
//
// Html is created from text of the console (strings/strings.h), from other text by escaped(), and from other
// Html by tag(). A page therefore cannot insert text from a mail or from a user as markup by
// mistake (cross-site scripting). tag() escapes the values of attributes; names of tags and
// attributes are not escaped and must be literals of the program.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gw::web {

// A piece of well-formed markup. It is an ordinary value: copyable, and not shared between threads.
class Html {
 public:
  Html() = default;
  const std::string& markup() const { return markup_; }
  // Moves the markup out; the Html is then empty.
  std::string take() { return std::move(markup_); }
  bool empty() const { return markup_.empty(); }

  Html& operator+=(const Html& more) {
    markup_ += more.markup_;
    return *this;
  }
  // Returns both pieces, one after the other, without a space between them.
  friend Html operator+(Html left, const Html& right) { return left += right; }

 private:
  friend Html markup_as_it_is(std::string);
  std::string markup_;
};

// Returns `markup` as Html without escaping. Only for drawings that the program itself has made;
// never for text from a mail, a user or the vault.
Html markup_as_it_is(std::string markup);

// Returns `text` as Html. The characters & < > " ' are escaped; invalid UTF-8 and control
// characters become U+FFFD, except line feeds and tabs. A CR before a line feed is dropped.
Html escaped(std::string_view text);

// The value of an attribute. A text is escaped; `true` writes the attribute without a value, as in
// `<input required>`, and `false` leaves the attribute out.
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

// Returns the element `name` with its attributes around `inside`.
Html tag(std::string_view name, const Attributes& attributes, const Html& inside);
// Returns an element without content: `<input …>` for a void element, else `<td></td>`.
Html tag(std::string_view name, const Attributes& attributes = {});

// Returns a whole HTML document. `language` is the value of the `lang` attribute.
std::string document(std::string_view language, const Html& head, const Html& body);

}  // namespace gw::web
