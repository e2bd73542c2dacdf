// The text of a history entry about a change: who made it, to which object, and which value became
// which.
//
//   Differences differences;
//   differences.value("tls", "starttls", "implicit");
//   change_note(actor, "route out", differences.text());  // `gw-store, route out: tls starttls -> implicit`
//
// The text is the actor of the entry (store/leaf.h), so the format of histories does not change:
// what follows the first `, ` is the object and the change. Only values that are no secret may be
// passed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gw::vault {

// The largest text in bytes. It leaves room for what the keeper puts before it (gw-keeper(7)):
// together they fit store::kMaxActor.
inline constexpr std::size_t kMaxChangeNote = 196;

// Gathers the differences between two states of an object.
class Differences {
 public:
  // Adds `FIELD OLD -> NEW` if the values differ. An empty value is written as `none`, and a value
  // that is long is cut.
  void value(std::string_view field, std::string_view before, std::string_view after);
  // Adds `FIELD +ADDED -REMOVED` if one list has an element that the other has not.
  void list(std::string_view field, const std::vector<std::string>& before,
            const std::vector<std::string>& after);
  // Adds a change without values, as `sender token changed`.
  void plain(std::string_view change);
  // Returns all of them, separated by commas; empty if nothing differs.
  std::string text() const;

 private:
  std::vector<std::string> all_;
};

// Returns `ACTOR, OBJECT: CHANGE`, without control characters. What is too long ends in an ellipsis: an
// actor of more than 88 bytes, an object of more than 56, and all of it beyond kMaxChangeNote.
std::string change_note(std::string_view actor, std::string_view object, std::string_view change);

// The parts of the actor of a history entry. Views into the text.
struct Author {
  std::string_view uid;     // digits; empty for an entry of a program that opened the store itself
  std::string_view user;    // name of the uid; empty if it was unknown or an older version wrote it
  std::string_view socket;  // `append`, `drain` or `admin`; empty like `uid`
  std::string_view by;      // what the program said: `console anna from 192.0.2.1`
  std::string_view object;  // what was changed: `route out` or `vault`; empty if the entry names nothing
  std::string_view change;  // what follows the object, or the first `, `; empty if nothing does
};
// Splits the actor of an entry. Any text is accepted: what has another form is in `by` or `change`.
Author read_author(std::string_view actor);

}  // namespace gw::vault
