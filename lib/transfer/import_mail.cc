// The import of one mail: its id, its delivery, and whether its source may be removed.
#include "seal/fingerprint.h"
#include "transfer/export.h"
#include "transfer/import_work.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kHeldPiece = 64 << 10;  // bytes of a container read at a time

}  // namespace

// Imports one mail and records whether it is safe in the mailbox, so that its source may be
// removed.
Result<void> Importer::add_mail(Work& work, const Mail& mail) {
  ImportedFile& report = work.report;
  seal::Fingerprints::Content print =
      seal::Fingerprints(key_, "", "import " + recipient_.mailbox.id.hex()).content();
  ImportedMail line;
  line.entry = mail.entry;
  line.offset = mail.offset;
  Sha256 sum;
  auto read = mail.feed([&](ByteView data) -> Result<void> {
    print.update(data);
    sum.update(data);
    if (mail.count != nullptr) mail.count->write(data);
    line.size += data.size();
    return {};
  });
  if (!read) {
    work.end(ImportedFile::Outcome::Failed, read.error());
    return {};
  }
  if (mail.count != nullptr) mail.count->finish();
  // The id is known before delivery; reading twice keeps memory constant for a mail of any size.
  const Digest fingerprint = print.finish();
  line.id = MessageId::from(ByteView(fingerprint).first(16));
  line.sha256 = sum.finish();
  const auto result = deliver(mail, line.id, line.sha256);
  if (!result) return result.error();
  line.result = *result;
  work.said(line);
  switch (*result) {
    case ImportResult::Added:
      ++report.added;
      report.size += line.size;
      break;
    case ImportResult::Present:
      ++report.present;
      break;
    // The mail was imported before, but is not in the mailbox. Removing the source could destroy
    // the last copy.
    case ImportResult::Left:
      ++report.present;
      work.safe = false;
      if (options_.remove) work.stay("a mail from it was removed from the mailbox after import");
      break;
    case ImportResult::Failed:
      work.end(ImportedFile::Outcome::Failed,
               Error(Code::Conflict, mail.source + ": changed while it was read"));
      break;
  }
  return {};
}

// Returns the envelope that an export has listed for this mail, or else what is known here.
Result<vault::Envelope> Importer::envelope_of(const Mail& mail, const Digest& sha256) const {
  vault::Envelope envelope;
  envelope.reverse_path = mail.sender;
  envelope.source = mail.source;
  std::optional<ListedMail> listed;
  // The digest decides, since a sidecar may lie beside another mail.
  if (mail.sidecar != nullptr && mail.sidecar->sha256 == sha256) listed = *mail.sidecar;
  if (!listed && options_.manifest != nullptr) {
    auto found = options_.manifest->find(sha256);
    if (!found) return found.error();
    listed = std::move(*found);
  }
  if (listed) {
    envelope = std::move(listed->envelope);
    // Maildir flags are at the end of a path, and maildir_flags() reads them from the end of
    // `source`. So the path that has flags comes last.
    const std::string here = mail.source + ", received " + listed->received_at;
    const std::string earlier = envelope.source;
    envelope.source = earlier.empty() ? here : here + ", from " + earlier;
    if (!maildir_flags(mail.source).empty())
      envelope.source = "received " + listed->received_at + ", " + mail.source;
  }
  envelope.origin = vault::Origin::Import;
  if (envelope.recipients.empty()) envelope.recipients.push_back({recipient_.mailbox.local_part(), "", ""});
  return envelope;
}

Result<ImportResult> Importer::deliver(const Mail& mail, const MessageId& id, const Digest& sha256) {
  const auto there = held(id, std::nullopt);
  if (!there) return there.error();
  if (*there) return ImportResult::Present;
  auto envelope = envelope_of(mail, sha256);
  if (!envelope) return envelope.error();
  auto delivery = vault::Delivery::begin(store_, recipient_, std::move(*envelope), options_.actor, id);
  if (!delivery) return delivery.error();
  Sha256 sum;
  std::optional<Error> of_store;
  auto read = mail.feed([&](ByteView data) -> Result<void> {
    sum.update(data);
    auto written = delivery->write(data);
    if (!written) of_store = written.error();
    return written;
  });
  // The id was in the mailbox before and is not now, so the store refuses it.
  if (of_store && of_store->code() == Code::Exists) return ImportResult::Left;
  if (of_store) return *of_store;
  // The id was computed from other bytes: the file has changed between the two passes.
  if (!read || sum.finish() != sha256) return ImportResult::Failed;
  const auto stored = delivery->finish();
  if (!stored && stored.error().code() == Code::Exists) {
    // Another import may have brought the same mail at the same time.
    const auto now = held(id, std::nullopt);
    if (!now) return now.error();
    return *now ? ImportResult::Present : ImportResult::Left;
  }
  if (!stored) return stored.error();
  // Read back before the source may be removed.
  if (options_.remove) {
    const auto kept = held(id, stored->container);
    if (!kept) return kept.error();
    if (!*kept) return Error(Code::Io, "message " + id.hex() + " was committed but is missing");
  }
  return ImportResult::Added;
}

// Checks whether the mailbox holds this message. If its source is to be removed, the container is
// read back completely and compared with its digest, and with `container` if that is known.
Result<bool> Importer::held(const MessageId& id, std::optional<Digest> container) {
  const auto record = store_.find(recipient_.mailbox.id, id);
  if (!record && record.error().code() == Code::NotFound) return false;
  if (!record) return record.error();
  if (!options_.remove) return true;
  const Error damaged(Code::Corrupt, "message " + id.hex() + " is damaged in the vault; its source is kept");
  if (container && record->container != *container) return damaged;
  Sha256 sum;
  Bytes piece(kHeldPiece);
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = store_.read(recipient_.mailbox.id, id, offset, piece);
    if (!got) return got.error();
    if (*got == 0) break;
    sum.update(ByteView(piece).first(*got));
    offset += *got;
  }
  if (offset != record->container_size || sum.finish() != record->container) return damaged;
  return true;
}

}  // namespace gw::transfer
