// How far an export came: the place in the mailbox's history, in a small file, from one run to the next.
//
// By the place of the commit and never by time or id: a delivery that began during a run and was committed
// behind its end is in the next one.
#pragma once

#include <cstdint>
#include <string>

#include "base/id.h"
#include "base/result.h"

namespace gw::transfer {

struct Cursor {
  VaultId vault;
  MailboxId mailbox;
  std::uint64_t seq = 0;  // everything up to it is done
};

// A cursor at 0 where there is no file. BadInput: not a cursor. Conflict: of another vault or mailbox.
Result<Cursor> read_cursor(const std::string& path, const VaultId& vault, const MailboxId& mailbox);
Result<void> write_cursor(const std::string& path, const Cursor& cursor);

}  // namespace gw::transfer
