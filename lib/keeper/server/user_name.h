// The name of the user that has a uid, for histories.
#pragma once

#include <sys/types.h>

#include <string>

namespace gw::keeper {

// Returns the name of the user in `passwd_file` (passwd(5)); empty if no line has this uid, if the
// file cannot be read, or if the name has other characters than those that useradd(8) accepts. It
// asks no name service: a directory server that does not answer must not delay mail.
std::string user_name(uid_t uid, const std::string& passwd_file = "/etc/passwd");

}  // namespace gw::keeper
