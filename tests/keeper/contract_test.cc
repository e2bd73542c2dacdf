// The contract of every Store, kept across the keeper's socket.
#include <unistd.h>

#include "support/store_contract.h"

#include "keeper/linked.h"
#include "keeper/server/user_name.h"
#include "store/local/local_store.h"
#include "support/temp_folder.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;

// A keeper with a store, and a first client.
contract::Shared serve(const VaultId& vault, std::unique_ptr<store::Store> store,
                       std::shared_ptr<contract::Clocks> clocks) {
  ServerOptions serving;
  serving.vault = vault;
  const auto link = std::make_shared<Link>(std::move(store), serving);
  const std::string user = user_name(::geteuid());
  contract::Shared shared;
  shared.subject.vault = vault;
  shared.subject.clocks = std::move(clocks);
  shared.subject.keep = link;
  shared.subject.store = link->connect();
  shared.subject.actor =
      "uid=" + std::to_string(::geteuid()) + (user.empty() ? "" : "(" + user + ")") + " admin ";
  shared.join = [link = link.get()] { return link->connect(); };
  return shared;
}

contract::Shared make_memory() {
  const auto clocks = std::make_shared<contract::Clocks>();
  store::MemoryOptions options;
  options.vault = random_id<VaultId>();
  options.signer = contract::plain_signer();
  options.clock = [clocks] { return clocks->wall; };
  options.boot_clock = [clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  const VaultId vault = options.vault;
  return serve(vault, make_memory_store(std::move(options)), clocks);
}

struct OnDisk {
  gw::test::TempFolder folder{gw::test::quick_folder()};
  std::shared_ptr<void> link;
};

contract::Shared make_local() {
  const auto clocks = std::make_shared<contract::Clocks>();
  const auto disk = std::make_shared<OnDisk>();
  store::LocalOptions options;
  options.path = disk->folder.path() + "/vault";
  options.signer = contract::plain_signer();
  options.ballast = 4096;
  options.clock = [clocks] { return clocks->wall; };
  options.boot_clock = [clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  const auto vault = random_id<VaultId>();
  REQUIRE(store::create_local_store(options.path, vault, as_bytes("age1test"), options.clock));
  auto opened = store::open_local_store(options);
  REQUIRE(opened);
  contract::Shared shared = serve(vault, std::move(*opened), clocks);
  disk->link = std::move(shared.subject.keep);
  shared.subject.keep = disk;
  return shared;
}

// For the subjects with one client.
contract::Make alone(contract::Shared (*make)()) {
  return [make] { return make().subject; };
}

const contract::Test kMemory("RemoteStore over MemoryStore", alone(make_memory));
const contract::Test kLocal("RemoteStore over LocalStore", alone(make_local));
const contract::SharedTest kSharedMemory("Clients of a keeper over MemoryStore", make_memory);
const contract::SharedTest kSharedLocal("Clients of a keeper over LocalStore", make_local);

}  // namespace
}  // namespace gw::keeper::test
