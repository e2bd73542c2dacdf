#include "push/target.h"

#include <array>

#include "base/text.h"

namespace gw::push {
namespace {

struct Scheme {
  std::string_view prefix;
  proxy::Dialect dialect;
  bool implicit_tls;
  std::uint16_t port;  // 0: the URL must name it
};
// LMTP has no port of its own (RFC 2033, section 5).
constexpr std::array kSchemes{Scheme{"smtp://", proxy::Dialect::Smtp, false, 25},
                              Scheme{"smtps://", proxy::Dialect::Smtp, true, 465},
                              Scheme{"lmtp://", proxy::Dialect::Lmtp, false, 0}};

const Scheme* scheme_of(std::string_view text) {
  for (const Scheme& each : kSchemes)
    if (istarts_with(text, each.prefix)) return &each;
  return nullptr;
}

// A name such as `127.example.com` must not count, so the whole host is examined.
bool loopback(std::string_view host) {
  return iequals(host, "localhost") || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string_view::npos);
}

Error wrong(std::string_view url, std::string_view why) {
  return Error(Code::Usage, "--to " + printable(url) + ": " + std::string(why))
      .with_hint("use smtp://HOST:PORT, smtps://HOST:PORT, lmtp://HOST:PORT or lmtp:///PATH");
}

}  // namespace

bool is_url(std::string_view text) {
  return scheme_of(text) != nullptr;
}

Result<Target> parse_target(std::string_view url) {
  const Scheme* scheme = scheme_of(url);
  if (scheme == nullptr) return wrong(url, "not a URL of SMTP or LMTP");
  std::string_view rest = url.substr(scheme->prefix.size());
  Target target;
  target.url = url;
  target.dialect = scheme->dialect;
  target.server.allow_private = true;  // the archive usually is in the same network
  if (target.dialect == proxy::Dialect::Lmtp && rest.starts_with('/')) {
    target.socket = rest;
    target.local = true;
    target.server.tls = vault::UpstreamTls::None;
    return target;
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  // The text may hold a password, so it is not repeated.
  if (rest.find('@') != std::string_view::npos)
    return Error(Code::Usage, "--to: a URL must not have a login").with_hint("use --user NAME");
  // The last colon begins the port, unless it belongs to an IPv6 address.
  const std::size_t colon = rest.rfind(':');
  const bool port_given = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  if (!port_given && scheme->port == 0) return wrong(url, "no port");
  const auto place =
      vault::parse_upstream(std::string(rest) + (port_given ? "" : ":" + std::to_string(scheme->port)));
  if (!place) return wrong(url, "not HOST or HOST:PORT");
  target.server.host = place->host;
  target.server.port = place->port;
  target.local = loopback(place->host);
  target.server.tls = scheme->implicit_tls ? vault::UpstreamTls::Implicit
                      : target.local       ? vault::UpstreamTls::None
                                           : vault::UpstreamTls::StartTls;
  return target;
}

}  // namespace gw::push
