// The mails in a log of Postfix, for read_trace().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "transfer/trace_file.h"
#include "transfer/trace_text.h"

namespace gw::transfer {

// Returns true if one of these lines is of Postfix.
bool of_postfix(std::string_view lines);

// Reads one log. The lines of a mail are joined by its queue id.
class PostfixLog {
 public:
  using Each = std::function<Result<void>(const TraceRow&)>;

  // The arguments must outlive the object.
  PostfixLog(TraceText& text, const TraceOptions& options, const Each& each)
      : text_(text), options_(options), each_(each) {}
  // Calls `each` for each recipient of each mail, and once for a mail without a recipient. Fails with
  // BadInput if no line has a Message-ID or too many mails are in the queue at one time; with the
  // first error of `each`.
  Result<TraceFacts> read();

 private:
  // What the log has said of one mail in the queue.
  struct Queued {
    TraceRow row;
    bool delivered = false;  // a line with a recipient was seen
  };

  Result<void> line(std::string_view line, std::uint64_t number);
  std::optional<Micros> time_of(std::string_view line) const;

  TraceText& text_;
  const TraceOptions& options_;
  const Each& each_;
  TraceFacts facts_;
  std::unordered_map<std::string, Queued> queue_;  // by queue id
};

}  // namespace gw::transfer
