#include "web/ui/mail_html.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

#include "base/text.h"
#include "web/ui/html.h"

namespace gw::web {
namespace {

// The parser searches the open elements at each end tag, and the attributes of a tag at each
// further one. Limits on the open elements and on the bytes of distinct names keep both from
// becoming quadratic, whatever the mail holds.
constexpr int kMaxOpen = 500;
constexpr std::size_t kMaxNames = 4 << 10;
constexpr std::size_t kMaxDepth = 200;  // of written elements; deeper ones are left out, their text stays
constexpr std::size_t kMaxStyle = 4000;
constexpr std::size_t kMaxText = 2000;  // of an attribute

template <std::size_t N>
bool is_in(const std::array<std::string_view, N>& sorted, std::string_view word) {
  return std::ranges::binary_search(sorted, word);
}

// The elements that are written. They format text and have no effect of their own: no `link`,
// `meta`, `base`, `form` or `input`. An element on neither list disappears while its content stays.
constexpr std::array<std::string_view, 74> kElements{
    "a",       "abbr",       "acronym", "address", "article", "aside", "b",    "bdi",   "bdo",
    "big",     "blockquote", "br",      "caption", "center",  "cite",  "code", "col",   "colgroup",
    "dd",      "del",        "dfn",     "dir",     "div",     "dl",    "dt",   "em",    "figcaption",
    "figure",  "font",       "footer",  "h1",      "h2",      "h3",    "h4",   "h5",    "h6",
    "header",  "hr",         "i",       "img",     "ins",     "kbd",   "li",   "main",  "mark",
    "ol",      "p",          "pre",     "q",       "rp",      "rt",    "ruby", "s",     "samp",
    "section", "small",      "span",    "strike",  "strong",  "sub",   "sup",  "table", "tbody",
    "td",      "tfoot",      "th",      "thead",   "time",    "tr",    "tt",   "u",     "ul",
    "var",     "wbr"};
static_assert(std::ranges::is_sorted(kElements));
constexpr std::array<std::string_view, 5> kVoid{"br", "col", "hr", "img", "wbr"};

// Elements that disappear together with their content, which is not text for people or is a
// document of its own. `svg` and `math` switch the parser of a browser to other rules, a frequent
// cause of mutation XSS.
constexpr std::array<std::string_view, 19> kDropped{
    "applet", "area",     "audio",  "canvas", "embed", "frame", "frameset", "iframe", "map",  "math",
    "object", "optgroup", "option", "script", "style", "svg",   "template", "title",  "video"};
static_assert(std::ranges::is_sorted(kDropped));

// Attributes whose value is a word, number or text, and never an address. No `id`, `class` or
// `name`: they could refer to other parts of the document. No event handlers.
constexpr std::array<std::string_view, 23> kAttributes{
    "abbr",    "align", "alt",   "bgcolor", "border", "cellpadding", "cellspacing", "color",
    "colspan", "dir",   "face",  "headers", "height", "lang",        "nowrap",      "rowspan",
    "size",    "span",  "start", "title",   "type",   "valign",      "width"};
static_assert(std::ranges::is_sorted(kAttributes));

// Style properties that take no address and do not take an element out of the flow. Without
// `position` and `z-index`, a mail cannot draw over other parts of the frame.
constexpr std::array<std::string_view, 60> kProperties{"background-color",
                                                       "border",
                                                       "border-bottom",
                                                       "border-bottom-color",
                                                       "border-bottom-style",
                                                       "border-bottom-width",
                                                       "border-collapse",
                                                       "border-color",
                                                       "border-left",
                                                       "border-left-color",
                                                       "border-left-style",
                                                       "border-left-width",
                                                       "border-radius",
                                                       "border-right",
                                                       "border-right-color",
                                                       "border-right-style",
                                                       "border-right-width",
                                                       "border-spacing",
                                                       "border-style",
                                                       "border-top",
                                                       "border-top-color",
                                                       "border-top-style",
                                                       "border-top-width",
                                                       "border-width",
                                                       "caption-side",
                                                       "clear",
                                                       "color",
                                                       "direction",
                                                       "display",
                                                       "empty-cells",
                                                       "float",
                                                       "font",
                                                       "font-family",
                                                       "font-size",
                                                       "font-style",
                                                       "font-variant",
                                                       "font-weight",
                                                       "height",
                                                       "letter-spacing",
                                                       "line-height",
                                                       "list-style-position",
                                                       "list-style-type",
                                                       "margin",
                                                       "margin-bottom",
                                                       "margin-left",
                                                       "margin-right",
                                                       "margin-top",
                                                       "max-width",
                                                       "min-width",
                                                       "padding",
                                                       "padding-bottom",
                                                       "padding-left",
                                                       "padding-right",
                                                       "padding-top",
                                                       "table-layout",
                                                       "text-align",
                                                       "text-decoration",
                                                       "vertical-align",
                                                       "white-space",
                                                       "width"};
static_assert(std::ranges::is_sorted(kProperties));

// Returns whether a value consists of plain words, numbers and colours: no quotes, escapes or
// comments, which could hide something from this check, and no function except those of colours.
// That excludes `url()`, `image-set()`, `expression()` and `var()`. `value` is in lower case.
bool is_plain_value(std::string_view value) {
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    const bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (!word && std::string_view(" .,#%()+-!/").find(c) == std::string_view::npos) return false;
    if (c != '(') continue;
    const std::string_view before = value.substr(0, at);
    const auto called = [&](std::string_view name) {
      return before.ends_with(name) &&
             (before.size() == name.size() || before[before.size() - name.size() - 1] == ' ');
    };
    if (!called("rgb") && !called("rgba") && !called("hsl") && !called("hsla")) return false;
  }
  return true;
}

std::string plain_style(std::string_view style) {
  std::string kept;
  for (const std::string_view piece : split(style.substr(0, kMaxStyle), ';')) {
    const std::size_t colon = piece.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string name = lower(trim(piece.substr(0, colon)));
    std::string value = lower(trim(piece.substr(colon + 1)));
    // Names of fonts work without quotes.
    std::erase_if(value, [](char c) { return c == '"' || c == '\''; });
    if (is_in(kProperties, name) && is_plain_value(value)) kept += name + ":" + value + ";";
  }
  return kept;
}

// Returns whether an address is an image contained in the mail (`data:`). SVG is not among the
// types, because it can contain scripts and references.
bool is_own_image(std::string_view address) {
  for (const char* type : {"png", "jpeg", "jpg", "gif", "webp"}) {
    const std::string head = "data:image/" + std::string(type) + ";base64,";
    if (!istarts_with(address, head)) continue;
    return std::ranges::all_of(address.substr(head.size()), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
             c == '/' || c == '=' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
    });
  }
  return false;
}

// libxml2 passes a null pointer for an attribute without a value.
std::string_view text_of(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// Receives the events of the parser and writes the new document. It never copies markup: every tag
// is written from the lists above, and every text and value is escaped.
class Writer {
 public:
  Writer() { out_ = "<!DOCTYPE html>\n<html><head><title></title></head><body>"; }

  void use(htmlParserCtxtPtr parser) { parser_ = parser; }

  void start(std::string_view name, const xmlChar** attributes) {
    if (parser_->nameNr > kMaxOpen || out_.size() > kMaxShownHtml) return stop();
    Open open{std::string(name), {}, is_in(kDropped, name)};
    if (open.dropped) ++dropped_;
    // The document already has a body. One with attributes becomes a box, so that its colours
    // apply.
    const std::string_view written = name != "body" ? name : attributes != nullptr ? "div" : "";
    if (dropped_ == 0 && written_ < kMaxDepth && is_in(kElements, written)) {
      out_.append("<").append(written);
      if (attributes != nullptr)
        for (; *attributes != nullptr; attributes += 2) attribute(name, attributes[0], attributes[1]);
      out_ += '>';
      if (!is_in(kVoid, written)) {
        open.written = written;
        ++written_;
      }
    }
    open_.push_back(std::move(open));
  }

  // Closes elements up to the innermost open one of this name. An end tag without a start is
  // ignored, so that the written document is always well nested.
  void end(std::string_view name) {
    const auto found =
        std::find_if(open_.rbegin(), open_.rend(), [&](const Open& each) { return each.name == name; });
    if (found == open_.rend()) return;
    const auto left = static_cast<std::size_t>(open_.rend() - found) - 1;
    while (open_.size() > left) close_last();
  }

  void text(std::string_view text) {
    if (dropped_ > 0) return;
    out_ += escaped(text).markup();
    if (out_.size() > kMaxShownHtml) stop();
  }

  std::string finish() {
    while (!open_.empty()) close_last();
    if (cut_) out_ += "<p>…</p>";
    return std::move(out_) + "</body></html>\n";
  }

 private:
  struct Open {
    std::string name;
    std::string written;  // the element that was written for it; empty if none was
    bool dropped = false;
  };

  void stop() {
    cut_ = true;
    xmlStopParser(parser_);
  }

  // The target of a link becomes its tooltip, so that the reader sees where it would have led. A
  // `title` of the link itself is dropped, since it could show another target.
  void attribute(std::string_view element, const xmlChar* given, const xmlChar* text) {
    const std::string name = lower(text_of(given));
    const std::string_view value = text_of(text);
    if (name == "style") return put("style", plain_style(value));
    if (element == "a" && name == "href") return put("title", value.substr(0, kMaxText));
    if (element == "img" && name == "src" && is_own_image(value)) return put("src", value);
    if (is_in(kAttributes, name) && !(element == "a" && name == "title"))
      put(name, value.substr(0, kMaxText));
  }

  void put(std::string_view name, std::string_view value) {
    out_.append(" ").append(name).append("=\"").append(escaped(value).markup()).append("\"");
  }

  void close_last() {
    const Open& open = open_.back();
    if (!open.written.empty()) {
      out_.append("</").append(open.written).append(">");
      --written_;
    }
    if (open.dropped) --dropped_;
    open_.pop_back();
  }

  htmlParserCtxtPtr parser_ = nullptr;
  std::string out_;
  std::vector<Open> open_;
  std::size_t written_ = 0;  // how many of the open elements were written
  std::size_t dropped_ = 0;
  bool cut_ = false;
};

Writer& writer(void* context) {
  return *static_cast<Writer*>(context);
}

htmlSAXHandler handler() {
  htmlSAXHandler made{};
  made.startElement = [](void* context, const xmlChar* name, const xmlChar** attributes) {
    writer(context).start(text_of(name), attributes);
  };
  made.endElement = [](void* context, const xmlChar* name) { writer(context).end(text_of(name)); };
  made.characters = [](void* context, const xmlChar* text, int size) {
    writer(context).text(text_of(text).substr(0, static_cast<std::size_t>(size)));
  };
  made.ignorableWhitespace = made.characters;
  return made;
}

}  // namespace

std::string harmless_html(std::string_view html) {
  static std::once_flag started;
  // libxml2 must be initialised before it is used on several threads.
  std::call_once(started, xmlInitParser);
  std::string text(html);
  // libxml2 takes a NUL for the end of the text.
  std::ranges::replace(text, '\0', ' ');
  htmlSAXHandler calls = handler();
  Writer writer;
  const std::unique_ptr<htmlParserCtxt, decltype(&htmlFreeParserCtxt)> parser(
      htmlCreatePushParserCtxt(&calls, &writer, nullptr, 0, nullptr, XML_CHAR_ENCODING_UTF8),
      htmlFreeParserCtxt);
  if (!parser) throw std::bad_alloc();
  // The text was already decoded to UTF-8; IGNORE_ENC makes the parser ignore a charset that the
  // mail declares. NONET forbids it to load anything.
  htmlCtxtUseOptions(parser.get(), HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                       HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC);
  xmlDictSetLimit(parser->dict, kMaxNames);
  writer.use(parser.get());
  // The result does not matter: a malformed document is written as far as it was understood.
  (void)htmlParseChunk(parser.get(), text.data(), static_cast<int>(text.size()), 1);
  return writer.finish();
}

}  // namespace gw::web
