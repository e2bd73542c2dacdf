// Tells whether the end of a write-ahead log may be what a power cut left of writes that nobody was
// told about.
//
// A power cut can leave a log whose length is already increased while some of its last sectors were
// never written: they are zeros. RocksDB reports that as damage. What the program writes to a log has
// no sector of zeros, because bodies and digests are random bytes.
#pragma once

#include <string>

namespace gw::store {

// Returns true if a log of this database has an unwritten sector, and no whole record begins after it
// in its block of 32 KiB. Each commit is synced before the next one is written, so a record after an
// unwritten sector proves that the sector was written and has been lost since. RocksDB skips the rest
// of the block, and would not find that record. Returns false if a log cannot be read.
bool may_be_torn(const std::string& database);

}  // namespace gw::store
