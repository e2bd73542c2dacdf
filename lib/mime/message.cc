#include "mime/message.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string_view>

#include "base/text.h"
#include "mime/content_type.h"
#include "mime/lines.h"

namespace gw::mime {
namespace {

// RFC 2046 allows 70. A delimiter line of twice this and its blanks is still one whole fragment of Lines.
constexpr std::size_t kLongestBoundary = 256;
constexpr std::size_t kLongestCharset = 64;

mail::HeaderLimits header_limits(const Limits& limits) {
  return {.octets = limits.header, .fields = limits.fields, .value = limits.field};
}

// The header's end was not found; a value that was cut does not matter for that.
bool endless(const mail::HeaderWalker& header, const Limits& limits) {
  return header.octets() > limits.header || header.fields() >= limits.fields;
}

class Walk {
 public:
  Walk(Source& source, const Descend& descend, const Limits& limits)
      : source_(source), descend_(descend), limits_(limits), lines_(source, limits.read_size) {}

  Result<Structure> run();

 private:
  // A part whose end is not reached yet. Only a multipart that is looked into, before its closing delimiter,
  // has a boundary.
  struct Open {
    std::size_t part = 0;
    std::string boundary;
    std::optional<std::size_t> shadowed;  // the open part that the same boundary meant before
  };
  struct Delimiter {
    std::size_t open = 0;
    bool closing = false;
  };

  std::optional<Delimiter> delimiter(const Fragment& line);
  Result<void> pass(const Delimiter& found, const Fragment& line);
  Result<void> begin(std::size_t parent, std::uint64_t offset);
  Result<mail::HeaderWalker> read_part_header(Part& part);
  void classify(Part& part, const mail::HeaderWalker& header, std::string& boundary);
  bool may_enter(const Part& part);
  void listen(std::size_t open, std::string boundary);
  void stop_listening(Open& open);
  void end_above(std::size_t open, std::uint64_t at);

  Source& source_;
  const Descend& descend_;
  const Limits& limits_;
  Lines lines_;
  Structure structure_;
  std::vector<Open> open_;
  std::map<std::string, std::size_t, std::less<>> boundaries_;  // to the innermost open part that has it
  std::size_t eol_ = 0;                                         // octets of the last line end
};

Result<Structure> Walk::run() {
  if (const Result<void> begun = begin(0, 0); !begun) return begun.error();
  // Where no delimiter is waited for, nothing more can be found.
  while (!boundaries_.empty()) {
    const Result<std::optional<Fragment>> line = lines_.next();
    if (!line) return line.error();
    if (!*line) break;
    structure_.steps += (*line)->octets.size();
    if (const std::optional<Delimiter> found = delimiter(**line)) {
      if (const Result<void> passed = pass(*found, **line); !passed) return passed.error();
    } else if ((*line)->ends_line) {
      eol_ = (*line)->eol;
    }
  }
  eol_ = 0;
  end_above(0, source_.size());
  return std::move(structure_);
}

std::optional<Walk::Delimiter> Walk::delimiter(const Fragment& line) {
  std::string_view text = as_text(line.octets);
  const bool whole = line.starts_line && (line.ends_line || line.at_end);
  if (!whole || boundaries_.empty() || text.size() > Lines::kWholeLine || !text.starts_with("--"))
    return std::nullopt;
  text = text.substr(2, text.size() - 2 - line.eol);
  // RFC 2046's transport padding; a second CR comes from programs that turn each LF into CRLF.
  text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
  if (text.size() > kLongestBoundary + 2) return std::nullopt;
  ++structure_.steps;
  if (const auto found = boundaries_.find(text); found != boundaries_.end())
    return Delimiter{found->second, false};
  if (!text.ends_with("--")) return std::nullopt;
  ++structure_.steps;
  const auto found = boundaries_.find(text.substr(0, text.size() - 2));
  return found != boundaries_.end() ? std::optional(Delimiter{found->second, true}) : std::nullopt;
}

Result<void> Walk::pass(const Delimiter& found, const Fragment& line) {
  const std::uint64_t next = line.end();
  end_above(found.open + 1, line.offset);
  eol_ = line.eol;
  if (found.closing) {
    stop_listening(open_[found.open]);
    return {};
  }
  return begin(open_[found.open].part, next);
}

// A part starts at `offset`; if it is a mail to be looked into, so does that mail's own header, and so on.
Result<void> Walk::begin(std::size_t parent, std::uint64_t offset) {
  for (;;) {
    std::vector<Part>& parts = structure_.parts;
    if (parts.size() >= limits_.parts) {
      structure_.limit_reached = true;
      return {};
    }
    const std::size_t index = parts.size();
    Part part;
    if (index > 0) {
      part.parent = parent;
      part.depth = parts[parent].depth + 1;
      part.level = parts[parent].level + (parts[parent].message() ? 1 : 0);
    }
    part.header.offset = offset;
    const Result<mail::HeaderWalker> header = read_part_header(part);
    if (!header) return header.error();
    std::string boundary;
    classify(part, *header, boundary);
    const bool enter =
        (!boundary.empty() || (part.message() && part.encoding == Encoding::Identity)) && may_enter(part);
    const bool mail = part.message();
    offset = part.body.offset;
    parts.push_back(std::move(part));
    open_.push_back({index, {}, {}});
    if (!enter) return {};
    if (!mail) {
      listen(open_.size() - 1, std::move(boundary));
      return {};
    }
    parent = index;
  }
}

// Reads the header at part.header.offset, which a delimiter may cut short, and leaves `lines_` behind it.
Result<mail::HeaderWalker> Walk::read_part_header(Part& part) {
  mail::HeaderWalker header({"Content-Type", "Content-Transfer-Encoding"}, header_limits(limits_));
  // One octet over the limit and no more, so that what is found does not hang on how much is read at a time.
  std::size_t left = limits_.header + 1;
  while (!header.done() && left > 0) {
    const Result<std::optional<Fragment>> line = lines_.next();
    if (!line) return line.error();
    if (!*line) break;
    const ByteView octets = (*line)->octets.first(std::min(left, (*line)->octets.size()));
    structure_.steps += octets.size();
    // Looked for first: with a colon in it a delimiter looks like a field.
    if (delimiter(**line)) break;
    header.write(octets);
    left -= octets.size();
    if ((*line)->ends_line) eol_ = (*line)->eol;
  }
  header.finish();
  part.header.length = header.octets();
  part.body.offset = part.header.end();
  if (header.truncated()) structure_.limit_reached = true;
  // What the walker did not take is body: a bare CR ended the header, or no field follows on these lines.
  if (!endless(header, limits_)) lines_.seek(part.body.offset);
  return header;
}

void Walk::classify(Part& part, const mail::HeaderWalker& header, std::string& boundary) {
  if (endless(header, limits_)) {
    part.type = "application/octet-stream";
    return;
  }
  const std::vector<Part>& parts = structure_.parts;
  const bool in_digest = !parts.empty() && parts[part.parent].type == "multipart/digest";
  part.type = in_digest ? "message/rfc822" : "text/plain";
  if (const std::string* value = header.field("Content-Transfer-Encoding"))
    part.encoding = parse_encoding(*value);
  const std::string* value = header.field("Content-Type");
  if (value == nullptr) return;
  const std::optional<ContentType> type = parse_content_type(*value);
  if (!type) {
    part.type = "text/plain";
    return;
  }
  part.type = type->type;
  if (part.multipart()) {
    boundary = type->parameter("boundary").value_or("");
    boundary.resize(boundary.find_last_not_of(" \t") + 1);
    if (boundary.size() > kLongestBoundary) boundary.clear();
  } else {
    part.charset = type->parameter("charset").value_or("").substr(0, kLongestCharset);
  }
}

bool Walk::may_enter(const Part& part) {
  if (part.depth + 1 < limits_.depth) return !descend_ || descend_(part);
  structure_.limit_reached = true;
  return false;
}

void Walk::listen(std::size_t open, std::string boundary) {
  const auto [place, added] = boundaries_.try_emplace(boundary, open);
  if (!added) {
    open_[open].shadowed = place->second;
    place->second = open;
  }
  open_[open].boundary = std::move(boundary);
}

void Walk::stop_listening(Open& open) {
  if (open.boundary.empty()) return;
  if (open.shadowed)
    boundaries_[open.boundary] = *open.shadowed;
  else
    boundaries_.erase(open.boundary);
  open.boundary.clear();
}

// Ends the open parts from `open` on: in front of the delimiter at `at`, but none before its own parts.
void Walk::end_above(std::size_t open, std::uint64_t at) {
  std::uint64_t least = 0;
  while (open_.size() > open) {
    stop_listening(open_.back());
    Range& body = structure_.parts[open_.back().part].body;
    const std::uint64_t end = std::max({body.offset, at - std::min<std::uint64_t>(eol_, at), least});
    body.length = end - body.offset;
    least = end;
    open_.pop_back();
  }
}

}  // namespace

Result<Structure> walk(Source& source, const Descend& descend, const Limits& limits) {
  return Walk(source, descend, limits).run();
}

Result<Structure> walk(Source& source, const Limits& limits) {
  return Walk(source, {}, limits).run();
}

Result<mail::HeaderWalker> read_header(Source& source, Range range, std::vector<std::string> names,
                                       const Limits& limits) {
  mail::HeaderWalker header(std::move(names), header_limits(limits));
  Bytes buffer(std::min<std::uint64_t>(std::max<std::size_t>(limits.read_size, 1), range.length));
  while (!header.done() && range.length > 0) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), range.length));
    const auto piece = std::span(buffer).first(size);
    if (const Result<void> read = source.read(range.offset, piece); !read) return read.error();
    header.write(piece);
    range = {range.offset + size, range.length - size};
  }
  header.finish();
  return header;
}

}  // namespace gw::mime
