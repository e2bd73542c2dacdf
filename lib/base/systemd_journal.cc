#include "base/systemd_journal.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cstring>

namespace gw::log {
namespace {

constexpr std::string_view kSocket = "/run/systemd/journal/socket";

// The socket is not connected; each datagram is sent by name. After a restart of journald the same
// name belongs to a new socket, and a connected one would stay useless.
sockaddr_un address() {
  sockaddr_un where{};
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, kSocket.data(), kSocket.size());
  return where;
}

bool send_to(const Fd& socket, std::string_view datagram) {
  const sockaddr_un where = address();
  return ::sendto(socket.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&where), sizeof where) >= 0;
}

}  // namespace

Result<void> Journal::open() {
  socket_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket_) return Error::from_errno("cannot create a socket");
  // A journal that does not read its socket must not stop the program.
  const timeval patience{2, 0};
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  // An empty datagram has no effect. sd_journal_send(3) uses the same check for a journal.
  if (!send_to(socket_, {}))
    return Error(Code::Config,
                 Error::from_errno(std::string(kSocket)).within("cannot reach the systemd journal").text())
        .with_hint("use --log stderr or --log syslog");
  return {};
}

bool Journal::send(std::string_view datagram) const {
  return socket_ && send_to(socket_, datagram);
}

void Journal::put(std::string& datagram, std::string_view prefix, std::string_view name,
                  std::string_view value) {
  datagram += prefix;
  for (const char c : name) {
    const bool small = c >= 'a' && c <= 'z';
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    datagram += small ? static_cast<char>(c - 'a' + 'A') : plain ? c : '_';
  }
  datagram.append("=").append(value).append("\n");
}

}  // namespace gw::log
