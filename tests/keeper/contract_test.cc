// The contract of every Store, kept across the keeper's socket.
#include <unistd.h>

#include "support/store_contract.h"

#include "keeper/linked.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;

contract::Subject make_remote() {
  contract::Subject subject;
  subject.vault = random_id<VaultId>();
  subject.clocks = std::make_shared<contract::Clocks>();
  store::MemoryOptions options;
  options.vault = subject.vault;
  options.signer = contract::sign_plainly;
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  ServerOptions serving;
  serving.vault = subject.vault;
  auto link = std::make_shared<Link>(make_memory_store(std::move(options)), serving);
  subject.store = link->connect();
  subject.keep = link;
  subject.actor = "uid=" + std::to_string(::geteuid()) + " admin ";
  return subject;
}

TEST_CASE("RemoteStore: mailboxes") {
  contract::mailboxes(make_remote);
}
TEST_CASE("RemoteStore: addresses") {
  contract::addresses(make_remote);
}
TEST_CASE("RemoteStore: records") {
  contract::records(make_remote);
}
TEST_CASE("RemoteStore: messages") {
  contract::messages(make_remote);
}
TEST_CASE("RemoteStore: transitions") {
  contract::transitions(make_remote);
}
TEST_CASE("RemoteStore: pending messages") {
  contract::pending(make_remote);
}
TEST_CASE("RemoteStore: leases and permits") {
  contract::leases(make_remote);
}
TEST_CASE("RemoteStore: quota") {
  contract::quota(make_remote);
}
TEST_CASE("RemoteStore: histories") {
  contract::histories(make_remote);
}
TEST_CASE("RemoteStore: grace") {
  contract::grace(make_remote);
}
TEST_CASE("RemoteStore: big messages") {
  contract::big(make_remote, 3 << 20);
}

}  // namespace
}  // namespace gw::keeper::test
