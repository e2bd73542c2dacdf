// The operations of a Cluster on one object, as librados does them.
#pragma once

#include <memory>
#include <string>

#include "store/librados/session_private.h"

namespace gw::store {

// Start the operation. The object that they return keeps the session.
std::unique_ptr<Started> start_write(std::shared_ptr<Session> session, Pool pool, const std::string& object,
                                     const WriteOp& op);
std::unique_ptr<Started> start_read(std::shared_ptr<Session> session, Pool pool, const std::string& object,
                                    ReadOp op);

}  // namespace gw::store
