#include <fcntl.h>
#include <unistd.h>

#include "transfer/part_file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

constexpr Micros kMaildirSecond = 1'000'000;

class MaildirWriter : public Writer {
 public:
  MaildirWriter(std::string path, bool resume) : path_(std::move(path)), resume_(resume) {}

  // All three directories must exist, or other programs do not take the directory for a Maildir.
  Result<void> open() {
    auto root = open_root(path_);
    if (!root) return root.error();
    for (auto [folder, sub] : {std::pair(&tmp_, "tmp"), {&new_, "new"}, {&cur_, "cur"}}) {
      auto opened = enter_folder(root->get(), sub, true, path_ + "/" + sub);
      if (!opened) return opened.error();
      *folder = std::move(*opened);
    }
    return {};
  }

  // The marks of inner mails go into the unique part of the name, because only flags may follow the
  // colon (maildir(5)).
  std::string name(const Entry& entry) const override {
    return (entry.flags.empty() ? "new/" : "cur/") + own_name(entry);
  }
  // A file that is not a mail would be shown as one.
  bool sidecars() const override { return false; }

  Result<bool> holds(const Entry& entry, const Expected& expected) override {
    if (!resume_) return false;
    const Result<Digest> there = digest(entry);
    if (!there && there.error().code() == Code::NotFound) return false;
    if (!there) return there.error();
    const Result<Digest> wanted = expected();
    if (!wanted) return wanted.error();
    if (*there == *wanted) return true;
    return in_the_way(shown(entry), true);
  }

  Result<void> begin(const Entry& entry) override {
    abandon();
    entry_ = entry;
    if (::faccessat(folder(entry), own_name(entry).c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return in_the_way(shown(entry), resume_);
    // Readers of a Maildir ignore `tmp`, so the entry is invisible until commit() moves it.
    return part_.open(tmp_.get(), base_name(entry), shown(entry));
  }

  Result<void> write(ByteView data) override {
    sum_.update(data);
    return part_.write(data);
  }

  Result<Digest> commit() override {
    if (auto published = part_.publish(folder(entry_), own_name(entry_), entry_.time); !published) {
      abandon();
      return published.error();
    }
    dirty_ = true;
    return sum_.finish();
  }

  void abandon() override {
    part_.discard();
    sum_ = Sha256();
  }

  Result<void> finish() override {
    if (dirty_ && (::fsync(new_.get()) != 0 || ::fsync(cur_.get()) != 0)) return write_error(path_);
    dirty_ = false;
    return {};
  }

  Result<Digest> digest(const Entry& entry) override {
    return digest_of_file(folder(entry), own_name(entry), shown(entry));
  }

 private:
  int folder(const Entry& entry) const { return entry.flags.empty() ? new_.get() : cur_.get(); }
  std::string shown(const Entry& entry) const { return path_ + "/" + name(entry); }
  static std::string base_name(const Entry& entry) {
    const std::string inner = entry.suffix.substr(0, entry.suffix.rfind('.'));  // `.1` of `.1.eml`
    return std::to_string(entry.time / kMaildirSecond) + "." + entry.id.hex() + inner + ".gw";
  }
  static std::string own_name(const Entry& entry) {
    return base_name(entry) + (entry.flags.empty() ? "" : ":2," + entry.flags);
  }

  std::string path_;
  bool resume_;
  Fd tmp_, new_, cur_;
  bool dirty_ = false;
  Entry entry_;
  PartFile part_;
  Sha256 sum_;
};

}  // namespace

MadeWriter make_maildir_writer(const std::string& folder, bool resume) {
  auto writer = std::make_unique<MaildirWriter>(folder, resume);
  if (auto opened = writer->open(); !opened) return opened.error();
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace gw::transfer
