// Exports messages one by one: opens them, writes them, lists them in the manifest, and appends
// Exported entries to the mailbox's history.
//
//   Exporter exporter(store, mailbox, writer, manifest, options);
//   for (const store::MessageRecord& record : …) exporter.add(record, open_message(…, record));
//   exporter.finish();                        // everything is durable, and read back if requested
//   drain.remove(exporter.give_taken(), …);   // only if the mail shall leave the mailbox
//
// A message that cannot be opened or is damaged is listed as failed, and the export continues. A
// returned Error means that continuing makes no sense: the destination or the store is not
// available.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/first_few.h"
#include "base/result.h"
#include "store/store.h"
#include "transfer/manifest.h"
#include "transfer/match.h"
#include "transfer/writer.h"
#include "vault/drain.h"

namespace gw::transfer {

struct ExportOptions {
  bool sidecar = false;  // write `<id>.json`, the manifest line, beside each message
  bool headers = false;  // insert the envelope as header fields into each message
  // Also write the mails within journal reports, and a sidecar for each report.
  bool unwrap = false;
  // Read everything back from disk and compare digests; needed for give_taken().
  bool read_back = false;
  Match match;        // export only messages that concern these addresses
  std::string actor;  // for the entries in the history
};

// Returns the flags of a file in a Maildir, as `RS`, from the path that a message was imported
// from; empty if there are none. Flags are letters after `:2,`, or after `!2,` or `;2,` on file
// systems that allow no colon in names.
std::string maildir_flags(std::string_view source);

// A message that could not be exported.
struct ExportFailure {
  MessageId id;
  std::string reason;
};

// Failed messages that a report names. All of them are counted, and listed in the manifest.
inline constexpr std::size_t kMaxFailures = 1000;

// Numbers of messages, unless stated otherwise.
struct ExportReport {
  std::uint64_t written = 0;
  std::uint64_t present = 0;    // already written by the earlier run that this one resumes
  std::uint64_t size = 0;       // bytes of the written messages
  std::uint64_t unwrapped = 0;  // mails cut out of journal reports
  std::uint64_t unmatched = 0;  // skipped, because they do not concern ExportOptions::match
  // Exported without an entry in the history, because the vault accepts no change.
  std::uint64_t unnoted = 0;
  FirstFew<ExportFailure, kMaxFailures> failures;
};

// Not thread safe; for several threads see transfer/export_pool.h.
class Exporter {
 public:
  // `manifest` may be null. All arguments must outlive the exporter.
  Exporter(store::Store& store, const store::MailboxRecord& mailbox, Writer& writer, Manifest* manifest,
           ExportOptions options);

  // Exports one message, given as opened or with the error of opening it. A damaged message goes to
  // report().failures. Fails with Exists if a different file has the name, otherwise with the error
  // of the destination or the store.
  Result<void> add(const store::MessageRecord& record, Result<vault::Message> opened);
  // Makes everything durable, appends the outstanding history entries, reads back if requested, and
  // syncs the manifest, in this order. More messages may be added afterwards if the writer allows
  // it.
  Result<void> finish();

  const ExportReport& report() const { return report_; }
  // Returns the messages that have reached the destination since the last call, that is, were read
  // back and are identical. Always empty without `read_back`.
  std::vector<MessageId> give_taken() { return std::exchange(taken_, {}); }

 private:
  struct Item;
  // Passes all bytes of an entry to the sink. It can be called several times, since digest and
  // length must sometimes be known before writing.
  using Sink = std::function<Result<void>(ByteView)>;
  using Feed = std::function<Result<void>(const Sink&)>;

  Result<bool> look(Item& item);
  Result<bool> match_inner(mime::Source& source, const mime::JournalReport& report);
  Result<void> place_fields(Item& item);
  Result<void> write(Item& item);
  Result<void> write_inner(Item& item);
  Result<bool> put(const Entry& entry, const Feed& feed, std::optional<Digest> digest);
  Result<Digest> carried(const Feed& feed) const;
  Entry entry(const Item& item, std::string suffix, std::uint64_t size) const;
  Result<void> keep(const Item& item, bool fresh);
  void list(const ManifestLine& line);
  Result<void> flush();
  Result<void> flush_if_much();
  Result<void> fail(ManifestLine line, const Error& error);
  Error fatal(const Error& error);
  Result<void> compare();

  store::Store& store_;
  const store::MailboxRecord& mailbox_;
  Writer& writer_;
  Manifest* manifest_;
  ExportOptions options_;
  ExportReport report_;
  std::vector<std::pair<Entry, Digest>> to_compare_;
  std::vector<MessageId> written_, taken_;
  // Messages that wait for their history entry, and the manifest lines that follow it. They are
  // gathered, because each call to the store is a synced commit.
  std::vector<MessageId> to_note_;
  std::vector<std::string> to_list_;
  std::size_t gathered_ = 0;
  // The last error concerns the destination or the store and not only the current message.
  bool fatal_ = false;
};

}  // namespace gw::transfer
