// A connection to an SMTP or LMTP server, as gw-proxy has one to the server of a route: joins the
// client side of the protocol (smtp/client.h) and the network.
//
//   auto server = SmtpUpstream::open(upstreams, route, host, timeouts);
//   (*server)->ask("MAIL FROM:<a@example.com>\r\n");
//   (*server)->ask("RCPT TO:<b@example.com>\r\n");
//   if ((*server)->ask_data()->code == 354) {
//     (*server)->write(data); ...
//     Result<smtp::Reply> reply = (*server)->finish();
//   }
//   (*server)->quit();
//
// One command is in flight at a time, except in ask_together(). Refusals of the server are replies,
// not errors. After any Error the connection is unusable: the server has closed it, has exceeded a
// timeout, or has sent a reply to no command.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "net/stream.h"
#include "proxy/upstream.h"
#include "sasl/credential_forwarder.h"
#include "smtp/client.h"
#include "wire/dot_writer.h"

namespace gw::proxy {

// Timeouts towards the server, after RFC 5321, section 4.5.3.2. Those for replies cover the whole
// reply.
struct SmtpTimeouts {
  std::chrono::milliseconds open{30'000};  // for connecting, and for each TLS handshake
  // For the greeting, and each reply to EHLO and STARTTLS.
  std::chrono::milliseconds greeting{60'000};
  std::chrono::milliseconds command{300'000};     // for the reply to AUTH, MAIL, RCPT and RSET
  std::chrono::milliseconds data_start{120'000};  // for the reply to DATA
  std::chrono::milliseconds block{180'000};       // for each write
  std::chrono::milliseconds end{600'000};         // for the reply to the final dot
  // For all waits, after the process is asked to stop.
  std::chrono::milliseconds grace{20'000};
};

// The protocol of the server. LMTP (RFC 2033) greets with LHLO, and replies to the end of a message
// once for each accepted recipient.
enum class Dialect : unsigned char { Smtp, Lmtp };

// Used by the thread of one connection; not thread safe.
class SmtpUpstream {
 public:
  // Connects to the route's server, reads the greeting, sends EHLO with `host`, and starts TLS if
  // the route asks for it. `upstreams` is only used during the call. Fails with Denied if the
  // address or the certificate is not accepted, with Unavailable if the server refuses the session
  // or does not offer STARTTLS, and with Timeout or Closed.
  static Result<std::unique_ptr<SmtpUpstream>> open(Upstreams& upstreams, const vault::Route& route,
                                                    const std::string& host, const SmtpTimeouts& timeouts,
                                                    Dialect dialect = Dialect::Smtp);
  // Does the same over `stream`, which is connected and has TLS if the route has implicit TLS.
  static Result<std::unique_ptr<SmtpUpstream>> open(net::Stream stream, Upstreams& upstreams,
                                                    const vault::Route& route, const std::string& host,
                                                    const SmtpTimeouts& timeouts,
                                                    Dialect dialect = Dialect::Smtp);

  const vault::Route& route() const { return route_; }
  const smtp::Capabilities& capabilities() const { return capabilities_; }
  const net::Stream& stream() const { return stream_; }  // for its peer and certificate

  // Sends `command`, given with its CRLF, and returns the reply.
  Result<smtp::Reply> ask(std::string_view command);
  // Sends `commands` and returns one reply for each. They are sent together if the server offers
  // PIPELINING (RFC 2920), otherwise one after the other, up to and including the first that is
  // refused.
  Result<std::vector<smtp::Reply>> ask_together(const std::vector<std::string>& commands);
  // Sends DATA and returns the reply. After 354, send the message with write() and finish().
  Result<smtp::Reply> ask_data();
  // Repeats the client's AUTH exchange. Returns 334 if the server asks for more: the caller then
  // passes the challenge to the client and the client's line to respond(). If another command
  // follows instead, the exchange is cancelled with `*` first (RFC 4954, section 4). Each
  // line with credentials is put together in locked memory.
  Result<smtp::Reply> authenticate(const sasl::CredentialForwarder& credentials);
  // Sends one line of the client, given without CRLF, after a 334.
  Result<smtp::Reply> respond(std::string_view line);

  // Begins the message as a single chunk of exactly `size` bytes instead of with DATA, for a server
  // that offers CHUNKING (RFC 3030). write() then sends the bytes as they are, and finish() sends
  // no dot. The first reply is that of finish().
  void begin_chunk(std::uint64_t size);

  // Sends bytes of the message, given without dot stuffing. They are collected up to 64 KiB or
  // until flush().
  Result<void> write(ByteView data);
  Result<void> flush();
  // Sends the rest of the message and the final dot, and returns the reply. If this fails,
  // dot_sent() tells whether the server may have accepted the message. It is also true once the
  // last byte of a chunk may have been sent.
  Result<smtp::Reply> finish();
  // Does the same for LMTP, and returns the replies of all `recipients` that were accepted.
  Result<std::vector<smtp::Reply>> finish(std::size_t recipients);
  bool dot_sent() const { return dot_sent_; }

  // Sends QUIT and waits up to two seconds for the reply. Destruction without it closes the
  // connection.
  void quit();

 private:
  SmtpUpstream(net::Stream stream, const vault::Route& route, const SmtpTimeouts& timeouts, Dialect dialect)
      : stream_(std::move(stream)), route_(route), timeouts_(timeouts), dialect_(dialect) {}

  Result<smtp::Reply> ask_soon(std::string_view command) {
    return exchange(as_bytes(command), timeouts_.greeting);
  }
  Result<void> begin(Upstreams& upstreams, const std::string& host);
  Result<void> hello(const std::string& host);
  Result<void> send(ByteView data);
  Result<void> end_exchange();
  Result<smtp::Reply> exchange(ByteView data, std::chrono::milliseconds timeout);
  Result<smtp::Reply> say_secret(std::string_view before, const Secret& secret);
  Result<smtp::Reply> reply(std::chrono::milliseconds timeout);
  Result<std::vector<smtp::Reply>> replies(std::size_t count, std::chrono::milliseconds timeout);

  net::Stream stream_;
  vault::Route route_;
  SmtpTimeouts timeouts_;
  Dialect dialect_;
  smtp::Client client_;
  smtp::Capabilities capabilities_;
  bool challenged_ = false;  // the server has replied 334 and waits for a line
  wire::DotWriter dots_;
  Bytes out_;  // stuffed bytes of the message that have not been sent
  bool dot_sent_ = false;
  // Bytes of the message that write() has not received yet; nullopt after DATA.
  std::optional<std::uint64_t> chunk_left_;
};

}  // namespace gw::proxy
