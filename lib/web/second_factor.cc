#include "web/second_factor.h"

#include "web/totp.h"

namespace gw::web {

Result<bool> SecondFactors::fits(const vault::SignedIn& who, std::string_view code, Micros now) {
  const Result<Secret> secret = vault::open_totp(who);
  if (!secret) return secret.error();
  const auto step = totp_step(*secret, code, now);
  if (!step) return false;
  const std::lock_guard lock(mutex_);
  const auto [entry, fresh] = used_.try_emplace(who.account.name, *step);
  if (fresh) return true;
  // Neither the code that was used nor an older one works again, although both are still valid by
  // time (RFC 6238, section 5.2). Another person may have watched the user type it.
  if (*step <= entry->second) return false;
  entry->second = *step;
  return true;
}

}  // namespace gw::web
