#include "mail/wire_form.h"

#include <algorithm>
#include <cstring>

#include "base/line_ends.h"

namespace gw::mail {
namespace {

// A field name that is longer than a line may be (RFC 5322 section 2.1.1) is none.
constexpr std::size_t kMaxFieldName = 998;

// ftext of RFC 5322 section 3.6.8: printable ASCII without the colon and the blank.
bool is_field_name_byte(std::byte b) {
  const auto c = std::to_integer<unsigned>(b);
  return c > 0x20 && c < 0x7f && c != ':';
}

// The position of `c` at or behind `from`, or the size.
std::size_t find(ByteView octets, char c, std::size_t from) {
  if (from >= octets.size()) return octets.size();
  const void* at = std::memchr(octets.data() + from, c, octets.size() - from);
  return at == nullptr ? octets.size()
                       : static_cast<std::size_t>(static_cast<const std::byte*>(at) - octets.data());
}

const ByteView kCrLf = as_bytes("\r\n");

}  // namespace

WireForm::WireForm(std::span<const std::string> trace) : begun_(trace.empty()) {
  for (const std::string& line : trace) {
    head_ += line;
    head_ += "\r\n";
  }
}

void WireForm::emit(ByteView piece, const Sink& sink) {
  if (piece.empty()) return;
  octets_ += piece.size();
  at_line_end_ = piece.back() == std::byte{'\n'};
  sink(piece);
}

// Sends the trace lines and what was held back behind them.
void WireForm::begin(const Sink& sink) {
  begun_ = true;
  emit(as_bytes(head_), sink);
  const Bytes probed = std::move(probe_);
  probe_ = {};
  head_ = {};
  const bool field = !probed.empty() && probed.back() == std::byte{':'} && probed.size() > 1;
  if (!field) emit(kCrLf, sink);
  body(probed, sink);
}

void WireForm::write(ByteView octets, const Sink& sink) {
  while (!begun_ && !octets.empty()) {
    const auto end = std::find_if_not(octets.begin(), octets.end(), is_field_name_byte);
    const auto name = static_cast<std::size_t>(end - octets.begin());
    if (probe_.size() + name > kMaxFieldName) {
      begin(sink);
    } else if (end == octets.end()) {
      append(probe_, octets);
      return;
    } else {
      append(probe_, octets.first(name + 1));
      octets = octets.subspan(name + 1);
      begin(sink);
    }
  }
  body(octets, sink);
}

void WireForm::body(ByteView octets, const Sink& sink) {
  if (octets.empty()) return;
  if (after_cr_) {
    // The CRLF is sent here, whether the CR was alone or its LF comes first in this piece.
    after_cr_ = false;
    emit(kCrLf, sink);
    if (octets.front() == std::byte{'\n'}) octets = octets.subspan(1);
  }
  if (!octets.empty() && look_at_line_ends(octets, false).paired) {
    after_cr_ = octets.back() == std::byte{'\r'};
    return emit(octets.first(octets.size() - (after_cr_ ? 1 : 0)), sink);
  }
  std::size_t sent = 0;
  std::size_t cr = find(octets, '\r', 0);
  std::size_t lf = find(octets, '\n', 0);
  while (cr != octets.size() || lf != octets.size()) {
    const std::size_t at = std::min(cr, lf);
    std::size_t next = at + 1;
    if (at == cr && next == octets.size()) {
      emit(octets.subspan(sent, at - sent), sink);
      after_cr_ = true;
      return;
    }
    if (at == cr && lf == next) {
      ++next;
    } else {
      emit(octets.subspan(sent, at - sent), sink);
      emit(kCrLf, sink);
      sent = next;
    }
    if (cr < next) cr = find(octets, '\r', next);
    if (lf < next) lf = find(octets, '\n', next);
  }
  emit(octets.subspan(sent), sink);
}

void WireForm::finish(const Sink& sink) {
  if (!begun_) begin(sink);
  if (after_cr_ || octets_ == 0 || !at_line_end_) emit(kCrLf, sink);
  after_cr_ = false;
}

}  // namespace gw::mail
