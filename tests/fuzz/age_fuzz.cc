// Any bytes as an age file: never a crash, and a file that opens does so again to the same bytes.
#include <array>
#include <cstdlib>

#include "seal/age.h"

using namespace gw;
using namespace gw::seal;

namespace {

// AGE-SECRET-KEY of the vectors, so that seeds from them open.
std::span<const RingKey> keys() {
  static const std::array<RingKey, 1> ring{ring_key(
      1, std::move(
             *parse_identity("AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0")))};
  return ring;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView file = std::as_bytes(std::span(data, size));
  std::size_t octets = 0;
  const Result<void> opened = open_file(file, keys(), [&](ByteView piece) { octets += piece.size(); });
  if (octets > size) std::abort();
  const bool header = open_header(file, keys(), Shape::Any).has_value();
  if (opened && !header) std::abort();
  if (!header && open_header(file, keys(), Shape::Own)) std::abort();
  const std::string_view text = as_text(file);
  if (const Result<PublicKey> key = parse_recipient(text); key && recipient(*key) != text) std::abort();
  (void)read_identity_file(text);
  return 0;
}
