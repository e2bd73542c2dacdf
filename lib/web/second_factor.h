// Codes of second factors at sign-in: each counts once, also within its thirty seconds.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "vault/account.h"

namespace gw::web {

class SecondFactors {
 public:
  // Whether this is a code of the account's that was not used before. Corrupt: its secret cannot be opened.
  Result<bool> fits(const vault::SignedIn& who, std::string_view code, Micros now);

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t>
      used_;  // account -> its last step; bounded by the accounts that there are
};

}  // namespace gw::web
