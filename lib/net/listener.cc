#include "net/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "base/text.h"
#include "net/descriptor.h"

namespace gw::net {
namespace {

Error not_a_listener(std::string_view text, std::string_view why) {
  return Error(Code::Usage, "cannot listen on `" + std::string(text) + "`: " + std::string(why))
      .with_hint("use ADDRESS:PORT, for example 127.0.0.1:2525 or [::]:465,tls");
}

}  // namespace

Result<ListenSpec> parse_listen(std::string_view text) {
  ListenSpec spec;
  std::string_view rest = text;
  if (const auto comma = rest.find(','); comma != std::string_view::npos) {
    if (rest.substr(comma + 1) != "tls") return not_a_listener(text, "only `tls` may follow the comma");
    spec.implicit_tls = true;
    rest = rest.substr(0, comma);
  }
  // The last colon: an IPv6 address contains others.
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return not_a_listener(text, "the port is missing");
  const auto port = parse_number(rest.substr(colon + 1));
  if (!port || *port > 65535) return not_a_listener(text, "the port is not a number up to 65535");
  spec.port = static_cast<std::uint16_t>(*port);

  std::string_view host = rest.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  spec.host = host;
  in6_addr any{};
  const bool v6 = ::inet_pton(AF_INET6, spec.host.c_str(), &any) == 1;
  // `::1:25` would be ambiguous without brackets.
  if (v6 && !bracketed) return not_a_listener(text, "an IPv6 address must be in brackets");
  if (!v6 && (bracketed || ::inet_pton(AF_INET, spec.host.c_str(), &any) != 1)) {
    return not_a_listener(text, "the host is not a numeric address");
  }
  return spec;
}

Result<Listener> listen_on(const ListenSpec& spec, std::string_view protocol, int backlog) {
  sockaddr_storage storage{};
  socklen_t length = 0;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (::inet_pton(AF_INET, spec.host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(spec.port);
    length = sizeof *v4;
  } else if (::inet_pton(AF_INET6, spec.host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(spec.port);
    length = sizeof *v6;
  } else {
    return not_a_listener(spec.host, "the host is not a numeric address");
  }
  const std::string what = "cannot listen on " + spec.host + " port " + std::to_string(spec.port);

  Listener listener;
  listener.socket = Fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket) return Error::from_errno(what);
  const int fd = listener.socket.get();
  const int yes = 1;
  const int no = 0;
  // Without it a restart fails as long as old connections are in TIME_WAIT. Linux does not let two
  // listeners share a port by it.
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (::bind(fd, address, length) != 0) {
    // If both `0.0.0.0:25` and `[::]:25` are configured, the second one finds the IPv4 half of the
    // port taken. It then listens on IPv6 alone.
    const bool again = errno == EADDRINUSE && storage.ss_family == AF_INET6 &&
                       ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0 &&
                       ::bind(fd, address, length) == 0;
    if (!again) return Error::from_errno(what);
  }
  if (::listen(fd, backlog) != 0) return Error::from_errno(what);
  listener.address = describe(fd).address;
  listener.implicit_tls = spec.implicit_tls;
  listener.protocol = std::string(protocol) + (spec.implicit_tls ? "s" : "");
  return listener;
}

}  // namespace gw::net
