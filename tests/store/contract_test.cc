#include "store/local/local_store.h"
#include "support/memory_store.h"
#include "support/rados_vault.h"
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

contract::Subject make_rados() {
  contract::Subject subject;
  const auto vault = std::make_shared<RadosVault>();
  vault->options.most_unseen = contract::kUnlimited;
  subject.vault = vault->id;
  subject.clocks = vault->clocks;
  subject.store = vault->open();
  subject.keep = vault;
  return subject;
}

const contract::Test kMemory("MemoryStore", make_memory);
const contract::Test kLocal("LocalStore", make_local);
const contract::Test kRados("RadosStore", make_rados);

TEST_CASE("without a history key there is no checkpoint") {
  const auto store = make_memory_store({});
  const auto note = store->checkpoint("test");
  REQUIRE_FALSE(note);
  CHECK(note.error().code() == Code::Config);
}

}  // namespace
}  // namespace gw::store
