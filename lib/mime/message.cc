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

// Bytes of a boundary. RFC 2046 allows 70; senders exceed that. A delimiter line with padding must
// still fit into one fragment of Lines.
constexpr std::size_t kMaxBoundary = 256;
constexpr std::size_t kMaxCharset = 64;

mail::HeaderLimits header_limits(const Limits& limits) {
  return {.size = limits.header, .fields = limits.fields, .value = limits.field};
}

// Returns true if the end of the header was not found because of a limit. truncated() is also true
// for a value that was cut, which does not matter here.
bool endless(const mail::HeaderWalker& header, const Limits& limits) {
  return header.size() > limits.header || header.fields() >= limits.fields;
}

class Walk {
 public:
  Walk(Source& source, const Descend& descend, const Limits& limits)
      : source_(source), descend_(descend), limits_(limits), lines_(source, limits.read_size) {}

  Result<Structure> run();

 private:
  // A part whose end is not reached yet. Only a multipart that the walk has entered has a boundary,
  // and only until its closing delimiter.
  struct Open {
    std::size_t part = 0;
    std::string boundary;
    std::optional<std::size_t> shadowed;  // the outer open part with the same boundary
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
  // Each boundary that is searched for, with the innermost open part that has it. A lookup costs
  // the same for any nesting, which keeps the time linear.
  std::map<std::string, std::size_t, std::less<>> boundaries_;
  std::size_t eol_ = 0;  // bytes of the last line ending
};

Result<Structure> Walk::run() {
  if (const Result<void> begun = begin(0, 0); !begun) return begun.error();
  // Without a boundary to search for, no further part can begin, and the rest need not be read.
  while (!boundaries_.empty()) {
    const Result<std::optional<Fragment>> line = lines_.next();
    if (!line) return line.error();
    if (!*line) break;
    structure_.steps += (*line)->data.size();
    if (const std::optional<Delimiter> found = delimiter(**line)) {
      if (const Result<void> passed = pass(*found, **line); !passed) return passed.error();
    } else if ((*line)->ends_line) {
      eol_ = (*line)->eol;
    }
  }
  eol_ = 0;
  // The last line ending belongs to the body: no delimiter follows it.
  end_above(0, source_.size());
  return std::move(structure_);
}

std::optional<Walk::Delimiter> Walk::delimiter(const Fragment& line) {
  std::string_view text = as_text(line.data);
  // A delimiter is a whole line. A fragment of a longer line cannot be one.
  const bool whole = line.starts_line && (line.ends_line || line.at_end);
  if (!whole || boundaries_.empty() || text.size() > Lines::kWholeLine || !text.starts_with("--"))
    return std::nullopt;
  text = text.substr(2, text.size() - 2 - line.eol);
  // Removes transport padding (RFC 2046 section 5.1.1). A second CR comes from programs that turn
  // each LF into CRLF.
  text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
  if (text.size() > kMaxBoundary + 2) return std::nullopt;
  ++structure_.steps;
  // The text is first tried as it is: a boundary may itself end with `--`.
  if (const auto found = boundaries_.find(text); found != boundaries_.end())
    return Delimiter{found->second, false};
  if (!text.ends_with("--")) return std::nullopt;
  ++structure_.steps;
  const auto found = boundaries_.find(text.substr(0, text.size() - 2));
  return found != boundaries_.end() ? std::optional(Delimiter{found->second, true}) : std::nullopt;
}

Result<void> Walk::pass(const Delimiter& found, const Fragment& line) {
  const std::uint64_t next = line.end();
  // A delimiter of an outer multipart ends everything inside it, also multiparts without a closing
  // delimiter.
  end_above(found.open + 1, line.offset);
  eol_ = line.eol;
  if (found.closing) {
    stop_listening(open_[found.open]);
    return {};
  }
  return begin(open_[found.open].part, next);
}

// Adds the part whose header starts at `offset`. If it is an attached mail that the walk enters,
// that mail's own header starts its body, so the loop adds it as the next part.
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

// Reads the header at part.header.offset, which a delimiter may cut short, and leaves `lines_` at
// the start of the body.
Result<mail::HeaderWalker> Walk::read_part_header(Part& part) {
  mail::HeaderWalker header({"Content-Type", "Content-Transfer-Encoding"}, header_limits(limits_));
  // Passes exactly one byte more than the limit to the walker, so that the result does not depend
  // on the read size.
  std::size_t left = limits_.header + 1;
  while (!header.done() && left > 0) {
    const Result<std::optional<Fragment>> line = lines_.next();
    if (!line) return line.error();
    if (!*line) break;
    const ByteView data = (*line)->data.first(std::min(left, (*line)->data.size()));
    structure_.steps += data.size();
    // Checked before the walker sees the line: a delimiter with a colon in it looks like a field.
    if (delimiter(**line)) break;
    header.write(data);
    left -= data.size();
    if ((*line)->ends_line) eol_ = (*line)->eol;
  }
  header.finish();
  part.header.length = header.size();
  part.body.offset = part.header.end();
  if (header.truncated()) structure_.limit_reached = true;
  // Returns to the end of what the walker counts as header: a bare CR may have ended it within a
  // line, or the last lines are no fields and belong to the body.
  if (!endless(header, limits_)) lines_.seek(part.body.offset);
  return header;
}

void Walk::classify(Part& part, const mail::HeaderWalker& header, std::string& boundary) {
  if (endless(header, limits_)) {
    // A part whose header has no known end is opaque. Guessing a boundary would let a sender hide
    // parts from gw that other readers see.
    part.type = "application/octet-stream";
    return;
  }
  const std::vector<Part>& parts = structure_.parts;
  // RFC 2046 section 5.1.5.
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
    // A boundary does not end with white space (RFC 2046 section 5.1.1); delimiter() removes it
    // from the line too.
    boundary.resize(boundary.find_last_not_of(" \t") + 1);
    if (boundary.size() > kMaxBoundary) boundary.clear();
  } else {
    part.charset = type->parameter("charset").value_or("").substr(0, kMaxCharset);
  }
}

bool Walk::may_enter(const Part& part) {
  if (part.depth + 1 < limits_.depth) return !descend_ || descend_(part);
  structure_.limit_reached = true;
  return false;
}

void Walk::listen(std::size_t open, std::string boundary) {
  // An inner multipart with the same boundary hides the outer one until it is closed (RFC 2046
  // section 5.1.2).
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

// Ends the open parts from index `open` on, before the delimiter at `at`. A part never ends before
// the parts inside it: an empty inner part at the delimiter would otherwise exceed its parent by
// the line ending.
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
