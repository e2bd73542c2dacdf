// Exporting messages one by one: opened, written, listed, noted in the history.
//
//   Exporter exporter(store, mailbox, writer, manifest, options);
//   for (const store::MessageRecord& record : …) exporter.add(record, open_message(…, record));
//   exporter.finish();                     // everything durable, the manifest too, read back where asked
//   drain.remove(exporter.give_taken(), …);     // where the mail shall go
//
// A message that does not open or is damaged is listed as failed and the export goes on. An Error means
// that going on makes no sense: the destination or the store is not there.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "transfer/manifest.h"
#include "transfer/match.h"
#include "transfer/writer.h"
#include "vault/drain.h"

namespace gw::transfer {

struct ExportOptions {
  bool sidecar = false;    // `<id>.json` beside each message: its manifest line
  bool headers = false;    // the envelope as header fields of each message
  bool unwrap = false;     // mails within journal reports, too, and a sidecar for each report
  bool read_back = false;  // compares what reached the disk; for give_taken()
  Match match;             // only what concerns these addresses
  std::string actor;
};

// The flags of a file in a Maildir, as `RS`, from the path that a message was imported from: letters only.
// They follow `:2,`, or `!2,` or `;2,` on file systems without colons in names.
std::string maildir_flags(std::string_view source);

struct ExportFailure {
  MessageId id;
  std::string reason;
};

struct ExportReport {
  std::uint64_t written = 0;
  std::uint64_t present = 0;  // found already there, by a writer that goes on with an earlier run
  std::uint64_t octets = 0;
  std::uint64_t unwrapped = 0;  // inner mails
  std::uint64_t unmatched = 0;  // passed over, because ExportOptions::match does not concern them
  std::uint64_t unnoted = 0;    // not noted in the history, since the vault takes no change
  std::vector<ExportFailure> failures;
};

class Exporter {
 public:
  // `manifest` may be null. All must outlive this.
  Exporter(store::Store& store, const store::MailboxRecord& mailbox, Writer& writer, Manifest* manifest,
           ExportOptions options);

  // Exists: a file is in the way that is not this mail.
  Result<void> add(const store::MessageRecord& record, Result<vault::Message> opened);
  Result<void> finish();

  const ExportReport& report() const { return report_; }
  // What has come to the destination since the last call, read back and the same. Only with `read_back`.
  std::vector<MessageId> give_taken() { return std::exchange(taken_, {}); }

 private:
  struct Item;
  using Sink = std::function<Result<void>(ByteView)>;
  using Feed = std::function<Result<void>(const Sink&)>;  // gives all octets; may be asked again

  Result<bool> look(Item& item);
  Result<bool> match_inner(mime::Source& source, const mime::JournalReport& report);
  Result<void> place_fields(Item& item);
  Result<void> write(Item& item);
  Result<void> write_inner(Item& item);
  Result<bool> put(const Entry& entry, const Feed& feed, std::optional<Digest> digest);
  Result<Digest> carried(const Feed& feed) const;
  Entry entry(const Item& item, std::string suffix, std::uint64_t octets) const;
  Result<void> keep(const Item& item, bool fresh);
  Result<void> flush();
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
  // Messages that get their leaf, and the lines that follow it: gathered, since each leaf is a synced commit.
  std::vector<MessageId> to_note_;
  std::vector<std::string> to_list_;
  std::size_t gathered_ = 0;
  bool fatal_ = false;  // what went wrong is not the message in hand
};

}  // namespace gw::transfer
