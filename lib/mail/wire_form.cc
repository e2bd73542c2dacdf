#include "mail/wire_form.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/line_ends.h"
#include "mail/trace.h"

namespace gw::mail {
namespace {

// Returns the position of `c` at or after `from`; the size if there is none.
std::size_t find(ByteView data, char c, std::size_t from) {
  if (from >= data.size()) return data.size();
  const void* at = std::memchr(data.data() + from, c, data.size() - from);
  return at == nullptr ? data.size()
                       : static_cast<std::size_t>(static_cast<const std::byte*>(at) - data.data());
}

// Returns the number of CRs at the start of `data`.
std::size_t leading_crs(ByteView data) {
  return static_cast<std::size_t>(
      std::ranges::find_if(data, [](std::byte b) { return b != std::byte{'\r'}; }) - data.begin());
}

const ByteView kCrLf = as_bytes("\r\n");

}  // namespace

WireForm::WireForm(std::span<const std::string> trace) {
  if (trace.empty()) return;
  // Without trace lines nothing has to be held back, and placer_ stays null.
  placer_ = std::make_unique<TracePlacer>();
  for (const std::string& line : trace) {
    head_ += line;
    head_ += "\r\n";
  }
}

WireForm::WireForm(WireForm&&) noexcept = default;
WireForm::~WireForm() = default;

void WireForm::emit(ByteView piece, const Sink& sink) {
  if (piece.empty()) return;
  size_ += piece.size();
  at_line_end_ = piece.back() == std::byte{'\n'};
  sink(piece);
}

// Sends everything held back and `rest`, with the trace lines at their place between them.
void WireForm::begin(ByteView rest, const Sink& sink) {
  const TracePlace place = placer_->place();
  placer_.reset();
  const Bytes held = std::exchange(held_, {});
  const auto in_held = static_cast<std::size_t>(std::min<std::uint64_t>(place.offset, held.size()));
  const auto in_rest = static_cast<std::size_t>(place.offset - in_held);
  body(ByteView(held).first(in_held), sink);
  body(rest.first(in_rest), sink);
  end_crs(false, sink);
  emit(as_bytes(std::exchange(head_, {})), sink);
  if (place.apart) emit(kCrLf, sink);
  body(ByteView(held).subspan(in_held), sink);
  body(rest.subspan(in_rest), sink);
}

void WireForm::write(ByteView data, const Sink& sink) {
  if (!placer_) return body(data, sink);
  placer_->write(data);
  if (placer_->done()) return begin(data, sink);
  append(held_, data);
}

// Sends the pending CRs. With an LF after them (`lf`) they are one line ending: all but the last CR
// unchanged, then CRLF. Without it each becomes a CRLF.
void WireForm::end_crs(bool lf, const Sink& sink) {
  if (lf && crs_ > 1) {
    // Pieces of at most 4 KiB: a message may have millions of CRs in a row.
    const std::string crs(std::min<std::uint64_t>(crs_ - 1, 4096), '\r');
    for (; crs_ > 1; crs_ -= std::min<std::uint64_t>(crs_ - 1, crs.size()))
      emit(as_bytes(crs).first(static_cast<std::size_t>(std::min<std::uint64_t>(crs_ - 1, crs.size()))),
           sink);
  }
  for (; crs_ > 0; --crs_) emit(kCrLf, sink);
}

void WireForm::body(ByteView data, const Sink& sink) {
  if (data.empty()) return;
  if (crs_ > 0) {
    const std::size_t more = leading_crs(data);
    crs_ += more;
    data = data.subspan(more);
    if (data.empty()) return;
    const bool lf = data.front() == std::byte{'\n'};
    end_crs(lf, sink);
    if (lf) data = data.subspan(1);
  }
  // The usual case: all line endings are CRLF, and the piece passes unchanged. A CR at its end
  // waits for the next piece.
  if (!data.empty() && look_at_line_ends(data, false).paired) {
    crs_ = data.back() == std::byte{'\r'} ? 1 : 0;
    return emit(data.first(data.size() - crs_), sink);
  }
  // Bytes from `sent` on are correct as they are, and are sent in one piece when something must be
  // changed. Each memchr() continues where the last one stopped, so the time is linear.
  std::size_t sent = 0;
  std::size_t cr = find(data, '\r', 0);
  std::size_t lf = find(data, '\n', 0);
  while (cr != data.size() || lf != data.size()) {
    const std::size_t at = std::min(cr, lf);
    const std::size_t crs = leading_crs(data.subspan(at));
    std::size_t next = at + std::max<std::size_t>(crs, 1);
    // Whether these CRs belong to an LF is known only with the next piece.
    if (crs > 0 && next == data.size()) {
      emit(data.subspan(sent, at - sent), sink);
      crs_ = crs;
      return;
    }
    if (crs > 0 && data[next] == std::byte{'\n'}) {
      ++next;
    } else {
      emit(data.subspan(sent, at - sent), sink);
      crs_ = std::max<std::size_t>(crs, 1);
      end_crs(false, sink);
      sent = next;
    }
    if (cr < next) cr = find(data, '\r', next);
    if (lf < next) lf = find(data, '\n', next);
  }
  emit(data.subspan(sent), sink);
}

void WireForm::finish(const Sink& sink) {
  if (placer_) {
    placer_->finish();
    begin({}, sink);
  }
  if (crs_ > 0)
    end_crs(false, sink);
  else if (size_ == 0 || !at_line_end_)
    emit(kCrLf, sink);
}

}  // namespace gw::mail
