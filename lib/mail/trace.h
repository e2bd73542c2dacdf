// The trace lines of a message: what its envelope says, as header fields, and where in the message they go.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "mail/header.h"

namespace gw::mail {

struct TraceFacts {
  std::string_view reverse_path;
  std::string_view helo;
  std::string_view peer;
  std::string_view host;      // ours
  std::string_view protocol;  // `ESMTPS`
  std::string_view transaction;
  std::string_view login;  // of a POP3 copy, else empty
  Micros received = 0;
};

enum class TraceMode : unsigned char { Auto, On, Off };

// Lines without line ends. `foreign` are the recipients that are no address of ours: an `mbx-` address or an
// alias is the mailbox's only secret and is never written.
std::vector<std::string> trace_lines(TraceMode mode, const TraceFacts& facts,
                                     std::span<const std::string> foreign);

// Where trace lines go, so that a reader finds them and the header of the message.
struct TracePlace {
  std::uint64_t offset = 0;  // in the message: after a byte order mark and the `From ` line of an mbox
  bool apart = false;        // the message has no header: an empty line must follow the trace lines
};

// Finds the place in a message that comes in pieces. It looks at no more than the first 16 KiB: a message
// without a field there has no header.
class TracePlacer {
 public:
  TracePlacer();
  void write(ByteView octets) { walker_.write(octets); }
  void finish() { walker_.finish(); }
  bool done() const { return walker_.done(); }
  TracePlace place() const;  // once done()

 private:
  HeaderWalker walker_;
};

}  // namespace gw::mail
