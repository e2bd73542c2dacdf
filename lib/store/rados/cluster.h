// The operations of a RADOS cluster that the store uses, as one narrow interface. There are two
// implementations: librados_cluster.h talks to Ceph, and tests/support/memory_cluster.h keeps
// objects in memory and injects faults.
//
// An operation names one object and is atomic: a write checks all its conditions and makes all its
// changes or none, and is on stable storage of all acting replicas when it has succeeded; a read
// sees the object at one moment. Operations on different objects are independent and may take
// effect in any order, unless the caller waits for the first before it starts the second.
//
// Names of objects and keys are printable ASCII without NUL, because librados pages through keys as
// C strings. A Cluster may be used by several threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace gw::store {

// The pools of a vault. Both may be the same pool of the cluster.
enum class Pool : std::uint8_t {
  Meta,  // replicated, because only such pools have keys
  Data,  // replicated or erasure-coded
};

// How an operation ended.
enum class Outcome : std::uint8_t {
  Done,
  Differs,     // a condition of the write is not met (ECANCELED); nothing was changed
  Exists,      // the object was to be created and is there (EEXIST)
  Missing,     // the object, or an attribute that was asked for, does not exist (ENOENT, ENODATA)
  Full,        // the pool or the quota is full (ENOSPC, EDQUOT)
  Busy,        // another client holds the lock (EBUSY, EEXIST)
  Unanswered,  // no answer in time (ETIMEDOUT): the operation was done, was not done, or will be done
  Refused,     // the key of this client may not do that (EPERM, EACCES)
  Shut,        // this client is fenced or closed (ESHUTDOWN, EBLOCKLISTED, ENOTCONN)
  Failed,      // anything else, such as EIO; the text of the reply says what
};

// The key-value pairs of an object.
using Pairs = std::map<std::string, std::string, std::less<>>;

// A write to one object. First the conditions are checked in this order, then the changes are made
// in this order.
struct WriteOp {
  // Conditions.
  bool create = false;      // the object must not exist; it is created
  bool must_exist = false;  // the object must exist; otherwise Missing
  // Attributes that must have this value; an attribute that is missing differs. The outcome is
  // Missing if the object does not exist. Not together with `create`.
  Pairs attribute_is = {};
  // Keys that must have this value; a key that is missing has the empty value. Missing as before.
  Pairs key_is = {};

  // Changes. An object that does not exist is created by any of them but `remove`.
  std::vector<std::string> erase = {};  // keys to remove, which need not exist
  // ranges of keys to remove, each from `first` up to but not including `second`
  std::vector<std::pair<std::string, std::string>> erase_ranges = {};
  Pairs set = {};  // keys to write
  Pairs set_attributes = {};
  std::optional<std::string> data = {};  // the whole content, in place of what the object had
  bool remove = false;                   // removes the object with its keys; no other change is allowed then

  // For writes that free space, or that finish what has freed it: the cluster then accepts them when
  // a pool is full.
  bool although_full = false;
};

// A read of one object. Each part that is asked for is filled in the reply.
struct ReadOp {
  std::vector<std::string> attributes = {};
  std::vector<std::string> keys = {};  // those that do not exist are left out of the reply

  // Keys in order, from the first one after `after` that begins with `prefix`.
  struct Page {
    std::string after;
    std::string prefix;
    std::uint64_t most = 0;  // the reply may hold fewer, see Reply::more
  };
  std::optional<Page> page = {};

  // Content from an offset. `length` 0 reads to the end of the object.
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  std::optional<Range> range = {};
};

// The answer to an operation. `text` is empty if it is Done. The other fields are those of a read.
struct Reply {
  Outcome outcome = Outcome::Done;
  std::string text;  // what failed, for people
  Pairs attributes;
  Pairs pairs;        // of ReadOp::keys and ReadOp::page
  bool more = false;  // there are keys of the prefix after the last one of the page
  std::string data;   // of ReadOp::range; shorter than asked for at the end of the object

  bool done() const { return outcome == Outcome::Done; }
};

// An operation that has been started. Its destruction waits for the end.
class Started {
 public:
  virtual ~Started() = default;
  // Waits for the end and returns the reply. May be called once.
  virtual Reply wait() = 0;
};

// The holder of a lock on an object.
struct LockHolder {
  std::string client;   // names the client to the cluster
  std::string cookie;   // as passed to lock()
  std::string address;  // of the client
};

// How full the cluster is, in bytes.
struct ClusterSpace {
  std::uint64_t total = 0;
  std::uint64_t free = 0;
};

class Cluster {
 public:
  virtual ~Cluster() = default;

  // Start an operation. A write larger than 90 MB fails.
  virtual std::unique_ptr<Started> start(Pool pool, const std::string& object, WriteOp op) = 0;
  virtual std::unique_ptr<Started> start(Pool pool, const std::string& object, ReadOp op) = 0;
  Reply write(Pool pool, const std::string& object, WriteOp op) {
    return start(pool, object, std::move(op))->wait();
  }
  Reply read(Pool pool, const std::string& object, ReadOp op) {
    return start(pool, object, std::move(op))->wait();
  }

  // Takes or renews an exclusive lock on an object of the meta pool; it ends after `duration` by the
  // cluster's clock. Busy if a client or a cookie other than this one holds it. Creates the object
  // if it does not exist.
  virtual Reply lock(const std::string& object, const std::string& name, const std::string& cookie,
                     const std::string& description, std::chrono::seconds duration) = 0;
  // Missing if this client does not hold the lock.
  virtual Reply unlock(const std::string& object, const std::string& name, const std::string& cookie) = 0;
  // Sets `holder` to the holder, or to nullopt if nobody holds the lock.
  virtual Reply lock_holder(const std::string& object, const std::string& name,
                            std::optional<LockHolder>& holder) = 0;
  // Ends a lock of another client.
  virtual Reply break_lock(const std::string& object, const std::string& name, const LockHolder& holder) = 0;

  // Adds the names of the vault's objects in a pool that begin with `prefix`, in no order. Slow: it
  // asks all of the pool. For repair and for verification only.
  virtual Reply objects(Pool pool, const std::string& prefix, std::vector<std::string>& names) = 0;

  virtual Reply space(ClusterSpace& space) = 0;
};

}  // namespace gw::store
