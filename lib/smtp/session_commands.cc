// How a Session handles each command: when it is allowed, which reply it sends, and which event it
// reports.
#include <algorithm>
#include <utility>

#include "base/text.h"
#include "smtp/session.h"

namespace gw::smtp {
namespace {

constexpr std::string_view kHelpVerbs =
    "Commands: HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT";

}  // namespace

const Event* Session::obey(std::string_view line) {
  // A browser that was made to send a POST request to this port sends the SMTP commands in its
  // body. Ending the session at the first line keeps them from being executed.
  if (looks_like_http(line) || (!options_.tls_active && looks_like_tls(line))) {
    close(Refusal::NotSmtp);
    return nullptr;
  }
  const Command command = parse_command(line);
  switch (command.verb) {
    case Verb::Helo:
    case Verb::Ehlo:
      return hello(command.verb, command.argument);
    case Verb::StartTls:
      return start_tls(command.argument);
    case Verb::Auth:
      return auth(command.argument);
    case Verb::Mail:
      return mail(command.argument);
    case Verb::Rcpt:
      return rcpt(command.argument);
    case Verb::Data:
      return data(command.argument);
    case Verb::Bdat:
      return bdat(command.argument);
    case Verb::Rset: {
      if (!command.argument.empty()) return say(Refusal::Malformed);
      say({250, "2.0.0", "OK"});
      return abort_mail();
    }
    case Verb::Noop:
      return say({250, "2.0.0", "OK"});
    case Verb::Vrfy:
      if (command.argument.empty()) return say(Refusal::Malformed);
      return say({252, "2.5.0", "Cannot VRFY user, but will accept mail for delivery"});
    case Verb::Help:
      return say({214, "2.0.0", std::string(kHelpVerbs) + "; see " + options_.manual});
    case Verb::Quit: {
      if (!command.argument.empty()) return say(Refusal::Malformed);
      say({221, "2.0.0", "Bye"});
      quit_ = true;
      const Event* aborted = abort_mail();
      finish();
      return aborted;
    }
    case Verb::NotOffered:
      return say(Refusal::NotOffered);
    case Verb::Unknown:
      break;
  }
  return say(Refusal::UnknownCommand);
}

const Event* Session::hello(Verb verb, std::string_view name) {
  if (!valid_helo(name)) return say(Refusal::Malformed);
  helo_ = name;
  extended_ = verb == Verb::Ehlo;
  // The driver decides whether AUTH is offered. Aborted, if any, is reported first; next_event()
  // then reports AuthOffer.
  if (extended_ && options_.ask_auth && may_authenticate())
    hello_waits_ = true;
  else if (extended_)
    announce();
  else
    say({250, "", options_.host});
  return abort_mail();
}

void Session::announce() {
  const bool auth = options_.announce_auth && may_authenticate();
  Reply reply(250, "", options_.host);
  const auto offer = [&](bool offered, std::string line) {
    if (offered) reply.lines.push_back(std::move(line));
  };
  std::string mechanisms = "AUTH";
  for (const std::string& mechanism : options_.mechanisms) mechanisms += " " + mechanism;
  offer(true, "PIPELINING");
  offer(true, "SIZE " + std::to_string(options_.max_size));
  offer(options_.eight_bit, "8BITMIME");
  offer(options_.smtputf8, "SMTPUTF8");
  offer(options_.chunking, "CHUNKING");
  offer(options_.enhanced_codes, "ENHANCEDSTATUSCODES");
  offer(options_.dsn, "DSN");
  offer(options_.starttls && !options_.tls_active, "STARTTLS");
  offer(auth && !options_.mechanisms.empty(), std::move(mechanisms));
  offer(options_.limits, "LIMITS RCPTMAX=" + std::to_string(options_.max_recipients));
  reply.lines.emplace_back("HELP");
  say(reply);
}

const Event* Session::start_tls(std::string_view argument) {
  if (options_.tls_active) return say(Refusal::WrongOrder);
  if (!options_.starttls) return say(Refusal::NotOffered);
  if (!argument.empty()) return say(Refusal::Malformed);
  if (mail_) return say(Refusal::WrongOrder);
  if (!input_.empty()) {
    // The client, or an attacker between, sent commands together with STARTTLS (CVE-2011-0411).
    say(Refusal::BehindStartTls);
    finish();
    return nullptr;
  }
  return &give(StartTls{}, true);
}

const Event* Session::auth(std::string_view argument) {
  if (!may_authenticate()) return say(tls_trouble_ ? Refusal::TlsUnavailable : Refusal::TlsRequired);
  // With ask_auth, whether AUTH is offered is unknown before EHLO; the right reply is then
  // WrongOrder, below.
  const bool unasked = options_.ask_auth && !extended_;
  if (!options_.announce_auth && !unasked) return say(Refusal::NotOffered);
  if (!extended_ || authenticated_ || mail_) return say(Refusal::WrongOrder);
  const auto arguments = parse_auth(argument);
  if (!arguments) return say(Refusal::Malformed);
  const auto named = [&](const std::string& offered) { return iequals(arguments->mechanism, offered); };
  if (std::ranges::none_of(options_.mechanisms, named)) return say(Refusal::UnknownMechanism);
  return &give(AuthStart{arguments->mechanism, arguments->initial}, true);
}

const Event* Session::mail(std::string_view argument) {
  if (options_.require_tls && !options_.tls_active) return say(without_tls());
  if (helo_.empty() || mail_) return say(Refusal::WrongOrder);
  auto parsed = parse_mail(argument);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return say(*refusal);
  auto& from = std::get<MailArguments>(parsed);
  // RFC 1870 section 6.1: refuse a declared size now and spare the client the transfer.
  if (options_.max_size != 0 && from.size > options_.max_size) return say(Refusal::TooLarge);
  return &give(std::move(from), true);
}

const Event* Session::rcpt(std::string_view argument) {
  if (options_.require_tls && !options_.tls_active) return say(without_tls());
  if (!mail_ || chunked_) return say(Refusal::WrongOrder);
  auto parsed = parse_rcpt(argument, smtputf8_);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return say(*refusal);
  // 452 makes the client send the remaining recipients in another transaction (RFC 5321 section
  // 4.5.3.1.10).
  if (recipients_ >= options_.max_recipients) return say(Refusal::TooManyRecipients);
  return &give(std::move(std::get<RcptArguments>(parsed)), true);
}

Refusal Session::without_recipient() const {
  // If a recipient was only deferred, a 5xx here would make the client give it up.
  return deferred_recipient_ ? Refusal::NoRecipientNow : Refusal::NoRecipient;
}

const Event* Session::data(std::string_view argument) {
  if (options_.require_tls && !options_.tls_active) return say(without_tls());
  if (!mail_ || chunked_) return say(Refusal::WrongOrder);
  if (!argument.empty()) return say(Refusal::Malformed);
  if (recipients_ == 0) return say(without_recipient());
  give(DataStart{}, true);
  if (options_.ask_data) return &event_;
  accept();
  return nullptr;
}

// The bytes of the chunk follow the command without waiting for a reply. So whatever the reply is,
// they are read as data and never as commands.
const Event* Session::bdat(std::string_view argument) {
  const auto chunk = parse_bdat(argument);
  if (!chunk) return say(Refusal::Malformed);
  mode_ = Mode::Chunk;
  chunk_bytes_ = chunk_left_ = chunk->size;
  chunk_last_ = chunk->last;
  if (options_.require_tls && !options_.tls_active) {
    chunk_refusal_ = reply(without_tls());
  } else if (!options_.chunking) {
    chunk_refusal_ = reply(Refusal::NotOffered);
  } else if (spoiled_) {
    chunk_refusal_ = spoiled_;
    if (chunk_last_) spoiled_.reset();
  } else if (!mail_) {
    chunk_refusal_ = reply(Refusal::WrongOrder);
  } else if (recipients_ == 0) {
    chunk_refusal_ = reply(without_recipient());
  } else {
    chunked_ = true;
    // Too large by its declared size: drop it without passing on a part. verdict_ means that the
    // message is being dropped already.
    if (options_.max_size != 0 && chunk->size > options_.max_size - size_ && !verdict_)
      return discard(Refusal::TooLarge);
  }
  return nullptr;
}

}  // namespace gw::smtp
