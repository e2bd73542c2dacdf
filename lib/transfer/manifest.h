// The list that goes with an export: JSON lines, one a message, in a file of its own.
//
//   {"id":…,"file":…,"sha256":…,"octets":…,"envelope":{…},"message_id":…,"result":"ok","reason":null,"state":…}
//
// A line is written when its message is whole; one that was unwrapped also has what the journal report says.
// New fields may come; these stay. Lines may be added from several threads.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "base/id.h"
#include "base/result.h"
#include "mime/journal.h"
#include "store/record.h"
#include "vault/envelope.h"

namespace gw::transfer {

// A mail that was cut out of a journal report.
struct InnerFile {
  std::string file;  // empty: it was not written anywhere
  Digest sha256{};
  std::uint64_t octets = 0;
  bool is_protected = false;
  std::optional<std::string> message_id;
};

struct ManifestLine {
  MessageId id;
  std::string file;              // relative to the destination; empty: none
  std::optional<Digest> sha256;  // of the octets as received
  std::uint64_t octets = 0;
  const vault::Envelope* envelope = nullptr;  // null where it could not be opened
  std::optional<std::string> message_id;      // the mail's own Message-ID, as it stands there
  std::string reason;                         // why it failed; empty: `result` is `ok`
  store::State state = store::State::Live;
  std::optional<mime::JournalReport> journal;  // if it was looked for
  std::vector<InnerFile> inner;                // of all reports, in the order of mime::all_inner()
};

// One JSON object without a line end; text that is not UTF-8 has U+FFFD and a twin `NAME_b64`.
std::string manifest_line(const ManifestLine& line);
// `to`, `cc`, `bcc`, or `recipient` where the report does not say which.
const char* name(mime::Recipient::Kind kind);
std::string envelope_json(const vault::Envelope& envelope);
std::string journal_json(const mime::JournalReport& report, const std::vector<InnerFile>& inner);

class Manifest {
 public:
  // A new file, 0600. Exists: there is one. With `resume` it goes on at the end of the one that is there,
  // behind its last whole line.
  static Result<Manifest> open(const std::string& path, bool resume);

  // Whether an earlier run listed this message as `ok`.
  bool listed(const MessageId& id) const;
  Result<void> add(const std::string& line);  // as manifest_line() gives it
  Result<void> sync();

 private:
  Manifest(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<void> read_listed();
  Result<void> flush();

  std::string path_;
  Fd fd_;
  std::unique_ptr<std::mutex> adding_ = std::make_unique<std::mutex>();
  std::string waiting_;
  std::vector<MessageId> listed_;  // ascending; 16 octets each, for a million messages 16 MB
};

}  // namespace gw::transfer
