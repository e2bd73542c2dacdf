#include <fcntl.h>
#include <unistd.h>

#include "base/exit_status.h"
#include "transfer/part_file.h"
#include "transfer/writer.h"

namespace gw::transfer {
namespace {

class EmlWriter : public Writer {
 public:
  EmlWriter(std::string root_path, Fd root, bool resume)
      : root_path_(std::move(root_path)), root_(std::move(root)), resume_(resume) {}

  // `YYYY/MM/DD/<id><suffix>`: the day keeps directories small, the id is unique.
  std::string name(const Entry& entry) const override {
    std::string day = rfc3339(entry.time).substr(0, 10);
    for (char& c : day) c = c == '-' ? '/' : c;
    return day + "/" + entry.id.hex() + entry.suffix;
  }

  Result<bool> holds(const Entry& entry, const Expected& expected) override {
    if (!resume_) return false;
    const Result<Digest> there = digest(entry);
    if (!there && there.error().code() == Code::NotFound) return false;
    if (!there) return there.error();
    const Result<Digest> wanted = expected();
    if (!wanted) return wanted.error();
    if (*there == *wanted) return true;
    return in_the_way(shown(name(entry)), true);
  }

  Result<void> begin(const Entry& entry) override {
    abandon();
    const std::string full = name(entry);
    auto file = go_to(full, true);
    if (!file) return file.error();
    // An early check for a clear error. publish() decides without a race.
    if (::faccessat(folder_.get(), file->c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
      return in_the_way(shown(full), resume_);
    final_ = *file;
    time_ = entry.time;
    return part_.open(folder_.get(), "." + final_ + ".part", shown(full));
  }

  Result<void> write(ByteView data) override {
    sum_.update(data);
    return part_.write(data);
  }

  Result<Digest> commit() override {
    if (auto published = part_.publish(folder_.get(), final_, time_); !published) {
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

  // A rename is durable only after its directory is synced. Files are synced one by one in
  // commit(), directories once, when the writer moves to another day.
  Result<void> finish() override {
    if (dirty_ && ::fsync(folder_.get()) != 0) return write_error(shown(folder_name_));
    dirty_ = false;
    return {};
  }

  Result<Digest> digest(const Entry& entry) override {
    const std::string full = name(entry);
    auto file = go_to(full, false);
    if (!file) return file.error();
    return digest_of_file(folder_.get(), *file, shown(full));
  }

 private:
  std::string shown(const std::string& name) const { return root_path_ + "/" + name; }

  // Opens the directory of the name and returns the file's own name. The directory stays open as
  // long as the names stay in it; messages come in order, so it changes rarely.
  Result<std::string> go_to(const std::string& name, bool make) {
    const std::size_t slash = name.find_last_of('/');
    const std::string folder_name = name.substr(0, slash);
    if (!folder_ || folder_name != folder_name_) {
      // The old directory may have unsynced renames.
      if (auto synced = finish(); !synced) return synced.error();
      auto year = enter_folder(root_.get(), name.substr(0, 4), make, shown(name));
      if (!year) return year.error();
      auto month = enter_folder(year->get(), name.substr(5, 2), make, shown(name));
      if (!month) return month.error();
      auto day = enter_folder(month->get(), name.substr(8, 2), make, shown(name));
      if (!day) return day.error();
      folder_ = std::move(*day);
      folder_name_ = folder_name;
    }
    return name.substr(slash + 1);
  }

  std::string root_path_;
  Fd root_;
  bool resume_;
  Fd folder_;  // the current day's directory
  std::string folder_name_;
  bool dirty_ = false;  // a file was published in folder_ since its last sync
  PartFile part_;       // of the current entry
  std::string final_;
  Micros time_ = 0;
  Sha256 sum_;
};

}  // namespace

MadeWriter make_eml_writer(const std::string& folder, bool resume) {
  auto root = open_root(folder);
  if (!root) return root.error();
  return std::unique_ptr<Writer>(std::make_unique<EmlWriter>(folder, std::move(*root), resume));
}

Error in_the_way(const std::string& name, bool resume) {
  const Error error(Code::Exists,
                    name + (resume ? ": already exists with other content" : ": already exists"));
  return error.with_exit_status(kExitCannotCreate)
      .with_hint(resume ? "move it away: existing files are not overwritten"
                        : "use --resume to continue an earlier export");
}

}  // namespace gw::transfer
