// Caches the findings on the vault. Finding them reads a large part of the histories, so all
// requests of a few seconds share one examination.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "vault/diagnosis.h"

namespace gw::web {

// Thread-safe.
class DiagnosisCache {
 public:
  static constexpr std::int64_t kFresh = 15;  // seconds

  // Returns the findings on the whole vault, at most kFresh seconds old. `folder` is the path of
  // the vault; `now` is in microseconds since the epoch. While one thread examines the vault,
  // others receive the previous findings, or wait if there are none yet. Fails with the error of
  // vault::examine_vault().
  Result<std::shared_ptr<const std::vector<vault::Diagnosis>>> findings(store::Store& store,
                                                                        const std::string& folder,
                                                                        Micros now);

 private:
  // Held during an examination; `mutex_` protects the members below it.
  std::mutex looking_;
  std::mutex mutex_;
  std::shared_ptr<const std::vector<vault::Diagnosis>> last_;
  Micros looked_ = 0;
};

}  // namespace gw::web
