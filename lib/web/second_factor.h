// Checks the one-time codes of second factors at sign-in and accepts each code only once (RFC 6238,
// section 5.2).
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include "vault/account.h"

namespace gw::web {

// Thread-safe. The steps that were used are in memory only; a restart forgets them.
class SecondFactors {
 public:
  // Returns whether `code` is valid for the account now and was not used before. An account that
  // has signed in with a step accepts only later ones. `now` is in microseconds since the epoch.
  // Fails with Corrupt if the account's secret cannot be opened.
  Result<bool> fits(const vault::SignedIn& who, std::string_view code, Micros now);

 private:
  std::mutex mutex_;
  // The last step that each account used. It has at most as many entries as there have been
  // accounts.
  std::map<std::string, std::int64_t> used_;
};

}  // namespace gw::web
