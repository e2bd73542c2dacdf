// Splits a client's bytes into command lines, for Session and ProxySession.
//
//   lines.receive(data, before_login);
//   for (CommandLines::Next next = lines.next(); next.kind == Kind::Line; next = lines.next())
//     obey(next.text);
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "wire/line_reader.h"

namespace gw::pop3 {

class CommandLines {
 public:
  enum class Kind : unsigned char {
    Line,       // `text` is a command line without its CRLF
    Malformed,  // the line was malformed; `text` is the text of the -ERR reply
    TooMany,    // the same, and the session must end with this reply
    NeedInput,  // all input is used up: call receive() or receive_eof()
    Ended,      // the client closed its side, and all its lines were returned
  };
  struct Next {
    Kind kind = Kind::NeedInput;
    std::string_view text;  // valid until the next call of any function
  };

  // `line_limit` is the greatest length of a line in bytes, without its CRLF. The malformed line
  // with the number `malformed_limit` is reported as TooMany.
  CommandLines(std::size_t line_limit, std::size_t malformed_limit)
      : reader_(line_limit), malformed_limit_(malformed_limit) {}

  // Copies bytes from the client. Call it only after NeedInput. With `secret` the bytes may contain
  // a password: the copy is wiped after use.
  void receive(ByteView data, bool secret);
  // Reports that the client closed its side. Lines received before are still returned.
  void receive_eof() { eof_ = true; }

  Next next();
  // Returns true if bytes follow the last line in the input. After STLS that is an attack
  // (CVE-2021-33515).
  bool more() const { return used_ != input_.size(); }
  // Drops all input and resets the count of malformed lines, for the start of TLS.
  void forget();

 private:
  Next malformed(wire::LineReader::Fault fault);
  void drop_input();

  wire::LineReader reader_;
  std::size_t malformed_limit_;
  std::size_t malformed_ = 0;
  Bytes input_;
  std::size_t used_ = 0;  // bytes of input_ that are used up
  bool secret_ = false;   // input_ may contain a password
  bool eof_ = false;
};

}  // namespace gw::pop3
