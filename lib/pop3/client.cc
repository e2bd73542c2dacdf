#include "pop3/client.h"

#include <utility>

#include "base/text.h"

namespace gw::pop3 {
namespace {

constexpr std::size_t kPassed = 512 - 5 - 2;  // without `-ERR ` and CRLF

std::string_view fault_text(wire::LineReader::Fault fault) {
  using Fault = wire::LineReader::Fault;
  switch (fault) {
    case Fault::TooLong:
      return "the reply line is too long";
    case Fault::Nul:
      return "the reply contains NUL";
    default:
      return "the reply does not end with CRLF";
  }
}

// Returns true if `line` is `word`, alone or followed by a space or tab, and sets `rest` to the
// text after it. `+OKAY` does not match.
bool begins(std::string_view line, std::string_view word, std::string_view& rest) {
  if (!istarts_with(line, word)) return false;
  rest = line.substr(word.size());
  if (rest.empty()) return true;
  if (rest.front() != ' ' && rest.front() != '\t') return false;
  rest.remove_prefix(1);
  return true;
}

}  // namespace

void Client::expect(Due due) {
  if (state_ == State::Broken) return;
  if (state_ != State::Idle && state_ != State::Challenged) {
    // A reply could no longer be assigned to its command.
    broken("a command was sent while a reply was due");
    return;
  }
  if (!input_.empty()) {
    broken("unexpected data from the server");
    return;
  }
  due_ = due;
  state_ = State::Status;
}

void Client::receive(ByteView data) {
  if (state_ != State::Broken) input_ = data;
}

void Client::receive_eof() {
  eof_ = true;
}

const Client::Event& Client::broken(std::string reason) {
  state_ = State::Broken;
  input_ = {};
  return event_ = Broken{std::move(reason)};
}

const Client::Event& Client::next_event() {
  switch (state_) {
    case State::Broken:
      return event_;
    case State::Idle:
    case State::Challenged:
      if (!input_.empty()) return broken("unexpected data from the server");
      if (eof_) return broken("the server closed the connection");
      // Challenged is reported as Idle too: the caller may send the response.
      return event_ = Idle{};
    case State::Text:
      return text();
    case State::Status:
      break;
  }
  const wire::LineReader::Found found = reader_.next(input_);
  if (found.kind == wire::LineReader::Kind::Fault) return broken(std::string(fault_text(found.fault)));
  if (found.kind == wire::LineReader::Kind::Line) return status(found.text);
  if (eof_) return broken("the server closed the connection");
  return event_ = NeedInput{};
}

const Client::Event& Client::status(std::string_view line) {
  std::string_view rest;
  state_ = State::Idle;
  if (begins(line, "+OK", rest)) {
    if (due_ == Due::Text) {
      dots_.restart();
      state_ = State::Text;
    }
    return event_ = Answer{Answer::Kind::Ok, rest};
  }
  if (begins(line, "-ERR", rest)) return event_ = Answer{Answer::Kind::Refused, rest};
  // A challenge is valid only during AUTH; after any other command `+` would be misread as a reply.
  if (due_ == Due::Exchange && begins(line, "+", rest)) {
    state_ = State::Challenged;
    return event_ = Answer{Answer::Kind::Challenge, rest};
  }
  return broken("not a POP3 reply");
}

const Client::Event& Client::text() {
  if (input_.empty()) {
    if (eof_) return broken("the server closed the connection within a multi-line reply");
    return event_ = NeedInput{};
  }
  const wire::DotReader::Piece piece = dots_.next(input_);
  if (!piece.end) return event_ = TextPart{piece.data, piece.dot};
  state_ = State::Idle;
  return event_ = TextEnd{};
}

std::string passed_text(std::string_view text) {
  std::string passed;
  for (const char c : text.substr(0, kPassed)) passed += c >= ' ' && c <= '~' ? c : '?';
  return passed;
}

}  // namespace gw::pop3
