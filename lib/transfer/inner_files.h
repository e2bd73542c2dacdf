// Digest and size of the mails within a journal report, as an export would write them.
#pragma once

#include <vector>

#include "base/result.h"
#include "mime/journal.h"
#include "mime/source.h"
#include "transfer/manifest.h"

namespace gw::transfer {

Result<std::vector<InnerFile>> inner_files(mime::Source& source, const mime::JournalReport& report);

}  // namespace gw::transfer
