#include "transfer/sources.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "base/id.h"
#include "base/text.h"
#include "transfer/mbox.h"

namespace gw::transfer {
namespace {

constexpr int kMaxDepth = 64;  // directories within directories

enum class Type : unsigned char { Missing, Unreadable, File, Folder, Link, Other };

// Returns the type without following links unless `follow`. For Missing and Unreadable, errno says
// more.
Type type_of(const std::string& path, bool follow) {
  struct stat facts {};
  if (::fstatat(AT_FDCWD, path.c_str(), &facts, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT || errno == ENOTDIR ? Type::Missing : Type::Unreadable;
  if (S_ISREG(facts.st_mode)) return Type::File;
  if (S_ISDIR(facts.st_mode)) return Type::Folder;
  return S_ISLNK(facts.st_mode) ? Type::Link : Type::Other;
}

bool ends_with_any(const std::string& name, std::initializer_list<std::string_view> endings) {
  const std::string low = lower(name);
  return std::ranges::any_of(endings, [&](std::string_view ending) { return low.ends_with(ending); });
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// Returns the names in the directory, sorted, so that two runs visit the files in the same order.
Result<std::vector<std::string>> names_in(const std::string& path) {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) return Error::from_errno(path);
  std::vector<std::string> names;
  errno = 0;  // readdir() reports an error only through errno
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
  Walk(SourceFormat format, const SourceVisitor& visitor) : format_(format), visitor_(visitor) {}

  // The depth is bounded, because the walk is recursive.
  Result<void> directory(const std::string& path, int depth) {
    const auto names = names_in(path);
    if (!names || depth > kMaxDepth) {
      visitor_.trouble(
          path, names ? Error(Code::BadInput, path + ": directories are nested too deeply") : names.error());
      return {};
    }
    const bool maildir = is_maildir(path);
    if (maildir) {
      ++maildirs_;
      for (const char* sub : {"/cur", "/new"}) {
        if (auto done = mails_of_maildir(path + sub); !done) return done;
      }
    }
    for (const std::string& name : *names) {
      if (auto done = item(path, name, *names, maildir, depth); !done) return done;
    }
    return {};
  }

  std::uint64_t maildirs() const { return maildirs_; }

 private:
  bool is_maildir(const std::string& path) const {
    // One of `cur` and `new` alone may be an ordinary directory; two of the three are a Maildir.
    // With the format given by the user one is enough.
    const auto has = [&](const char* sub) { return type_of(path + sub, false) == Type::Folder ? 1 : 0; };
    const int mails = has("/cur") + has("/new");
    if (format_ == SourceFormat::Maildir) return mails > 0;
    return format_ == SourceFormat::Auto && mails > 0 && mails + has("/tmp") > 1;
  }

  Result<void> item(const std::string& path, const std::string& name, const std::vector<std::string>& names,
                    bool maildir, int depth) {
    const std::string below = path + "/" + name;
    switch (type_of(below, false)) {
      case Type::Folder:
        if (format_ == SourceFormat::Spool) return pass(below, PassedOver::Below);
        if (maildir && name == "tmp") return temporary(below);
        if (maildir && (name == "cur" || name == "new")) return {};
        return directory(below, depth + 1);
      case Type::File:
        if (const auto why = reason(name, names)) return pass(below, *why);
        if (format_ == SourceFormat::Maildir) return pass(below, PassedOver::OutOfMaildir);
        return visitor_.visit({below, format_, maildir});
      case Type::Missing:  // it was removed since the directory was read
        return {};
      case Type::Unreadable:
        visitor_.trouble(below, Error::from_errno(below));
        return {};
      case Type::Link:
        return pass(below, PassedOver::Link);
      case Type::Other:
        break;
    }
    return pass(below, PassedOver::Special);
  }

  Result<void> mails_of_maildir(const std::string& path) {
    if (type_of(path, false) != Type::Folder) return {};
    const auto names = names_in(path);
    if (!names) {
      visitor_.trouble(path, names.error());
      return {};
    }
    for (const std::string& name : *names) {
      const std::string below = path + "/" + name;
      const Type type = type_of(below, false);
      if (type == Type::Unreadable) visitor_.trouble(below, Error::from_errno(below));
      if (type == Type::Missing || type == Type::Unreadable) continue;
      const auto why = name.starts_with('.')  ? std::optional(PassedOver::Hidden)
                       : type == Type::Folder ? std::optional(PassedOver::OutOfMaildir)
                       : type == Type::Link   ? std::optional(PassedOver::Link)
                       : type == Type::Other  ? std::optional(PassedOver::Special)
                                              : std::nullopt;
      auto done = why ? pass(below, *why) : visitor_.visit({below, SourceFormat::Maildir, false});
      if (!done) return done;
    }
    return {};
  }

  // Files in `tmp` are incomplete by definition (maildir(5)). Each is reported, since one of them
  // may be all that remains of a mail.
  Result<void> temporary(const std::string& path) {
    const auto names = names_in(path);
    if (!names) return pass(path, PassedOver::Temporary);
    for (const std::string& name : *names) (void)pass(path + "/" + name, PassedOver::Temporary);
    return {};
  }

  Result<void> pass(const std::string& path, PassedOver why) const {
    visitor_.passed(path, why);
    return {};
  }

  std::optional<PassedOver> reason(const std::string& name, const std::vector<std::string>& names) const {
    if (name.starts_with('.')) return PassedOver::Hidden;
    if (format_ == SourceFormat::Spool) {
      const bool begun = ends_with_any(name, {".tmp", ".part", ".lock", ".new", "~"});
      return begun ? std::optional(PassedOver::Unfinished) : std::nullopt;
    }
    if (!name.ends_with(".json")) return std::nullopt;
    const std::string stem = name.substr(0, name.size() - 5);
    const std::string mail = stem + ".eml";
    // The mail of this sidecar may have been removed after an earlier import.
    if (MessageId::parse(stem)) return PassedOver::Sidecar;
    return std::ranges::binary_search(names, mail) ? std::optional(PassedOver::Sidecar) : std::nullopt;
  }

  SourceFormat format_;
  const SourceVisitor& visitor_;
  std::uint64_t maildirs_ = 0;
};

// Fields that a mail has, and that other files with `name: value` lines, such as address books, do
// not have.
constexpr std::array<std::string_view, 19> kUsual{
    "bcc",         "cc",          "delivered-to",  "envelope-to",     "from",
    "in-reply-to", "message-id",  "received",      "mime-version",    "references",
    "reply-to",    "resent-from", "return-path",   "subject",         "to",
    "x-mailer",    "x-uidl",      "x-envelope-to", "x-mozilla-status"};

// The lines at the start of a source, as far as they are within the first kBeginning bytes. CR, LF
// and CRLF end a line.
class Lines {
 public:
  explicit Lines(mime::Source& source) : source_(source) {}

  Result<void> read() {
    text_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(source_.size(), kBeginning)));
    return source_.read(0, std::as_writable_bytes(std::span(text_)));
  }
  void skip(std::string_view prefix) {
    if (std::string_view(text_).substr(at_).starts_with(prefix)) at_ += prefix.size();
  }
  std::optional<std::string_view> next() {
    if (at_ >= text_.size()) return std::nullopt;
    const std::size_t end = std::min(text_.find_first_of("\r\n", at_), text_.size());
    const std::string_view line = std::string_view(text_).substr(at_, end - at_);
    at_ = end + (std::string_view(text_).substr(end, 2) == "\r\n" ? 2 : 1);
    return line;
  }

 private:
  static constexpr std::size_t kBeginning = 64 << 10;
  mime::Source& source_;
  std::string text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Looks> look_at(mime::Source& source, bool single) {
  Lines lines(source);
  if (auto read = lines.read(); !read) return read.error();
  lines.skip(kByteOrderMark);
  auto line = lines.next();
  while (line && line->empty()) line = lines.next();
  const bool separator = line && line->starts_with(kMboxFrom);
  // A dated separator is enough: an mbox may begin with an empty mail.
  if (separator && !single && dated_separator(*line)) return Looks::Mbox;
  if (separator) line = lines.next();
  if (!line || !starts_mail(*line)) return Looks::Other;
  for (; line && !line->empty(); line = lines.next()) {
    // Folded lines, and lines that some program has inserted.
    if (!starts_field(*line)) continue;
    const std::string name = lower(trim(line->substr(0, line->find(':'))));
    if (std::ranges::find(kUsual, name) != kUsual.end())
      return separator && !single ? Looks::Mbox : Looks::Mail;
  }
  return Looks::Other;
}

Result<void> walk_sources(const std::string& path, SourceFormat format, const SourceVisitor& visitor) {
  Walk walk(format, visitor);
  // A link that the user names is followed; links below it are not.
  switch (type_of(path, true)) {
    case Type::Missing:
    case Type::Unreadable:
      return Error::from_errno(path);
    case Type::Folder: {
      auto done =
          walk.directory(path.size() > 1 && path.ends_with('/') ? path.substr(0, path.size() - 1) : path, 0);
      if (done && format == SourceFormat::Maildir && walk.maildirs() == 0)
        visitor.trouble(path,
                        Error(Code::BadInput, path + ": not a Maildir: no directory has `cur` or `new`"));
      return done;
    }
    case Type::File:
      if (format == SourceFormat::Maildir || format == SourceFormat::Spool)
        return Error(Code::Usage, path + ": not a directory");
      return visitor.visit({path, format, false});
    case Type::Link:
    case Type::Other:
      break;
  }
  return Error(Code::Usage, path + ": neither a regular file nor a directory");
}

}  // namespace gw::transfer
