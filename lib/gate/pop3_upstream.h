// gw-proxy's connection to a POP3 server: the network and pop3::Client joined.
//
// One command at a time, each with a deadline. Every Result that fails leaves the connection of no use: the
// server is gone, stalled, or broke the protocol (pop3/client.h). Destruction closes it without QUIT, so
// nothing is deleted there.
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
#include "gate/upstream.h"
#include "net/stream.h"
#include "pop3/capabilities.h"
#include "pop3/client.h"
#include "vault/route.h"

namespace gw::gate {

struct UpstreamTimes {
  std::chrono::milliseconds connect{30'000};  // TLS from the start included
  std::chrono::milliseconds reply{180'000};   // between two pieces of what it says, and for one write
};

class Pop3Upstream {
 public:
  struct Reply {
    pop3::Answer::Kind kind = pop3::Answer::Kind::Refused;
    std::string text;  // fit to be passed on
    bool ok() const { return kind == pop3::Answer::Kind::Ok; }
    bool challenge() const { return kind == pop3::Answer::Kind::Challenge; }
  };

  // Connected, greeted, within TLS where the route says so, and asked what it can do. Denied: the address or
  // the certificate is not accepted. Where the server greets with -ERR or has no STLS, refusal() has what it
  // said and nothing else may be asked.
  static Result<std::unique_ptr<Pop3Upstream>> open(Upstreams& upstreams, const vault::Route& route,
                                                    const UpstreamTimes& times);

  const std::optional<std::string>& refusal() const { return refusal_; }
  const vault::Route& route() const { return route_; }
  const pop3::Capabilities& capabilities() const { return capabilities_; }
  const std::optional<net::TlsFacts>& tls() const { return stream_.tls(); }
  const net::Stream& stream() const { return stream_; }  // to look at, not to read

  // `command` without CRLF. With Due::Text and a reply that is ok, part() gives what follows.
  Result<Reply> ask(std::string_view command, pop3::Due due = pop3::Due::Line);
  // The secret stands behind `words`; it is never copied.
  Result<Reply> ask(std::string_view words, const Secret& secret, pop3::Due due);
  // The next part of a text, valid until the next call; none once the final dot was read.
  Result<std::optional<pop3::TextPart>> part();
  // The whole of a text that is a listing, in pieces. Fails where it is longer than `most` octets.
  Result<void> listing(std::uint64_t most, const std::function<void(ByteView)>& each);

  // Anew, as it may have changed with the login.
  Result<void> learn_capabilities();
  // A stop of the process does not end what is under way before `grace` has passed.
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
  Bytes buffer_;       // given back where nothing is due
  bool much_ = false;  // the last read filled it
  pop3::Capabilities capabilities_;
  std::optional<std::string> refusal_;
};

}  // namespace gw::gate
