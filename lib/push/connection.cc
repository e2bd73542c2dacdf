#include "push/connection.h"

#include <algorithm>

#include "base/encoding.h"
#include "base/exit_status.h"
#include "base/text.h"
#include "net/connect.h"
#include "sasl/credential_forwarder.h"
#include "smtp/client.h"
#include "smtp/command.h"

namespace gw::push {
namespace {

using Kind = Outcome::Kind;
using smtp::Reply;

constexpr std::size_t kMaxReason = 200;  // bytes of a reply that are shown and kept

std::string shown(const Reply& reply) {
  std::string text = std::to_string(reply.code);
  for (const std::string& line : reply.lines) text += " " + line;
  return printable(std::string_view(text).substr(0, kMaxReason));
}

// Return whether a 5xx reply is about the conversation and not about a mail: about a command that is
// unknown or out of order; or about that or a login that is missing (RFC 4954, section 6). Such a
// reply would come for every mail.
bool concerns_command(const Reply& reply) {
  return reply.code >= 500 && reply.code <= 504;
}
bool concerns_all(const Reply& reply) {
  return concerns_command(reply) || reply.code == 530 || reply.code == 534 || reply.code == 535 ||
         reply.code == 538 || reply.code == 555;
}

// Returns whether the reply refuses a mail because of its size (RFC 1870; RFC 3463: X.3.4, X.2.3).
bool concerns_size(const Reply& reply) {
  const std::string code = smtp::enhanced_code(reply);
  return code.empty() ? reply.code == 552 : code == "5.3.4" || code == "5.2.3";
}

// Returns whether the enhanced code is about an address, a mailbox such as one that is full, the
// mail system or the network (RFC 3463, section 3), and not about a mail.
bool concerns_recipient(const Reply& reply) {
  const std::string code = smtp::enhanced_code(reply);
  return code.size() > 2 && code[2] >= '1' && code[2] <= '4' && code[3] == '.' && !concerns_size(reply);
}

bool needs_utf8(const Mail& mail) {
  return mail.smtputf8 || has_8bit(mail.sender) ||
         std::ranges::any_of(mail.recipients, [](const std::string& each) { return has_8bit(each); });
}

// A permanent refusal has the greatest code.
const Reply& worst_of(const std::vector<Reply>& replies) {
  return *std::ranges::max_element(replies, {}, &Reply::code);
}

Secret joined(std::string_view before, const Secret& secret) {
  Secret all(before.size() + secret.size());
  const auto at = std::ranges::copy(as_bytes(before), all.span().begin()).out;
  std::ranges::copy(secret.view(), at);
  return all;
}

bool offers(const smtp::Capabilities& server, std::string_view mechanism) {
  return std::ranges::find(server.mechanisms, mechanism) != server.mechanisms.end();
}

// Returns a SASL exchange in the state in which it has all that the server will ask for; null if
// the server offers neither mechanism.
std::unique_ptr<sasl::CredentialForwarder> exchange_of(const Login& login, const smtp::Capabilities& server) {
  using sasl::CredentialForwarder;
  if (offers(server, "PLAIN")) {
    auto exchange = CredentialForwarder::begin("PLAIN");
    const std::string before = std::string(1, '\0') + login.name + std::string(1, '\0');
    (void)exchange->start(to_base64_secret(joined(before, login.password).view()).text());
    return exchange;
  }
  if (!offers(server, "LOGIN")) return nullptr;
  auto exchange = CredentialForwarder::begin("LOGIN");
  (void)exchange->start(std::nullopt);
  (void)exchange->respond(to_base64(as_bytes(login.name)));
  (void)exchange->respond(to_base64_secret(login.password.view()).text());
  return exchange;
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(proxy::Upstreams& upstreams, const Target& target,
                                                     const std::string& host, const Login* login,
                                                     const proxy::SmtpTimeouts& timeouts) {
  if (login != nullptr && !target.local && target.server.tls == vault::UpstreamTls::None)
    return Error(Code::Usage, "the password would cross the network without TLS");
  Result<std::unique_ptr<proxy::SmtpUpstream>> upstream(Error(Code::Internal, "not connected"));
  if (target.socket.empty()) {
    upstream = proxy::SmtpUpstream::open(upstreams, target.server, host, timeouts, target.dialect);
  } else {
    auto stream = net::connect_to_socket(target.socket);
    if (!stream) return stream.error();
    upstream = proxy::SmtpUpstream::open(std::move(*stream), upstreams, target.server, host, timeouts,
                                         target.dialect);
  }
  if (!upstream) return upstream.error();
  std::unique_ptr<Connection> connection(new Connection(std::move(*upstream), target));
  if (login != nullptr) {
    if (auto in = connection->log_in(*login); !in) return in.error();
  }
  return connection;
}

Result<void> Connection::log_in(const Login& login) {
  const auto exchange = exchange_of(login, upstream_->capabilities());
  if (exchange == nullptr)
    return Error(Code::Unavailable, target_.url + ": the server offers neither AUTH PLAIN nor AUTH LOGIN");
  const Result<Reply> said = upstream_->authenticate(*exchange);
  if (!said) return said.error().within(target_.url);
  if (said->code == 235) return {};
  return Error(said->temporary() ? Code::Unavailable : Code::Denied,
               target_.url + ": the server refused the login: " + shown(*said));
}

std::string Connection::missing(const Mail& mail) const {
  const smtp::Capabilities& server = upstream_->capabilities();
  if (needs_utf8(mail) && !server.smtputf8) return "needs SMTPUTF8";
  if (mail.form.binary && !(server.binary && server.chunking && server.eight_bit)) return "needs BINARYMIME";
  if (mail.form.eight_bit && !server.eight_bit) return "needs 8BITMIME";
  if (server.size && server.max_size != 0 && mail.form.size > server.max_size)
    return "larger than the server accepts";
  return {};
}

// Returns MAIL and the RCPTs.
std::vector<std::string> Connection::envelope(const Mail& mail) const {
  const smtp::Capabilities& server = upstream_->capabilities();
  smtp::MailArguments from;
  from.address = mail.sender;
  from.parameters = "SIZE=" + std::to_string(mail.form.size);
  if (mail.form.binary)
    from.parameters += " BODY=BINARYMIME";
  else if (mail.form.eight_bit)
    from.parameters += " BODY=8BITMIME";
  if (needs_utf8(mail)) from.parameters += " SMTPUTF8";
  std::vector<std::string> commands{smtp::mail_command(from, server)};
  for (const std::string& recipient : mail.recipients) {
    smtp::RcptArguments to;
    to.address = recipient;
    // The sender and recipients of the original mail must not get reports about its delivery to the
    // archive.
    if (mail.own_envelope) to.parameters = "NOTIFY=NEVER";
    commands.push_back(smtp::rcpt_command(to, server));
  }
  return commands;
}

Result<Outcome> Connection::refused(const Mail& mail, const Reply& reply, Stage stage) {
  if (reply.closes()) return Error(Code::Closed, "the server ended the session: " + shown(reply));
  if (reply.temporary()) return Outcome{Kind::Deferred, shown(reply)};
  const bool of_all = (stage != Stage::End && concerns_all(reply)) ||
                      (!mail.own_envelope &&
                       (concerns_recipient(reply) || (stage == Stage::Envelope && !concerns_size(reply))));
  if (!of_all) return Outcome{Kind::Rejected, shown(reply)};
  return Error(Code::Denied, target_.url + ": the server refuses all mail: " + shown(reply))
      .with_exit_status(kExitUnavailable);
}

Result<Outcome> Connection::give_up(const Mail& mail, const Reply& reply, Stage stage) {
  Result<Outcome> outcome = refused(mail, reply, stage);
  if (!outcome) return outcome;
  const Result<Reply> reset = upstream_->ask("RSET\r\n");
  if (!reset) return reset.error();
  return outcome;
}

Result<Outcome> Connection::send(const Mail& mail) {
  uncertain_ = false;
  const auto said = upstream_->ask_together(envelope(mail));
  if (!said) return said.error();
  if (const Reply& worst = worst_of(*said); !worst.positive()) return give_up(mail, worst, Stage::Envelope);
  return transfer(mail);
}

Result<Outcome> Connection::transfer(const Mail& mail) {
  const bool chunk = mail.form.binary || (upstream_->capabilities().chunking && !without_chunks_);
  if (chunk) {
    upstream_->begin_chunk(mail.form.size);
  } else {
    const Result<Reply> ready = upstream_->ask_data();
    if (!ready) return ready.error();
    if (ready->code != 354) return give_up(mail, *ready, Stage::Data);
  }
  const auto sent = push::send(mail.feed, mail.form, [&](ByteView piece) { return upstream_->write(piece); });
  const bool each = target_.dialect == proxy::Dialect::Lmtp;
  const auto replies = sent ? upstream_->finish(each ? mail.recipients.size() : 1) : sent.error();
  if (!replies) {
    uncertain_ = upstream_->dot_sent();
    return replies.error();
  }
  const Reply& worst = worst_of(*replies);
  if (worst.positive()) return Outcome{};
  if (!chunk || !concerns_command(worst)) return refused(mail, worst, Stage::End);
  // The server has refused BDAT and not the mail, although it announces CHUNKING.
  if (mail.form.binary) return refused(mail, worst, Stage::Data);
  without_chunks_ = true;
  const Result<Reply> reset = upstream_->ask("RSET\r\n");
  return reset ? send(mail) : Result<Outcome>(reset.error());
}

bool valid_address(std::string_view text) {
  // The parser takes lines of a client, so it cannot meet a line ending, and it is tolerant about
  // the rest. Here the text comes from options, journal reports and imported envelopes.
  const bool quoted = text.starts_with('"');
  if (has_control(text) || text.find_first_of(quoted ? "<>" : "<> ") != std::string_view::npos) return false;
  const auto parsed = smtp::parse_rcpt("TO:<" + std::string(text) + ">", true);
  const auto* arguments = std::get_if<smtp::RcptArguments>(&parsed);
  return arguments != nullptr && arguments->address == text && arguments->parameters.empty();
}

}  // namespace gw::push
