// Opening messages for a client that takes them one after another: the next ones are opened while one is
// sent.
//
// A drain of many small messages otherwise waits, at each, for the store and for the key agreement of its
// container. Only what fits one chunk is read ahead, a few messages of it, so the memory is bounded; larger
// messages are opened when they are asked for and read while they are sent. Threads are started by the second
// message in sequence.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "vault/drain.h"

namespace gw::gate {

// A message whose envelope was checked and whose first chunk was read: it can be promised to the client.
struct OpenedMessage {
  std::vector<std::string> trace;
  Bytes first;
  std::optional<vault::Message> rest;  // none: `first` is all of it, checked to the end
};

class ReadAhead {
 public:
  static constexpr std::size_t kDepth = 32;          // messages that are read ahead at most,
  static constexpr std::uint64_t kSmall = 64 << 10;  // each of at most so many octets

  // `drain` must outlive this.
  explicit ReadAhead(vault::Drain& drain);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Of drain.messages().
  Result<OpenedMessage> open(std::size_t index);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gw::gate
