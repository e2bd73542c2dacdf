// Sends entries to the systemd journal in its native protocol (systemd's JOURNAL_NATIVE_PROTOCOL):
// one datagram of `FIELD=value` lines for each entry. Only log.cc uses this.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gw::log {

class Journal {
 public:
  // Creates the socket and checks with an empty datagram that the journal receives. Fails with
  // Config if it does not.
  Result<void> open();
  // Sends one entry. Returns false if the journal did not accept it, at the latest after two
  // seconds; the caller then logs elsewhere.
  bool send(std::string_view datagram) const;

  // Appends `PREFIXNAME=value` and LF. Changes `name` to upper case and every character that a
  // field name must not have to `_`; leaves `prefix` unchanged. `value` must not contain LF.
  static void put(std::string& datagram, std::string_view prefix, std::string_view name,
                  std::string_view value);

 private:
  Fd socket_;
};

}  // namespace gw::log
