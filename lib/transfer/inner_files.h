// Computes digest and size of the mails within a journal report, as an export would write them.
#pragma once

#include <vector>

#include "base/result.h"
#include "mime/journal_report.h"
#include "mime/source.h"
#include "transfer/manifest.h"

namespace gw::transfer {

// Returns one InnerFile per inner mail, in the order of mime::all_inner(), with empty `file`. Reads
// and decodes every inner mail. Fails as `source` does.
Result<std::vector<InnerFile>> inner_files(mime::Source& source, const mime::JournalReport& report);

}  // namespace gw::transfer
