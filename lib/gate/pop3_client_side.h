// The client's side of a POP3 connection, ours or relayed: its stream and its session (pop3/session.h or
// pop3/relay_session.h).
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "gate/login_patience.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gw::gate {

template <class Session>
class Pop3ClientSide {
 public:
  struct Timeouts {
    std::chrono::milliseconds idle;
    std::chrono::milliseconds handshake;
    const LoginLimits& login;  // outlives the connection
  };
  using Tls = Result<std::shared_ptr<const net::ServerTls>>;

  template <class Options>
  Pop3ClientSide(net::Stream&& stream, const Timeouts& timeouts, Options options)
      : stream_(std::move(stream)),
        idle_timeout_(timeouts.idle),
        handshake_timeout_(timeouts.handshake),
        patience_(timeouts.login),
        session_(std::move(options)) {
    stream_.set_timeout(idle_timeout_);
  }

  net::Stream& stream() { return stream_; }
  Session& session() { return session_; }
  bool gone() const { return gone_; }    // nothing can be sent to it any more
  bool spoke() const { return spoke_; }  // it has sent something, within TLS where that is first
  const std::string& reason() const { return reason_; }  // why it ended
  void set_reason(std::string reason) { reason_ = std::move(reason); }

  // False, with the reason: the connection is of no more use. handshake() is that of a connection that begins
  // with TLS, start_tls() that behind STLS, which it answers; `accept` is how the session says yes.
  bool handshake(const Tls& tls) {
    if (tls) return shake_hands(**tls);
    log::error("pop3 without certificate", {{"reason", tls.error().text()}});
    return false;
  }

  template <class Accept>
  bool start_tls(const Tls& tls, Accept accept) {
    if (stream_.pending()) {
      session_.close("nothing may follow STLS");
      return true;
    }
    if (!tls) {
      log::error("pop3 without certificate", {{"reason", tls.error().text()}});
      session_.refuse("[SYS/TEMP] TLS is not available now");
      return true;
    }
    accept();
    if (!flush() || !shake_hands(**tls)) return false;
    session_.tls_started();
    return true;
  }

  // Behind flush(): the session gets what comes next.
  bool read() {
    std::array<std::byte, kReadSize> octets;
    const Result<std::size_t> got =
        session_.logged_in() ? stream_.read(octets) : patience_.read(stream_, octets, idle_timeout_);
    stream_.set_timeout(idle_timeout_);
    if (!got) {
      // No reply: the client would take it for the answer to its next command (RFC 1939 section 3).
      reason_ = got.error().text();
      return false;
    }
    spoke_ = spoke_ || *got > 0;
    if (*got == 0)
      session_.receive_eof();
    else
      session_.receive(ByteView(octets).first(*got));
    if (!session_.logged_in()) wipe(octets);
    return true;
  }

  bool flush() {
    if (session_.output().empty()) return true;
    const Result<void> sent = stream_.write(session_.output());
    session_.output_sent();
    if (sent) return true;
    reason_ = sent.error().text();
    gone_ = true;
    return false;
  }

  // What was said last is sent.
  void say_goodbye() {
    stream_.last_words(kLastWords);
    flush();
  }

 private:
  static constexpr std::size_t kReadSize = 4096;
  static constexpr std::chrono::seconds kLastWords{5};

  bool shake_hands(const net::ServerTls& tls) {
    const Result<void> done = stream_.accept_tls(tls, handshake_timeout_, "pop3");
    if (!done) reason_ = done.error().text();
    return done.has_value();
  }

  net::Stream stream_;
  std::chrono::milliseconds idle_timeout_;
  std::chrono::milliseconds handshake_timeout_;
  LoginPatience patience_;
  Session session_;
  bool spoke_ = false;
  bool gone_ = false;
  std::string reason_ = "closed by the client";
};

}  // namespace gw::gate
