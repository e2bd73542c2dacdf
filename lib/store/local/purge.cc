// Rewriting what a log-structured database keeps of things that are no more. In a thread of its own, for it
// may take as long as copying all small mail does, and the watch on the disk's room must go on.
#include <system_error>

#include "base/log.h"
#include "store/local/store_on_disk.h"

namespace gw::store {

Result<Purge> LocalStore::purge(std::uint64_t number) {
  constexpr std::chrono::seconds kPatience{2};
  if (!hold_.mine()) return Error(Code::Internal, "the store is used in a child of its process");
  if (!reason_.empty()) return read_only();
  if (commits_.failed()) return Error(Code::Unavailable, "the store has failed");
  std::unique_lock lock(purging_->mutex);
  if (number > purging_->asked) return Error(Code::NotFound, "no such purge: the keeper was started anew");
  if (number == 0) {
    // Always a run that begins after this: one that is under way may have passed what was removed just now.
    try {
      if (!purging_->thread.joinable()) purging_->thread = std::thread([this] { purge_as_asked(); });
    } catch (const std::system_error& error) {
      return Error(Code::Busy, std::string("the system gives no thread: ") + error.what());
    }
    number = ++purging_->asked;
    purging_->changed.notify_all();
  }
  purging_->changed.wait_for(lock, kPatience, [&] { return purging_->done >= number || purging_->stopping; });
  if (purging_->done < number) return Purge{number, false};
  if (purging_->failed) return *purging_->failed;
  return Purge{number, true};
}

bool LocalStore::purging() const {
  const std::lock_guard lock(purging_->mutex);
  return purging_->done != purging_->asked;
}

void LocalStore::purge_as_asked() {
  std::unique_lock lock(purging_->mutex);
  for (;;) {
    purging_->changed.wait(lock, [this] { return purging_->stopping || purging_->done != purging_->asked; });
    if (purging_->stopping) return;
    const std::uint64_t number = purging_->asked;
    lock.unlock();
    const auto done = purge_now();
    if (!done) log::verbose("purge", {{"vault", options_.path}, {"reason", done.error().text()}});
    lock.lock();
    purging_->done = number;
    purging_->failed = done ? std::nullopt : std::optional(done.error());
    purging_->changed.notify_all();
  }
}

Result<void> LocalStore::purge_now() {
  constexpr std::chrono::milliseconds kLook{100};
  const Error no_room(Code::Full, "no room to move what stays while the rest is purged");
  space_.look([&] { return engine_->promised(); });
  if (space_.full() ||
      space_.free_octets() < space_.marks().high + engine_->purge_room() + 2 * space_.promised())
    return no_room;
  auto done = engine_->purge();
  if (!done && space_.full()) return no_room;
  if (!done && done.error().code() != Code::Busy) commits_.fail(done.error());
  if (!done) return done;
  // Files of before have second names in these; one that is made from now on has only new ones.
  const std::uint64_t snapshot = snapshots_.last();
  std::unique_lock lock(purging_->mutex);
  while (snapshots_.remain(snapshot)) {
    if (purging_->changed.wait_for(lock, kLook, [this] { return purging_->stopping; }))
      return Error(Code::Busy, "the keeper ended while a backup kept files of before");
  }
  return {};
}

}  // namespace gw::store
