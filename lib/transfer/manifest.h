// The manifest of an export: JSON lines, one per message, in a file of its own.
//
//   {"id":…,"file":…,"sha256":…,"octets":…,"envelope":{…},"message_id":…,
//    "result":"ok","reason":null,"state":…}
//
// A line is added after its message is completely written. If the message was unwrapped, its line
// also has the content of the journal report. Later versions may add fields, but never change or
// remove these.
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
#include "json/json.h"
#include "mime/journal_report.h"
#include "store/record.h"
#include "vault/envelope.h"

namespace gw::transfer {

// A mail that was cut out of a journal report.
struct InnerFile {
  std::string file;  // empty if it was not written to a file
  Digest sha256{};
  std::uint64_t size = 0;
  bool is_protected = false;  // the rights-protected original
  std::optional<std::string> message_id;
};

struct ManifestLine {
  MessageId id;
  std::string file;              // relative to the destination; empty if none was written
  std::optional<Digest> sha256;  // of the message as received; nullopt if it failed
  std::uint64_t size = 0;
  const vault::Envelope* envelope = nullptr;  // null if it could not be opened
  std::optional<std::string> message_id;      // the Message-ID field as it stands in the mail
  std::string reason;                         // why the export failed; empty if it did not
  store::State state = store::State::Live;
  std::optional<mime::JournalReport> journal;  // nullopt if it was not looked for
  std::vector<InnerFile> inner;                // of all reports, in the order of mime::all_inner()
};

// Returns the line as one JSON object without a line ending. Text that is not UTF-8 is written as
// by json::put_text().
std::string manifest_line(const ManifestLine& line);
// Returns `to`, `cc` or `bcc`, or `recipient` if the report does not say which.
const char* name(mime::Recipient::Kind kind);
// Returns the content of a journal report.
json::Json journal_json(const mime::JournalReport& report, const std::vector<InnerFile>& inner);

// The file. add() and sync() may be called from several threads.
class Manifest {
 public:
  // Creates the file with mode 0600. With `resume` it continues an existing one after its last
  // complete line. Fails with Exists if there is a file and `resume` is false, with BadInput if the
  // file is not a manifest.
  static Result<Manifest> open(const std::string& path, bool resume);

  // Checks whether an earlier run listed this message with the result `ok`.
  bool listed(const MessageId& id) const;
  // Adds a line as manifest_line() returns it. Lines are buffered.
  Result<void> add(const std::string& line);
  // Writes the buffered lines and syncs the file and its directory.
  Result<void> sync();

 private:
  Manifest(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  Result<void> read_listed();
  Result<void> flush();

  std::string path_;
  Fd fd_;
  std::unique_ptr<std::mutex> adding_ = std::make_unique<std::mutex>();
  std::string waiting_;
  std::vector<MessageId> listed_;  // sorted; 16 bytes each
};

}  // namespace gw::transfer
