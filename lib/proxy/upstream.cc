#include "proxy/upstream.h"

#include "net/connect.h"

namespace gw::proxy {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Cached client settings; routes with pins may come and go.
constexpr std::size_t kMaxTrusts = 1000;

}  // namespace

Result<Upstreams::Trust> Upstreams::trust(const vault::Route& route) {
  net::ClientPolicy policy;
  policy.verify = trusting_ == Verification::Verify;
  if (route.pin)
    policy.pin = to_hex(*route.pin);
  else
    policy.ca_file = route.ca_file;
  // One of the two is empty. A pin is 64 hex digits and a CA file a path, so the key is
  // unambiguous. The empty key stands for the CAs of the system.
  const std::string key = policy.pin + policy.ca_file;
  const std::lock_guard lock(mutex_);
  if (const auto found = trusts_.find(key); found != trusts_.end()) return found->second;
  Result<Trust> made = net::ClientTls::make(policy);
  if (!made) return made.error();
  if (trusts_.size() >= kMaxTrusts) trusts_.clear();
  trusts_[key] = *made;
  return *made;
}

Result<net::Stream> Upstreams::open(const vault::Route& route, milliseconds timeout) {
  // connect_to() and the handshake share the timeout.
  const auto begun = Clock::now();
  Result<net::Stream> stream = net::connect_to({route.host, route.port, route.allow_private, timeout});
  if (!stream || route.tls != vault::UpstreamTls::Implicit) return stream;
  const auto left = timeout - std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  const Result<Trust> tls = trust(route);
  if (!tls) return tls.error();
  if (const Result<void> done = stream->connect_tls(**tls, route.host, left); !done)
    return done.error().within(route.upstream());
  return stream;
}

Result<void> Upstreams::start_tls(net::Stream& stream, const vault::Route& route, milliseconds timeout) {
  if (stream.pending()) return Error(Code::Closed, "the server sent data before the TLS handshake");
  const Result<Trust> tls = trust(route);
  if (!tls) return tls.error();
  return stream.connect_tls(**tls, route.host, timeout);
}

void Upstreams::reload() {
  const std::lock_guard lock(mutex_);
  trusts_.clear();
}

}  // namespace gw::proxy
