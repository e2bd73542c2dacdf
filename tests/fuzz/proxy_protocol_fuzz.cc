// A PROXY header, in one piece and byte by byte: the result is the same, and no byte after it is read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "net/proxy_protocol.h"

using namespace gw;

namespace {

struct Outcome {
  bool good = true;
  bool done = false;
  std::size_t taken = 0;
  std::optional<net::Peer> client;
};

Outcome play(ByteView input, std::size_t most) {
  net::ProxyHeader header;
  Outcome outcome;
  while (outcome.good && !header.done() && outcome.taken < input.size()) {
    const auto space = header.space();
    if (space.empty() || outcome.taken + space.size() > net::ProxyHeader::kMaxCount) std::abort();
    const std::size_t count = std::min({space.size(), input.size() - outcome.taken, most});
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(outcome.taken), count, space.begin());
    outcome.taken += count;
    outcome.good = header.filled(count).has_value();
  }
  outcome.done = outcome.good && header.done();
  if (outcome.done) outcome.client = header.client();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  const Outcome whole = play(input, input.size());
  const Outcome cut = play(input, 1);
  if (whole.good != cut.good || whole.done != cut.done) std::abort();
  if (whole.done && whole.taken != cut.taken) std::abort();
  if (whole.client.has_value() != cut.client.has_value()) std::abort();
  if (whole.client && (whole.client->address != cut.client->address || whole.client->address.empty()))
    std::abort();
  return 0;
}
