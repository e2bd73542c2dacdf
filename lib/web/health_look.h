// What is wrong with the vault, looked at now and then: a look reads a good part of the histories, so that
// many pages share one.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "vault/diagnosis.h"

namespace gw::web {

class HealthLook {
 public:
  static constexpr std::int64_t kFresh = 15;  // seconds

  // The findings on the whole vault, at most kFresh old. While one caller looks, others get the last ones.
  Result<std::shared_ptr<const std::vector<vault::Diagnosis>>> findings(store::Store& store,
                                                                        const std::string& folder,
                                                                        Micros now);

 private:
  std::mutex looking_;
  std::mutex mutex_;
  std::shared_ptr<const std::vector<vault::Diagnosis>> last_;
  Micros looked_ = 0;
};

}  // namespace gw::web
