// The client's side of an SMTP connection of gw-smtpd or gw-proxy: joins the session
// (smtp/session.h) with the network stream and owns the read buffers.
//
//   SmtpConnection client(std::move(stream), timeouts);
//   client.begin(options, false);
//   for (;;) {
//     const smtp::Event& event = client.session().next_event();
//     ...                                 // answer it; at NeedInput:
//     if (!client.read()) break;          // client.reason() says why
//   }
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "daemon/login_timeout.h"
#include "net/stream.h"
#include "net/tls.h"
#include "smtp/session.h"

namespace gw::daemon {

// Used by the thread of one connection; not thread safe.
class SmtpConnection {
 public:
  struct Timeouts {
    std::chrono::milliseconds idle;       // for one read between messages
    std::chrono::milliseconds data;       // for one read within a message
    std::chrono::milliseconds handshake;  // for the whole TLS handshake
    // The time that a message in transfer gets after the process is asked to stop.
    std::chrono::milliseconds grace;
  };
  // The certificates to use, or why there are none.
  using Tls = Result<std::shared_ptr<const net::ServerTls>>;

  SmtpConnection(net::Stream stream, const Timeouts& timeouts)
      : stream_(std::move(stream)), timeouts_(timeouts) {}

  net::Stream& stream() { return stream_; }
  const net::Stream& stream() const { return stream_; }
  smtp::Session& session() { return *session_; }  // requires begun()
  const smtp::Session& session() const { return *session_; }
  bool begun() const { return session_ != nullptr; }
  const std::string& reason() const { return reason_; }  // why the connection ended, for the log
  std::uint64_t size() const { return size_; }           // bytes of SMTP read so far

  // Creates the session and greets. If the client has sent bytes before the greeting, the session
  // ends with an error instead: RFC 5321, section 4.3.1 asks clients to wait, and spam software
  // often does not. With `patient` set, such bytes are accepted.
  void begin(smtp::Options options, bool patient);
  // Does the TLS handshake of a connection that begins with TLS (port 465). Returns false, and sets
  // reason(), if it fails; the connection must then be closed.
  bool handshake(const Tls& tls);
  // Handles STARTTLS: replies to it and does the handshake. Returns false if the handshake fails;
  // the connection must then be closed. Returns true also if the command was refused and the
  // session goes on.
  bool start_tls(const Tls& tls);
  // Handles NeedInput: sends the output, reads from the client, and feeds the bytes to the session.
  // The session is closed with 421 if the client sends nothing for the timeout or for `patience`,
  // if the time of `login` (may be null) is used up, or if the process stops. Returns false if the
  // connection is broken.
  bool read(std::chrono::milliseconds patience = std::chrono::milliseconds::max(),
            LoginTimeout* login = nullptr);
  // Sends the session's output. Returns false, and sets reason(), if the client cannot be reached.
  bool flush();
  // Returns whether so much output has been collected that it must be sent before the next event.
  bool must_flush() const { return session_->output_size() >= kOutput; }
  // Lets the next replies, until the next read(), be sent even if the process stops. Call it when a
  // message has been accepted: a client that does not receive the reply sends the message again.
  void flush_on_shutdown() { stream_.allow_final_write(kFinalWrite); }
  // Ends the session with this reply and sets the reason for the log.
  void close(smtp::Refusal refusal, std::string reason);
  // Sends the last output of a session that has ended, for up to two seconds even if the process
  // stops.
  void say_goodbye();
  // Notes that the command buffer holds a password. The next read() wipes the buffer first.
  void wipe_after_read() { secret_ = true; }

 private:
  // A part of the object, so that no command needs an allocation. An idle connection touches only
  // the first page of it.
  static constexpr std::size_t kCommandBuffer = 16 << 10;
  // Allocated only while a message arrives.
  static constexpr std::size_t kBodyBuffer = 64 << 10;
  // Bytes of replies to pipelined commands that are collected before a write (RFC 2920).
  static constexpr std::size_t kOutput = 16 << 10;
  // Time to send the last reply after the process was asked to stop.
  static constexpr std::chrono::milliseconds kFinalWrite{2'000};
  static constexpr std::string_view kGone = "closed by the client";

  net::Stream stream_;
  Timeouts timeouts_;
  std::unique_ptr<smtp::Session> session_;
  // On the heap, where the pages that nothing has been read into take no memory. On the thread's
  // stack the frames of deeper calls would touch pages beyond it.
  std::unique_ptr<std::byte[]> command_ = std::make_unique_for_overwrite<std::byte[]>(kCommandBuffer);
  std::unique_ptr<std::byte[]> body_;
  bool secret_ = false;  // command_ may hold a password
  std::uint64_t size_ = 0;
  std::string reason_{kGone};
};

}  // namespace gw::daemon
