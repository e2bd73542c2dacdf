#include "keeper/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gw::keeper {
namespace {

// When a server starts, hundreds of connections may arrive at the same time.
constexpr int kBacklog = 4096;  // the kernel reduces it to net.core.somaxconn

Result<Fd> open_folder(const std::string& folder) {
  Fd fd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Error::from_errno(folder);
  return fd;
}

Result<Fd> stream_socket() {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno("socket");
  return fd;
}

// /proc/self/fd/N replaces the directory's path, whose length would be limited by sun_path (107
// bytes).
sockaddr_un address_of(const Fd& folder, const std::string& file) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + file;
  std::memcpy(address.sun_path, path.c_str(), std::min(path.size(), sizeof address.sun_path - 1));
  return address;
}

}  // namespace

Result<Fd> connect_to(const std::string& folder, const std::string& file) {
  auto held = open_folder(folder);
  if (!held) return held.error();
  auto socket = stream_socket();
  if (!socket) return socket.error();
  const sockaddr_un address = address_of(*held, file);
  int failed = 0;
  do {
    failed = ::connect(socket->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return socket;
  // The socket exists but no process listens: its keeper was killed. For callers that is the same
  // as no socket.
  if (errno == ECONNREFUSED) return Error(Code::NotFound, folder + "/" + file + ": no process listens there");
  return Error::from_errno(folder + "/" + file);
}

Result<Fd> listen_at(const std::string& folder, const std::string& file, unsigned mode) {
  const std::string path = folder + "/" + file;
  auto held = open_folder(folder);
  if (!held) return held.error();
  auto socket = stream_socket();
  if (!socket) return socket.error();
  struct stat found {};
  if (::fstatat(held->get(), file.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
    // Only a socket is replaced. Anything else may be the user's data.
    if (!S_ISSOCK(found.st_mode)) return Error(Code::Exists, path + ": exists and is not a socket");
    ::unlinkat(held->get(), file.c_str(), 0);
  }
  // The mode of a socket file is that of the socket, less the umask, so set it before bind(2):
  // between bind(2) and chmod(2) another user could connect otherwise. chmod(2) afterwards restores
  // bits that the umask removed.
  ::fchmod(socket->get(), mode);
  const sockaddr_un address = address_of(*held, file);
  if (::bind(socket->get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return Error::from_errno(path);
  }
  if (::fchmodat(held->get(), file.c_str(), mode, 0) != 0) return Error::from_errno(path);
  if (::listen(socket->get(), kBacklog) != 0) return Error::from_errno(path);
  return socket;
}

}  // namespace gw::keeper
