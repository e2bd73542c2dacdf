// gw-proxy's connection to the POP3 server of a route: joins the network and pop3::Client.
//
//   auto server = Pop3Upstream::open(upstreams, route, times);
//   auto reply = (*server)->ask("RETR 1", pop3::Due::Text);
//   if (reply && reply->ok())
//     while (auto part = (*server)->part(); part && *part) ...   // until nullopt: the final dot
//
// One command is in flight at a time. After any error the connection is unusable: the server is
// gone or stalled, or it violated the protocol (pop3/client.h). Destruction closes the connection
// without QUIT, so that the server deletes nothing.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "net/stream.h"
#include "pop3/capabilities.h"
#include "pop3/client.h"
#include "proxy/upstream.h"
#include "vault/route.h"

namespace gw::proxy {

struct UpstreamTimes {
  std::chrono::milliseconds connect{30'000};  // connecting, with a TLS handshake
  // For each read and each write. A server that sends a byte now and then is not cut off by it.
  std::chrono::milliseconds reply{180'000};
};

// Used by the thread of one connection; not thread safe.
class Pop3Upstream {
 public:
  // The status line of the server's reply.
  struct Reply {
    pop3::Answer::Kind kind = pop3::Answer::Kind::Refused;
    // The text after the status. Of +OK and -ERR it is printable ASCII and can be sent to a client;
    // a challenge is as the server sent it.
    std::string text;
    bool ok() const { return kind == pop3::Answer::Kind::Ok; }
    bool challenge() const { return kind == pop3::Answer::Kind::Challenge; }
  };

  // Connects to the route's server, reads the greeting, starts TLS if the route asks for it, and
  // reads the capabilities. `upstreams` is only used during the call. Fails with Denied if the
  // address or the certificate is not accepted. Succeeds with a refusal() if the server greets with
  // -ERR or refuses STLS; the caller must then send no command.
  static Result<std::unique_ptr<Pop3Upstream>> open(Upstreams& upstreams, const vault::Route& route,
                                                    const UpstreamTimes& times);

  // The text for the client if the server does not serve this connection; nullopt if it does.
  const std::optional<std::string>& refusal() const { return refusal_; }
  const vault::Route& route() const { return route_; }
  const pop3::Capabilities& capabilities() const { return capabilities_; }
  const std::optional<net::TlsFacts>& tls() const { return stream_.tls(); }
  const net::Stream& stream() const { return stream_; }  // for its peer and certificate

  // Sends `command`, given without CRLF, and returns the reply. `due` says what the reply may be.
  // After a reply that is ok() with Due::Text, read the text with part() to its end before the next
  // command.
  Result<Reply> ask(std::string_view command, pop3::Due due = pop3::Due::Line);
  // The same for a line that ends with a secret: sends `words`, then `secret`. The secret is not
  // copied into the command; within TLS, net/tls_session.cc joins the pieces of a short line.
  Result<Reply> ask(std::string_view words, const Secret& secret, pop3::Due due);
  // Returns the next part of the text, valid until the next call of any member; nullopt after the
  // final dot.
  Result<std::optional<pop3::TextPart>> part();
  // Reads the whole text and calls `each` with its pieces. Fails with Closed if it is longer than
  // `most` bytes.
  Result<void> listing(std::uint64_t most, const std::function<void(ByteView)>& each);

  // Asks for the capabilities again: a server may announce others after the login (RFC 2449).
  Result<void> learn_capabilities();
  // Lets reads and writes go on for up to `grace` after the process is asked to stop.
  void finish(std::chrono::milliseconds grace) { stream_.finish(grace); }

 private:
  Pop3Upstream(net::Stream stream, const vault::Route& route, const UpstreamTimes& times);
  Result<void> begin(Upstreams& upstreams);
  Result<Reply> reply();
  Result<void> send(std::span<const ByteView> pieces, pop3::Due due);
  Result<void> read_more();
  Error broken(const pop3::Broken& how) const;

  net::Stream stream_;
  vault::Route route_;
  UpstreamTimes times_;
  pop3::Client client_;
  pop3::Due due_ = pop3::Due::Line;
  Bytes buffer_;       // freed between replies, so that an idle connection holds no memory
  bool much_ = false;  // a read of this reply has filled the buffer
  pop3::Capabilities capabilities_;
  std::optional<std::string> refusal_;
};

}  // namespace gw::proxy
