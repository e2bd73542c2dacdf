// The Cluster of a Ceph cluster, through the C interface of librados.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/rados/cluster.h"

namespace gw::store {

struct LibradosOptions {
  std::string conf = "/etc/ceph/ceph.conf";  // names the monitors, and the file of the user's key
  std::string user = "gw";                   // the client is client.USER
  std::string meta_pool;
  std::string data_pool;  // may be the same
  std::string vault;      // the namespace in both pools: the id of the vault in hex
  bool encrypt = true;    // encrypts the traffic with OSDs; false: only checksums
  // After these times without an answer an operation of an OSD or a monitor is Unanswered.
  std::chrono::seconds osd_timeout{60};
  std::chrono::seconds monitor_timeout{30};
};

// Connects to the cluster, and checks that both pools exist and that the user may change objects of
// the vault in them. Changes nothing. librados starts about twelve threads, which do not survive a
// fork: a program that becomes a daemon calls this afterwards.
//
// Fails with Config if the file, the key or a pool is missing, or if the user has no rights; with
// Unavailable if no monitor or no OSD answers in time.
Result<std::unique_ptr<Cluster>> open_cluster(const LibradosOptions& options);

}  // namespace gw::store
