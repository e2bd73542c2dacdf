#include "mail/header.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gw::mail {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_wsp(char c) {
  return c == ' ' || c == '\t';
}
bool line_end(std::byte b) {
  return b == std::byte{'\r'} || b == std::byte{'\n'};
}

bool in_field_name(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0x20 && byte < 0x7f && c != ':';
}

// Returns the name of the field that this line starts; empty if it starts none. Spaces before the
// colon are obsolete syntax that a reader must accept (RFC 5322 section 4.5.8).
std::string_view field_name(std::string_view line) {
  const auto end = std::find_if_not(line.begin(), line.end(), in_field_name);
  const auto size = static_cast<std::size_t>(end - line.begin());
  const std::size_t colon = line.find_first_not_of(" \t", size);
  if (size == 0 || colon == std::string_view::npos || line[colon] != ':') return {};
  return line.substr(0, size);
}

// Returns true for the separator line of mbox files, also in its quoted form `>From `.
bool mbox_line(std::string_view line) {
  return line.starts_with("From ") || line.starts_with(">From ");
}

}  // namespace

HeaderWalker::HeaderWalker(std::vector<std::string> names, HeaderLimits limits) : limits_(limits) {
  for (std::string& name : names) wanted_.push_back({std::move(name), {}, false});
}

HeaderWalker HeaderWalker::each(Visit visit, HeaderLimits limits) {
  HeaderWalker walker(std::vector<std::string>(), limits);
  walker.visit_ = std::move(visit);
  return walker;
}

void HeaderWalker::write(ByteView data) {
  while (!done_ && !data.empty()) {
    // Whether CRs form one line ending or several depends on the next byte, which may be in the
    // next piece.
    if (crs_ > 0) {
      if (data.front() == std::byte{'\r'}) {
        ++crs_;
      } else {
        const bool lf = data.front() == std::byte{'\n'};
        end_crs(lf);
        if (!lf) continue;
      }
      data = data.subspan(1);
    } else {
      const auto end = std::find_if(data.begin(), data.end(), line_end);
      const auto size = static_cast<std::size_t>(end - data.begin());
      add_to_line(data.first(size));
      data = data.subspan(size);
      if (data.empty() || size_ > limits_.size) {
        // The limit is checked below.
      } else if (data.front() == std::byte{'\r'}) {
        crs_ = 1;
        data = data.subspan(1);
      } else {
        ++size_;
        data = data.subspan(1);
        end_line();
      }
    }
    if (!done_ && size_ + crs_ > limits_.size) {
      truncated_ = true;
      finish();
    }
  }
}

void HeaderWalker::finish() {
  if (done_) return;
  end_crs(false);
  if (!done_ && line_bytes_ > 0) end_line();
  if (!done_) close();
  // A CR at the end of the bytes may be an empty line, or half of a line ending.
  ended_ = false;
}

void HeaderWalker::add_to_line(ByteView piece) {
  size_ += piece.size();
  line_bytes_ += piece.size();
  // line_bytes_ counts all bytes; only the start of the line is kept, so that memory stays
  // bounded.
  const std::size_t room = limits_.value - std::min(limits_.value, line_.size());
  line_ += as_text(piece.first(std::min(room, piece.size())));
}

// Ends a run of CRs. Before an LF they are one line ending together with it; otherwise each CR is a
// line ending of its own.
void HeaderWalker::end_crs(bool lf) {
  if (lf) {
    size_ += std::exchange(crs_, 0) + 1;
    return end_line();
  }
  for (; crs_ > 0 && !done_; --crs_) {
    ++size_;
    end_line();
  }
  crs_ = 0;
}

void HeaderWalker::end_line() {
  std::string_view line = line_;
  bool empty = line_bytes_ == 0;
  // A byte order mark before an otherwise empty first line still leaves it empty: the header ends
  // there.
  if (std::exchange(first_line_, false) && line.starts_with(kByteOrderMark)) {
    lead_ = kByteOrderMark.size();
    line.remove_prefix(lead_);
    empty = line_bytes_ == lead_;
  }
  const bool continuation = !empty && !line.empty() && is_wsp(line.front());
  const std::string_view name = continuation ? std::string_view() : field_name(line);
  if (empty) {
    ended_ = true;
    close();
  } else if (continuation && in_field_) {
    // Unfolding removes the line ending and keeps the white space (RFC 5322 section 2.2.3).
    const std::size_t room = kept_ ? limits_.value - std::min(limits_.value, value_.size()) : 0;
    if (kept_ && line_bytes_ > std::min<std::uint64_t>(room, line.size())) truncated_ = true;
    value_ += line.substr(0, room);
  } else if (!name.empty()) {
    start_field(line, name);
  } else {
    close_field();
    // A line that is no field. It is skipped if a field follows, and belongs to the body otherwise:
    // odd_from_ remembers where the body would begin. An mbox line never moves to the body.
    const bool leads = in_lead_ && (continuation || mbox_line(line));
    if (leads) lead_ = size_;
    if (!leads) in_lead_ = false;
    if (!odd_from_ && !(leads && !continuation)) odd_from_ = line_start_;
    if (odd_from_ && size_ - *odd_from_ > limits_.odd) close();
  }
  line_.clear();
  line_bytes_ = 0;
  line_start_ = size_;
}

void HeaderWalker::start_field(std::string_view line, std::string_view name) {
  close_field();
  in_lead_ = false;
  in_field_ = true;
  odd_from_.reset();
  kept_ = visit_ != nullptr || std::ranges::any_of(wanted_, [&](const Wanted& wanted) {
            return !wanted.found && iequals(wanted.name, name);
          });
  if (kept_) {
    if (line_bytes_ > line_.size()) truncated_ = true;
    name_ = name;
    value_ = line.substr(line.find(':') + 1);
  }
  if (++count_ >= limits_.fields) {
    truncated_ = true;
    close();
  }
}

void HeaderWalker::close_field() {
  in_field_ = false;
  if (!std::exchange(kept_, false)) return;
  const std::string_view value = trim(value_);
  if (visit_) visit_(name_, value);
  for (Wanted& wanted : wanted_) {
    // Only the first field of a name counts. A second one may have been added on the way to show
    // different readers different values.
    if (wanted.found || !iequals(wanted.name, name_)) continue;
    wanted.found = true;
    wanted.value = value;
    break;
  }
  value_.clear();
}

void HeaderWalker::close() {
  close_field();
  done_ = true;
  // No field follows these lines, so they belong to the body.
  if (odd_from_) size_ = *odd_from_;
}

const std::string* HeaderWalker::field(std::string_view name) const {
  for (const Wanted& wanted : wanted_)
    if (wanted.found && iequals(wanted.name, name)) return &wanted.value;
  return nullptr;
}

}  // namespace gw::mail
