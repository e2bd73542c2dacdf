#include "web/ui/html.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gw::web {
namespace {

// Elements without content and end tag (HTML Living Standard, section 13.1.2).
constexpr std::array<std::string_view, 7> kVoid{"input", "br", "hr", "img", "meta", "link", "wbr"};

// Escapes for text and for attributes in double or single quotes alike.
void escape(std::string_view text, std::string& to) {
  for (const char c : text) {
    switch (c) {
      case '&':
        to += "&amp;";
        break;
      case '<':
        to += "&lt;";
        break;
      case '>':
        to += "&gt;";
        break;
      case '"':
        to += "&quot;";
        break;
      case '\'':
        to += "&#39;";
        break;
      default:
        to += c;
    }
  }
}

// Returns `text` without bytes that a browser must not receive, as printable() does, but keeps the
// line feeds and tabs of text with several lines. Control characters could otherwise hide text from
// the reader.
std::string readable(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of("\n\t", begin), text.size());
    std::string_view piece = text.substr(begin, end - begin);
    if (end < text.size() && text[end] == '\n' && piece.ends_with('\r')) piece.remove_suffix(1);
    out += printable(piece);
    if (end < text.size()) out += text[end];
    begin = end + 1;
  }
  return out;
}

std::string opening(std::string_view name, const Attributes& attributes) {
  std::string out = "<" + std::string(name);
  for (const auto& [key, value] : attributes) {
    if (!value.shown) continue;
    out.append(" ").append(key);
    if (value.bare) continue;
    out += "=\"";
    escape(readable(value.text), out);
    out += '"';
  }
  return out + ">";
}

}  // namespace

Html markup_as_it_is(std::string markup) {
  Html html;
  html.markup_ = std::move(markup);
  return html;
}

Html escaped(std::string_view text) {
  std::string out;
  escape(readable(text), out);
  return markup_as_it_is(std::move(out));
}

Html tag(std::string_view name, const Attributes& attributes, const Html& inside) {
  std::string out = opening(name, attributes) + inside.markup();
  out.append("</").append(name).append(">");
  return markup_as_it_is(std::move(out));
}

Html tag(std::string_view name, const Attributes& attributes) {
  if (std::ranges::find(kVoid, name) == kVoid.end()) return tag(name, attributes, Html());
  return markup_as_it_is(opening(name, attributes));
}

std::string document(std::string_view language, const Html& head, const Html& body) {
  return "<!DOCTYPE html>\n" +
         tag("html", {{"lang", language}}, tag("head", {}, head) + tag("body", {}, body)).markup() + "\n";
}

}  // namespace gw::web
