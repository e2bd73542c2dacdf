// The wire form of any bytes, cut anywhere, follows its rule and has the announced size.
#include <algorithm>
#include <cstdlib>

#include "mail/header.h"
#include "mail/wire_form.h"

namespace {

std::string wire(std::span<const std::string> trace, gw::ByteView raw, std::size_t cut) {
  gw::mail::WireForm form(trace);
  std::string out;
  const gw::mail::WireForm::Sink sink = [&](gw::ByteView piece) { out += gw::as_text(piece); };
  while (!raw.empty()) {
    const gw::ByteView piece = raw.first(std::min(cut, raw.size()));
    form.write(piece, sink);
    raw = raw.subspan(piece.size());
  }
  form.finish(sink);
  if (form.size() != out.size()) std::abort();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string trace[] = {"X-Envelope-From: <>"};
  const auto lines = std::span(trace).first(data[0] & 1U);
  const gw::ByteView raw = std::as_bytes(std::span(data + 2, size - 2));

  const std::string whole = wire(lines, raw, std::max<std::size_t>(raw.size(), 1));
  if (whole != wire(lines, raw, data[1] % 7U + 1U)) std::abort();
  if (!whole.ends_with("\r\n")) std::abort();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '\n' && (i == 0 || whole[i - 1] != '\r')) std::abort();
    if (whole[i] == '\r' && (i + 1 == whole.size() || (whole[i + 1] != '\n' && whole[i + 1] != '\r')))
      std::abort();
  }
  // What is in wire form already stays as it is.
  if (wire({}, gw::as_bytes(whole), 5) != whole) std::abort();

  gw::mail::HeaderWalker walker({"Message-ID"});
  walker.write(raw);
  walker.finish();
  if (walker.size() > raw.size()) std::abort();
  return 0;
}
