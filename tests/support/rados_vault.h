// A vault in a RADOS cluster in memory, with clocks moved by hand, opened and opened again, and
// killed.
#pragma once

#include <catch2/catch.hpp>
#include <memory>

#include "store/rados/rados_store.h"
#include "support/memory_cluster.h"
#include "support/store_contract.h"

namespace gw::store {

class RadosVault {
 public:
  explicit RadosVault(const VaultId& vault = random_id<VaultId>()) : id(vault) {
    options.path = "memory";
    options.signer = contract::plain_signer();
    options.clock = [clocks = clocks] { return clocks->wall; };
    options.boot_clock = [clocks = clocks] { return clocks->boot; };
    REQUIRE(create_rados_store(*rados->client(), id, as_bytes("age1test"), options.clock));
    ++clients_;
  }

  std::unique_ptr<Store> open() {
    auto opened = try_open();
    INFO((opened ? "" : opened.error().text()));
    REQUIRE(opened);
    return std::move(*opened);
  }
  Result<std::unique_ptr<Store>> try_open() {
    ++clients_;
    return open_rados_store(rados->client(), id, options);
  }
  // The number of the client that was opened last.
  std::uint64_t client() const { return clients_; }

  // What a kill -9 of the keeper at this moment leaves: the store does nothing more.
  void kill(std::unique_ptr<Store> store) {
    rados->fence(clients_);
    store.reset();
  }

  const VaultId id;
  const std::shared_ptr<contract::Clocks> clocks = std::make_shared<contract::Clocks>();
  const std::shared_ptr<MemoryRados> rados =
      std::make_shared<MemoryRados>([clocks = clocks] { return clocks->boot; });
  RadosOptions options;

 private:
  std::uint64_t clients_ = 0;
};

}  // namespace gw::store
