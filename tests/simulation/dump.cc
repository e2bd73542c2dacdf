#include "dump.h"

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "store/merkle.h"

namespace gw::simulation {
namespace {

using namespace store;  // NOLINT: all that follows is about a store

template <class T>
T value(Result<T> result, const std::string& what) {
  if (!result)
    throw Violation(what + " fails with " + std::string(name(result.error().code())) + ": " +
                    result.error().text());
  return std::move(*result);
}

// Digests are cut to a length that people can compare.
std::string brief(const Digest& digest) {
  return to_hex(digest).substr(0, 12);
}

template <class... Parts>
void line(std::ostream& out, const Parts&... parts) {
  ((out << parts << ' '), ...) << '\n';
}

Digest container_of(Store& store, const MailboxId& mailbox, const MessageRecord& message) {
  Bytes all;
  std::array<std::byte, 50'000> part;
  for (;;) {
    const std::size_t got =
        value(store.read(mailbox, message.id, all.size(), part), "reading " + message.id.hex());
    if (got == 0) break;
    append(all, std::span(part).first(got));
  }
  const Digest digest = sha256(all);
  if (all.size() != message.container_size || digest != message.container)
    throw Violation("message " + message.id.hex() + " is altered");
  return digest;
}

void dump_messages(std::ostream& out, Store& store, const MailboxRecord& mailbox) {
  for (std::uint64_t after = 0;;) {
    const auto page = value(store.list(mailbox.id, after, 50), "a list");
    if (page.empty()) break;
    for (MessageRecord message : page) {
      if (message.seq <= after && after != 0) throw Violation("a list is not in order");
      after = message.seq;
      const MessageRecord found = value(store.find(mailbox.id, message.id), "find");
      if (found != message) throw Violation("find does not agree with list");
      const Digest container = container_of(store, mailbox.id, message);
      const Bytes envelope = value(store.envelope(mailbox.id, message.id), "an envelope");
      if (sha256(envelope) != message.envelope) throw Violation("an envelope is altered");
      message.large = false;  // each store decides this itself
      line(out, "message", mailbox.name, message.id.hex(), name(message.state), message.seq,
           message.container_size, brief(container), brief(sha256(encode(message))));
    }
  }
  for (std::optional<MessageId> from = MessageId{}; from;) {
    auto page = value(store.removal_records(mailbox.id, *from, 20), "the removal records");
    for (RemovalRecord& swept : page) {
      swept.record.large = false;
      line(out, "removal record", mailbox.name, swept.record.id.hex(), brief(sha256(encode(swept))));
    }
    from = page.empty() ? std::nullopt : page.back().record.id.next();
  }
}

void dump_history(std::ostream& out, Store& store, const MailboxId& log, std::set<MailboxId>& logs) {
  const LogHead head = value(store.history_head(log), "a tree head");
  CompactRange range;
  Micros time = 0;
  while (range.size() < head.size) {
    const auto page = value(store.history_read(log, range.size(), 100), "a history");
    if (page.empty()) throw Violation("a history is shorter than its tree head says");
    for (const Bytes& stored : page) {
      const Leaf leaf = value(decode_leaf(stored), "a leaf");
      if (leaf.index != range.size()) throw Violation("a history has a gap");
      if (leaf.time < time) throw Violation("the time of a history goes back");
      time = leaf.time;
      if (leaf.type == LeafType::MailboxMade) logs.insert(leaf.mailbox);
      range.append(leaf_hash(stored));
      line(out, "leaf", log.hex().substr(0, 8), leaf.index, name(leaf.type), leaf.message.hex(),
           brief(sha256(stored)));
    }
  }
  if (!value(store.history_read(log, head.size, 1), "a history").empty())
    throw Violation("a history is longer than its tree head says");
  if (range.root() != head.root) throw Violation("a tree head does not fit its history");
  line(out, "head", log.hex().substr(0, 8), head.size, brief(head.root), head.time);
}

}  // namespace

std::string dump(Store& store) {
  std::ostringstream out;
  std::set<MailboxId> logs;
  dump_history(out, store, {}, logs);
  for (const MailboxId& log : std::set<MailboxId>(logs)) dump_history(out, store, log, logs);
  for (const MailboxRecord& mailbox : value(store.mailboxes(), "the mailboxes")) {
    const MailboxStat stat = value(store.stat(mailbox.id), "the counters");
    line(out, "mailbox", mailbox.name, mailbox.version, brief(sha256(encode(mailbox))));
    line(out, "counters", mailbox.name, stat.live, stat.live_bytes, stat.wire_size, stat.unconfirmed,
         stat.pending, stat.drained, stat.quarantined, stat.accepted, stat.log_size, stat.oldest,
         stat.last_delivery, stat.last_drain);
    dump_messages(out, store, mailbox);
  }
  logs.insert(MailboxId{});
  for (const MailboxId& log : logs) {
    for (const Kind kind :
         {Kind::Mailbox, Kind::Slot, Kind::Name, Kind::Alias, Kind::Setting, Kind::Admin, Kind::Route}) {
      for (const Record& record : value(store.scan(kind, log, {}, 10'000), "the records"))
        line(out, "record", static_cast<int>(kind), log.hex().substr(0, 8), record.key.name, record.version,
             brief(sha256(record.value)));
    }
  }
  return out.str();
}

std::string difference(const std::string& expected, const std::string& found) {
  constexpr std::size_t kMost = 8;
  const auto lines_of = [](const std::string& text) {
    std::multiset<std::string> lines;
    std::istringstream in(text);
    for (std::string each; std::getline(in, each);) lines.insert(each);
    return lines;
  };
  const auto left = lines_of(expected);
  const auto right = lines_of(found);
  std::string text;
  const auto tell = [&](const auto& from, const auto& other, const char* what) {
    std::size_t count = 0;
    for (const std::string& each : from) {
      if (other.contains(each) || ++count > kMost) continue;
      text += std::string("    ") + what + " " + each + "\n";
    }
  };
  tell(left, right, "expected");
  tell(right, left, "found   ");
  return text;
}

}  // namespace gw::simulation
