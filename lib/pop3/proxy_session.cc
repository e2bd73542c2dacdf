#include "pop3/proxy_session.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gw::pop3 {
namespace {

constexpr std::size_t kMaxName = 255;  // bytes of a user name

// Builds the command for upstream from the parsed numbers, so that no byte of the client's line is
// passed on unchecked.
std::string with_numbers(std::string_view verb, const Numbers& numbers) {
  std::string command(verb);
  if (numbers.first) command += " " + std::to_string(*numbers.first);
  if (numbers.second) command += " " + std::to_string(*numbers.second);
  return command;
}

// The arguments of a command: `least` to `most` numbers.
struct Form {
  std::string_view name;
  std::size_t least = 0;
  std::size_t most = 0;
  // The reply to the command with `least` numbers has lines. LIST and UIDL with a number have one
  // line only.
  bool text = false;
};

std::optional<Form> form_of(Verb verb) {
  switch (verb) {
    case Verb::Stat:
      return Form{"STAT", 0, 0, false};
    case Verb::Noop:
      return Form{"NOOP", 0, 0, false};
    case Verb::Rset:
      return Form{"RSET", 0, 0, false};
    case Verb::List:
      return Form{"LIST", 0, 1, true};
    case Verb::Uidl:
      return Form{"UIDL", 0, 1, true};
    case Verb::Retr:
      return Form{"RETR", 1, 1, true};
    case Verb::Dele:
      return Form{"DELE", 1, 1, false};
    case Verb::Top:
      return Form{"TOP", 2, 2, true};
    default:
      return std::nullopt;
  }
}

}  // namespace

void ProxySession::line(std::string_view status, std::string_view text) {
  if (status.starts_with("+OK")) ++replies_.completed;
  if (status.starts_with("-ERR"))
    replies_.add_error(text.empty() ? status.substr(std::min<std::size_t>(5, status.size())) : text);
  append(output_, as_bytes(status));
  if (!text.empty()) append(output_, as_bytes(" "));
  append(output_, as_bytes(text));
  append(output_, as_bytes("\r\n"));
}

void ProxySession::output_sent() {
  // An idle session should hold no buffer; in the middle of a download the buffer is used again.
  if (std::holds_alternative<NeedInput>(event_))
    Bytes().swap(output_);  // frees the memory, unlike `= {}`
  else
    output_.clear();
}

template <class E>
void ProxySession::ask(E event) {
  event_ = std::move(event);
  awaiting_ = true;
}

const ProxySession::Event& ProxySession::next_event() {
  if (awaiting_) return event_;
  for (;;) {
    if (state_ == State::Over) return event_ = Closed{};
    const CommandLines::Next next = lines_.next();
    switch (next.kind) {
      case CommandLines::Kind::Line:
        obey(next.text);
        break;
      case CommandLines::Kind::Malformed:
        exchange_.reset();
        // Upstream waits for the response to its challenge, which cannot be sent any more.
        if (challenged_)
          close("Malformed authentication data");
        else
          line("-ERR", next.text);
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

void ProxySession::obey(std::string_view text) {
  // Upstream sent a challenge: this line is the response, whatever it looks like.
  if (std::exchange(challenged_, false)) return ask(Response{Secret(as_bytes(text))});
  if (exchange_) return auth_step(exchange_->respond(text));
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
      if (!trim(command.argument).empty()) return line("-ERR No argument expected");
      break;
    default:
      break;
  }
  if (command.verb == Verb::Capa) return ask(Capa{});
  if (command.verb == Verb::Quit) return ask(Quit{});
  if (state_ == State::Authorization)
    obey_before_login(command);
  else
    obey_after_login(command);
}

void ProxySession::obey_before_login(const Command& command) {
  const std::string_view argument = command.argument;
  // Refuses the name too: a client that sees USER refused does not send the password in clear.
  const bool credentials = command.verb == Verb::User || command.verb == Verb::Pass ||
                           (command.verb == Verb::Auth && !trim(argument).empty());
  if (credentials && !login_allowed()) return line("-ERR [AUTH] Authentication requires TLS");
  switch (command.verb) {
    case Verb::Stls:
      if (options_.tls) return line("-ERR TLS is already active");
      if (!options_.tls_available) return line("-ERR TLS is not available");
      // Commands sent together with STLS would be executed inside TLS (CVE-2021-33515).
      if (lines_.more()) return close("Commands may not be pipelined after STLS");
      return ask(StartTls{});
    case Verb::Utf8:
      if (!trim(argument).empty()) return line("-ERR No argument expected");
      return ask(Ask{Verb::Utf8, 0, "UTF8", false});
    case Verb::User: {
      const std::string_view name = trim(argument);
      user_given_ = false;
      if (name.empty() || name.size() > kMaxName || has_control(name))
        return line("-ERR Missing or invalid user name");
      return ask(User{std::string(name)});
    }
    case Verb::Pass:
      if (!user_given_) return line("-ERR USER command required first");
      if (argument.empty()) return line("-ERR Missing password");
      user_given_ = false;
      // Each PASS needs a new USER, also after a refusal (RFC 1939 section 7).
      return ask(Pass{Secret(as_bytes(argument))});
    case Verb::Auth:
      return auth(trim(argument));
    default:
      return line("-ERR Command not allowed before login");
  }
}

void ProxySession::auth(std::string_view argument) {
  if (argument.empty()) {
    // AUTH without a mechanism is in no RFC, but clients use it to list the mechanisms.
    line("+OK");
    if (login_allowed())
      for (const std::string& mechanism : mechanisms_) line(mechanism);
    return line(".");
  }
  user_given_ = false;
  const std::size_t blank = argument.find(' ');
  const std::string mechanism = upper(argument.substr(0, blank));
  auto exchange = sasl::CredentialForwarder::begin(mechanism);
  // The proxy must understand the mechanism and upstream must offer it.
  if (!exchange || std::find(mechanisms_.begin(), mechanisms_.end(), mechanism) == mechanisms_.end())
    return line("-ERR Unsupported authentication mechanism");
  std::optional<std::string_view> initial;
  if (blank != std::string_view::npos) initial = trim(argument.substr(blank));
  exchange_ = std::move(exchange);
  auth_step(exchange_->start(initial));
}

void ProxySession::auth_step(sasl::CredentialForwarder::Step step) {
  // RFC 5034 section 4 requires the space even if the challenge is empty.
  if (const auto* asked = std::get_if<sasl::Challenge>(&step)) return line("+ " + asked->text);
  auto exchange = std::exchange(exchange_, nullptr);
  if (std::holds_alternative<sasl::Cancelled>(step)) return line("-ERR Authentication cancelled");
  if (!std::holds_alternative<sasl::CredentialForwarder::Ready>(step))
    return line("-ERR Malformed authentication data");
  // Without a name the proxy does not know whose mailbox the archive copies belong to.
  if (exchange->login().empty()) return line("-ERR [AUTH] Missing user name");
  // The name goes into log lines and, with PASS, into a command line for upstream.
  if (has_control(exchange->login()) || has_control(exchange->acts_as()))
    return line("-ERR [AUTH] Invalid user name");
  ask(Auth{std::move(exchange)});
}

void ProxySession::obey_after_login(const Command& command) {
  const std::optional<Form> form = form_of(command.verb);
  if (!form) return line("-ERR Command not allowed after login");
  const Numbers numbers = parse_numbers(command.argument);
  const bool whole = (numbers.count < 1 || numbers.first) && (numbers.count < 2 || numbers.second);
  if (numbers.count < form->least || numbers.count > form->most || !whole) {
    if (form->most == 0) return line("-ERR No argument expected");
    if (form->least == 2) return line("-ERR Message number and line count expected");
    return line("-ERR Message number expected");
  }
  // Only the form without its optional number has lines: LIST and UIDL answer a number in the
  // status line.
  ask(Ask{command.verb, numbers.first.value_or(0), with_numbers(form->name, numbers),
          form->text && numbers.count == form->least});
}

void ProxySession::answered() {
  awaiting_ = false;
  in_text_ = false;
  // Destroys the data of the event, which may contain a password.
  event_ = Closed{};
}

void ProxySession::ok(std::string_view text) {
  line("+OK", text);
  // Not awaiting an answer: this is the greeting.
  if (!awaiting_) return;
  const auto* asked = std::get_if<Ask>(&event_);
  in_text_ = asked != nullptr && asked->text;
  if (in_text_) return;
  user_given_ = std::holds_alternative<User>(event_);
  const bool in = std::holds_alternative<Pass>(event_) || std::holds_alternative<Auth>(event_) ||
                  std::holds_alternative<Response>(event_);
  if (in) state_ = State::Transaction;
  if (std::holds_alternative<Quit>(event_)) state_ = State::Over;
  answered();
}

void ProxySession::refuse(std::string_view text) {
  line("-ERR", text);
  if (std::holds_alternative<Quit>(event_)) state_ = State::Over;
  answered();
}

void ProxySession::challenge(std::string_view text) {
  line("+ " + std::string(text));
  answered();
  challenged_ = true;
}

void ProxySession::list(const std::vector<std::string>& lines) {
  line("+OK");
  for (const std::string& each : lines) line(each);
  line(".");
  answered();
}

void ProxySession::text(ByteView data, bool dot) {
  // The client receives exactly what upstream sent, with its dot-stuffing.
  if (dot) output_.push_back(std::byte{'.'});
  append(output_, data);
}

void ProxySession::text_end() {
  append(output_, as_bytes(".\r\n"));
  answered();
}

void ProxySession::close(std::string_view text) {
  if (!text.empty()) line("-ERR", text);
  answered();
  state_ = State::Over;
}

void ProxySession::tls_started() {
  options_.tls = true;
  lines_.forget();
  user_given_ = false;
}

}  // namespace gw::pop3
