#include "store/rados/cluster_reader.h"

#include <algorithm>

namespace gw::store::rados {
namespace {

constexpr std::size_t kKeys = 1000;         // in one read
constexpr std::size_t kReadsUnderWay = 16;  // at the same time

}  // namespace

Result<void> may_be_missing(Context& context, const std::string& object) {
  if (object.starts_with("f.")) return {};
  if (object.starts_with("m.")) {
    ReadOp op;
    op.keys = {"D" + object.substr(2)};
    const Reply reply = context.cluster.read(Pool::Meta, index_object({}), std::move(op));
    if (!reply.done()) return context.error(reply, "cannot read the index of the vault");
    if (reply.pairs.empty()) return {};
  }
  return Error(Code::Unavailable, "the object " + object + " is missing");
}

Result<void> for_each_pair(
    Context& context, const Range& range,
    const std::function<bool(const std::string& key, const std::string& value)>& visit) {
  for (std::string after = range.after;;) {
    ReadOp op;
    op.page = ReadOp::Page{after, range.prefix, kKeys};
    const Reply reply = context.cluster.read(Pool::Meta, range.object, std::move(op));
    if (reply.outcome == Outcome::Missing) {
      if (auto absent = may_be_missing(context, range.object); !absent) return absent;
      return Error(Code::NotFound, "no object " + range.object);
    }
    if (!reply.done()) return context.error(reply, "cannot read " + range.object);
    for (const auto& [key, value] : reply.pairs) {
      if (!range.end.empty() && key >= range.end) return {};
      if (!visit(key, value)) return {};
    }
    if (!reply.more) return {};
    // Without this a cluster that answers `more` with an empty page would be asked for ever.
    if (reply.pairs.empty())
      return Error(Code::Unavailable, "cannot read " + range.object + ": an empty page");
    after = reply.pairs.rbegin()->first;
  }
}

Result<void> ClusterReader::fetch(const std::string& object, std::span<const std::string> keys) {
  std::vector<std::string> wanted;
  for (const std::string& key : keys) {
    if (!known_.contains({object, key})) wanted.push_back(key);
  }
  std::vector<std::unique_ptr<Started>> started;
  std::size_t next = 0;
  const auto collect = [&]() -> Result<void> {
    for (const auto& read : started) {
      const Reply reply = read->wait();
      if (reply.outcome == Outcome::Missing) {
        if (auto absent = may_be_missing(context_, object); !absent) return absent;
        continue;
      }
      if (!reply.done()) return context_.error(reply, "cannot read " + object);
      for (const auto& [key, value] : reply.pairs) known_.insert_or_assign({object, key}, value);
    }
    started.clear();
    return {};
  };
  for (const std::string& key : wanted) known_.emplace(Spot{object, key}, std::nullopt);
  Result<void> done;
  while (done && next < wanted.size()) {
    ReadOp op;
    const std::size_t end = std::min(wanted.size(), next + kKeys);
    op.keys.assign(wanted.begin() + static_cast<std::ptrdiff_t>(next),
                   wanted.begin() + static_cast<std::ptrdiff_t>(end));
    next = end;
    started.push_back(context_.cluster.start(Pool::Meta, object, std::move(op)));
    if (started.size() == kReadsUnderWay) done = collect();
  }
  if (done) done = collect();
  // What was not read must not pass for absent.
  if (!done) known_.clear();
  return done;
}

Result<std::optional<std::string>> ClusterReader::value(const Spot& spot) const {
  if (const auto found = known_.find(spot); found != known_.end()) return found->second;
  ReadOp op;
  op.keys = {spot.key};
  Reply reply = context_.cluster.read(Pool::Meta, spot.object, std::move(op));
  if (reply.outcome == Outcome::Missing) {
    if (auto absent = may_be_missing(context_, spot.object); !absent) return absent.error();
    return std::optional<std::string>();
  }
  if (!reply.done()) return context_.error(reply, "cannot read " + spot.object);
  const auto found = reply.pairs.find(spot.key);
  if (found == reply.pairs.end()) return std::optional<std::string>();
  return std::optional(std::move(found->second));
}

Result<void> ClusterReader::scan(Family family, ByteView from, ByteView end,
                                 const std::function<bool(ByteView key, ByteView value)>& visit) const {
  const Range keys = range(family, from, end);
  auto scanned = for_each_pair(context_, keys, [&](const std::string& key, const std::string& value) {
    return visit(key_at(keys, key), as_bytes(value));
  });
  if (!scanned && scanned.error().code() == Code::NotFound) return {};
  return scanned;
}

Result<void> fetch_messages(ClusterReader& reader, const MailboxId& mailbox,
                            std::span<const MessageId> messages) {
  const std::string object = index_object(mailbox);
  std::vector<std::string> keys;
  for (const MessageId& message : messages) keys.push_back(location_spot(message));
  if (auto fetched = reader.fetch(object, keys); !fetched) return fetched;
  std::vector<std::string> records;
  for (const std::string& key : keys) {
    const auto stored = reader.value({object, key});
    if (!stored) return stored.error();
    if (!*stored) continue;
    const auto location = decode_where(as_bytes(**stored));
    if (location && !location->gone) records.push_back("m" + hex16(location->seq));
  }
  return reader.fetch(object, records);
}

}  // namespace gw::store::rados
