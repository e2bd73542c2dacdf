// The Ceph cluster that the tests of librados_cluster share. CTest starts it by scripts/ceph.
#pragma once

#include <memory>
#include <string>

#include "store/librados/librados_cluster.h"

namespace gw::store {

// Returns the directory of the cluster, which the environment names.
std::string ceph_directory();

// Returns the options of a client of a new vault. The key of client.gw is for vaults whose ids
// begin with aa, that of client.gw2 for those with bb.
LibradosOptions ceph_options();

// Connects, and requires that it succeeds.
std::unique_ptr<Cluster> ceph_client(const LibradosOptions& options);

// Runs `scripts/ceph VERB DIRECTORY ARGUMENTS` with this text as input. Returns whether it succeeds.
// `admin` without arguments reads commands from it, which takes less time than a process for each.
bool ceph(const std::string& verb, const std::string& arguments, const std::string& input = {});

}  // namespace gw::store
