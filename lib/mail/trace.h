// The trace lines that gw adds to a message when it delivers it by POP3: header fields with facts
// from its envelope, and the place in the message where they are inserted.
//
// The stored message itself never changes. gw-vault(7), "What POP3 sends", defines the result.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "mail/header.h"

namespace gw::mail {

// Facts from the envelope. Views are valid as long as the texts they point to; empty ones are left
// out.
struct TraceFacts {
  std::string_view reverse_path;  // the sender of MAIL; empty for the null sender
  std::string_view helo;          // the client's name in HELO or EHLO
  std::string_view peer;          // the client's IP address
  std::string_view host;          // the name of the server that received the message
  std::string_view protocol;      // `ESMTPS` (RFC 3848)
  std::string_view transaction;   // the session id
  std::string_view login;         // the POP3 login of an archive copy, otherwise empty
  Micros received = 0;            // when the server received it
};

// Auto writes only recipients that the message itself may not show, and the sender if there are
// some. On also writes Return-Path and Received. Off writes nothing.
enum class TraceMode : unsigned char { Auto, On, Off };

// Returns the trace lines in order, each without its line ending; folded fields are several lines.
// `foreign` holds the envelope's recipients except the mailbox's own `mbx-` address and aliases:
// these are the only secret that protects the mailbox from unwanted mail, so the caller must leave
// them out. Texts from the client are made printable, so that they cannot add lines.
std::vector<std::string> trace_lines(TraceMode mode, const TraceFacts& facts,
                                     std::span<const std::string> foreign);

// The place where trace lines are inserted, so that mail programs find both them and the message's
// header.
struct TracePlace {
  // Offset in the message: after a byte order mark and the `From ` line of an mbox.
  std::uint64_t offset = 0;
  bool apart = false;  // the message has no header: an empty line must follow the trace lines
};

// Finds the place in a message that arrives in pieces. It examines at most the first 16 KiB: a
// message without a field in them counts as one without a header.
class TracePlacer {
 public:
  TracePlacer();
  void write(ByteView data) { walker_.write(data); }
  void finish() { walker_.finish(); }
  bool done() const { return walker_.done(); }
  TracePlace place() const;  // call it only after done()

 private:
  HeaderWalker walker_;
};

}  // namespace gw::mail
