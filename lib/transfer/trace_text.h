// The bytes of a trace or log as UTF-8, whatever Unicode encoding the file has.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gw::transfer {

// The most bytes of a record, or of a log line.
inline constexpr std::size_t kMaxTraceRecord = 1 << 20;

// Reads a file of UTF-8 or UTF-16 and returns it as UTF-8, without a byte order mark. Movable; not for
// several threads.
class TraceText {
 public:
  // Opens the file and reads its beginning. Fails as open_for_reading() and read_some().
  static Result<TraceText> open(const std::string& path);

  // Returns the next byte, or -1 at the end or after an error, which failed() tells apart.
  int get() {
    if (at_ == text_.size() && !fill()) return -1;
    const auto c = static_cast<unsigned char>(text_[at_++]);
    if (c == '\n') ++line_;
    return c;
  }
  // Returns the same without taking it.
  int peek() {
    if (at_ == text_.size() && !fill()) return -1;
    return static_cast<unsigned char>(text_[at_]);
  }
  // Returns the bytes that were read and not yet taken; at the start of a file its first 64 KiB.
  std::string_view ahead();
  std::uint64_t line() const { return line_; }  // of the next byte, from 1
  // Returns the error that ended the text, or nullopt.
  const std::optional<Error>& failed() const { return failed_; }
  // Returns BadInput with the path and the line before `what`.
  Error bad(const std::string& what, std::uint64_t line) const;

 private:
  enum class Coding : unsigned char { Utf8, Little, Big };

  Result<void> begin();
  Result<void> more();
  bool fill();
  void decode();
  void put(std::uint32_t point);

  std::string path_;
  Fd fd_;
  Coding coding_ = Coding::Utf8;
  std::string raw_;   // not yet converted
  std::string text_;  // converted, taken up to at_
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  bool ended_ = false;
  std::optional<Error> failed_;
};

}  // namespace gw::transfer
