// The journal's native protocol (systemd's JOURNAL_NATIVE_PROTOCOL): a datagram of `FIELD=value` lines. For
// log.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace gw::log {

class Journal {
 public:
  // Config where nobody takes datagrams there.
  Result<void> open();
  // False: it was not taken.
  bool send(std::string_view datagram) const;

  // `FIELD=value\n`; the name in capitals, with `_` for what may not stand in one. The value has no line
  // ends.
  static void put(std::string& datagram, std::string_view prefix, std::string_view name,
                  std::string_view value);

 private:
  Fd socket_;
};

}  // namespace gw::log
