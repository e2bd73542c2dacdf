// Bringing mail from files into a mailbox: sealed with its public key, no password needed.
//
//   Importer importer(store, recipient, key, options);
//   importer.add(file, said);            // each file; `said` hears of each mail in it
//
// A mail's id is made of its octets under a key that is not in the vault: brought in twice it has the same
// id, and the store refuses the second one whoever comes with it. Who has the vault cannot test for a known
// mail.
//
// A source is removed only when each mail in it is committed and was read back from the store with the right
// digest, and when the file is still the one that was read.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"
#include "transfer/mbox_reader.h"
#include "transfer/sources.h"
#include "vault/delivery.h"

namespace gw::transfer {

struct ImportOptions {
  bool remove = false;
  std::optional<MboxForm::Quoting> quoting;  // none: as the file looks
  std::string actor;
};

enum class ImportResult : unsigned char {
  Added,
  Present,  // was brought in before
  Left,     // was brought in before, and has left the mailbox since
  Failed,
};

struct ImportedMail {
  std::optional<std::uint64_t> offset;  // in an mbox
  MessageId id;
  std::uint64_t octets = 0;
  Digest sha256{};
  ImportResult result = ImportResult::Failed;
};

struct ImportedFile {
  std::uint64_t added = 0;
  std::uint64_t present = 0;  // those that have left too
  std::uint64_t octets = 0;   // of what was added
  bool removed = false;
  std::string reason;  // what went wrong, or why the source stays; empty: nothing
  bool failed = false;
};

class Importer {
 public:
  // `key` has seal::kFingerprintKey octets. All must outlive this.
  Importer(store::Store& store, const store::Recipient& recipient, const Secret& key, ImportOptions options);

  // What is wrong with the file is in the result; an Error is the store's, and ends it all. Mails before it
  // are committed.
  using Said = std::function<void(const ImportedMail&)>;
  Result<ImportedFile> add(const SourceFile& file, const Said& said);

 private:
  struct Mail;
  class OpenFile;
  using Sink = std::function<Result<void>(ByteView)>;

  Result<void> add_mbox(OpenFile& file, ImportedFile& report, const Said& said);
  Result<bool> add_mail(const Mail& mail, ImportedFile& report, const Said& said);
  Result<ImportResult> deliver(const Mail& mail, const MessageId& id, const Digest& sha256);
  Result<bool> held(const MessageId& id, std::optional<Digest> container);

  store::Store& store_;
  const store::Recipient& recipient_;
  const Secret& key_;
  ImportOptions options_;
};

}  // namespace gw::transfer
