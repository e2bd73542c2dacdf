#include "store/rules.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/text.h"

namespace gw::store {
namespace {

constexpr std::optional<State> kGone;
constexpr std::int64_t kCentury = 100LL * 365 * 86'400;

// Every change of state that exists. Anything not listed is refused.
constexpr std::array kSteps{
    Step{State::Pending, State::Live, LeafType::Settled, true},
    Step{State::Pending, State::Unconfirmed, LeafType::Unconfirmed, true},
    Step{State::Pending, kGone, LeafType::Discarded},
    Step{State::Live, State::Drained, LeafType::Drained},
    Step{State::Live, State::Quarantined, LeafType::Quarantined},
    Step{State::Live, kGone, LeafType::Removed},
    Step{State::Unconfirmed, State::Drained, LeafType::Drained},
    Step{State::Unconfirmed, State::Quarantined, LeafType::Quarantined},
    Step{State::Unconfirmed, kGone, LeafType::Removed},
    Step{State::Drained, State::Live, LeafType::Undeleted},
    Step{State::Drained, kGone, LeafType::Removed},
    Step{State::Quarantined, State::Live, LeafType::Released},
    Step{State::Quarantined, kGone, LeafType::Removed},
};

// Most aliases, domains, blocks or generations of one mailbox.
constexpr std::size_t kMaxNames = 1000;
constexpr std::size_t kMaxText = 64 << 10;  // bytes of a description
constexpr std::size_t kMaxKey = 128;

Error bad(std::string text) {
  return Error(Code::BadInput, std::move(text));
}

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  };
  // resolve() also accepts ids and `mbx-<id>`. A name of this form could take the place of another
  // mailbox.
  const std::string_view digits = text.starts_with("mbx-") ? text.substr(4) : text;
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits) &&
         !MailboxId::parse(digits);
}

// Checks an address or domain that is stored: lower case, since alias_key() is a hash and finds
// exact matches only.
bool is_plain(std::string_view text) {
  return !text.empty() && text.size() <= 320 && text == lower(text) && !has_control(text) &&
         text.find(' ') == std::string_view::npos;
}

}  // namespace

Result<Step> step(State from, std::optional<State> to) {
  for (const Step& allowed : kSteps) {
    if (allowed.from == from && allowed.to == to) return allowed;
  }
  return bad("no transition from " + std::string(name(from)) + " to " + std::string(to ? name(*to) : "gone"));
}

Result<bool> applies(const Step& step, const LocationInfo& message) {
  // Repeating a request whose reply was lost must succeed. So a message that is gone counts as
  // drained or removed.
  if (!message.state) {
    if (!step.to || step.to == State::Drained) return false;
    return Error(Code::Conflict, "the message no longer exists (" + std::string(name(message.gone)) + ")");
  }
  if (message.state == step.to) return false;
  if (message.state == step.from) return true;
  // Clients see unconfirmed messages as live, so their requests say live.
  if (step.from == State::Live && message.state == State::Unconfirmed) return true;
  return Error(Code::Conflict, "the message is " + std::string(name(*message.state)));
}

bool removed_immediately(const Step& step, const MailboxRecord& mailbox, std::size_t together) {
  return step.to == State::Drained && mailbox.grace == 0 && !mailbox.hold && together <= kAtOnce;
}

Leaf message_leaf(LeafType type, const MailboxId& mailbox, const MessageRecord& message,
                  std::string_view actor) {
  Leaf leaf;
  leaf.type = type;
  leaf.mailbox = mailbox;
  leaf.message = message.id;
  leaf.value = message.size;
  leaf.container = message.container;
  leaf.envelope = message.envelope;
  leaf.commitment = message.commitment;
  leaf.actor = actor;
  return leaf;
}

namespace {

// One function for both directions, so that they cannot differ. `sign` is 1 or -1 modulo 2^64.
void count(MailboxStat& stat, const MessageRecord& message, std::uint64_t sign) {
  switch (message.state) {
    case State::Unconfirmed:
      stat.unconfirmed += sign;
      [[fallthrough]];
    case State::Live:
      stat.live += sign;
      stat.live_bytes += sign * message.size;
      stat.wire_size += sign * message.wire_size;
      break;
    case State::Pending:
      stat.pending += sign;
      break;
    case State::Drained:
      stat.drained += sign;
      break;
    case State::Quarantined:
      stat.quarantined += sign;
      break;
  }
}

}  // namespace

void count_in(MailboxStat& stat, const MessageRecord& message) {
  count(stat, message, 1);
}
void count_out(MailboxStat& stat, const MessageRecord& message) {
  count(stat, message, std::numeric_limits<std::uint64_t>::max());
}
bool empty(const MailboxStat& stat) {
  return stat.live + stat.pending + stat.drained + stat.quarantined == 0;
}

Result<void> may_accept(const MailboxRecord& mailbox, const MailboxStat& stat, const Commit& commit) {
  if (mailbox.status != Status::Active) return Error(Code::Conflict, "the mailbox is suspended");
  const auto held = [&](const Generation& generation) { return generation.number == commit.generation; };
  if (std::none_of(mailbox.generations.begin(), mailbox.generations.end(), held))
    return Error(Code::Conflict, "the mailbox has no key generation " + std::to_string(commit.generation));
  // Written as a subtraction that cannot overflow, since the client states the size. Only live
  // messages count: drained ones disappear by themselves.
  if (mailbox.quota != 0 &&
      (stat.live_bytes > mailbox.quota || commit.size > mailbox.quota - stat.live_bytes))
    return Error(Code::OverQuota, "the mailbox has reached its quota");
  return {};
}

MessageRecord message_record(const MessageId& id, const Commit& commit, std::uint64_t container_size) {
  MessageRecord record;
  record.id = id;
  record.state = commit.pending ? State::Pending : State::Live;
  record.received = commit.received;
  record.size = commit.size;
  record.wire_size = commit.wire_size;
  record.container_size = container_size;
  record.generation = commit.generation;
  record.container = commit.container;
  record.envelope = sha256(commit.envelope);
  record.commitment = commit.commitment;
  return record;
}

bool leaves_removal_record(const Step& step, const MailboxRecord& mailbox, std::size_t together) {
  return mailbox.receipts > 0 &&
         (step.leaf == LeafType::Expired || removed_immediately(step, mailbox, together));
}

namespace {

bool over(std::int64_t seconds, const Moment& since, const Moment& now, bool trust_wall) {
  // A larger setting would overflow in microseconds; a hundred years are as good as for ever.
  const Micros time = std::clamp<std::int64_t>(seconds, 0, kCentury) * 1'000'000;
  return now.kept - since.kept >= time || (trust_wall && now.wall - since.wall >= time);
}

}  // namespace

bool grace_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now, bool trust_wall) {
  return !mailbox.hold && over(mailbox.grace, since, now, trust_wall);
}

bool removal_record_over(const MailboxRecord& mailbox, const Moment& since, const Moment& now,
                         bool trust_wall) {
  return !mailbox.hold && over(mailbox.receipts, since, now, trust_wall);
}

std::vector<Trouble> troubles_of_disk(const Health& health) {
  constexpr std::uint64_t kLittleRoom = 1 << 30;
  std::vector<Trouble> troubles;
  if (!health.writable)
    troubles.push_back({Trouble::Kind::ReadOnly, true, "vault", "read-only: " + health.reason,
                        health.damaged
                            ? "export the mail first, see gw-store-repair(1); senders get a temporary error"
                            : "make the disk writable again; the vault then reopens for writing by itself"});
  // A large disk may have more than kLittleRoom and still be nearly full, and a small one may never
  // have it. So both limits apply. A keeper of an older version does not tell the size; then only
  // the absolute limit counts.
  const bool little = health.free_bytes < kLittleRoom &&
                      (health.disk_bytes == 0 || health.free_bytes < health.disk_bytes / 10);
  if (health.full || little)
    troubles.push_back(
        {health.full ? Trouble::Kind::Full : Trouble::Kind::LittleRoom, health.full, "disk",
         format_size(health.free_bytes) + " free" + (health.full ? ": senders get a temporary error" : ""),
         "free space on this disk, let the archive drain, or shorten the grace period"});
  return troubles;
}

Result<void> check_commit(const Commit& commit, const Limits& limits) {
  if (commit.envelope.size() > limits.record) return bad("the sealed envelope is too long");
  // gw-proxy computes a few per mail; the limit bounds what one commit writes.
  if (commit.fingerprints.size() > 16) return bad("too many fingerprints");
  return {};
}

Result<void> check_mailbox(const MailboxRecord& record) {
  if (record.id.zero()) return bad("the mailbox has no id");
  if (!is_name(record.name)) return bad("not a valid mailbox name: " + printable(record.name));
  if (record.generations.empty()) return bad("the mailbox has no key");
  for (std::size_t i = 0; i < record.generations.size(); ++i) {
    const std::uint32_t before = i == 0 ? 0 : record.generations[i - 1].number;
    if (record.generations[i].number <= before) return bad("the key generations are out of order");
  }
  if (std::max({record.aliases.size(), record.domains.size(), record.allow.size(),
                record.generations.size()}) > kMaxNames ||
      record.description.size() > kMaxText)
    return bad("the mailbox record is too long");
  for (const std::string& alias : record.aliases) {
    if (!is_plain(alias) || alias.find('@') == std::string::npos || alias.starts_with('@'))
      return bad("not a valid alias: " + printable(alias));
  }
  for (const std::string& domain : record.domains) {
    if (!is_plain(domain) || domain.find('@') != std::string::npos)
      return bad("not a valid domain: " + printable(domain));
  }
  if (record.grace < 0) return bad("the grace period is negative");
  if (record.receipts < 0) return bad("the time for removal records is negative");
  return {};
}

Result<void> check_slots(const std::vector<Slot>& slots, const Limits& limits) {
  for (const Slot& slot : slots) {
    if (slot.name.empty() || slot.name.size() > kMaxKey) return bad("not a valid slot name");
    if (slot.value.size() > limits.record) return bad("the slot is too long");
  }
  return {};
}

Result<void> check_key(const RecordKey& key) {
  if (key.name.size() > kMaxKey) return bad("the name of the record is too long");
  switch (key.kind) {
    case Kind::Slot:
    case Kind::Setting:
    case Kind::Admin:
    case Kind::Route:
      return {};
    case Kind::Mailbox:
    case Kind::Name:
    case Kind::Alias:
      return Error(Code::Denied, "this record can only be changed with its mailbox");
  }
  return bad("unknown kind of record");
}

Result<void> check_note(const Note& note) {
  switch (note.type) {
    // put_mailbox() sets this type itself for a new mailbox.
    case LeafType::MailboxMade:
    case LeafType::Key:
    case LeafType::Slot:
    case LeafType::Status:
    case LeafType::Setting:
    case LeafType::Admin:
    case LeafType::Route:
    case LeafType::Backup:
    case LeafType::Restored:
    case LeafType::Verified:
      return {};
    default:
      return bad("this leaf cannot be added with a record: " + std::string(name(note.type)));
  }
}

Result<void> check_note(const Leaf& leaf, bool vault) {
  switch (leaf.type) {
    // These are about a mailbox or its messages.
    case LeafType::Exported:
    case LeafType::Interrupted:
    case LeafType::Refused:
    case LeafType::Opened:
      if (!vault) return {};
      break;
    // These may be in any history.
    case LeafType::Setting:
    case LeafType::Gap:
      return {};
    case LeafType::Admin:
    case LeafType::Route:
      if (vault) return {};
      break;
    default:
      break;
  }
  return bad("this leaf cannot be added alone: " + std::string(name(leaf.type)));
}

}  // namespace gw::store
