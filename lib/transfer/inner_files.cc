#include "transfer/inner_files.h"

#include "mime/unwrap.h"

namespace gw::transfer {

Result<std::vector<InnerFile>> inner_files(mime::Source& source, const mime::JournalReport& report) {
  std::vector<InnerFile> mails;
  for (const mime::InnerMail* each : mime::all_inner(report)) {
    const mime::InnerMail& inner = *each;
    InnerFile mail;
    Sha256 digest;
    // The size of an encoded mail is known only after decoding it.
    const auto read = mime::unwrap(source, inner.content, [&](ByteView piece) -> Result<void> {
      digest.update(piece);
      mail.size += piece.size();
      return {};
    });
    if (!read) return read.error();
    mail.sha256 = digest.finish();
    mail.is_protected = inner.is_protected;
    mail.message_id = inner.message_id;
    mails.push_back(std::move(mail));
  }
  return mails;
}

}  // namespace gw::transfer
