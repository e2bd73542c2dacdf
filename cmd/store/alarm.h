// Tells somebody by mail what gw-store doctor found.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/doctor.h"

namespace gw::cmd {

// `address` as it may stand in a header and nowhere else: one, plain, of a user here (`root`) or elsewhere.
bool valid_alarm_address(std::string_view address);

// Sends `findings`, those that are good left out, where one among them has not been sent in the last day.
// What was sent when is remembered in a state folder ($STATE_DIRECTORY, else ~/.local/state/gw). The program
// is run as `sendmail -t -oi`, the address in the mail's header. Unavailable where it does not take it.
Result<void> send_alarm(const std::string& sendmail, const std::string& address, const std::string& host,
                        const std::vector<Diagnosis>& findings);

}  // namespace gw::cmd
