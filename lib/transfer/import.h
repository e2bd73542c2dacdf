// Brings mail from files into a mailbox: sealed with its public key, no password needed.
//
//   Importer importer(store, recipient, key, options);
//   importer.add(file, said);            // each file; `said` hears of each mail in it
//
// A mail's id is made of its octets under a key that is not in the vault: brought in twice it has the same
// id, and the store refuses the second one whoever comes with it. Who has the vault cannot test for a known
// mail.
//
// A file that another program writes to is left alone: a read lease (fcntl, F_SETLEASE) shows that none has
// it open for writing. Where the kernel gives no lease, as on some network file systems and to a user who
// does not own the file, a file counts as whole once nothing in it has changed for kQuiet; mails in a Maildir
// and mboxes, which have protocols of their own, count as whole anyway.
//
// Archives and compressed files are unpacked on the way, one file at a time (transfer/unpack.h).
//
// A source is removed only when each mail in it is committed and was read back from the store with the right
// digest, when the file is still the one that was read and nobody writes to it, and when what was taken for
// mail begins with a header and holds no other line that looks like a separator. An mbox is emptied under its
// lock and stays, because a program that delivers to it may have it open and wait for that lock.
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
  bool remove = false;
  const ManifestIndex* manifest = nullptr;   // envelopes of mails that an export listed
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
  std::string entry;                    // in an archive: its name there
  std::optional<std::uint64_t> offset;  // in an mbox
  MessageId id;
  std::uint64_t octets = 0;
  Digest sha256{};
  ImportResult result = ImportResult::Failed;
};

struct ImportedFile {
  enum class Outcome : unsigned char {
    Taken,
    Empty,   // it has no bytes, or an mbox has no mails
    NoMail,  // with format Auto: it looks like neither a mail nor an mbox
    Busy,    // another program writes to it, or may do so
    Failed,
  };
  Outcome outcome = Outcome::Taken;
  std::uint64_t added = 0;
  std::uint64_t present = 0;  // those that have left too
  std::uint64_t octets = 0;   // of what was added
  std::uint64_t left = 0;     // files in an archive that were passed over; `reason` names the first
  bool removed = false;       // an mbox: emptied
  std::string reason;         // what is wrong, or why the source stays; empty: nothing
};

class Importer {
 public:
  // `key` has seal::kFingerprintKey octets. All must outlive this.
  Importer(store::Store& store, const store::Recipient& recipient, const Secret& key, ImportOptions options);

  // `-` is standard input, which is copied to a sealed file without a name first.
  // What is wrong with the file is in the result; an Error is the store's, and ends it all. Mails before it
  // are committed.
  using Said = std::function<void(const ImportedMail&)>;
  Result<ImportedFile> add(const SourceFile& file, const Said& said);

 private:
  struct Mail;
  class OpenFile;
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
