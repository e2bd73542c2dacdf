#include "proxy/smtp_upstream.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"

namespace gw::proxy {
namespace {

using Clock = std::chrono::steady_clock;
using smtp::Client;
using smtp::Reply;
using std::chrono::milliseconds;

constexpr std::size_t kSendAt = 64 << 10;  // bytes of a message that are collected before a write
// Bytes of an initial response, so that the AUTH command stays within the 512 bytes of a command
// line (RFC 4954, section 4).
constexpr std::size_t kInitialResponse = 480;
// Commands of which the replies are awaited together.
constexpr std::size_t kTogether = 50;
constexpr milliseconds kGoodbye{2'000};  // for the reply to QUIT

// Returns an error for a reply with which the server refuses to serve this connection.
Error unwelcome(std::string_view what, const Reply& reply) {
  return Error(Code::Unavailable, std::string(what) + std::to_string(reply.code) + " " +
                                      printable(reply.lines.empty() ? "" : reply.lines.front()));
}

}  // namespace

Result<std::unique_ptr<SmtpUpstream>> SmtpUpstream::open(Upstreams& upstreams, const vault::Route& route,
                                                         const std::string& host,
                                                         const SmtpTimeouts& timeouts, Dialect dialect) {
  Result<net::Stream> stream = upstreams.open(route, timeouts.open);
  if (!stream) return stream.error();
  return open(std::move(*stream), upstreams, route, host, timeouts, dialect);
}

Result<std::unique_ptr<SmtpUpstream>> SmtpUpstream::open(net::Stream stream, Upstreams& upstreams,
                                                         const vault::Route& route, const std::string& host,
                                                         const SmtpTimeouts& timeouts, Dialect dialect) {
  std::unique_ptr<SmtpUpstream> upstream(new SmtpUpstream(std::move(stream), route, timeouts, dialect));
  // A stop of the process must not cut off a mail between the final dot and its reply.
  upstream->stream_.finish(timeouts.grace);
  if (const Result<void> begun = upstream->begin(upstreams, host); !begun)
    return begun.error().within(route.upstream());
  return upstream;
}

Result<void> SmtpUpstream::begin(Upstreams& upstreams, const std::string& host) {
  const Result<Reply> greeting = reply(timeouts_.greeting);
  if (!greeting) return greeting.error();
  if (greeting->code != 220) return unwelcome("the server refused the session: ", *greeting);
  if (auto greeted = hello(host); !greeted) return greeted;
  if (route_.tls != vault::UpstreamTls::StartTls) return {};

  // The route requires TLS. If the server does not offer it, or an attacker has removed it from the
  // reply, do not send anything in clear.
  if (!capabilities_.starttls) return Error(Code::Unavailable, "the server does not offer STARTTLS");
  const Result<Reply> ready = ask_soon("STARTTLS\r\n");
  if (!ready) return ready.error();
  if (ready->code != 220) return unwelcome("the server refused STARTTLS: ", *ready);
  if (auto secure = upstreams.start_tls(stream_, route_, timeouts_.open); !secure) return secure;
  client_.tls_started();
  // The capabilities from before TLS may be forged and must be asked for again (RFC 3207, section
  // 4.2).
  return hello(host);
}

Result<void> SmtpUpstream::hello(const std::string& host) {
  const std::string command = dialect_ == Dialect::Lmtp ? "LHLO" : "EHLO";
  const Result<Reply> said = ask_soon(command + " " + host + "\r\n");
  if (!said) return said.error();
  if (said->code != 250) return unwelcome("the server refused " + command + ": ", *said);
  capabilities_ = smtp::parse_capabilities(*said);
  return {};
}

Result<Reply> SmtpUpstream::reply(milliseconds timeout) {
  Result<std::vector<Reply>> all = replies(1, timeout);
  if (!all) return all.error();
  return std::move(all->front());
}

// Waits for all replies that are due. The bytes of several may arrive together, so they are read
// together: `buffer` must outlive the parsing.
Result<std::vector<Reply>> SmtpUpstream::replies(std::size_t count, milliseconds timeout) {
  // One deadline for all replies: a timeout per read would let a server that sends single bytes go
  // on forever.
  const auto deadline = Clock::now() + timeout;
  std::array<std::byte, 4096> buffer;
  std::vector<Reply> all;
  for (;;) {
    const Client::Event& event = client_.next_event();
    if (const auto* answer = std::get_if<Client::Answer>(&event)) {
      all.push_back(answer->reply);
      if (all.size() == count) return all;
      continue;
    }
    if (const auto* broken = std::get_if<Client::Broken>(&event)) return Error(Code::Closed, broken->reason);
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return Error(Code::Timeout, "timed out waiting for a reply");
    stream_.set_timeout(left);
    const Result<std::size_t> got = stream_.read(buffer);
    if (!got) return got.error();
    *got == 0 ? client_.receive_eof() : client_.receive(ByteView(buffer).first(*got));
  }
}

Result<void> SmtpUpstream::send(ByteView data) {
  stream_.set_timeout(timeouts_.block);
  return stream_.write(data);
}

Result<Reply> SmtpUpstream::exchange(ByteView data, milliseconds timeout) {
  // Bytes that arrived before the command cannot be its reply, but would be taken for it.
  if (stream_.pending()) return Error(Code::Closed, "unexpected data from the server");
  client_.expect();
  if (auto sent = send(data); !sent) return sent.error();
  return reply(timeout);
}

// Cancels an AUTH exchange that the client has abandoned while the server waits for a line. Without
// this the server would take the next command for an answer to its challenge.
Result<void> SmtpUpstream::end_exchange() {
  if (!std::exchange(challenged_, false)) return {};
  const Result<Reply> cancelled = exchange(as_bytes("*\r\n"), timeouts_.command);
  return cancelled ? Result<void>() : cancelled.error();
}

Result<Reply> SmtpUpstream::ask(std::string_view command) {
  if (auto ended = end_exchange(); !ended) return ended.error();
  return exchange(as_bytes(command), timeouts_.command);
}

Result<std::vector<Reply>> SmtpUpstream::ask_together(const std::vector<std::string>& commands) {
  std::vector<Reply> all;
  if (!capabilities_.pipelining) {
    for (const std::string& command : commands) {
      const Result<Reply> said = ask(command);
      if (!said) return said.error();
      all.push_back(*said);
      if (!said->positive()) break;
    }
    return all;
  }
  if (auto ended = end_exchange(); !ended) return ended.error();
  if (stream_.pending()) return Error(Code::Closed, "unexpected data from the server");
  // In groups, so that the replies fit into the buffers of both sides: a server that waits until it
  // can write its replies reads no more commands (RFC 2920, section 3.1).
  for (std::size_t at = 0; at < commands.size(); at += kTogether) {
    const std::size_t count = std::min(kTogether, commands.size() - at);
    std::string group;
    for (std::size_t i = 0; i < count; ++i) group += commands[at + i];
    client_.expect(count);
    if (auto sent = send(as_bytes(group)); !sent) return sent.error();
    Result<std::vector<Reply>> said = replies(count, timeouts_.command);
    if (!said) return said.error();
    std::ranges::move(*said, std::back_inserter(all));
  }
  return all;
}

void SmtpUpstream::begin_chunk(std::uint64_t size) {
  dot_sent_ = false;
  chunk_left_ = size;
  const std::string command = "BDAT " + std::to_string(size) + " LAST\r\n";
  std::ranges::copy(as_bytes(command), std::back_inserter(out_));
}

Result<Reply> SmtpUpstream::ask_data() {
  // No end_exchange() here: MAIL and RCPT came before and have done it.
  dots_ = {};
  chunk_left_.reset();
  dot_sent_ = false;
  return exchange(as_bytes("DATA\r\n"), timeouts_.data_start);
}

// Sends `before` and the secret as one line, which is put together in locked memory. If the pieces
// were written separately, the TLS layer would copy them into a buffer of its own
// (net/tls_session.cc).
Result<Reply> SmtpUpstream::say_secret(std::string_view before, const Secret& secret) {
  constexpr std::string_view kEnd = "\r\n";
  Secret line(before.size() + secret.size() + kEnd.size());
  auto at = std::ranges::copy(as_bytes(before), line.span().begin()).out;
  at = std::ranges::copy(secret.view(), at).out;
  std::ranges::copy(as_bytes(kEnd), at);
  return exchange(line.view(), timeouts_.command);
}

Result<Reply> SmtpUpstream::authenticate(const sasl::CredentialForwarder& credentials) {
  if (auto ended = end_exchange(); !ended) return ended.error();
  const std::vector<Secret> messages = credentials.messages();
  const std::string command = "AUTH " + std::string(credentials.mechanism());
  // Mechanisms with one short message send it as initial response, which saves a round trip.
  // Otherwise each message answers a 334 of the server.
  std::size_t next = 0;
  Result<Reply> said(Error(Code::Internal, "no command was sent"));
  if (messages.size() == 1 && messages.front().size() <= kInitialResponse) {
    said = say_secret(command + " ", messages[next++]);
  } else {
    said = ask(command + "\r\n");
  }
  while (said && said->code == 334 && next < messages.size()) said = say_secret("", messages[next++]);
  challenged_ = said && said->code == 334;
  return said;
}

Result<Reply> SmtpUpstream::respond(std::string_view line) {
  Result<Reply> said = say_secret("", Secret(as_bytes(line)));
  challenged_ = said && said->code == 334;
  return said;
}

Result<void> SmtpUpstream::write(ByteView data) {
  if (chunk_left_) {
    if (data.size() > *chunk_left_) return Error(Code::Internal, "the message is longer than announced");
    *chunk_left_ -= data.size();
    // Set it before the write, as in finish().
    dot_sent_ = dot_sent_ || *chunk_left_ == 0;
    std::ranges::copy(data, std::back_inserter(out_));
  } else {
    dots_.write(data, out_);
  }
  return out_.size() < kSendAt ? Result<void>() : flush();
}

Result<void> SmtpUpstream::flush() {
  if (out_.empty()) return {};
  const Result<void> sent = send(out_);
  out_.clear();
  return sent;
}

Result<Reply> SmtpUpstream::finish() {
  Result<std::vector<Reply>> all = finish(1);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<std::vector<Reply>> SmtpUpstream::finish(std::size_t recipients) {
  if (chunk_left_) {
    // The server waits for the missing bytes. The caller closes the connection, and the server
    // forgets the message.
    if (*chunk_left_ > 0) return Error(Code::Internal, "the message is shorter than announced");
    dot_sent_ = true;
    client_.expect(recipients);
    if (auto sent = flush(); !sent) return sent.error();
    Bytes().swap(out_);
    return replies(recipients, timeouts_.end);
  }
  if (auto sent = flush(); !sent) return sent.error();
  // A reply before the final dot would be taken for the reply to the mail. dot_sent_ is still
  // false, so the copy is discarded.
  if (stream_.pending()) return Error(Code::Closed, "the server replied before the end of the message");
  // Free the buffer: the connection may stay idle after this mail.
  Bytes().swap(out_);
  Bytes end;
  dots_.finish(end);
  client_.expect(recipients);
  // Set it before the write: if the write fails, the dot may have been sent all the same.
  dot_sent_ = true;
  if (auto sent = send(end); !sent) return sent.error();
  return replies(recipients, timeouts_.end);
}

void SmtpUpstream::quit() {
  if (stream_.pending()) return;
  client_.expect();
  stream_.set_timeout(kGoodbye);
  if (stream_.write(as_bytes("QUIT\r\n"))) (void)reply(kGoodbye);
}

}  // namespace gw::proxy
