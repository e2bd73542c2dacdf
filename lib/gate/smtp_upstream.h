// One SMTP conversation with the server that a route leads to: the client's side of the protocol
// (smtp/client.h) and the network joined.
//
// Commands go one at a time, each with its reply. An Error of any call means that the server is of no more
// use: it went away, took too long, or spoke when it was not asked. Its own refusals are replies.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/secret.h"
#include "gate/upstream.h"
#include "net/stream.h"
#include "sasl/pass_through.h"
#include "smtp/client.h"
#include "wire/dot_writer.h"

namespace gw::gate {

// RFC 5321 section 4.5.3.2.
struct SmtpTimeouts {
  std::chrono::milliseconds open{30'000};      // to be connected, with TLS
  std::chrono::milliseconds greeting{60'000};  // for each reply until it is ready for us
  std::chrono::milliseconds command{300'000};
  std::chrono::milliseconds data_start{120'000};
  std::chrono::milliseconds block{180'000};
  std::chrono::milliseconds end{600'000};   // for the reply to the final dot
  std::chrono::milliseconds grace{20'000};  // of all waits, once the process is asked to stop
};

class SmtpUpstream {
 public:
  // Connected, greeted, within TLS as the route says, and its capabilities known. `host` is what it is told
  // that we are.
  static Result<std::unique_ptr<SmtpUpstream>> open(Upstreams& upstreams, const vault::Route& route,
                                                    const std::string& host, const SmtpTimeouts& timeouts);

  const vault::Route& route() const { return route_; }
  const smtp::Capabilities& capabilities() const { return capabilities_; }
  const net::Stream& stream() const { return stream_; }  // to look at, not to read

  // `command` with its CRLF.
  Result<smtp::Reply> ask(std::string_view command);
  Result<smtp::Reply> ask_data();
  // All that the client said to authenticate. 334: the server asks for more, which respond() answers with a
  // line of the client's. Where another command follows instead, the exchange is cancelled.
  Result<smtp::Reply> authenticate(const sasl::PassThrough& credentials);
  Result<smtp::Reply> respond(std::string_view line);

  // The message behind a 354: its octets, unstuffed; gathered until flush() or 64 KiB.
  Result<void> write(ByteView octets);
  Result<void> flush();
  // The final dot, once all else is sent, and the reply to it. Where it fails dot_sent() tells whether the
  // server may have the message.
  Result<smtp::Reply> finish();
  bool dot_sent() const { return dot_sent_; }

  // Says goodbye, and waits a little for the answer. Destruction without it closes the connection.
  void quit();

 private:
  SmtpUpstream(net::Stream stream, const vault::Route& route, const SmtpTimeouts& timeouts)
      : stream_(std::move(stream)), route_(route), timeouts_(timeouts) {}

  Result<smtp::Reply> ask_soon(std::string_view command) {
    return exchange(as_bytes(command), timeouts_.greeting);
  }
  Result<void> begin(Upstreams& upstreams, const std::string& host);
  Result<void> hello(const std::string& host);
  Result<void> send(ByteView octets);
  Result<void> end_exchange();
  Result<smtp::Reply> exchange(ByteView octets, std::chrono::milliseconds timeout);
  Result<smtp::Reply> say_secret(std::string_view before, const Secret& secret);
  Result<smtp::Reply> reply(std::chrono::milliseconds timeout);

  net::Stream stream_;
  vault::Route route_;
  SmtpTimeouts timeouts_;
  smtp::Client client_;
  smtp::Capabilities capabilities_;
  bool challenged_ = false;  // an AUTH is under way
  wire::DotWriter dots_;
  Bytes out_;
  bool dot_sent_ = false;
};

}  // namespace gw::gate
