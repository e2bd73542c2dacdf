// What a client of a POP3 session sends, line by line, for both kinds of session.
//
//   lines.receive(octets, before_login);
//   for (CommandLines::Next next = lines.next(); next.kind == Kind::Line; next = lines.next())
//   obey(next.text);
#pragma once

#include <cstddef>
#include <string_view>

#include "base/bytes.h"
#include "wire/line_reader.h"

namespace gw::pop3 {

class CommandLines {
 public:
  enum class Kind : unsigned char {
    Line,       // `text` is it, without CRLF
    Malformed,  // `text` is the reply to it
    TooMany,    // the same, and the session is to end with it
    NeedInput,  // receive() or receive_eof()
    Ended,      // the client has closed its side, and all that it sent was given
  };
  struct Next {
    Kind kind = Kind::NeedInput;
    std::string_view text;  // valid until the next call of anything
  };

  // `line_limit`: octets of a line without its CRLF. `malformed_limit`: the one that is too many.
  CommandLines(std::size_t line_limit, std::size_t malformed_limit)
      : reader_(line_limit), malformed_limit_(malformed_limit) {}

  // After NeedInput. `secret`: a password may be in it; the octets are wiped when they are done with.
  void receive(ByteView octets, bool secret);
  void receive_eof() { eof_ = true; }

  Next next();
  // Whether something came behind the line that was given last.
  bool more() const { return used_ != input_.size(); }
  // Drops what came, and the count: another conversation begins (STLS).
  void forget();

 private:
  Next malformed(wire::LineReader::Fault fault);
  void drop_input();

  wire::LineReader reader_;
  std::size_t malformed_limit_;
  std::size_t malformed_ = 0;
  Bytes input_;
  std::size_t used_ = 0;  // of input_
  bool secret_ = false;   // something in input_ may be
  bool eof_ = false;
};

}  // namespace gw::pop3
