#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace gw {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// O_EXCL and O_NOFOLLOW: another user who can write in the directory must not be able to plant a
// file or a symbolic link that receives the content. Removes what it created if it fails.
Result<void> write_new(const std::string& path, ByteView data, unsigned mode) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  // Nothing is removed: open(2) may fail before it looks at the name, e.g. with EMFILE, and then
  // the name may be that of a file which existed before.
  if (!fd) return Error::from_errno(path);
  auto written = write_all(fd.get(), data, path);
  if (written && ::fsync(fd.get()) != 0) written = Error::from_errno(path);
  if (!written) ::unlink(path.c_str());
  return written;
}

}  // namespace

Result<Fd> open_for_reading(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Error::from_errno(path);
  return fd;
}

Result<std::size_t> read_some(int fd, std::span<std::byte> to, std::string_view what) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    const ssize_t got = ::read(fd, to.data() + filled, to.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(what);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<void> write_all(int fd, ByteView data, std::string_view what) {
  while (!data.empty()) {
    const ssize_t wrote = ::write(fd, data.data(), data.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return Error::from_errno(what);
    data = data.subspan(static_cast<std::size_t>(wrote));
  }
  return {};
}

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  auto fd = open_for_reading(path);
  if (!fd) return fd.error();
  // Reads one byte more than allowed, so that a file of exactly `limit` bytes is distinguished from
  // a longer one. The size that stat(2) reports is not used: it is 0 for files in /proc and for
  // pipes.
  std::string text(limit + 1, '\0');
  auto got = read_some(fd->get(), std::as_writable_bytes(std::span(text)), path);
  if (!got) return got.error();
  if (*got > limit) return Error(Code::BadInput, path + ": larger than " + std::to_string(limit) + " bytes");
  text.resize(*got);
  return text;
}

Result<Secret> read_secret(int fd, std::string_view what, std::size_t limit, bool whole) {
  // Reads directly into locked memory, so that no copy of the secret remains in a buffer.
  Secret secret(limit + 1);
  auto got = read_some(fd, secret.span(), what);
  if (!got) return got.error();
  std::string_view text = secret.text().substr(0, *got);
  // Windows saves text in this form if told to.
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return Error(Code::BadInput, std::string(what) + ": is UTF-16; save it as UTF-8");
  const bool anything = !text.empty();
  if (!whole) {
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) text.remove_suffix(1);
  }
  if (text.empty())
    return Error(Code::BadInput, std::string(what) + (anything ? ": the first line is empty" : ": empty"));
  if (text.size() > limit) return Error(Code::BadInput, std::string(what) + ": too long for a secret");
  secret.shorten(text.size());
  return secret;
}

Result<void> create_file(const std::string& path, ByteView data, unsigned mode) {
  if (auto written = write_new(path, data, mode); !written) return written;
  auto synced = sync_folder(folder_of(path));
  if (!synced) ::unlink(path.c_str());
  return synced;
}

Result<void> replace_file(const std::string& path, ByteView data, unsigned mode) {
  std::array<std::byte, 8> random;
  random_bytes(random);
  // A random name: two processes that replace the same file at the same time must not write into
  // the same new file, and one that a crash left behind must not block the next attempt.
  const std::string fresh = path + "." + to_hex(random) + ".new";
  if (auto written = write_new(fresh, data, mode); !written) return written;
  // The content is already synced by write_new(): after a power failure the name must not refer to
  // an empty file. The sync of the directory afterwards makes the rename itself durable.
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    const Error error = Error::from_errno(path);
    ::unlink(fresh.c_str());
    return error;
  }
  return sync_folder(folder_of(path));
}

Result<void> sync_parent_of(const std::string& folder) {
  const std::string parent = folder + "/..";
  const Fd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd ? ::fsync(fd.get()) == 0 : errno == EACCES) return {};
  // The directory is the root of its file system, and the parent's cannot be synced.
  if (fd && (errno == EINVAL || errno == EROFS)) return {};
  return Error::from_errno(parent);
}

Result<void> sync_folder(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return Error::from_errno(path);
  return {};
}

}  // namespace gw
