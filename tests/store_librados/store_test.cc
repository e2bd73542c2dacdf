// The store on a real cluster keeps the contract of every Store.
#include <catch2/catch.hpp>

#include "store/rados/rados_store.h"
#include "store_librados/ceph.h"
#include "support/store_contract.h"

namespace gw::store {
namespace {

contract::Subject make_rados() {
  const LibradosOptions where = ceph_options();
  contract::Subject subject;
  subject.vault = VaultId::parse(where.vault).value();
  subject.clocks = std::make_shared<contract::Clocks>();
  RadosOptions options;
  options.path = "ceph";
  options.signer = contract::plain_signer();
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  REQUIRE(create_rados_store(*ceph_client(where), subject.vault, as_bytes("age1test"), options.clock));
  auto opened = open_rados_store(ceph_client(where), subject.vault, options);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened);
  subject.store = std::move(*opened);
  return subject;
}
const contract::Test kRados("RadosStore on a Ceph cluster", make_rados);

}  // namespace
}  // namespace gw::store
