// What a server says, whole and in random pieces: never more than the bounds, and nothing passes on what must
// not.
#include <cstdint>
#include <cstdlib>
#include <random>

#include "smtp/client.h"

using namespace gw;
using namespace gw::smtp;
using namespace std::literals;

namespace {

// A command follows each reply, so that only the order of what comes decides.
std::string play(std::string_view octets, std::minstd_rand* random) {
  Client client;
  std::string all;
  Bytes piece;
  for (bool ended = false;;) {
    const Client::Event& event = client.next_event();
    if (const auto* answer = std::get_if<Client::Answer>(&event)) {
      const Reply& reply = answer->reply;
      if (reply.lines.empty() || reply.lines.size() > Client::kMaxLines || reply.code < 200 ||
          reply.code > 599)
        std::abort();
      std::size_t size = 0;
      for (const std::string& line : reply.lines) {
        size += line.size();
        if (line.find_first_of("\r\n\0"sv) != std::string::npos) std::abort();
      }
      if (size > Client::kMaxReply) std::abort();
      (void)parse_capabilities(reply);
      (void)enhanced_code(reply);
      for (const char c : reply.wire())
        if ((c < 0x20 || c > 0x7e) && c != '\r' && c != '\n') std::abort();
      all += reply.wire();
      client.expect();
    } else if (std::holds_alternative<Client::Broken>(event)) {
      return all;
    } else if (ended || octets.empty()) {
      ended = true;
      client.receive_eof();
    } else {
      // One reply at a time: what follows it in the same piece is an early reply, by design.
      const std::size_t line = octets.find('\n');
      const std::size_t most = line == std::string_view::npos ? octets.size() : line + 1;
      const std::size_t size = random != nullptr ? 1 + (*random)() % most : most;
      piece = to_bytes(octets.substr(0, size));
      octets.remove_prefix(size);
      client.receive(piece);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::minstd_rand random(data[0]);
  if (play(octets, nullptr) != play(octets, &random)) std::abort();
  return 0;
}
