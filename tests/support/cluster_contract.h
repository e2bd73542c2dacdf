// The contract of every Cluster (store/rados/cluster.h): a table of rules. The test of a Cluster
// passes a factory, and each rule becomes a test case, such as `MemoryCluster: locks`.
//   const gw::store::contract::ClusterTest kMemory("MemoryCluster", make_memory);
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "store/rados/cluster.h"

namespace gw::store::contract {

struct ClusterSubject {
  // Two clients of the same vault, which has no objects yet.
  std::unique_ptr<Cluster> one;
  std::unique_ptr<Cluster> other;
  // Advances the cluster's clock, if the test can. Otherwise tests wait.
  std::function<void(std::chrono::seconds)> pass = [](std::chrono::seconds) {};
  // Makes the cluster full, or gives it space again. It may take some time to be so.
  std::function<void(bool)> fill;
  // Shuts the client out that holds a lock. It may take some time to be so.
  std::function<void(const LockHolder&)> fence;
};
using MakeCluster = std::function<ClusterSubject()>;

// Registers a test case for each rule, at static initialization.
class ClusterTest {
 public:
  ClusterTest(const std::string& cluster, const MakeCluster& make);
};

}  // namespace gw::store::contract
