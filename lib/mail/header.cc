#include "mail/header.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gw::mail {
namespace {

bool blank(char c) {
  return c == ' ' || c == '\t';
}
bool line_end(std::byte b) {
  return b == std::byte{'\r'} || b == std::byte{'\n'};
}

bool in_field_name(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x20 && octet < 0x7f && c != ':';
}

// The name of the field that this line starts; empty if it starts none. Blanks before the colon are an
// obsolete form that must be understood (RFC 5322 section 4.5.8).
std::string_view field_name(std::string_view line) {
  const auto end = std::find_if_not(line.begin(), line.end(), in_field_name);
  const auto size = static_cast<std::size_t>(end - line.begin());
  const std::size_t colon = line.find_first_not_of(" \t", size);
  if (size == 0 || colon == std::string_view::npos || line[colon] != ':') return {};
  return line.substr(0, size);
}

}  // namespace

HeaderWalker::HeaderWalker(std::vector<std::string> names, HeaderLimits limits) : limits_(limits) {
  for (std::string& name : names) wanted_.push_back({std::move(name), {}, false});
}

void HeaderWalker::write(ByteView octets) {
  while (!done_ && !octets.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (octets.front() == std::byte{'\n'}) {
        ++octets_;
        octets = octets.subspan(1);
      }
      end_line();
      continue;
    }
    const auto end = std::find_if(octets.begin(), octets.end(), line_end);
    const auto size = static_cast<std::size_t>(end - octets.begin());
    add_to_line(octets.first(size));
    octets = octets.subspan(size);
    if (octets_ > limits_.octets) {
      truncated_ = true;
      end_line();
      finish();
    } else if (!octets.empty()) {
      ++octets_;
      if (octets.front() == std::byte{'\r'})
        after_cr_ = true;
      else
        end_line();
      octets = octets.subspan(1);
    }
  }
}

void HeaderWalker::finish() {
  if (!done_ && (after_cr_ || line_octets_ > 0)) end_line();
  after_cr_ = false;
  done_ = true;
  for (Wanted& wanted : wanted_) wanted.value = std::string(trim(wanted.value));
}

void HeaderWalker::add_to_line(ByteView piece) {
  octets_ += piece.size();
  line_octets_ += piece.size();
  const std::size_t room = limits_.value - std::min(limits_.value, line_.size());
  line_ += as_text(piece.first(std::min(room, piece.size())));
}

void HeaderWalker::end_line() {
  if (line_octets_ > line_.size()) truncated_ = true;
  const bool first = std::exchange(first_line_, false);
  if (line_octets_ == 0) {
    done_ = true;
  } else if (blank(line_.front()) && any_field_) {
    if (open_ != nullptr) {
      // Unfolding takes the line end out and leaves the blank.
      const std::size_t room = limits_.value - std::min(limits_.value, open_->value.size());
      if (line_.size() > room) truncated_ = true;
      open_->value += std::string_view(line_).substr(0, room);
    }
  } else if (!start_field()) {
    const bool mbox = first && (line_.starts_with("From ") || line_.starts_with(">From "));
    if (!mbox) {
      done_ = true;
      octets_ = line_start_;
    }
  }
  line_.clear();
  line_octets_ = 0;
  line_start_ = octets_;
  if (done_) finish();
}

bool HeaderWalker::start_field() {
  const std::string_view name = field_name(line_);
  if (name.empty()) return false;
  open_ = nullptr;
  any_field_ = true;
  if (++count_ >= limits_.fields) {
    truncated_ = true;
    done_ = true;
  }
  for (Wanted& wanted : wanted_) {
    if (wanted.found || !iequals(wanted.name, name)) continue;
    wanted.found = true;
    wanted.value = line_.substr(line_.find(':') + 1);
    open_ = &wanted;
    break;
  }
  return true;
}

const std::string* HeaderWalker::field(std::string_view name) const {
  for (const Wanted& wanted : wanted_)
    if (wanted.found && iequals(wanted.name, name)) return &wanted.value;
  return nullptr;
}

}  // namespace gw::mail
