// The connection to a Ceph cluster.
#pragma once

#include <rados/librados.h>

#include <array>
#include <string>

#include "base/result.h"
#include "store/librados/librados_cluster.h"

namespace gw::store {

// Flags of a write that is refused on a full pool, rather than delayed until there is space.
inline constexpr int kWrite = LIBRADOS_OPERATION_FULL_TRY;
// Flags of a write that is done on a full pool.
inline constexpr int kWriteAlthoughFull = LIBRADOS_OPERATION_FULL_TRY | LIBRADOS_OPERATION_FULL_FORCE;

// Each operation keeps its Session, which ends the connection.
class Session {
 public:
  explicit Session(const LibradosOptions& options) : options_(options) {}
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // See open_cluster().
  Result<void> open();

  rados_t rados() const { return rados_; }
  rados_ioctx_t context(Pool pool) const { return contexts_[static_cast<std::size_t>(pool)]; }
  const std::string& pool_name(Pool pool) const {
    return pool == Pool::Meta ? options_.meta_pool : options_.data_pool;
  }

 private:
  Error config_error(std::string text) const { return Error(Code::Config, std::move(text)); }
  Error without_rights(std::string text) const;
  Result<void> read_configuration();
  Result<void> connect();
  Result<void> open_pool(Pool pool);
  Result<void> try_rights(Pool pool);

  const LibradosOptions options_;
  rados_t rados_ = nullptr;
  std::array<rados_ioctx_t, 2> contexts_{};
};

}  // namespace gw::store
