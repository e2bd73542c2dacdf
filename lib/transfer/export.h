// Exporting messages one by one: opened, written, listed, noted in the history.
//
//   Exporter exporter(store, mailbox, writer, options);
//   for (const store::MessageRecord& record : …) exporter.add(record, open_message(…, record));
//   exporter.finish();                     // everything durable, the manifest too
//   drain.remove(exporter.give_taken(), …);     // where the mail shall go
//
// A message that does not open or is damaged is listed as failed and the export goes on. An Error means
// that going on makes no sense: the destination or the store is not there.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "transfer/manifest.h"
#include "transfer/writer.h"
#include "vault/drain.h"

namespace gw::transfer {

struct ExportOptions {
  bool sidecar = false;    // `<id>.json` beside each message: its manifest line
  bool resume = false;     // a file in the way is good if it is that mail, octet for octet
  bool read_back = false;  // compares what reached the disk; for give_taken()
  std::string actor;
};

struct ExportFailure {
  MessageId id;
  std::string reason;
};

struct ExportReport {
  std::uint64_t written = 0;
  std::uint64_t present = 0;  // found already there by `resume`
  std::uint64_t octets = 0;
  std::vector<ExportFailure> failures;
};

class Exporter {
 public:
  // `manifest` may be null. All must outlive this.
  Exporter(store::Store& store, const MailboxId& mailbox, Writer& writer, Manifest* manifest,
           ExportOptions options);

  // Exists: a file is in the way that is not this mail, or `resume` was not asked for.
  Result<void> add(const store::MessageRecord& record, Result<vault::Message> opened);
  Result<void> finish();

  const ExportReport& report() const { return report_; }
  // What has come to the destination since the last call, read back and the same. Only with `read_back`.
  std::vector<MessageId> give_taken() { return std::exchange(taken_, {}); }

 private:
  Result<bool> already_there(const std::string& name, const Digest& wanted);
  Result<void> write_sidecar(const ManifestLine& line, Micros time);
  Result<void> note(const store::MessageRecord& record);
  Result<void> fail(ManifestLine line, const Error& error);

  store::Store& store_;
  MailboxId mailbox_;
  Writer& writer_;
  Manifest* manifest_;
  ExportOptions options_;
  ExportReport report_;
  std::vector<MessageId> taken_;
};

}  // namespace gw::transfer
