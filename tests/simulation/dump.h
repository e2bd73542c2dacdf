// The logical content of a store as text, to compare a store with the model.
#pragma once

#include <stdexcept>
#include <string>

#include "store/store.h"

namespace gw::simulation {

// A promise of the store that does not hold.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Returns all that a caller can see: mailboxes, counters, messages with the digests of their
// containers and envelopes, removal records, small records and histories. Throws a Violation if
// something cannot be read, or if the parts do not agree: a list with a lookup, a history with its
// tree head.
std::string dump(store::Store& store);

// Returns the lines that differ, at most a few, for people.
std::string difference(const std::string& expected, const std::string& found);

}  // namespace gw::simulation
