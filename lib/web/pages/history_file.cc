#include "web/pages/history_file.h"

#include "base/text.h"
#include "json/objects.h"
#include "vault/change_note.h"

namespace gw::web {

std::string csv_cell(std::string_view text) {
  // A spreadsheet may divide a cell at another character than the comma, and then a formula may begin
  // after it.
  constexpr std::string_view kSeparators = ";,\t\r\n\"";
  constexpr std::string_view kFormula = "=+-@\t\r";
  std::string cell;
  char before = kSeparators.front();
  for (const char c : valid_text(text)) {
    if (kSeparators.find(before) != std::string_view::npos && kFormula.find(c) != std::string_view::npos)
      cell += '\'';
    cell += c;
    before = c;
  }
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    quoted += c;
    if (c == '"') quoted += c;
  }
  return quoted + "\"";
}

std::string csv_heading() {
  return "seq,time,type,mailbox,mailbox_id,message,change,user,uid,by,value,digest,object\r\n";
}

std::string csv_line(const store::Leaf& leaf, std::string_view mailbox) {
  const vault::Author author = vault::read_author(leaf.actor);
  std::string line =
      std::to_string(leaf.index) + "," + rfc3339(leaf.time) + "," + std::string(name(leaf.type));
  for (const std::string& cell :
       {std::string(mailbox), leaf.mailbox.zero() ? "" : leaf.mailbox.hex(),
        leaf.message.zero() ? "" : leaf.message.hex(), std::string(author.change), std::string(author.user),
        std::string(author.uid), std::string(author.by), std::to_string(leaf.value),
        leaf.container == Digest{} ? "" : to_hex(leaf.container), std::string(author.object)})
    line += "," + csv_cell(cell);
  return line + "\r\n";
}

std::string json_line(const store::Leaf& leaf) {
  return json::leaf_line(leaf) + "\n";
}

}  // namespace gw::web
