#include "store/local/directory_list.h"

#include <dirent.h>
#include <fcntl.h>

#include <cerrno>
#include <memory>

#include "base/fd.h"

namespace gw::store {

Result<void> for_each_name(int directory, std::string_view what,
                           const std::function<Result<void>(const char* name)>& visit) {
  // fdopendir() takes the descriptor over and closes it, so it gets one of its own. This also
  // starts the listing at the beginning.
  Fd copy(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return Error::from_errno(what);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(copy.get()), ::closedir);
  if (!listing) return Error::from_errno(what);
  copy.release();
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr && errno != 0) return Error::from_errno(what);
    if (entry == nullptr) return {};
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (auto visited = visit(entry->d_name); !visited) return visited;
  }
}

Result<std::vector<std::string>> names_in(int directory, std::string_view what) {
  std::vector<std::string> names;
  auto listed = for_each_name(directory, what, [&](const char* name) -> Result<void> {
    names.emplace_back(name);
    return {};
  });
  if (!listed) return listed.error();
  return names;
}

Result<std::vector<std::string>> names_in(const std::string& path) {
  const Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return Error::from_errno(path);
  return names_in(directory.get(), path);
}

std::uint64_t file_number(std::string_view name) {
  std::uint64_t number = 0;
  const std::size_t first = name.find_first_of("0123456789");
  if (first == std::string_view::npos) return 0;
  for (const char each : name.substr(first)) {
    if (each < '0' || each > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(each - '0');
  }
  return number;
}

bool is_older_file(const std::string& one, const std::string& other) {
  return file_number(one) < file_number(other);
}

}  // namespace gw::store
