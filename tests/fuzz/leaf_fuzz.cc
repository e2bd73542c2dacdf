// What is read back from a vault's database: leaves, records, the edge of a tree. What decodes, encodes
// again.
#include <cstdint>
#include <cstdlib>

#include "store/leaf.h"
#include "store/merkle.h"
#include "store/record.h"

using namespace gw;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input = std::as_bytes(std::span(data, size));
  if (const auto leaf = store::decode_leaf(input)) {
    if (!equal(store::encode(*leaf), input)) std::abort();
  }
  if (const auto range = store::CompactRange::decode(input)) {
    if (!equal(range->encode(), input)) std::abort();
    (void)range->root();
    store::CompactRange grown = *range;
    if (range->size() < (std::uint64_t{1} << 63)) grown.append({});
  }
  if (const auto message = store::decode_message(input)) {
    const auto again = store::decode_message(store::encode(*message));
    if (!again || *again != *message) std::abort();
  }
  if (const auto mailbox = store::decode_mailbox(input)) {
    const auto again = store::decode_mailbox(store::encode(*mailbox));
    if (!again || again->id != mailbox->id || again->unknown != mailbox->unknown) std::abort();
    if (store::encode(*again) != store::encode(*mailbox)) std::abort();
  }
  return 0;
}
