#include "transfer/trace_text.h"

#include <array>

#include "base/file.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kTracePiece = 64 << 10;  // bytes read at a time

}  // namespace

Result<TraceText> TraceText::open(const std::string& path) {
  TraceText text;
  text.path_ = path;
  auto fd = open_for_reading(path);
  if (!fd) return fd.error();
  text.fd_ = std::move(*fd);
  if (auto begun = text.begin(); !begun) return begun.error();
  return text;
}

std::string_view TraceText::ahead() {
  if (at_ == text_.size()) (void)fill();
  return std::string_view(text_).substr(at_);
}

Error TraceText::bad(const std::string& what, std::uint64_t line) const {
  return Error(Code::BadInput, path_ + ", line " + std::to_string(line) + ": " + what);
}

Result<void> TraceText::begin() {
  if (auto read = more(); !read) return read;
  const std::string_view raw = raw_;
  const auto zero = [&](std::size_t at) { return raw.size() > at && raw[at] == '\0'; };
  std::size_t mark = 0;
  if (raw.starts_with("\xef\xbb\xbf")) {
    mark = 3;
  } else if (raw.starts_with("\xff\xfe")) {
    coding_ = Coding::Little;
    mark = 2;
  } else if (raw.starts_with("\xfe\xff")) {
    coding_ = Coding::Big;
    mark = 2;
  } else if (zero(1) && zero(3)) {
    // Without a mark: the first characters of such files are ASCII.
    coding_ = Coding::Little;
  } else if (zero(0) && zero(2)) {
    coding_ = Coding::Big;
  }
  raw_.erase(0, mark);
  decode();
  return {};
}

Result<void> TraceText::more() {
  std::array<std::byte, kTracePiece> piece;
  const auto got = read_some(fd_.get(), piece, path_);
  if (!got) return got.error();
  ended_ = *got < piece.size();
  raw_ += as_text(ByteView(piece).first(*got));
  return {};
}

bool TraceText::fill() {
  while (at_ == text_.size()) {
    if (ended_ || failed_) return false;
    if (auto read = more(); !read) {
      failed_ = read.error();
      return false;
    }
    decode();
  }
  return true;
}

// Converts what was read; the rest of a character that was cut stays for the next time.
void TraceText::decode() {
  text_.clear();
  at_ = 0;
  if (coding_ == Coding::Utf8) {
    text_.swap(raw_);
    return;
  }
  std::size_t used = 0;
  const auto unit = [&](std::size_t from) {
    const auto a = static_cast<unsigned char>(raw_[from]);
    const auto b = static_cast<unsigned char>(raw_[from + 1]);
    return static_cast<std::uint32_t>(coding_ == Coding::Little ? a | b << 8 : a << 8 | b);
  };
  while (raw_.size() - used >= 2) {
    std::uint32_t point = unit(used);
    std::size_t size = 2;
    if (point >= 0xd800 && point < 0xdc00) {
      if (raw_.size() - used < 4 && !ended_) break;
      const std::uint32_t low = raw_.size() - used < 4 ? 0 : unit(used + 2);
      const bool pair = low >= 0xdc00 && low < 0xe000;
      point = pair ? 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00) : 0xfffd;
      size = pair ? 4 : 2;
    } else if (point >= 0xdc00 && point < 0xe000) {
      point = 0xfffd;
    }
    put(point);
    used += size;
  }
  raw_.erase(0, used);
}

void TraceText::put(std::uint32_t point) {
  const auto add = [&](std::uint32_t byte) { text_ += static_cast<char>(byte); };
  if (point < 0x80) {
    add(point);
  } else if (point < 0x800) {
    add(0xc0 | point >> 6);
    add(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    add(0xe0 | point >> 12);
    add(0x80 | (point >> 6 & 0x3f));
    add(0x80 | (point & 0x3f));
  } else {
    add(0xf0 | point >> 18);
    add(0x80 | (point >> 12 & 0x3f));
    add(0x80 | (point >> 6 & 0x3f));
    add(0x80 | (point & 0x3f));
  }
}

}  // namespace gw::transfer
