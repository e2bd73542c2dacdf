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

contract::Subject across_the_socket(const VaultId& vault, std::unique_ptr<store::Store> store) {
  contract::Subject subject;
  subject.vault = vault;
  ServerOptions serving;
  serving.vault = vault;
  auto link = std::make_shared<Link>(std::move(store), serving);
  subject.store = link->connect();
  subject.keep = link;
  const std::string user = user_name(::geteuid());
  subject.actor = "uid=" + std::to_string(::geteuid()) + (user.empty() ? "" : "(" + user + ")") + " admin ";
  return subject;
}

contract::Subject make_memory() {
  const auto clocks = std::make_shared<contract::Clocks>();
  store::MemoryOptions options;
  options.vault = random_id<VaultId>();
  options.signer = contract::plain_signer();
  options.clock = [clocks] { return clocks->wall; };
  options.boot_clock = [clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  const VaultId vault = options.vault;
  contract::Subject subject = across_the_socket(vault, make_memory_store(std::move(options)));
  subject.clocks = clocks;
  return subject;
}

struct OnDisk {
  gw::test::TempFolder folder{gw::test::quick_folder()};
  std::shared_ptr<void> link;
};

contract::Subject make_local() {
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
  contract::Subject subject = across_the_socket(vault, std::move(*opened));
  subject.clocks = clocks;
  disk->link = std::move(subject.keep);
  subject.keep = disk;
  return subject;
}

TEST_CASE("RemoteStore over MemoryStore: mailboxes") {
  contract::mailboxes(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: addresses") {
  contract::addresses(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: records") {
  contract::records(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: messages") {
  contract::messages(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: transitions") {
  contract::transitions(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: pending messages") {
  contract::pending(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: leases and permits") {
  contract::leases(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: quota") {
  contract::quota(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: histories") {
  contract::histories(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: grace") {
  contract::grace(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: receipts of swept messages") {
  contract::receipts(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: purges") {
  contract::purges(make_memory);
}

TEST_CASE("RemoteStore over MemoryStore: the counts of servers are summed, in bounded memory") {
  contract::server_stats(make_memory);
}
TEST_CASE("RemoteStore over MemoryStore: big messages") {
  contract::big(make_memory, 3 << 20);
}

TEST_CASE("RemoteStore over LocalStore: mailboxes") {
  contract::mailboxes(make_local);
}
TEST_CASE("RemoteStore over LocalStore: addresses") {
  contract::addresses(make_local);
}
TEST_CASE("RemoteStore over LocalStore: records") {
  contract::records(make_local);
}
TEST_CASE("RemoteStore over LocalStore: messages") {
  contract::messages(make_local);
}
TEST_CASE("RemoteStore over LocalStore: transitions") {
  contract::transitions(make_local);
}
TEST_CASE("RemoteStore over LocalStore: pending messages") {
  contract::pending(make_local);
}
TEST_CASE("RemoteStore over LocalStore: leases and permits") {
  contract::leases(make_local);
}
TEST_CASE("RemoteStore over LocalStore: quota") {
  contract::quota(make_local);
}
TEST_CASE("RemoteStore over LocalStore: histories") {
  contract::histories(make_local);
}
TEST_CASE("RemoteStore over LocalStore: grace") {
  contract::grace(make_local);
}
TEST_CASE("RemoteStore over LocalStore: receipts of swept messages") {
  contract::receipts(make_local);
}
TEST_CASE("RemoteStore over LocalStore: purges") {
  contract::purges(make_local);
}

TEST_CASE("RemoteStore over LocalStore: the counts of servers are summed, in bounded memory") {
  contract::server_stats(make_local);
}
TEST_CASE("RemoteStore over LocalStore: big messages") {
  contract::big(make_local, 3 << 20);
}

}  // namespace
}  // namespace gw::keeper::test
