#include "pop3/session.h"

#include <array>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace gw::pop3 {

Session::Session(Options options)
    : options_(std::move(options)), lines_(options_.line_limit, options_.malformed_limit) {
  // The greeting must contain no `<…>`: a timestamp would announce APOP (RFC 1939 section 7).
  line("+OK " + (options_.host.empty() ? "" : printable(options_.host) + " ") + "POP3 server ready");
}

void Session::line(std::string_view text) {
  if (text.starts_with("+OK")) ++replies_.completed;
  if (text.starts_with("-ERR ")) replies_.add_error(text.substr(5));
  append(output_, as_bytes(text));
  append(output_, as_bytes("\r\n"));
}

void Session::say(std::string_view text) {
  if (text.starts_with("+OK")) ++replies_.completed;
  append(output_, as_bytes(text));
}

void Session::error(std::string_view text) {
  replies_.add_error(text);
  say("-ERR ");
  line(text);
}

void Session::number(std::uint64_t value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  say({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void Session::output_sent() {
  // An idle session should hold no buffer; in the middle of a download the buffer is used again.
  if (std::holds_alternative<NeedInput>(event_))
    Bytes().swap(output_);  // frees the memory, unlike `= {}`
  else
    output_.clear();
}

template <class E>
void Session::ask(E event) {
  event_ = std::move(event);
  awaiting_ = true;
}

const Event& Session::next_event() {
  if (awaiting_) return event_;
  for (;;) {
    if (state_ == State::Over) return event_ = Closed{};
    // Checked before the next command: a client that pipelines many commands and does not read must
    // not fill the memory.
    if (output_full()) return event_ = Flush{};
    // A listing of a large mailbox is produced in portions.
    if (listing_ != Listing::None) {
      go_on_listing();
      continue;
    }
    const CommandLines::Next next = lines_.next();
    switch (next.kind) {
      case CommandLines::Kind::Line:
        obey(next.text);
        break;
      case CommandLines::Kind::Malformed:
        exchange_.reset();
        error(next.text);
        break;
      case CommandLines::Kind::TooMany:
        close(next.text);
        break;
      case CommandLines::Kind::NeedInput:
        return event_ = NeedInput{};
      case CommandLines::Kind::Ended:
        state_ = State::Over;
        break;
    }
    if (awaiting_) return event_;
  }
}

void Session::obey(std::string_view text) {
  if (exchange_) {
    auth_step(exchange_->respond(text));
    return;
  }
  const Command command = parse(text);
  switch (command.verb) {
    case Verb::Unknown:
      return line("-ERR Unknown command");
    case Verb::Apop:
    case Verb::Last:
    case Verb::Xtnd:
      return line("-ERR Command not supported");
    case Verb::Capa:
    case Verb::Quit:
    case Verb::Stls:
    case Verb::Utf8:
    case Verb::Stat:
    case Verb::Rset:
    case Verb::Noop:
      if (!trim(command.argument).empty()) return line("-ERR No argument expected");
      break;
    default:
      break;
  }
  if (command.verb == Verb::Capa) return capabilities();
  if (state_ == State::Authorization)
    obey_before_login(command.verb, command.argument);
  else
    obey_after_login(command.verb, command.argument);
}

// Answers CAPA (RFC 2449 section 5). Announces only what works in the current state, so that a
// client without TLS does not send its password.
void Session::capabilities() {
  const bool before = state_ == State::Authorization;
  say("+OK\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nUTF8\r\nEXPIRE NEVER\r\n");
  if (before && options_.tls_available && !options_.tls) line("STLS");
  if (before && login_allowed()) say("USER\r\nSASL PLAIN\r\n");
  say("IMPLEMENTATION gw\r\n.\r\n");
}

void Session::obey_before_login(Verb verb, std::string_view argument) {
  // Refuses the name too: a client that sees USER refused does not send the password in clear.
  const bool credentials =
      verb == Verb::User || verb == Verb::Pass || (verb == Verb::Auth && !trim(argument).empty());
  if (credentials && !login_allowed()) return line("-ERR [AUTH] Authentication requires TLS");
  switch (verb) {
    case Verb::Quit:
      line("+OK");
      state_ = State::Over;
      return;
    case Verb::Utf8:
      return line("+OK");
    case Verb::Stls:
      if (options_.tls) return line("-ERR TLS is already active");
      if (!options_.tls_available) return line("-ERR TLS is not available");
      // Commands sent together with STLS would be executed inside TLS (CVE-2021-33515).
      if (lines_.more()) return close("Commands may not be pipelined after STLS");
      return ask(StartTls{});
    case Verb::User:
      user_ = trim(argument);
      return line(user_.empty() ? "-ERR Missing or invalid user name" : "+OK");
    case Verb::Pass:
      if (user_.empty()) return line("-ERR USER command required first");
      if (argument.empty()) return line("-ERR Missing password");
      // Each PASS needs a new USER, also after a refusal (RFC 1939 section 7).
      return ask(Login{std::exchange(user_, {}), Secret(as_bytes(argument))});
    case Verb::Auth:
      return auth(argument);
    default:
      return line("-ERR Command not allowed before login");
  }
}

void Session::auth(std::string_view argument) {
  argument = trim(argument);
  if (argument.empty()) {
    // AUTH without a mechanism is in no RFC, but clients use it to list the mechanisms.
    say("+OK\r\n");
    if (login_allowed()) line("PLAIN");
    return line(".");
  }
  const std::size_t blank = argument.find(' ');
  const std::string_view name = argument.substr(0, blank);
  if (!iequals(name, "PLAIN")) return line("-ERR Unsupported authentication mechanism");
  std::optional<std::string_view> initial;
  if (blank != std::string_view::npos) initial = trim(argument.substr(blank));
  exchange_.emplace(sasl::make_mechanism(name));
  auth_step(exchange_->start(initial));
}

void Session::auth_step(sasl::Step step) {
  if (const auto* challenge = std::get_if<sasl::Challenge>(&step)) return line("+ " + challenge->text);
  exchange_.reset();
  if (std::holds_alternative<sasl::Cancelled>(step)) return line("-ERR Authentication cancelled");
  auto* credentials = std::get_if<sasl::Credentials>(&step);
  if (credentials == nullptr) return line("-ERR Malformed authentication data");
  // A login gives access to its own mailbox only, so no other identity can be requested.
  if (!credentials->authorization.empty() && credentials->authorization != credentials->authentication)
    return line("-ERR [AUTH] Authorization identity must be the user name");
  ask(Login{std::move(credentials->authentication), std::move(credentials->password)});
}

void Session::obey_after_login(Verb verb, std::string_view argument) {
  switch (verb) {
    case Verb::Stat:
      return stat();
    case Verb::List:
      return list(Listing::Sizes, argument);
    case Verb::Uidl:
      return list(Listing::Ids, argument);
    case Verb::Retr: {
      const Numbers numbers = parse_numbers(argument);
      if (numbers.count != 1) return line("-ERR Message number expected");
      if (exists(numbers.first)) ask(Retrieve{static_cast<std::size_t>(*numbers.first)});
      return;
    }
    case Verb::Top: {
      const Numbers numbers = parse_numbers(argument);
      if (numbers.count != 2 || !numbers.second) return line("-ERR Message number and line count expected");
      if (exists(numbers.first)) ask(Top{static_cast<std::size_t>(*numbers.first), *numbers.second});
      return;
    }
    case Verb::Dele:
      return dele(argument);
    case Verb::Rset:
      // RSET removes the deletion marks (RFC 1939 section 5).
      for (Entry& entry : messages_) {
        if (!std::exchange(entry.deleted, false)) continue;
        ++count_;
        size_ += entry.size;
      }
      return line("+OK");
    case Verb::Noop:
      return line("+OK");
    case Verb::Quit: {
      Update update;
      update.deleted.reserve(messages_.size() - count_);
      for (std::size_t i = 0; i < messages_.size(); ++i)
        if (messages_[i].deleted) update.deleted.push_back(i + 1);
      return ask(std::move(update));
    }
    default:
      return line("-ERR Command not allowed after login");
  }
}

bool Session::exists(const std::optional<std::uint64_t>& number) {
  if (!number || *number == 0 || *number > messages_.size()) {
    line("-ERR No such message");
    return false;
  }
  if (messages_[static_cast<std::size_t>(*number) - 1].deleted) {
    line("-ERR Message is deleted");
    return false;
  }
  return true;
}

void Session::dele(std::string_view argument) {
  const Numbers numbers = parse_numbers(argument);
  if (numbers.count != 1) return line("-ERR Message number expected");
  if (!exists(numbers.first)) return;
  Entry& entry = messages_[static_cast<std::size_t>(*numbers.first) - 1];
  // Many clients delete every message in their list after RETR, whatever the reply. A message that
  // could not be read would be lost.
  if (entry.damaged) return line("-ERR [SYS/PERM] Message cannot be opened and was not deleted");
  entry.deleted = true;
  --count_;
  size_ -= entry.size;
  line("+OK");
}

void Session::stat() {
  say("+OK ");
  number(count_);
  say(" ");
  number(size_);
  say("\r\n");
}

void Session::list(Listing what, std::string_view argument) {
  const Numbers numbers = parse_numbers(argument);
  if (numbers.count > 1) return line("-ERR At most one message number expected");
  if (numbers.count == 1) {
    if (!exists(numbers.first)) return;
    say("+OK ");
    return list_line(what, static_cast<std::size_t>(*numbers.first));
  }
  say("+OK ");
  number(count_);
  say(" messages\r\n");
  listing_ = what;
  listed_ = 0;
}

void Session::list_line(Listing what, std::size_t n) {
  const Entry& entry = messages_[n - 1];
  number(n);
  say(" ");
  if (what == Listing::Sizes)
    number(entry.size);
  else
    say(to_hex(entry.id.view()));
  say("\r\n");
}

void Session::go_on_listing() {
  // Stops when the output is full; next_event() continues after the Flush. Deletion marks cannot
  // change meanwhile, since no command is executed before the listing ends.
  while (listed_ < messages_.size() && !output_full()) {
    if (!messages_[listed_].deleted) list_line(listing_, listed_ + 1);
    ++listed_;
  }
  if (listed_ < messages_.size()) return;
  listing_ = Listing::None;
  line(".");
}

void Session::accept() {
  if (!awaiting_) return;
  const auto* retrieve = std::get_if<Retrieve>(&event_);
  const auto* top = std::get_if<Top>(&event_);
  if (retrieve != nullptr || top != nullptr) {
    Entry& entry = messages_[(retrieve != nullptr ? retrieve->number : top->number) - 1];
    entry.damaged = false;
    if (top != nullptr) return line("+OK");
    say("+OK ");
    number(entry.size);
    // Not "bytes": RFC 1939 section 5 has this word, and fetchmail looks for it to learn the size.
    return say(" octets\r\n");  // awaiting_ stays true until body_end()
  }
  awaiting_ = false;
  if (std::holds_alternative<StartTls>(event_)) line("+OK");
  if (std::holds_alternative<Update>(event_)) {
    line("+OK");
    state_ = State::Over;
  }
}

void Session::accept(std::vector<Listed> messages) {
  awaiting_ = false;
  event_ = Flush{};  // destroys the password
  state_ = State::Transaction;
  messages_.reserve(messages.size());
  for (const Listed& message : messages) {
    messages_.push_back({message, false, false});
    size_ += message.size;
  }
  count_ = messages_.size();
  say("+OK ");
  number(count_);
  say(" messages\r\n");
}

void Session::body_end() {
  dots_.finish(output_);
  awaiting_ = false;
}

void Session::refuse(std::string_view text) {
  awaiting_ = false;
  // RFC 1939 section 6: QUIT ends the session even if messages could not be deleted.
  if (std::holds_alternative<Update>(event_)) return close(text);
  event_ = Flush{};
  error(text);
}

void Session::refuse_damaged(std::string_view text) {
  if (const auto* retrieve = std::get_if<Retrieve>(&event_)) messages_[retrieve->number - 1].damaged = true;
  if (const auto* top = std::get_if<Top>(&event_)) messages_[top->number - 1].damaged = true;
  refuse(text);
}

void Session::close(std::string_view text) {
  if (!text.empty()) error(text);
  awaiting_ = false;
  listing_ = Listing::None;
  state_ = State::Over;
}

void Session::tls_started() {
  options_.tls = true;
  lines_.forget();
  user_.clear();
}

}  // namespace gw::pop3
