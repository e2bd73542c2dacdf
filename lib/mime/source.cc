#include "mime/source.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"

namespace gw::mime {

Result<void> MemorySource::read(std::uint64_t offset, std::span<std::byte> to) {
  // The second comparison subtracts, because the sum of offset and size could overflow.
  if (offset > data_.size() || to.size() > data_.size() - offset)
    return Error(Code::Internal, "read past the end of a message");
  std::ranges::copy(data_.subspan(offset, to.size()), to.begin());
  return {};
}

Result<FileSource> FileSource::open(const std::string& path) {
  Result<Fd> fd = open_for_reading(path);
  if (!fd) return fd.error();
  return of(std::move(*fd), path);
}

Result<FileSource> FileSource::of(Fd fd, const std::string& shown) {
  struct stat facts {};
  if (::fstat(fd.get(), &facts) != 0) return Error::from_errno(shown);
  // A pipe or device has no size and no offsets.
  if (!S_ISREG(facts.st_mode)) return Error(Code::BadInput, shown + ": not a regular file");
  return FileSource(std::move(fd), static_cast<std::uint64_t>(facts.st_size));
}

Result<void> FileSource::read(std::uint64_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t got = ::pread(fd_.get(), to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno("cannot read a message");
    // The size was read when the file was opened; another process has truncated it since.
    if (got == 0) return Error(Code::Io, "cannot read a message: the file was truncated");
    offset += static_cast<std::uint64_t>(got);
    to = to.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace gw::mime
