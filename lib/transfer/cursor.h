// How far the exports of a mailbox came: a place in its history, in a small file, from one run to the next.
//
// The place is that of the commit and never a time or an id: a delivery that began during a run and was
// committed after its end is in the next one. Messages before that place which a run did not write because of
// their state (drained, quarantined) may come back later; the cursor names them, so that a later run finds
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"

namespace gw::transfer {

struct Cursor {
  VaultId vault;
  MailboxId mailbox;
  std::uint64_t seq = 0;  // everything up to it is done, except for
  // these, by seq, ascending. None: an earlier version wrote the file, and nobody knows.
  std::optional<std::vector<std::uint64_t>> waiting;
};

// A cursor at 0 if there is no file. BadInput: not a cursor. Conflict: of another vault or mailbox.
Result<Cursor> read_cursor(const std::string& path, const VaultId& vault, const MailboxId& mailbox);
Result<void> write_cursor(const std::string& path, const Cursor& cursor);

}  // namespace gw::transfer
