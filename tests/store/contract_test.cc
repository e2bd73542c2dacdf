#include "store/memory_store.h"
#include "support/store_contract.h"

namespace gw::store {
namespace {

contract::Subject make_memory() {
  contract::Subject subject;
  subject.vault = random_id<VaultId>();
  subject.clocks = std::make_shared<contract::Clocks>();
  MemoryOptions options;
  options.vault = subject.vault;
  options.signer = contract::sign_plainly;
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  subject.store = make_memory_store(options);
  return subject;
}

TEST_CASE("MemoryStore: mailboxes") {
  contract::mailboxes(make_memory);
}
TEST_CASE("MemoryStore: addresses") {
  contract::addresses(make_memory);
}
TEST_CASE("MemoryStore: records") {
  contract::records(make_memory);
}
TEST_CASE("MemoryStore: messages") {
  contract::messages(make_memory);
}
TEST_CASE("MemoryStore: transitions") {
  contract::transitions(make_memory);
}
TEST_CASE("MemoryStore: pending messages") {
  contract::pending(make_memory);
}
TEST_CASE("MemoryStore: leases and permits") {
  contract::leases(make_memory);
}
TEST_CASE("MemoryStore: quota") {
  contract::quota(make_memory);
}
TEST_CASE("MemoryStore: histories") {
  contract::histories(make_memory);
}
TEST_CASE("MemoryStore: grace") {
  contract::grace(make_memory);
}
TEST_CASE("MemoryStore: big messages") {
  contract::big(make_memory, 3 << 20);
}

TEST_CASE("without a history key there is no checkpoint") {
  const auto store = make_memory_store({});
  const auto note = store->checkpoint("test");
  REQUIRE_FALSE(note);
  CHECK(note.error().code() == Code::Config);
}

}  // namespace
}  // namespace gw::store
