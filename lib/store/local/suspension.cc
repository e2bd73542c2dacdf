// The suspension of all changes at the end of a migration, after which the vault may be in another
// directory.
#include "base/log.h"
#include "store/local/local_store_private.h"
#include "store/vault_format.h"

namespace gw::store {

class LocalSuspension : public Suspension {
 public:
  explicit LocalSuspension(LocalStore& store) : store_(store) {}
  LocalSuspension(const LocalSuspension&) = delete;
  LocalSuspension& operator=(const LocalSuspension&) = delete;
  // After a move changes stay refused for good: a change made here would be lost, because the new
  // directory is the vault now.
  ~LocalSuspension() override {
    if (!moved_) store_.commits_.resume();
  }

  Result<void> moved(std::string_view place, std::string_view token) override {
    const std::string& path = store_.options_.path;
    const Format format{store_.vault_, Move{std::string(token), std::string(place)}, {}};
    // Set before the write, and cleared only if the format file is known to be the old one. If the
    // write has happened in any form, no change may follow.
    moved_ = true;
    auto written = replace_format(path, format);
    if (written) {
      log::warning("vault moved", {{"vault", path}, {"to", place}});
      return {};
    }
    // The write failed, but the file may have been replaced. Only reading it shows which of the two
    // directories is the vault.
    const auto found = read_format(path);
    if (found && !found->moved) {
      moved_ = false;
      return written.error().within("the vault was not moved");
    }
    // The file says that the vault has moved (or cannot be read), but it may not be durable. This
    // process must neither go on nor claim success: it stops, and the next open reads what the disk
    // has kept.
    store_.commits_.fail(written.error());
    return Error(Code::Unknown, written.error().text());
  }

 private:
  LocalStore& store_;
  bool moved_ = false;
};

Result<std::unique_ptr<Suspension>> LocalStore::suspend() {
  if (!hold_.mine()) return Error(Code::Internal, "the store must not be used in a forked process");
  if (!reason_.empty()) return read_only();
  if (commits_.failed()) return Error(Code::Unavailable, "the store has failed");
  if (!commits_.suspend()) return Error(Code::Busy, "the vault is already being moved");
  return std::unique_ptr<Suspension>(std::make_unique<LocalSuspension>(*this));
}

}  // namespace gw::store
