// Any bytes read as an mbox: every mail within the file, in order, the same when it is read again, and
// quoting that is undone takes away nothing but one `>` a line.
#include <cstdlib>

#include "transfer/mbox_reader.h"

namespace {

using gw::transfer::MboxForm;
using gw::transfer::MboxReader;

void check(bool holds) {
  if (!holds) std::abort();
}

std::string rest(MboxReader& reader) {
  std::string text;
  for (;;) {
    const gw::Result<gw::ByteView> piece = reader.read();
    check(piece.has_value());
    if (piece->empty()) return text;
    text += gw::as_text(*piece);
  }
}

std::vector<std::string> mails(gw::mime::Source& source, MboxForm form) {
  MboxReader reader(source, form);
  std::vector<std::string> found;
  std::uint64_t before = 0;
  std::uint64_t octets = 0;
  for (;;) {
    const auto mail = reader.next();
    if (!mail || !*mail) {
      check(mail || (found.empty() && mail.error().code() == gw::Code::BadInput));
      return found;
    }
    check(found.empty() || (*mail)->offset > before);
    check((*mail)->separator.starts_with("From "));
    before = (*mail)->offset;
    found.push_back(rest(reader));
    check(reader.end() <= source.size() && reader.end() >= before);
    reader.rewind();
    check(rest(reader) == found.back());
    octets += found.back().size();
    check(octets <= source.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  gw::mime::MemorySource source(std::as_bytes(std::span(data + 1, size - 1)));
  using Quoting = MboxForm::Quoting;
  MboxForm form;
  form.lengths = (data[0] & 1U) != 0;
  form.quoted = (data[0] & 4U) != 0;
  form.quoting = Quoting::None;
  const std::vector<std::string> stored = mails(source, form);
  form.quoting = (data[0] & 2U) != 0 ? Quoting::Rd : Quoting::O;
  const std::vector<std::string> unquoted = mails(source, form);
  check(stored.size() == unquoted.size());
  for (std::size_t i = 0; i < stored.size(); ++i) check(unquoted[i].size() <= stored[i].size());
  (void)MboxForm::guess(source);
  return 0;
}
