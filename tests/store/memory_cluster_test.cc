#include "support/memory_cluster.h"

#include "support/cluster_contract.h"

namespace gw::store {
namespace {

contract::ClusterSubject make_memory_cluster() {
  const auto time = std::make_shared<BootClock::time_point>(std::chrono::hours(1));
  const auto rados = std::make_shared<MemoryRados>([time] { return *time; });
  contract::ClusterSubject subject;
  subject.one = rados->client();
  subject.other = rados->client();
  subject.pass = [time](std::chrono::seconds passed) { *time += passed; };
  subject.fill = [rados](bool full) { rados->fill(full); };
  subject.fence = [rados](const LockHolder& holder) { rados->fence(std::stoull(holder.client)); };
  return subject;
}
const contract::ClusterTest kMemoryCluster("MemoryCluster", make_memory_cluster);

}  // namespace
}  // namespace gw::store
