// Entries of a history as lines of a file, for spreadsheets and for programs.
#pragma once

#include <string>
#include <string_view>

#include "store/leaf.h"

namespace gw::web {

// Returns a cell of a CSV file (RFC 4180): in quotes if it needs them, with an apostrophe before `=`,
// `+`, `-`, `@`, tab or CR at its beginning or after a character at which a spreadsheet may divide it
// (`;`, for example, where the comma is the decimal sign). Spreadsheets would take such a text for a
// formula, and names and texts in a history come from others.
std::string csv_cell(std::string_view text);

// Return the first line of the CSV file, and one line for an entry, both with CRLF. `mailbox` is the
// name of its mailbox, if it is known.
std::string csv_heading();
std::string csv_line(const store::Leaf& leaf, std::string_view mailbox);

// Returns the JSON object that `gw-store history --json` prints, with a line feed.
std::string json_line(const store::Leaf& leaf);

}  // namespace gw::web
