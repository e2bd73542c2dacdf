// The client's side of an SMTP connection, ours or relayed: the session (smtp/session.h), its stream and its
// buffers.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gate/login_patience.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtp/session.h"

namespace gw::gate {

class SmtpClientSide {
 public:
  struct Timeouts {
    std::chrono::milliseconds idle;
    std::chrono::milliseconds data;
    std::chrono::milliseconds handshake;
    std::chrono::milliseconds grace;  // of a message that is coming in when the process is asked to stop
  };
  using Tls = Result<std::shared_ptr<const net::ServerTls>>;

  SmtpClientSide(net::Stream stream, const Timeouts& timeouts)
      : stream_(std::move(stream)), timeouts_(timeouts) {}

  net::Stream& stream() { return stream_; }
  const net::Stream& stream() const { return stream_; }
  smtp::Session& session() { return *session_; }  // once it has begun
  const smtp::Session& session() const { return *session_; }
  bool begun() const { return session_ != nullptr; }
  const std::string& reason() const { return reason_; }  // why it ended
  std::uint64_t octets() const { return octets_; }       // read so far

  // Greets, unless the client spoke first and `patient` is not said.
  void begin(smtp::Options options, bool patient);
  // False, with the reason: the connection is of no more use. handshake() is that of a connection that begins
  // with TLS, start_tls() that behind STARTTLS, which it answers.
  bool handshake(const Tls& tls);
  bool start_tls(const Tls& tls);
  // At NeedInput: the session gets what comes next. It is closed with its 421 when the client is silent for
  // too long, or for longer than `patience`, when the time for its `login` is over, if given, and when the
  // process stops.
  bool read(std::chrono::milliseconds patience = std::chrono::milliseconds::max(),
            LoginPatience* login = nullptr);
  bool flush();
  bool must_flush() const { return session_->output_size() >= kOutput; }
  // What is said from now on until the next read() is sent, also where the process stops.
  void must_be_heard() { stream_.last_words(kLastWords); }
  // Ends the session with our reply, and the reason for the log.
  void close(smtp::Refusal refusal, std::string reason);
  // What was said last is sent.
  void say_goodbye();
  // A password was in what was read: it is wiped when all of it is used up.
  void had_secret() { secret_ = true; }

 private:
  static constexpr std::size_t kCommandBuffer = 16 << 10;  // an idle connection touches little of it
  static constexpr std::size_t kBodyBuffer = 64 << 10;     // made when a message comes, given back behind it
  static constexpr std::size_t kOutput = 16 << 10;         // replies gathered before they are sent
  static constexpr std::chrono::milliseconds kLastWords{2'000};  // for the 421 of a process that stops
  static constexpr std::string_view kGone = "closed by the client";

  net::Stream stream_;
  Timeouts timeouts_;
  std::unique_ptr<smtp::Session> session_;
  std::array<std::byte, kCommandBuffer> command_;
  std::unique_ptr<std::byte[]> body_;
  bool secret_ = false;
  std::uint64_t octets_ = 0;
  std::string reason_{kGone};
};

}  // namespace gw::gate
