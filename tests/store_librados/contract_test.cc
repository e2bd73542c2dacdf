#include <catch2/catch.hpp>

#include "store_librados/ceph.h"
#include "support/cluster_contract.h"

namespace gw::store {
namespace {

contract::ClusterSubject make_librados() {
  const LibradosOptions options = ceph_options();
  contract::ClusterSubject subject;
  subject.one = ceph_client(options);
  subject.other = ceph_client(options);
  subject.fill = [](bool full) {
    // An OSD raises each ratio to the next one. The cluster has 2 GiB.
    CHECK(ceph(
        "admin", "",
        full ? "osd set-full-ratio 0.0003\nosd set-backfillfull-ratio 0.0002\nosd set-nearfull-ratio 0.0001\n"
             : "osd set-full-ratio 0.95\nosd set-backfillfull-ratio 0.9\nosd set-nearfull-ratio 0.85\n"));
  };
  subject.fence = [](const LockHolder& holder) {
    CHECK(ceph("admin", "osd blocklist add " + holder.address));
  };
  return subject;
}
const contract::ClusterTest kLibrados("LibradosCluster", make_librados);

}  // namespace
}  // namespace gw::store
