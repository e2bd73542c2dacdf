#include "vault/change_note.h"

#include <algorithm>

#include "base/text.h"

namespace gw::vault {
namespace {

constexpr std::size_t kMaxValue = 48;
// Bytes of who made the change, and of the object: the change must still find a place.
constexpr std::size_t kMaxAuthor = 88;
constexpr std::size_t kMaxObject = 56;
// Elements of one list that are named.
constexpr std::size_t kMaxListed = 3;
constexpr std::string_view kEllipsis = "…";
// The first words of objects.
constexpr std::string_view kObjects[] = {"account", "mailbox", "message", "route", "token", "vault"};

// Cuts the text between two characters and marks the cut.
std::string cut(std::string text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most - kEllipsis.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text.append(kEllipsis);
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// Returns the value without what separates differences and values, so that it cannot look like
// another difference.
std::string shown(std::string_view value) {
  if (value.empty()) return "none";
  return cut(replaced(replaced(printable(value), ", ", "; "), " -> ", " > "), kMaxValue);
}

// Adds ` SIGN ELEMENT` for each element of `from` that `of` lacks.
void missing(std::string& text, char sign, const std::vector<std::string>& from,
             const std::vector<std::string>& of) {
  std::size_t count = 0;
  for (const std::string& each : from) {
    if (std::ranges::find(of, each) != of.end()) continue;
    if (++count <= kMaxListed) text += std::string(" ") + sign + shown(each);
  }
  if (count > kMaxListed) text += std::string(" ") + sign + std::to_string(count - kMaxListed) + " more";
}

}  // namespace

void Differences::value(std::string_view field, std::string_view before, std::string_view after) {
  if (before != after) all_.push_back(std::string(field) + " " + shown(before) + " -> " + shown(after));
}

void Differences::list(std::string_view field, const std::vector<std::string>& before,
                       const std::vector<std::string>& after) {
  std::string text(field);
  missing(text, '+', after, before);
  missing(text, '-', before, after);
  if (text.size() > field.size())
    all_.push_back(std::move(text));
  else if (before != after)
    all_.push_back(text + " reordered");
}

void Differences::plain(std::string_view change) {
  all_.emplace_back(change);
}

std::string Differences::text() const {
  std::string text;
  for (const std::string& each : all_) text += (text.empty() ? "" : ", ") + each;
  return text;
}

std::string change_note(std::string_view actor, std::string_view object, std::string_view change) {
  return cut(cut(printable(actor), kMaxAuthor) + ", " + cut(printable(object), kMaxObject) + ": " +
                 printable(change),
             kMaxChangeNote);
}

Author read_author(std::string_view actor) {
  Author author;
  constexpr std::string_view kUid = "uid=";
  if (actor.starts_with(kUid)) {
    const std::size_t first = actor.find(' ');
    const std::size_t second = first == std::string_view::npos ? first : actor.find(' ', first + 1);
    if (second != std::string_view::npos) {
      std::string_view user = actor.substr(kUid.size(), first - kUid.size());
      author.socket = actor.substr(first + 1, second - first - 1);
      actor.remove_prefix(second + 1);
      const std::size_t open = user.find('(');
      if (open != std::string_view::npos && user.ends_with(')')) {
        author.user = user.substr(open + 1, user.size() - open - 2);
        user = user.substr(0, open);
      }
      author.uid = user;
    }
  }
  const std::size_t comma = actor.find(", ");
  author.by = actor.substr(0, comma);
  if (comma == std::string_view::npos) return author;
  author.change = actor.substr(comma + 2);
  // A change without an object may contain a colon too, so the object must be of a known kind.
  const std::size_t colon = author.change.find(": ");
  if (colon == std::string_view::npos) return author;
  const std::string_view object = author.change.substr(0, colon);
  if (std::ranges::find(kObjects, object.substr(0, object.find(' '))) == std::end(kObjects)) return author;
  author.object = object;
  author.change.remove_prefix(colon + 2);
  return author;
}

}  // namespace gw::vault
