// A pause in all changes, at whose end the vault may be somewhere else.
#include "base/log.h"
#include "store/local/store_on_disk.h"
#include "store/vault_format.h"

namespace gw::store {

class LocalSuspension : public Suspension {
 public:
  explicit LocalSuspension(LocalStore& store) : store_(store) {}
  LocalSuspension(const LocalSuspension&) = delete;
  LocalSuspension& operator=(const LocalSuspension&) = delete;
  ~LocalSuspension() override {
    if (!moved_) store_.commits_.resume();
  }

  Result<void> moved(std::string_view place, std::string_view token) override {
    const std::string& path = store_.options_.path;
    const Format format{store_.vault_, Move{std::string(token), std::string(place)}, {}};
    // Whatever comes of it, no change may follow what may have happened.
    moved_ = true;
    auto written = replace_format(path, format);
    if (written) {
      log::warning("moved", {{"vault", path}, {"to", place}});
      return {};
    }
    const auto found = read_format(path);
    if (found && !found->moved) {
      moved_ = false;
      return written.error().within("the vault stays where it is");
    }
    // It says so, and a power cut may take that back: the next who opens it sees which it is.
    store_.commits_.fail(written.error());
    return Error(Code::Unknown, written.error().text());
  }

 private:
  LocalStore& store_;
  bool moved_ = false;
};

Result<std::unique_ptr<Suspension>> LocalStore::suspend() {
  if (!hold_.mine()) return Error(Code::Internal, "the store is used in a child of its process");
  if (!reason_.empty()) return read_only();
  if (commits_.failed()) return Error(Code::Unavailable, "the store has failed");
  if (!commits_.suspend()) return Error(Code::Busy, "the vault is being moved already");
  return std::unique_ptr<Suspension>(std::make_unique<LocalSuspension>(*this));
}

}  // namespace gw::store
