// The cursor of incremental exports (`gw-export --cursor`): how far the exports of a mailbox got,
// as a position in its history, in a small JSON file that one run leaves to the next.
//
// The position is that of a commit and never a time or a message id. A delivery that begins during
// a run and is committed after its end is therefore in the next run. Messages before the position
// that a run skipped because of their state (drained, quarantined) may become live again; the
// cursor lists them, so that a later run finds them.
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
  // Every message up to this sequence number was exported, except those in `waiting`.
  std::uint64_t seq = 0;
  // Sequence numbers of skipped messages, ascending; nullopt if the file does not list them.
  std::optional<std::vector<std::uint64_t>> waiting;
};

// Reads the file, or returns a cursor at 0 if there is none. Fails with BadInput if it is not a
// cursor, with Conflict (exit status of Usage) if it belongs to another vault or mailbox.
Result<Cursor> read_cursor(const std::string& path, const VaultId& vault, const MailboxId& mailbox);
// Replaces the file atomically and durably, with mode 0600.
Result<void> write_cursor(const std::string& path, const Cursor& cursor);

}  // namespace gw::transfer
