#include "transfer/sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"

namespace gw::transfer {
namespace {

constexpr int kDeepest = 64;  // folders within folders

enum class Type : unsigned char { Missing, File, Folder, Other };

Type type_of(const std::string& path, bool follow) {
  struct stat facts {};
  if (::fstatat(AT_FDCWD, path.c_str(), &facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return Type::Missing;
  return S_ISREG(facts.st_mode) ? Type::File : S_ISDIR(facts.st_mode) ? Type::Folder : Type::Other;
}

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> endings) {
  const std::string low = lower(name);
  return std::ranges::any_of(endings, [&](std::string_view ending) { return low.ends_with(ending); });
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

Result<std::vector<std::string>> names_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) return Error::from_errno(path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) return Error::from_errno(path);
  std::sort(names.begin(), names.end());
  return names;
}

class Walk {
 public:
  Walk(SourceFormat format, const SourceVisit& visit, const SourceTrouble& trouble)
      : format_(format), visit_(visit), trouble_(trouble) {}

  Result<void> file(const std::string& path) const {
    bool mbox = format_ == SourceFormat::Mbox;
    if (format_ == SourceFormat::Auto && !ends_with_any(path, {".eml"})) {
      const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
      std::array<std::byte, 5> start{};
      const auto got = fd ? read_some(fd.get(), start, path) : Result<std::size_t>(Error::from_errno(path));
      if (!got) {
        trouble_(path, got.error());
        return {};
      }
      mbox = *got == start.size() && as_text(start) == "From ";
    }
    return visit_({path, mbox});
  }

  Result<void> folder(const std::string& path, int depth) const {
    const bool maildir = (format_ == SourceFormat::Auto || format_ == SourceFormat::Maildir) &&
                         type_of(path + "/cur", false) == Type::Folder &&
                         type_of(path + "/new", false) == Type::Folder;
    const auto names = names_in(path);
    if (!names || depth > kDeepest) {
      trouble_(path,
               names ? Error(Code::BadInput, path + ": folders within folders without end") : names.error());
      return {};
    }
    if (maildir) {
      for (const char* sub : {"/cur", "/new"}) {
        if (auto done = mails_of_maildir(path + sub); !done) return done;
      }
    }
    for (const std::string& name : *names) {
      const std::string below = path + "/" + name;
      const Type type = type_of(below, false);
      if (type == Type::Folder) {
        if (format_ == SourceFormat::Spool) continue;
        if (maildir && (name == "cur" || name == "new" || name == "tmp")) continue;
        if (auto done = folder(below, depth + 1); !done) return done;
      } else if (type == Type::File && !maildir && format_ != SourceFormat::Maildir &&
                 !passed_over(name, *names)) {
        if (auto done = file(below); !done) return done;
      }
    }
    return {};
  }

 private:
  Result<void> mails_of_maildir(const std::string& path) const {
    const auto names = names_in(path);
    if (!names) {
      trouble_(path, names.error());
      return {};
    }
    for (const std::string& name : *names) {
      if (name.starts_with('.') || type_of(path + "/" + name, false) != Type::File) continue;
      if (auto done = visit_({path + "/" + name, false}); !done) return done;
    }
    return {};
  }

  bool passed_over(const std::string& name, const std::vector<std::string>& names) const {
    if (name.starts_with('.')) return true;
    if (format_ == SourceFormat::Spool) return ends_with_any(name, {".tmp", ".part", ".lock", ".new", "~"});
    if (!name.ends_with(".json")) return false;
    return std::binary_search(names.begin(), names.end(), name.substr(0, name.size() - 5) + ".eml");
  }

  SourceFormat format_;
  const SourceVisit& visit_;
  const SourceTrouble& trouble_;
};

}  // namespace

Result<void> walk_sources(const std::string& path, SourceFormat format, const SourceVisit& visit,
                          const SourceTrouble& trouble) {
  const Walk walk(format, visit, trouble);
  switch (type_of(path, true)) {
    case Type::Missing:
      return Error::from_errno(path);
    case Type::Folder:
      return walk.folder(path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path, 0);
    case Type::File:
      if (format == SourceFormat::Maildir || format == SourceFormat::Spool)
        return Error(Code::Usage, path + ": not a folder");
      return walk.file(path);
    case Type::Other:
      break;
  }
  return Error(Code::Usage, path + ": neither a plain file nor a folder");
}

}  // namespace gw::transfer
