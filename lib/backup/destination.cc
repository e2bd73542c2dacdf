#include "backup/destination.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>

#include "backup/manifest.h"
#include "base/rename.h"
#include "transfer/part_file.h"

namespace gw::backup {
namespace {

constexpr char kPartialName[] = ".part";
constexpr char kGone[] = ".gone";
constexpr char kLeft[] = ".left-";
constexpr char kLock[] = ".lock";

// Returns the wanted names in the directory, sorted.
Result<std::vector<std::string>> names_in(int folder, const std::string& shown,
                                          const std::function<bool(const std::string&)>& wanted) {
  // A descriptor of its own: fdopendir(3) takes it over, and the position in the directory is not
  // shared.
  Fd copy(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy ? ::fdopendir(copy.get()) : nullptr, ::closedir);
  if (!listing) return Error::from_errno(shown);
  copy.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(listing.get());
    if (entry == nullptr && errno != 0) return Error::from_errno(shown);
    if (entry == nullptr) break;
    const std::string name(entry->d_name);
    if (wanted(name)) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// The inverse of snapshot_name(), or 0.
Micros time_of(const std::string& name) {
  std::tm parts{};
  if (::strptime(name.c_str(), "%Y%m%dT%H%M%SZ", &parts) == nullptr) return 0;
  return static_cast<Micros>(::timegm(&parts)) * 1'000'000;
}

}  // namespace

std::string snapshot_name(Micros time) {
  const std::time_t seconds = time / 1'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::string name(32, '\0');
  name.resize(std::strftime(name.data(), name.size(), "%Y%m%dT%H%M%SZ", &parts));
  return name;
}

bool is_snapshot_name(std::string_view name) {
  constexpr std::string_view kShape = "dddddddd-dddddd-";
  if (name.size() != kShape.size() || name[8] != 'T' || name[15] != 'Z') return false;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (kShape[at] == 'd' && (name[at] < '0' || name[at] > '9')) return false;
  }
  return true;
}

std::vector<std::string> surplus(const std::vector<std::string>& names, const Keep& keep) {
  constexpr std::int64_t kDay = std::int64_t{86'400} * 1'000'000;
  struct Rule {
    std::size_t left;
    std::function<std::int64_t(const std::string&)> period;  // a number for each period
    std::optional<std::int64_t> seen{};
  };
  const auto day = [](const std::string& name) { return time_of(name) / kDay; };
  // 1970-01-01 was a Thursday.
  const auto week = [&](const std::string& name) { return (day(name) + 3) / 7; };
  const auto month = [](const std::string& name) {
    return std::strtoll(name.substr(0, 6).c_str(), nullptr, 10);
  };
  Rule rules[] = {{keep.daily, day}, {keep.weekly, week}, {keep.monthly, month}};
  const std::size_t last = keep.last;
  if (last + keep.daily + keep.weekly + keep.monthly == 0) return {};
  std::vector<std::string> gone;
  for (std::size_t at = names.size(); at > 0; --at) {
    const std::string& name = names[at - 1];
    bool kept = names.size() - at < last;
    for (Rule& rule : rules) {
      const std::int64_t period = rule.period(name);
      if (rule.left == 0 || rule.seen == period) continue;
      // The newest backup of its period.
      rule.seen = period;
      --rule.left;
      kept = true;
    }
    if (!kept) gone.push_back(name);
  }
  std::ranges::reverse(gone);
  return gone;
}

Result<Destination> Destination::open(const std::string& path, bool go_on) {
  Destination destination;
  destination.path_ = path;
  auto folder = transfer::open_root(path);
  if (!folder) return folder.error();
  destination.folder_ = std::move(*folder);
  constexpr int kHow = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
  destination.lock_ = Fd(::openat(destination.folder_.get(), kLock, kHow, 0600));
  if (!destination.lock_) return transfer::create_error(path + "/" + kLock);
  // The lock ends with the process, so a file .lock that was left behind does not matter.
  if (::flock(destination.lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error::from_errno(path + "/" + kLock);
    return Error(Code::Busy, path + ": another backup is being written there");
  }
  // With the lock held, whatever has these names was left by an interrupted run.
  if (auto removed = remove_tree(path + "/" + kGone); !removed) return removed.error();
  if (go_on) {
    if (auto kept = destination.keep_part(); !kept) return kept.error();
    return destination;
  }
  if (auto removed = remove_tree(path + "/" + kPartialName); !removed) return removed.error();
  if (auto removed = destination.remove_left(); !removed) return removed.error();
  return destination;
}

Result<void> Destination::keep_part() const {
  for (int number = 1;; ++number) {
    const std::string name = kLeft + std::to_string(number);
    if (rename_new(folder_.get(), kPartialName, folder_.get(), name) || errno == ENOENT) return {};
    // What cannot be kept is copied again.
    if (errno != EEXIST) return remove_tree(path_ + "/" + kPartialName);
  }
}

Result<std::vector<std::string>> Destination::left() const {
  return names_in(folder_.get(), path_, [](const std::string& name) { return name.starts_with(kLeft); });
}

Result<void> Destination::remove_left() const {
  const auto names = left();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (auto removed = remove_tree(path_ + "/" + name); !removed) return removed;
  }
  return {};
}

Result<std::vector<std::string>> Destination::complete_in(int folder, const std::string& shown) {
  return names_in(folder, shown, [&](const std::string& name) {
    // Only directories with a manifest: the user may have others of such a name.
    return is_snapshot_name(name) && ::faccessat(folder, (name + "/" + kManifest).c_str(), F_OK, 0) == 0;
  });
}

Result<std::vector<std::string>> Destination::named_in(int folder, const std::string& shown) {
  return names_in(folder, shown, is_snapshot_name);
}

Result<Tree> Destination::open_snapshot(const std::string& name) const {
  return Tree::open(folder_.get(), name, path_ + "/" + name);
}

Result<Tree> Destination::begin() const {
  return Tree::make(folder_.get(), kPartialName, path_ + "/" + kPartialName);
}

Result<std::string> Destination::publish(const Tree& tree, Micros time) const {
  // Sync, rename, sync: the name may only reach the disk after everything in the directory has.
  if (auto synced = tree.sync(); !synced) return synced.error();
  const auto others = complete();
  if (!others) return others.error();
  // Names are sorted to find the newest backup. If the clock was set back, or if two backups fall
  // into one second, take the second after the last name.
  const Micros last = others->empty() ? 0 : time_of(others->back());
  const std::string name = snapshot_name(std::max(time, last + 1'000'000));
  if (!rename_new(folder_.get(), kPartialName, folder_.get(), name))
    return transfer::create_error(path_ + "/" + name);
  if (::fsync(folder_.get()) != 0) {
    const Error failed = transfer::write_error(path_);
    // The caller reports a failure, so the directory must not look like a complete backup. It gets
    // back the name by which abandon() or the next open() finds it.
    (void)rename_new(folder_.get(), name, folder_.get(), kPartialName);
    return failed;
  }
  return name;
}

void Destination::abandon() const {
  static_cast<void>(remove_tree(path_ + "/" + kPartialName));
}

Result<std::vector<std::string>> Destination::remove_older(const Keep& keep) const {
  const auto names = complete();
  if (!names) return names.error();
  auto gone = surplus(*names, keep);
  for (const std::string& name : gone) {
    // The rename comes first and is synced, so that a backup that is only partly removed never has
    // the name of a complete one.
    if (::renameat(folder_.get(), name.c_str(), folder_.get(), kGone) != 0)
      return Error::from_errno(path_ + "/" + name);
    if (::fsync(folder_.get()) != 0) return transfer::write_error(path_);
    if (auto removed = remove_tree(path_ + "/" + kGone); !removed) return removed.error();
  }
  return gone;
}

}  // namespace gw::backup
