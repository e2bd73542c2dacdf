#include "store_librados/ceph.h"

#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>

#include "base/id.h"
#include "support/source_dir.h"

namespace gw::store {

std::string ceph_directory() {
  const char* directory = std::getenv("GW_CEPH");
  if (directory == nullptr) FAIL("GW_CEPH does not name the directory of a cluster of scripts/ceph");
  return directory;
}

LibradosOptions ceph_options() {
  LibradosOptions options;
  options.conf = ceph_directory() + "/ceph.conf";
  options.meta_pool = "meta";
  options.data_pool = "data";
  options.vault = "aa" + random_id<VaultId>().hex().substr(2);
  return options;
}

std::unique_ptr<Cluster> ceph_client(const LibradosOptions& options) {
  auto opened = open_cluster(options);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened);
  return std::move(*opened);
}

bool ceph(const std::string& verb, const std::string& arguments, const std::string& input) {
  const std::string command = test::source_dir() + "/scripts/ceph " + verb + " " + ceph_directory() + " " +
                              arguments + " >/dev/null 2>&1";
  FILE* process = ::popen(command.c_str(), "w");
  if (process == nullptr) return false;
  std::fputs(input.c_str(), process);
  return ::pclose(process) == 0;
}

}  // namespace gw::store
