// Rewriting what a log-structured database keeps of removed data. It runs in a thread of its own,
// because it can take as long as copying all small mail, while the timers must go on watching the
// disk space.
#include <system_error>

#include "base/log.h"
#include "store/local/local_store_private.h"

namespace gw::store {

Result<Purge> LocalStore::purge(std::uint64_t number) {
  constexpr std::chrono::seconds kTimeout{2};
  if (!hold_.mine()) return Error(Code::Internal, "the store must not be used in a forked process");
  if (!reason_.empty()) return read_only();
  if (commits_.failed()) return Error(Code::Unavailable, "the store has failed");
  std::unique_lock lock(purging_->mutex);
  if (number > purging_->asked) return Error(Code::NotFound, "no such purge: the keeper was restarted");
  if (number == 0) {
    // Always a new run: one that is under way may already have passed the data that was removed
    // just now. Requests that arrive during a run share the next one.
    try {
      if (!purging_->thread.joinable()) purging_->thread = std::thread([this] { purge_as_asked(); });
    } catch (const std::system_error& error) {
      return Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
    }
    number = ++purging_->asked;
    purging_->changed.notify_all();
  }
  // Waits a short time only, so that no request to the keeper takes minutes; the caller asks again
  // with the number.
  purging_->changed.wait_for(lock, kTimeout, [&] { return purging_->done >= number || purging_->stopping; });
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
    // All requests up to this number are served by this run, because it starts after they were
    // made.
    const std::uint64_t number = purging_->asked;
    lock.unlock();
    const auto done = purge_now();
    if (!done) log::verbose("purge failed", {{"vault", options_.path}, {"reason", done.error().text()}});
    lock.lock();
    purging_->done = number;
    purging_->failed = done ? std::nullopt : std::optional(done.error());
    purging_->changed.notify_all();
  }
}

Result<void> LocalStore::purge_now() {
  constexpr std::chrono::milliseconds kLook{100};
  const Error no_room(Code::Full, "not enough disk space to rewrite the remaining data");
  // The new files exist beside the old ones until the end. Require room for them, and for the
  // memtables twice: the purge flushes them first and then rewrites the result.
  space_.look([&] { return engine_->promised(); });
  if (space_.full() ||
      space_.free_bytes() < space_.marks().high + engine_->purge_room() + 2 * space_.promised())
    return no_room;
  auto done = engine_->purge();
  // The upkeep thread cancels a purge when the disk fills. That is not a failure of the database.
  if (!done && !space_.room_for_purge()) return no_room;
  // A failed compaction leaves RocksDB in its error state, in which no write succeeds.
  if (!done && done.error().code() != Code::Busy) commits_.fail(done.error());
  if (!done) return done;
  // Snapshots made before have hard links to the old files, so the removed data is still on disk
  // until they end. A snapshot made from now on links new files only, and need not be waited for.
  const std::uint64_t snapshot = snapshots_.last();
  for (;;) {
    // Without the lock, because it may remove many files.
    const auto remain = snapshots_.remain(snapshot);
    if (!remain) return remain.error().within("a backup may still use old files");
    if (!*remain) return {};
    std::unique_lock lock(purging_->mutex);
    if (purging_->changed.wait_for(lock, kLook, [this] { return purging_->stopping; }))
      return Error(Code::Busy, "the keeper stopped while a backup still used old files");
  }
}

}  // namespace gw::store
