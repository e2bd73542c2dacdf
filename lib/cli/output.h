// Results on standard output: lines and tables for people, JSON lines for programs, raw bytes.
//
//   Output output;
//   Table table({{"NAME"}, {"SIZE", Table::Right}});
//   table.row({name, format_size(size)});
//   table.print(output);
//   return output.close();
//
// Output is buffered. The first error is kept and everything after it is dropped; close() returns
// it, with exit status 74. If the reader of a pipe has gone (`| head`), the process ends by SIGPIPE
// like other tools, although Program ignores that signal.
//
// Not thread-safe.
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

// A buffered writer to one descriptor. Writes immediately if the descriptor is a terminal.
class Output {
 public:
  // `fd` stays open and belongs to the caller.
  explicit Output(int fd = STDOUT_FILENO);
  // Writes what is left. An error is lost here, so call close() first.
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  // Returns whether the descriptor is a terminal.
  bool terminal() const { return terminal_; }
  // Writes one line. Replaces control characters and invalid UTF-8 in it (base/text.h).
  void line(std::string_view text);
  // Writes one JSON object on one line. Replaces invalid UTF-8 by U+FFFD.
  void json(const Json& object);
  // Writes bytes unchanged. On a terminal replaces control characters except line endings and tabs,
  // because a mail may contain sequences that the terminal would execute.
  void data(ByteView data);
  // Writes `before`, the secret, and `after`. The secret bypasses the buffer, so that no copy of it
  // stays in memory.
  void secret(std::string_view before, const Secret& secret, std::string_view after);

  // Writes what is buffered, for a program that reads along. Fails with the first error.
  Result<void> flush();
  // Calls flush(), and if the output is a file, waits until it is on disk. Use it before an action
  // that makes this output the only copy, such as a password that is shown once.
  Result<void> sync();
  // Writes what is buffered and reports any error. Returns `status` if there was none.
  Result<int> close(int status = 0);

 private:
  void write(std::string_view text);

  int fd_;
  bool terminal_;
  std::string waiting_;
  std::optional<Error> failed_;
};

// A table whose columns are as wide as their widest cell, with two spaces between them.
class Table {
 public:
  enum Side : unsigned char { Left, Right };
  struct Column {
    std::string heading;
    Side side = Left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Adds a row. Missing cells are empty; surplus cells are dropped.
  void row(std::vector<std::string> cells);
  // Writes headings and rows; only the headings if there are no rows.
  void print(Output& output) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace gw::cli
