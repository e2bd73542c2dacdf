// Results on standard output: lines and tables for people, JSON lines for programs, octets as they are.
//
//   Output output;
//   Table table({{"NAME"}, {"SIZE", Table::Right}});
//   table.row({name, format_size(octets)});
//   table.print(output);
//   return output.close();
//
// Writes are gathered. An error is kept and what follows is dropped; close() gives it, with exit status
// 74. A reader that went away (`| head`) ends the process as SIGPIPE would.
#pragma once

#include <unistd.h>

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"

namespace gw::cli {

using Json = nlohmann::ordered_json;

class Output {
 public:
  explicit Output(int fd = STDOUT_FILENO);
  ~Output();  // writes what is left; an error is lost: call close()
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  bool terminal() const { return terminal_; }
  // One line; control characters and invalid UTF-8 in it are replaced (base/text.h).
  void line(std::string_view text);
  // One object on one line. Invalid UTF-8 becomes U+FFFD: see put_text().
  void json(const Json& object);
  // As they are; on a terminal control characters but line ends and tabs are replaced, since a subject
  // may hold sequences that the terminal obeys.
  void octets(ByteView octets);
  // A secret between two pieces of text, written at once, so that no copy of it stays in memory.
  void secret(std::string_view before, const Secret& secret, std::string_view after);

  // Writes what was gathered, for who reads along.
  Result<void> flush();
  // The same, and waits until a file has it on disk: what is shown here has arrived before it takes effect.
  Result<void> sync();
  // All is written. `status` is passed on where nothing failed.
  Result<int> close(int status = 0);

 private:
  void write(std::string_view text);

  int fd_;
  bool terminal_;
  std::string waiting_;
  std::optional<Error> failed_;
};

// Sets `name` to the text. Text that is not UTF-8 gets U+FFFD there, and `name_b64` has its octets.
void put_text(Json& object, const std::string& name, std::string_view text);

// Columns as wide as their widest cell, two blanks between.
class Table {
 public:
  enum Side : unsigned char { Left, Right };
  struct Column {
    std::string heading;
    Side side = Left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void row(std::vector<std::string> cells);
  void print(Output& output) const;  // nothing but the headings where there is no row

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace gw::cli
