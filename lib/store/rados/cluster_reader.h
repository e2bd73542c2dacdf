// Reads what is committed in the cluster, for the rules (store/transaction.h) and for the store.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/rados/context.h"
#include "store/rados/layout.h"
#include "store/transaction.h"

namespace gw::store::rados {

// Decides what it means that an object of the meta pool is missing. Fails with Unavailable unless it may
// be: the index of a mailbox that never was, or an object of fingerprints. Nothing may pass for absent
// because a pool or an index is lost, since callers turn that into permanent replies.
Result<void> may_be_missing(Context& context, const std::string& object);

// Calls `visit` for each pair of a range, in order, page by page, until it returns false. Fails with
// NotFound if there is no such object, and there need not be.
Result<void> for_each_pair(
    Context& context, const Range& range,
    const std::function<bool(const std::string& key, const std::string& value)>& visit);

// A Reader that may be told beforehand which keys will be asked for, so that they are read together.
// What it has fetched stays as it was: use a new one after a change. Used by one thread.
class ClusterReader : public Reader {
 public:
  explicit ClusterReader(Context& context) : context_(context) {}

  // Reads keys of one object, of which those that are known already are left out.
  Result<void> fetch(const std::string& object, std::span<const std::string> keys);
  // Returns a value as it was fetched, or reads it; nullopt if there is no such key.
  Result<std::optional<std::string>> value(const Spot& spot) const;

  Result<std::optional<std::string>> get(Family family, ByteView key) const override {
    return value(spot(family, key));
  }
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const override;

 private:
  Context& context_;
  std::map<Spot, std::optional<std::string>> known_;
};

// Fetches what find_message() and examine() read about these messages.
Result<void> fetch_messages(ClusterReader& reader, const MailboxId& mailbox,
                            std::span<const MessageId> messages);

}  // namespace gw::store::rados
