// Sends by mail what gw-store doctor found, each finding at most once a day.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/doctor.h"

namespace gw::cmd {

// Returns whether `address` may be put into a header field: one plain address, or the name of a
// local user (`root`). It cannot start another header field, name several recipients, or be taken
// for an option.
bool valid_alarm_address(std::string_view address);

// Sends one mail with all findings that are not good, if at least one of them was not sent in the
// last day. Does nothing otherwise.
//
// Runs `sendmail -t -oi`, which reads the recipient from the header, and waits up to a minute for
// its end. `host` names this host in the subject. What was sent when is remembered in the file
// doctor.mailed in $STATE_DIRECTORY, else in ~/.local/state/gw. Fails with Unavailable if the
// program cannot be run or does not accept the mail; the findings are then sent with the next run.
Result<void> send_alarm(const std::string& sendmail, const std::string& address, const std::string& host,
                        const std::vector<Diagnosis>& findings);

}  // namespace gw::cmd
