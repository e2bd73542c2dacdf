#include "web/diagnosis_cache.h"

namespace gw::web {

Result<std::shared_ptr<const std::vector<vault::Diagnosis>>> DiagnosisCache::findings(
    store::Store& store, const std::string& folder, Micros now) {
  // Only one thread examines the vault at a time. Others return the previous findings, even if they
  // are old.
  std::unique_lock looking(looking_, std::try_to_lock);
  {
    const std::lock_guard lock(mutex_);
    // `now >= looked_`: after the clock was set back, findings would otherwise stay fresh until it
    // catches up.
    const bool fresh = last_ && now >= looked_ && now - looked_ < kFresh * 1'000'000;
    if (fresh || (last_ && !looking)) return last_;
  }
  // There are no findings yet: wait for the thread that is examining the vault.
  if (!looking) {
    looking.lock();
    // Unless that thread has failed, its findings are fresh, also for the others that have waited.
    const std::lock_guard lock(mutex_);
    if (last_) return last_;
  }
  std::vector<vault::Diagnosis> found;
  if (const Result<void> looked = vault::examine_vault(store, folder, {}, found); !looked)
    return looked.error();
  // The examination runs without this mutex, so that other threads can return `last_` meanwhile.
  const std::lock_guard lock(mutex_);
  last_ = std::make_shared<const std::vector<vault::Diagnosis>>(std::move(found));
  looked_ = now;
  return last_;
}

}  // namespace gw::web
