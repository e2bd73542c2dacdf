// Finds the Message-IDs by which a mail and the mails in its journal reports are known elsewhere, for
// comparison with the log of another mail system.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mime/message.h"

namespace gw::mime {

// More Message-IDs than this are not kept.
inline constexpr std::size_t kMaxMessageIds = 16;

struct MessageIds {
  // In comparable form, without repetitions: that of the mail first, if it has one, then those of the
  // mails in its journal reports, from their headers and from the text of the reports.
  std::vector<std::string> ids;
  // Nothing is missing in `ids`: no limit was reached, and the part that was examined had all of it.
  bool complete = false;
};

// Returns the Message-ID without angle brackets, comments after them, and white space, so that
// `<a@example.com>` in a header and `a@example.com` in a log are equal; and as valid UTF-8, as logs and
// the texts of reports are read. Empty if there is none.
std::string comparable_message_id(std::string_view text);

// Reads the Message-IDs of a mail. `whole` tells whether the source is the complete mail or only its
// start. Reads more than the header only if the header marks a journal report or a delivery report,
// which may return one. Fails only if the source cannot be read.
Result<MessageIds> read_message_ids(Source& source, bool whole, const Limits& limits = {});

}  // namespace gw::mime
