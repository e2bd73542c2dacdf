// Any bytes as a slot of a place that it names itself. The cost is held at the least, so that the fuzzer
// gets past it.
#include <algorithm>
#include <cstdlib>

#include "seal/slot.h"

using namespace gw;
using namespace gw::seal;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes slot = to_bytes(std::as_bytes(std::span(data, size)));
  SlotPlace place;
  if (slot.size() >= 38) {
    std::copy_n(slot.begin() + 6, 16, place.vault.data.begin());
    std::copy_n(slot.begin() + 22, 16, place.mailbox.data.begin());
  }
  (void)slot_cost(place, slot, kArgon2TestFloor);
  if (slot.size() >= 46) {
    const Bytes cheap = ByteWriter().u32(8).u32(1).take();
    std::copy(cheap.begin(), cheap.end(), slot.begin() + 38);
  }
  static const Secret password(as_bytes("password of the fuzzer"));
  if (open_password_slot(place, slot, password, kArgon2TestFloor))
    std::abort();  // nobody guesses a commitment
  static const SecretKey recovery = generate_key();
  if (open_recovery_slot(place, slot, recovery)) std::abort();
  return 0;
}
