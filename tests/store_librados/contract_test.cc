#include "store_librados/ceph.h"
#include "support/cluster_contract.h"

namespace gw::store {
namespace {

contract::ClusterSubject make_librados() {
  const LibradosOptions options = ceph_options();
  contract::ClusterSubject subject;
  subject.one = ceph_client(options);
  subject.other = ceph_client(options);
  return subject;
}
const contract::ClusterTest kLibrados("LibradosCluster", make_librados);

}  // namespace
}  // namespace gw::store
