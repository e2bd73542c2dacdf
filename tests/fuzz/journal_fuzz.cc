// Any bytes read as a journal report: the result does not depend on how they are read, and all ranges are
// within the message.
#include <cstdlib>

#include "base/text.h"
#include "mime/journal_report.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

gw::mime::JournalReport read(gw::mime::Source& source, std::size_t read_size) {
  gw::mime::Limits limits;
  limits.read_size = read_size;
  gw::Result<gw::mime::JournalReport> report = gw::mime::read_journal_report(source, limits);
  check(report.has_value());
  return std::move(*report);
}

std::string content(gw::mime::Source& source, const gw::mime::Content& content, std::size_t read_size) {
  gw::mime::ContentReader reader(source, content, read_size);
  std::string out;
  for (;;) {
    const gw::Result<gw::ByteView> piece = reader.next();
    check(piece.has_value());
    if (piece->empty()) return out;
    out += gw::as_text(*piece);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  gw::mime::MemorySource source(std::as_bytes(std::span(data + 1, size - 1)));
  const std::size_t small = data[0] % 61U + 1U;
  const gw::mime::JournalReport whole = read(source, 64 << 10);
  const gw::mime::JournalReport pieces = read(source, small);

  check(whole.is_journal_report == pieces.is_journal_report);
  if (!whole.is_journal_report) {
    check(whole.inner.empty() && whole.recipients.empty());
    return 0;
  }
  check(whole.sender == pieces.sender && whole.recipients.size() == pieces.recipients.size());
  check(gw::valid_utf8(whole.sender) && gw::valid_utf8(whole.subject.value_or("")));
  for (const gw::mime::Recipient& recipient : whole.recipients)
    check(!recipient.address.empty() && gw::valid_utf8(recipient.address));
  const auto mails = gw::mime::all_inner(whole);
  const auto again = gw::mime::all_inner(pieces);
  check(!whole.inner.empty() && mails.size() == again.size());
  for (std::size_t i = 0; i < mails.size(); ++i) {
    const gw::mime::Content& inner = mails[i]->content;
    check(inner.stored == again[i]->content.stored && inner.within == again[i]->content.within);
    const std::string mail = content(source, inner, 64 << 10);
    check(mail == content(source, inner, small) && mail.size() <= inner.stored.length);
  }
  return 0;
}
