#include "seal/base64.h"

#include <sodium.h>

namespace gw::seal {
namespace {

int variant(Padding padding) {
  return padding == Padding::Full ? sodium_base64_VARIANT_ORIGINAL
                                  : sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
}

// libsodium refuses foreign characters, bits left over and wrong padding; the end is compared here, as it
// otherwise stops where it likes.
bool decode(std::string_view text, Padding padding, std::span<std::byte> to, std::size_t& size) {
  const char* end = nullptr;
  return sodium_base642bin(as_uchar(to.data()), to.size(), text.data(), text.size(), nullptr, &size, &end,
                           variant(padding)) == 0 &&
         end == text.data() + text.size();
}

}  // namespace

std::string to_base64(ByteView octets, Padding padding) {
  std::string text(sodium_base64_encoded_len(octets.size(), variant(padding)), '\0');
  sodium_bin2base64(text.data(), text.size(), as_uchar(octets.data()), octets.size(), variant(padding));
  text.pop_back();  // the terminating zero
  return text;
}

std::optional<Bytes> from_base64(std::string_view text, Padding padding) {
  Bytes octets(text.size() / 4 * 3 + 3);
  std::size_t size = 0;
  if (!decode(text, padding, octets, size)) return std::nullopt;
  octets.resize(size);
  return octets;
}

bool from_base64(std::string_view text, Padding padding, std::span<std::byte> to) {
  std::size_t size = 0;
  return decode(text, padding, to, size) && size == to.size();
}

}  // namespace gw::seal
