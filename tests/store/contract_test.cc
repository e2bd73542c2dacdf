#include "store/local/local_store.h"
#include "support/memory_store.h"
#include "support/store_contract.h"
#include "support/temp_folder.h"

namespace gw::store {
namespace {

contract::Subject make_memory() {
  contract::Subject subject;
  subject.vault = random_id<VaultId>();
  subject.clocks = std::make_shared<contract::Clocks>();
  MemoryOptions options;
  options.vault = subject.vault;
  options.signer = contract::plain_signer();
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  subject.store = make_memory_store(options);
  return subject;
}

contract::Subject make_local() {
  contract::Subject subject;
  subject.vault = random_id<VaultId>();
  subject.clocks = std::make_shared<contract::Clocks>();
  const auto folder = std::make_shared<test::TempFolder>(test::quick_folder());
  subject.keep = folder;
  LocalOptions options;
  options.path = folder->path() + "/vault";
  options.signer = contract::plain_signer();
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  REQUIRE(create_local_store(options.path, subject.vault, {}, options.clock));
  auto opened = open_local_store(options);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened);
  subject.store = std::move(*opened);
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
TEST_CASE("MemoryStore: receipts of swept messages") {
  contract::receipts(make_memory);
}
TEST_CASE("MemoryStore: purges") {
  contract::purges(make_memory);
}

TEST_CASE("MemoryStore: what servers did is summed, in bounded memory") {
  contract::server_stats(make_memory);
}
TEST_CASE("MemoryStore: big messages") {
  contract::big(make_memory, 3 << 20);
}

TEST_CASE("LocalStore: mailboxes") {
  contract::mailboxes(make_local);
}
TEST_CASE("LocalStore: addresses") {
  contract::addresses(make_local);
}
TEST_CASE("LocalStore: records") {
  contract::records(make_local);
}
TEST_CASE("LocalStore: messages") {
  contract::messages(make_local);
}
TEST_CASE("LocalStore: transitions") {
  contract::transitions(make_local);
}
TEST_CASE("LocalStore: pending messages") {
  contract::pending(make_local);
}
TEST_CASE("LocalStore: leases and permits") {
  contract::leases(make_local);
}
TEST_CASE("LocalStore: quota") {
  contract::quota(make_local);
}
TEST_CASE("LocalStore: histories") {
  contract::histories(make_local);
}
TEST_CASE("LocalStore: grace") {
  contract::grace(make_local);
}
TEST_CASE("LocalStore: receipts of swept messages") {
  contract::receipts(make_local);
}
TEST_CASE("LocalStore: purges") {
  contract::purges(make_local);
}

TEST_CASE("LocalStore: what servers did is summed, in bounded memory") {
  contract::server_stats(make_local);
}
TEST_CASE("LocalStore: big messages") {
  contract::big(make_local, 3 << 20);
}

TEST_CASE("without a history key there is no checkpoint") {
  const auto store = make_memory_store({});
  const auto note = store->checkpoint("test");
  REQUIRE_FALSE(note);
  CHECK(note.error().code() == Code::Config);
}

}  // namespace
}  // namespace gw::store
