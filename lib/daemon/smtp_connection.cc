#include "daemon/smtp_connection.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/secret.h"
#include "net/serve.h"

namespace gw::daemon {
namespace {

using smtp::Refusal;
using std::chrono::milliseconds;

// A byte that stands for input that must not be read. The session only needs to know that there is
// some, and ends with the right reply.
constexpr std::array<std::byte, 1> kSomething{};

}  // namespace

void SmtpConnection::begin(smtp::Options options, bool patient) {
  session_ = std::make_unique<smtp::Session>(std::move(options));
  if (!patient && stream_.pending())
    session_->receive(kSomething);
  else
    session_->greet();
}

bool SmtpConnection::handshake(const Tls& tls) {
  if (!tls) {
    log::error("smtp tls unavailable", {{"reason", tls.error().text()}});
    reason_ = tls.error().text();
    return false;
  }
  const Result<void> done = stream_.accept_tls(**tls, timeouts_.handshake, "smtp");
  if (!done) reason_ = "handshake: " + done.error().text();
  return done.has_value();
}

bool SmtpConnection::start_tls(const Tls& tls) {
  if (!tls) {
    log::error("smtp tls unavailable", {{"reason", tls.error().text()}});
    session_->refuse(Refusal::TlsUnavailable);
    return true;
  }
  if (stream_.pending()) {
    // The session refuses bytes that follow STARTTLS in the same packet. These have arrived in a
    // later one; reading them within TLS would permit command injection (CVE-2011-0411).
    session_->receive(kSomething);
    return true;
  }
  session_->accept();
  if (!flush() || !handshake(tls)) return false;
  session_->tls_started();
  return true;
}

bool SmtpConnection::read(milliseconds patience, LoginTimeout* login) {
  if (!flush()) return false;
  // At this point the session has consumed the whole buffer. It cannot be wiped directly after
  // AUTH, because pipelined commands may follow in the same buffer.
  if (std::exchange(secret_, false)) wipe(std::span(command_.get(), kCommandBuffer));
  const bool in_body = session_->in_body();
  // A large buffer makes messages fast, but an idle connection must not hold it.
  if (in_body && !body_) body_ = std::make_unique_for_overwrite<std::byte[]>(kBodyBuffer);
  if (!in_body) body_.reset();
  const std::span<std::byte> buffer =
      in_body ? std::span(body_.get(), kBodyBuffer) : std::span(command_.get(), kCommandBuffer);
  // When the process is asked to stop, a message in transfer may end; every other session ends
  // immediately.
  stream_.finish(in_body ? timeouts_.grace : milliseconds(0));
  const milliseconds timeout = std::min(patience, in_body ? timeouts_.data : timeouts_.idle);
  stream_.set_timeout(timeout);
  const Result<std::size_t> got =
      login != nullptr ? login->read(stream_, buffer, timeout) : stream_.read(buffer);
  stream_.set_timeout(timeout);
  if (got) {
    size_ += *got;
    *got == 0 ? session_->receive_eof() : session_->receive(buffer.first(*got));
    return true;
  }
  reason_ = got.error().text();
  // A client that is too slow, or is connected while the process stops, gets a 421 (RFC 5321,
  // section 3.8).
  if (got.error().code() == Code::Timeout)
    session_->close(Refusal::Idle);
  else if (net::stop::requested())
    session_->close(Refusal::Stopping);
  else
    return false;
  return true;
}

bool SmtpConnection::flush() {
  if (session_->output_size() == 0) return true;
  const std::string output = session_->take_output();
  const Result<void> sent = stream_.write(as_bytes(output));
  if (!sent) reason_ = sent.error().text();
  return sent.has_value();
}

void SmtpConnection::close(Refusal refusal, std::string reason) {
  reason_ = std::move(reason);
  session_->close(refusal);
}

void SmtpConnection::say_goodbye() {
  // If nothing more specific is known, the session tells how it ended.
  if (reason_ == kGone && session_->quit())
    reason_ = "quit";
  else if (reason_ == kGone && session_->output_size() > 0)
    reason_ = "closed after the reply";
  stream_.allow_final_write(kFinalWrite);
  flush();
}

}  // namespace gw::daemon
