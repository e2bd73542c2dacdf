// Any bytes as an envelope: never a crash, and what decodes encodes to the same values.
#include <cstdlib>

#include "vault/envelope.h"

using namespace gw;
using namespace gw::vault;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Result<Envelope> envelope = decode_envelope(std::as_bytes(std::span(data, size)));
  if (!envelope) return 0;
  for (const std::string& line : envelope->trace)
    if (line.find('\n') != std::string::npos) std::abort();
  const Bytes once = encode(*envelope);
  const Result<Envelope> again = decode_envelope(once);
  if (!again || encode(*again) != once) std::abort();
  return 0;
}
