// Plays the input into a Session whole and in random pieces: what comes of it must be the same.
//
// The first bytes choose the session's options and the seed of the cuts.
#include <cstdint>
#include <cstdlib>
#include <random>

#include "smtp/conversation.h"

using namespace gw::smtp;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  Options options;
  options.host = "gw.example";
  options.max_size = 200;
  options.max_recipients = 3;
  options.max_line = 80;
  options.max_bad_lines = 1 + (data[0] & 7);
  options.tls_active = (data[0] & 8) != 0;
  options.require_tls = (data[0] & 16) != 0;
  options.announce_auth = (data[0] & 32) != 0;
  options.ask_auth = (data[1] & 128) != 0;
  options.reject_bare_newline = (data[0] & 64) != 0;
  // STARTTLS is the one place where the cut matters, by design: it stays off here.
  std::minstd_rand random(data[1]);
  const std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);

  const test::Transcript whole = test::play(options, octets, [&] { return octets.size(); });
  const std::size_t most = 1 + random() % 40;
  const test::Transcript cut = test::play(options, octets, [&] { return 1 + random() % most; });
  if (!(whole == cut) || !whole.closed) std::abort();
  return 0;
}
