#include "push/content.h"

#include <algorithm>

namespace gw::push {
namespace {

constexpr std::byte kLf{'\n'};
constexpr std::byte kCr{'\r'};

// Counts what decides about the form.
struct Count {
  std::uint64_t size = 0, crlf = 0, lf = 0, cr = 0;  // lf and cr: those that are no part of a CRLF
  bool nul = false, eight_bit = false, after_cr = false;
  std::byte last{};

  void add(ByteView piece) {
    for (const std::byte each : piece) {
      if (each == kLf) {
        ++(after_cr ? crlf : lf);
      } else if (after_cr) {
        ++cr;
      }
      after_cr = each == kCr;
      nul = nul || each == std::byte{0};
      eight_bit = eight_bit || each > std::byte{0x7f};
    }
    size += piece.size();
    if (!piece.empty()) last = piece.back();
  }
};

}  // namespace

Result<Form> examine(const Feed& feed) {
  Count count;
  const auto fed = feed([&](ByteView piece) -> Result<void> {
    count.add(piece);
    return {};
  });
  if (!fed) return fed.error();
  if (count.after_cr) ++count.cr;
  Form form;
  form.size = count.size;
  form.eight_bit = count.eight_bit;
  form.binary = count.nul || count.cr > 0 || (count.lf > 0 && count.crlf > 0);
  if (form.binary) return form;
  form.bare_lf = count.lf > 0;
  form.open_end = count.size > 0 && count.last != kLf;
  form.size += count.lf + (form.open_end ? 2 : 0);
  return form;
}

Result<void> send(const Feed& feed, const Form& form, const Sink& sink) {
  Bytes lines;  // the piece with CRLF; empty unless form.bare_lf
  const auto fed = feed([&](ByteView piece) -> Result<void> {
    if (!form.bare_lf) return sink(piece);
    lines.clear();
    for (auto rest = piece; !rest.empty();) {
      const auto end = std::ranges::find(rest, kLf);
      lines.insert(lines.end(), rest.begin(), end);
      if (end == rest.end()) break;
      lines.push_back(kCr);
      lines.push_back(kLf);
      rest = ByteView(end + 1, rest.end());
    }
    return sink(lines);
  });
  if (!fed) return fed;
  return form.open_end ? sink(as_bytes("\r\n")) : Result<void>();
}

}  // namespace gw::push
