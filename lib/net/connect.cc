#include "net/connect.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <climits>
#include <cstring>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

#include "net/serve.h"

namespace gw::net {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// A block of addresses, of IPv4 or IPv6: the first `bits` of `data`.
struct Block {
  std::array<unsigned char, 16> data;
  unsigned bits;
};

constexpr Block v4(unsigned char a, unsigned char b, unsigned char c, unsigned bits) {
  return {{a, b, c}, bits};
}
// IANA's registry of special-purpose addresses (RFC 6890). 224.0.0.0/3 is multicast, the reserved
// class E and broadcast.
constexpr Block kNotPublic4[] = {
    v4(0, 0, 0, 8),     v4(10, 0, 0, 8),   v4(100, 64, 0, 10),  v4(127, 0, 0, 8),   v4(169, 254, 0, 16),
    v4(172, 16, 0, 12), v4(192, 0, 0, 24), v4(192, 168, 0, 16), v4(198, 18, 0, 15), v4(224, 0, 0, 3),
};
constexpr Block kNotPublic6[] = {
    {{}, 96},                                          // ::, ::1, IPv4-compatible
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96},  // IPv4-mapped
    {{0, 0x64, 0xff, 0x9b, 0, 1}, 48},                 // NAT64 with a local prefix (RFC 8215)
    {{0x01}, 64},                                      // discard-only (RFC 6666)
    {{0xfc}, 7},                                       // unique local
    {{0xfe, 0x80}, 9},                                 // link-local and site-local
    {{0xff}, 8},                                       // multicast
};
// Translators deliver packets to these prefixes to the embedded IPv4 address, so that address
// decides.
constexpr Block kNat64{{0, 0x64, 0xff, 0x9b}, 96};
constexpr Block k6to4{{0x20, 0x02}, 16};

bool holds(const Block& block, const unsigned char* address) {
  const unsigned whole = block.bits / 8;
  if (std::memcmp(block.data.data(), address, whole) != 0) return false;
  if (block.bits % 8 == 0) return true;
  const unsigned mask = 0xffU << (8 - block.bits % 8);
  return ((block.data[whole] ^ address[whole]) & mask & 0xffU) == 0;
}

template <class Blocks>
bool outside(const Blocks& blocks, const unsigned char* address) {
  return std::none_of(std::begin(blocks), std::end(blocks),
                      [&](const Block& block) { return holds(block, address); });
}

bool is_public4(const unsigned char* address) {
  return outside(kNotPublic4, address);
}

bool is_public6(const unsigned char* address) {
  if (holds(kNat64, address)) return is_public4(address + 12);
  if (holds(k6to4, address)) return is_public4(address + 2);
  return outside(kNotPublic6, address);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
  bool reaches_public() const {
    if (storage.ss_family == AF_INET) {
      const auto* in = reinterpret_cast<const sockaddr_in*>(&storage);
      return is_public4(reinterpret_cast<const unsigned char*>(&in->sin_addr));
    }
    const auto* in = reinterpret_cast<const sockaddr_in6*>(&storage);
    return is_public6(reinterpret_cast<const unsigned char*>(&in->sin6_addr));
  }
};

// Shared by the thread that looks a name up and the one that waits for it. Either may finish first,
// so both hold a shared_ptr.
struct Lookup {
  std::string host;
  std::string port;
  // An eventfd, written when the result is complete.
  Fd done;
  // Set before the eventfd is written. The wakeup by poll(2) does not order memory accesses between
  // threads; this variable does.
  std::atomic<bool> there{false};
  int error = 0;
  std::vector<Address> addresses;
};

void look_up(Lookup& lookup, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | flags;
  addrinfo* found = nullptr;
  lookup.error = ::getaddrinfo(lookup.host.c_str(), lookup.port.c_str(), &hints, &found);
  if (lookup.error != 0) return;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    Address address;
    std::memcpy(&address.storage, each->ai_addr, each->ai_addrlen);
    address.length = each->ai_addrlen;
    lookup.addresses.push_back(address);
  }
  ::freeaddrinfo(found);
}

// Waits until `fd` is ready. Fails with Timeout at the deadline and with Closed if the process is
// to stop.
Result<void> wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    if (stop::requested()) return Error(Code::Closed, "stopping");
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Error(Code::Timeout, "timed out");
    std::array<pollfd, 2> items{{{fd, events, 0}, {stop::descriptor(), POLLIN, 0}}};
    const int count = ::poll(items.data(), 2, static_cast<int>(std::min<long long>(left, INT_MAX)));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return Error::from_errno("cannot wait");
    if (count > 0 && items[0].revents != 0) return {};
  }
}

Error not_found(const Lookup& lookup) {
  const std::string why = lookup.error != 0 ? ::gai_strerror(lookup.error) : "no address";
  return Error(Code::Unavailable, "cannot look up " + lookup.host + ": " + why);
}

// getaddrinfo(3) has no timeout and needs more stack than the thread of a connection has
// (net/serve.cc). It therefore runs on a thread of its own, which is abandoned if it takes too
// long. A numeric address needs no lookup and no thread.
Result<std::vector<Address>> addresses_of(const Destination& to, Clock::time_point deadline) {
  auto lookup = std::make_shared<Lookup>();
  lookup->host = to.host;
  lookup->port = std::to_string(to.port);
  look_up(*lookup, AI_NUMERICHOST);
  // EAI_NONAME is what AI_NUMERICHOST returns for a host name. Other errors are final.
  if (lookup->error == EAI_NONAME) {
    lookup->done = Fd(::eventfd(0, EFD_CLOEXEC));
    if (!lookup->done) return Error::from_errno("cannot look up a name");
    try {
      std::thread([lookup] {
        look_up(*lookup, 0);
        lookup->there = true;
        ::eventfd_write(lookup->done.get(), 1);
      }).detach();
    } catch (const std::system_error&) {
      return Error(Code::Busy, "cannot start a thread to look up " + to.host);
    }
    const Result<void> waited = wait_for(lookup->done.get(), POLLIN, deadline);
    if (!waited) return waited.error().within("cannot look up " + to.host);
    if (!lookup->there) return Error(Code::Internal, "cannot look up " + to.host);
  }
  if (lookup->error != 0 || lookup->addresses.empty()) return not_found(*lookup);
  return lookup->addresses;
}

Result<Fd> connect_one(const Address& address, Clock::time_point deadline) {
  Fd fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::from_errno("socket");
  if (::connect(fd.get(), address.raw(), address.length) == 0) return fd;
  // After EINTR the connection attempt continues in the background (connect(2)).
  if (errno != EINPROGRESS && errno != EINTR) return Error::from_errno("connect");
  if (auto ready = wait_for(fd.get(), POLLOUT, deadline); !ready) return ready.error();
  // POLLOUT only tells that the attempt has ended; SO_ERROR tells how.
  int failed = 0;
  socklen_t size = sizeof failed;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &failed, &size) != 0) failed = errno;
  if (failed != 0) return Error::from_errno("connect", failed);
  return fd;
}

}  // namespace

bool is_public(std::string_view address) {
  const std::string text(address);
  std::array<unsigned char, 16> data{};
  if (::inet_pton(AF_INET, text.c_str(), data.data()) == 1) return is_public4(data.data());
  if (::inet_pton(AF_INET6, text.c_str(), data.data()) == 1) return is_public6(data.data());
  return false;
}

Result<Stream> connect_to(const Destination& to) {
  const auto deadline = Clock::now() + to.timeout;
  const std::string what = "cannot connect to " + to.host + " port " + std::to_string(to.port);
  const Result<std::vector<Address>> addresses = addresses_of(to, deadline);
  if (!addresses) return addresses.error();
  std::optional<Error> failed;
  std::size_t left = addresses->size();
  for (const Address& address : *addresses) {
    // Each address gets an equal share of the remaining time, so that one that drops packets leaves
    // time for the next.
    const auto share = (deadline - Clock::now()) / static_cast<long>(left--);
    // A public address that fails later replaces this error, since it is the more useful one.
    if (!to.allow_private && !address.reaches_public()) {
      if (!failed)
        failed = Error(Code::Denied, what + ": it is not a public address")
                     .with_hint("gw-store route set ROUTE --allow-private on");
      continue;
    }
    Result<Fd> connected = connect_one(address, Clock::now() + share);
    if (connected) {
      Peer peer = peer_of(connected->get());
      return Stream(std::move(*connected), std::move(peer));
    }
    const Error& error = connected.error();
    // Closed can also be the peer's reset. Only the stop of the process ends the loop.
    if (error.code() == Code::Closed && stop::requested()) return error;
    failed =
        Error(error.code() == Code::Timeout ? Code::Timeout : Code::Unavailable, what + ": " + error.text());
  }
  return *failed;
}

Result<Stream> connect_to_socket(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Error(Code::BadInput, "the path of the socket is too long: " + path);
  std::ranges::copy(path, address.sun_path);
  const std::string what = "cannot connect to " + path;
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Error::from_errno(what);
  // A Unix socket connects immediately or fails; EAGAIN means that the server's queue is full.
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error(Code::Unavailable, Error::from_errno(what).text());
  Peer peer = peer_of(fd.get());
  return Stream(std::move(fd), std::move(peer));
}

}  // namespace gw::net
