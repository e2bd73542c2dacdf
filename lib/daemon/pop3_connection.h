// The client's side of a POP3 connection: joins the network stream with the protocol session.
//
// gw-pop3d uses it with pop3::Session, gw-proxy with pop3::ProxySession. This class moves bytes
// between the stream and the session and does the TLS handshakes. The caller handles the session's
// events:
//
//   Pop3Connection<pop3::Session> client(std::move(stream), timeouts, options);
//   for (;;) {
//     switch (client.session().next_event()) ...      // answer it; at NeedInput:
//     if (!client.flush() || !client.read()) break;   // client.reason() says why
//   }
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "daemon/login_timeout.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gw::daemon {

// Used by the thread of one connection; not thread safe.
template <class Session>
class Pop3Connection {
 public:
  struct Timeouts {
    std::chrono::milliseconds idle;       // for one read or write
    std::chrono::milliseconds handshake;  // for the whole TLS handshake
    const LoginLimits& login;             // until the login; must outlive the connection
  };
  // The certificates to use, or why there are none.
  using Tls = Result<std::shared_ptr<const net::ServerTls>>;

  template <class Options>
  Pop3Connection(net::Stream&& stream, const Timeouts& timeouts, Options options)
      : stream_(std::move(stream)),
        idle_timeout_(timeouts.idle),
        handshake_timeout_(timeouts.handshake),
        patience_(timeouts.login),
        session_(std::move(options)) {
    stream_.set_timeout(idle_timeout_);
  }

  net::Stream& stream() { return stream_; }
  Session& session() { return session_; }
  bool gone() const { return gone_; }  // a write has failed: nothing more can be sent
  // Returns whether the client has sent anything; bytes of an initial TLS handshake do not count.
  bool spoke() const { return spoke_; }
  // Why the connection ended, for the log. The methods below set it when they return false.
  const std::string& reason() const { return reason_; }
  void set_reason(std::string reason) { reason_ = std::move(reason); }

  // Does the TLS handshake of a connection that begins with TLS (port 995). Returns false if it
  // fails; the connection must then be closed.
  bool handshake(const Tls& tls) {
    if (tls) return shake_hands(**tls);
    log::error("pop3 tls unavailable", {{"reason", tls.error().text()}});
    return false;
  }

  // Handles an STLS command (RFC 2595): replies to it, calling `accept` to add the session's +OK,
  // and does the handshake. Returns false if the handshake fails; the connection must then be
  // closed. Returns true also if the command was refused and the session goes on without TLS.
  template <class Accept>
  bool start_tls(const Tls& tls, Accept accept) {
    // Bytes that follow STLS arrived in clear. Reading them later would let an attacker inject
    // commands into the TLS session (CVE-2021-33515).
    if (stream_.pending()) {
      session_.close("Commands may not be pipelined after STLS");
      return true;
    }
    if (!tls) {
      log::error("pop3 tls unavailable", {{"reason", tls.error().text()}});
      session_.refuse("[SYS/TEMP] TLS is temporarily unavailable");
      return true;
    }
    accept();
    if (!flush() || !shake_hands(**tls)) return false;
    session_.tls_started();
    return true;
  }

  // Reads from the client and feeds the bytes, or the end of the stream, to the session. Call
  // flush() before. Before the login, LoginTimeout limits the wait. Returns false if the read
  // fails or times out.
  bool read() {
    std::array<std::byte, kReadSize> data;
    const Result<std::size_t> got =
        session_.logged_in() ? stream_.read(data) : patience_.read(stream_, data, idle_timeout_);
    stream_.set_timeout(idle_timeout_);
    if (!got) {
      // Close without a reply after a timeout (RFC 1939, section 3): the client would take a reply
      // for the answer to its next command.
      reason_ = got.error().text();
      return false;
    }
    spoke_ = spoke_ || *got > 0;
    if (*got == 0)
      session_.receive_eof();
    else
      session_.receive(ByteView(data).first(*got));
    // Before the login the bytes may hold a password. The session has copied what it needs.
    if (!session_.logged_in()) wipe(data);
    return true;
  }

  // Sends the session's output. Returns false if the client cannot be reached any more; gone() is
  // true then.
  bool flush() {
    if (session_.output().empty()) return true;
    const Result<void> sent = stream_.write(session_.output());
    session_.output_sent();
    if (sent) return true;
    reason_ = sent.error().text();
    gone_ = true;
    return false;
  }

  // Sends the last output of a session that has ended, for up to five seconds even if the process
  // stops.
  void say_goodbye() {
    stream_.allow_final_write(kFinalWrite);
    flush();
  }

 private:
  static constexpr std::size_t kReadSize = 4096;
  static constexpr std::chrono::seconds kFinalWrite{5};

  bool shake_hands(const net::ServerTls& tls) {
    const Result<void> done = stream_.accept_tls(tls, handshake_timeout_, "pop3");
    if (!done) reason_ = done.error().text();
    return done.has_value();
  }

  net::Stream stream_;
  std::chrono::milliseconds idle_timeout_;
  std::chrono::milliseconds handshake_timeout_;
  LoginTimeout patience_;
  Session session_;
  bool spoke_ = false;
  bool gone_ = false;
  std::string reason_ = "closed by the client";
};

}  // namespace gw::daemon
