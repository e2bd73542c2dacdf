// Imports mail from files into a mailbox. Mail is sealed with the mailbox's public key; no password
// is needed.
//
//   Importer importer(store, recipient, key, options);
//   importer.add(file, said);            // for each file; `said` is called for each mail in it
//
// The id of an imported mail is a keyed hash (fingerprint) of its bytes. A mail that is imported
// twice has the same id, and the store refuses the second one, whichever process brings it. The key
// is not in the vault, so a thief of the vault cannot test whether a known mail is in it.
//
// A file that another program is writing is left alone. A read lease (fcntl(2), F_SETLEASE) shows
// whether any process has it open for writing. If the kernel grants no lease, as on some network
// file systems or for a file of another user, a file counts as complete after it has not changed
// for 15 minutes. Mails in a Maildir and mboxes have protocols of their own and count as complete
// anyway.
//
// Archives and compressed files are unpacked on the fly, one file at a time (transfer/unpack.h).
//
// A source is removed only if all of this holds: each mail in it is committed and was read back
// from the store with the right digest; the file is still the one that was read, and no process
// writes to it; what was taken for mail begins with a header and contains no further line that
// looks like an mbox separator. For an archive, a second count of its files, which does not depend on
// the code that unpacks, must agree that each was taken. An mbox is emptied under its lock and not deleted, because a
// program that delivers to it may have it open and wait for that lock.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "base/secret.h"
#include "store/store.h"
#include "transfer/manifest_index.h"
#include "transfer/mbox_reader.h"
#include "transfer/sources.h"
#include "vault/delivery.h"

namespace gw::transfer {

struct ImportOptions {
  bool remove = false;                       // remove each source after its mails are safe
  const ManifestIndex* manifest = nullptr;   // envelopes of exported mails; may be null
  std::optional<MboxForm::Quoting> quoting;  // nullopt to detect it from the file
  std::string actor;                         // for the entries in the history
  // Called for each file in an archive that is skipped, with its name and the reason; may be empty.
  std::function<void(const std::string& why)> skipped;
};

enum class ImportResult : unsigned char {
  Added,
  Present,  // imported before and still in the mailbox
  Left,     // imported before, and has left the mailbox since
  Failed,
};

// What happened to one mail.
struct ImportedMail {
  std::string entry;                    // its name in an archive; empty outside one
  std::optional<std::uint64_t> offset;  // of its separator line in an mbox, in bytes
  MessageId id;
  std::uint64_t size = 0;
  Digest sha256{};
  ImportResult result = ImportResult::Failed;
};

// What happened to one file.
struct ImportedFile {
  enum class Outcome : unsigned char {
    Taken,
    Empty,   // it has no bytes, or an mbox has no mails
    NoMail,  // format Auto: it looks like neither a mail nor an mbox
    Busy,    // another program writes to it, or may do so
    Failed,
  };
  Outcome outcome = Outcome::Taken;
  std::uint64_t added = 0;
  std::uint64_t present = 0;  // includes mails that have left the mailbox since
  std::uint64_t size = 0;     // bytes of the added mails
  std::uint64_t left = 0;     // files in an archive that were skipped, as ImportOptions::skipped said
  bool removed = false;       // for an mbox: emptied
  // The error, why the source stays, or the first file that was skipped; empty if none of these.
  std::string reason;
  bool reported = false;  // ImportOptions::skipped was called with `reason`
};

// Not thread safe.
class Importer {
 public:
  // `key` has seal::kFingerprintKey bytes. All references must outlive the importer.
  Importer(store::Store& store, const store::Recipient& recipient, const Secret& key, ImportOptions options);

  // Called for each mail after its outcome is known.
  using Said = std::function<void(const ImportedMail&)>;
  // Imports one file. The path `-` stands for standard input, which is first copied to a sealed
  // temporary file. What is wrong with the file is in the result. Fails only if the store does, and
  // then the import cannot continue; mails before that are committed.
  Result<ImportedFile> add(const SourceFile& file, const Said& said);

 private:
  struct Mail;
  struct Work;
  using Sink = std::function<Result<void>(ByteView)>;

  struct Part;
  Result<ImportedFile> add_input(SourceFormat format, const Said& said);
  Result<void> add_single(Work& work, const Part& part, SourceFormat format);
  Result<void> add_mbox(Work& work, const Part& part);
  Result<void> add_packed(Work& work, const Part& part);
  Result<void> add_mail(Work& work, const Mail& mail);
  Result<vault::Envelope> envelope_of(const Mail& mail, const Digest& sha256) const;
  Result<ImportResult> deliver(const Mail& mail, const MessageId& id, const Digest& sha256);
  Result<bool> held(const MessageId& id, std::optional<Digest> container);

  store::Store& store_;
  const store::Recipient& recipient_;
  const Secret& key_;
  ImportOptions options_;
};

}  // namespace gw::transfer
