// What any client may send to the keeper: bytes from a socket pair into a session over a store in memory.
//
// The first byte chooses the socket's role, the second how the bytes are cut. The session must answer or
// hang up, and end; what it leaves must be as before on the sockets that may not change anything.
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <thread>

#include "base/log.h"
#include "keeper/channel.h"
#include "keeper/protocol.h"
#include "keeper/server/session.h"
#include "support/memory_store.h"

namespace {

using namespace gw;

// The reader alone, with the bytes cut at every `step`: the same frames as in one piece.
void read_frames(ByteView octets, std::size_t step) {
  keeper::FrameReader reader;
  while (!octets.empty()) {
    const auto space = reader.space();
    if (space.empty()) std::abort();
    const std::size_t count = std::min({step, octets.size(), space.size()});
    std::copy_n(octets.begin(), count, space.begin());
    reader.filled(count);
    octets = octets.subspan(count);
    for (;;) {
      auto frame = reader.next();
      if (!frame) return;
      if (!*frame) break;
      if ((*frame)->data.size() > keeper::kMaxControl) std::abort();
    }
  }
}

std::unique_ptr<store::Store> make_store() {
  store::MemoryOptions options;
  options.permit_bytes = ~std::uint64_t{0};  // nobody waits for one
  return store::make_memory_store(std::move(options));
}

struct World {
  World() {
    log::open("fuzz", log::Target::Nowhere);
    store::MailboxRecord record;
    record.id.data.fill(std::byte{'m'});
    record.name = "journal";
    record.generations = {{1, {}, 5}};
    if (!store->put_mailbox(record, {}, {store::LeafType::Setting, "fuzz", 0})) std::abort();
  }
  std::unique_ptr<store::Store> store = make_store();
  keeper::Shared shared{*store, VaultId{}, {}, nullptr, {}, {}, {}, {}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView octets = std::as_bytes(std::span(data, size)).subspan(2);
  read_frames(octets, 1 + data[1]);

  World world;
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 0;
  const auto role = static_cast<keeper::Role>(1 + data[0] % 3);
  keeper::Session session(world.shared, Fd(ends[0]), role);
  std::thread client([octets, end = ends[1]] {
    keeper::Channel channel{Fd(end)};
    static_cast<void>(channel.send(octets));
    ::shutdown(channel.descriptor(), SHUT_WR);
    while (channel.next()) {
    }
  });
  session.run();
  session.cut();
  client.join();
  const bool changed =
      world.store->history_head(MailboxId::from(as_bytes("mmmmmmmmmmmmmmmm"))).value().size != 1;
  if (role == keeper::Role::Drain && changed) std::abort();
  return 0;
}
