#include "pop3/command_lines.h"

#include <utility>

#include "base/secret.h"

namespace gw::pop3 {

void CommandLines::receive(ByteView data, bool secret) {
  append(input_, data);
  if (secret) secret_ = true;
}

CommandLines::Next CommandLines::next() {
  ByteView rest = ByteView(input_).subspan(used_);
  const wire::LineReader::Found found = reader_.next(rest);
  used_ = input_.size() - rest.size();
  switch (found.kind) {
    case wire::LineReader::Kind::Line:
      return {Kind::Line, found.text};
    case wire::LineReader::Kind::Fault:
      return malformed(found.fault);
    case wire::LineReader::Kind::NeedMore:
      break;
  }
  // LineReader has copied an unfinished line, so the whole input is used up. An idle session should
  // hold no buffer.
  drop_input();
  return {eof_ ? Kind::Ended : Kind::NeedInput, {}};
}

CommandLines::Next CommandLines::malformed(wire::LineReader::Fault fault) {
  using Fault = wire::LineReader::Fault;
  // A client that speaks another protocol would otherwise receive an error for each of its lines.
  if (++malformed_ >= malformed_limit_) return {Kind::TooMany, "Too many malformed commands"};
  if (fault == Fault::TooLong) return {Kind::Malformed, "Command line too long"};
  if (fault == Fault::Nul) return {Kind::Malformed, "Command contains NUL"};
  return {Kind::Malformed, "Command must end with CRLF"};
}

void CommandLines::forget() {
  reader_.forget();
  drop_input();
  malformed_ = 0;
}

void CommandLines::drop_input() {
  // Before login the input contains passwords.
  if (std::exchange(secret_, false)) wipe(input_);
  Bytes().swap(input_);  // frees the memory, unlike `= {}`
  used_ = 0;
}

}  // namespace gw::pop3
