// Opens messages ahead of a client that fetches them one after another.
//
//   Prefetch reader(drain);
//   Result<OpenedMessage> message = reader.open(0);   // then 1, 2, ...
//
// Without it, a client that fetches many small messages waits for each one: for the store and for
// the key agreement that opens the container. Worker threads therefore open the next messages while
// one is sent. They are started when a second message in sequence is requested. Only messages of at
// most kSmall bytes are read ahead, so memory is bounded by kDepth * kSmall. Larger messages are
// opened when they are requested.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vault/drain.h"

namespace gw::pop3d {

// A message whose envelope and first chunk have been authenticated, so that the client can get +OK
// for it.
struct OpenedMessage {
  // Trace header fields from the envelope, to be sent before `first`.
  std::vector<std::string> trace;
  Bytes first;                         // the beginning of the message
  std::optional<vault::Message> rest;  // nullopt: `first` is the whole message, checked to its end
};

// open() must not be called from two threads at the same time.
class Prefetch {
 public:
  static constexpr std::size_t kDepth = 32;          // messages that are read ahead at most
  static constexpr std::uint64_t kSmall = 64 << 10;  // largest such message, in bytes

  // `drain` must outlive this object.
  explicit Prefetch(vault::Drain& drain);
  // Joins the worker threads; waits for the messages that they are opening.
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  // Opens the message at `index` of drain.messages(), which must be in range. Any order is allowed;
  // only ascending order is fast. Returns the error of Drain::open() or of Message::next() if it
  // cannot be opened, among them Corrupt. Asking again tries again.
  Result<OpenedMessage> open(std::size_t index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::pop3d
