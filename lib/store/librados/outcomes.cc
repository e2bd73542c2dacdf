#include "store/librados/outcomes.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/error.h"

namespace gw::store {
namespace {

struct Meaning {
  int number;
  Outcome outcome;
  std::string_view why;
};

// EBLOCKLISTED of librados is ESHUTDOWN.
constexpr Meaning kMeanings[] = {
    {ECANCELED, Outcome::Differs, "a condition is not met"},
    {EEXIST, Outcome::Exists, "it exists already"},
    {ENOENT, Outcome::Missing, "it does not exist"},
    {ENODATA, Outcome::Missing, "an attribute does not exist"},
    {ENOSPC, Outcome::Full, "the cluster or the pool is full"},
    {EDQUOT, Outcome::Full, "the quota of the pool is reached"},
    {EBUSY, Outcome::Busy, "another client holds the lock"},
    {ETIMEDOUT, Outcome::Unanswered, "the cluster did not answer in time"},
    {EPERM, Outcome::Refused, "the key of this client does not have the right"},
    {EACCES, Outcome::Refused, "the key of this client does not have the right"},
    {ESHUTDOWN, Outcome::Shut, "the cluster has blocklisted this client"},
    {ENOTCONN, Outcome::Shut, "the connection to the cluster is closed"},
    {EMSGSIZE, Outcome::Failed, "it is larger than osd_max_write_size"},
    {EOPNOTSUPP, Outcome::Failed, "an erasure-coded pool has no keys"},
};

const Meaning* meaning(int result) {
  const auto found = std::find_if(std::begin(kMeanings), std::end(kMeanings),
                                  [result](const Meaning& one) { return one.number == -result; });
  return found == std::end(kMeanings) ? nullptr : found;
}

}  // namespace

Outcome outcome_of(int result) {
  if (result >= 0) return Outcome::Done;
  const Meaning* known = meaning(result);
  return known != nullptr ? known->outcome : Outcome::Failed;
}

Reply failed_reply(std::string_view what, int result) {
  Reply reply;
  reply.outcome = outcome_of(result);
  const Meaning* known = meaning(result);
  reply.text = known != nullptr ? std::string(what).append(": ").append(known->why)
                                : Error::from_errno(what, -result).text();
  return reply;
}

}  // namespace gw::store
