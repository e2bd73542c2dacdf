// Reads the header of a message (RFC 5322 section 2.2) as a stream. Every part of gw that looks at
// a header uses this, so that all of them agree on what a field is and where the header ends.
//
// The walker accepts all mail:
//   - A line ends with LF, with a CR, or with several CRs and an LF.
//   - The header ends with the first empty line (section 2.1).
//   - A field has a name of printable ASCII and a colon; spaces before the colon are allowed
//     (section 4.5.8).
//   - A line that is neither a field nor the continuation of one is skipped. If no field follows
//     before the
//     empty line, the header has no empty line and the body begins with the first such line.
//   - A byte order mark at the start of the message is not part of the first line.
//
// The walker does not parse values, decode words or look into bodies. It needs linear time and
// bounded memory: it leaves out what exceeds a limit, and truncated() reports that.
//
//   HeaderWalker walker({"Message-ID"});
//   while (!walker.done() && more) walker.write(piece);
//   walker.finish();
//   if (const std::string* id = walker.field("message-id")) ...
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace gw::mail {

struct HeaderLimits {
  std::size_t size = 1 << 20;    // bytes of the whole header; the walk ends there
  std::size_t fields = 10'000;   // the walk ends with this one
  std::size_t value = 16 << 10;  // bytes kept of one value
  std::size_t odd = 64 << 10;    // bytes in a row without a field; more of them are body
};

class HeaderWalker {
 public:
  // Both texts are valid during the call. The value is as field() returns it.
  using Visit = std::function<void(std::string_view name, std::string_view value)>;

  explicit HeaderWalker(std::vector<std::string> names, HeaderLimits limits = {});
  // Calls `visit` for each field, in order, and keeps none.
  static HeaderWalker each(Visit visit, HeaderLimits limits = {});

  // Reads more of the message, cut anywhere. Ignores everything after done().
  void write(ByteView data);
  // Ends the message. Call it unless done(): a header without an empty line ends here.
  void finish();
  // Returns true after the end of the header.
  bool done() const { return done_; }
  // Returns true if an empty line ended the header. Returns false if finish() ended it: the bytes so
  // far may then be only the start of it.
  bool ended() const { return ended_; }

  // Returns the first field of this name, unfolded (RFC 5322 section 2.2.3) and without white space
  // at its ends; null if there is none. Ignores case. Knows only the names given to the
  // constructor. Valid until the next call of write().
  const std::string* field(std::string_view name) const;

  // Returns the size of the header in bytes, with its empty line. Valid after done().
  std::uint64_t size() const { return size_; }
  std::size_t fields() const { return count_; }  // number of fields so far
  bool truncated() const { return truncated_; }  // a limit was reached

  // Returns the number of bytes at the start of the message that are no field but may precede the
  // first one: a byte order mark, the `From ` line of an mbox, lines that begin with white space.
  std::uint64_t lead() const { return lead_; }

 private:
  struct Wanted {
    std::string name;
    std::string value;
    bool found = false;
  };
  void add_to_line(ByteView piece);
  void end_crs(bool lf);
  void end_line();
  void start_field(std::string_view line, std::string_view name);
  void close_field();
  void close();

  std::vector<Wanted> wanted_;
  Visit visit_;
  HeaderLimits limits_;
  std::string line_;                       // start of the current line, capped
  std::uint64_t line_bytes_ = 0;           // length of the whole line, without its ending
  std::uint64_t line_start_ = 0;           // its offset in the message
  std::uint64_t crs_ = 0;                  // CRs whose meaning depends on what follows
  std::string name_, value_;               // of the current field, if it is kept
  bool kept_ = false;                      // the current field is one that is kept
  bool in_field_ = false;                  // the last line belongs to a field
  bool in_lead_ = true;                    // nothing but lead() so far
  std::optional<std::uint64_t> odd_from_;  // start of the lines without a field that came last
  bool first_line_ = true;
  bool done_ = false;
  bool ended_ = false;
  bool truncated_ = false;
  std::size_t count_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t lead_ = 0;
};

}  // namespace gw::mail
