#include "keeper/server/roles.h"

#include <algorithm>
#include <array>

#include "store/store.h"

namespace gw::keeper {
namespace {

using Condition = bool (*)(const proto::Request&);

bool never(const proto::Request&) {
  return false;
}
bool always(const proto::Request&) {
  return true;
}

// Receivers only look up recipients. Lookup::Login also accepts names and ids of mailboxes.
bool as_recipient(const proto::Request& request) {
  return request.number() == static_cast<std::uint64_t>(store::Lookup::Recipient);
}

// A login reads the password slot of a mailbox. For an unknown mailbox it needs the vault's
// settings, where the cost of Argon2id is, so that both take the same time and names of mailboxes
// cannot be found by measuring.
bool what_a_login_needs(const proto::Request& request) {
  if (request.kind() == static_cast<std::uint32_t>(store::Kind::Slot)) return true;
  return request.kind() == static_cast<std::uint32_t>(store::Kind::Setting) &&
         std::all_of(request.mailbox().begin(), request.mailbox().end(), [](char byte) { return byte == 0; });
}

// gw-proxy connects to the append socket, and reads its routes there. Routes belong to the vault,
// whose mailbox id is zero.
bool of_routes(const proto::Request& request) {
  return request.kind() == static_cast<std::uint32_t>(store::Kind::Route) &&
         std::all_of(request.mailbox().begin(), request.mailbox().end(), [](char byte) { return byte == 0; });
}

// gw-proxy settles its own pending messages. That a message is its own is proved by the pending
// token, which the store compares.
bool of_own_pending(const proto::Request& request) {
  const proto::Transition& change = request.transition();
  return change.from() == static_cast<std::uint32_t>(store::State::Pending) && change.token().size() == 16;
}

// The drain socket may only do what POP3 and gw-export do, so a compromised gw-pop3d can neither
// remove mail for good nor release quarantined mail. What it drains can be undeleted during the
// grace period, and what it quarantines stays until an administrator releases it.
bool drains_under_lease(const proto::Request& request) {
  const proto::Transition& change = request.transition();
  return (change.from() == static_cast<std::uint32_t>(store::State::Live) ||
          change.from() == static_cast<std::uint32_t>(store::State::Unconfirmed)) &&
         (change.to() == static_cast<std::uint32_t>(store::State::Drained) ||
          change.to() == static_cast<std::uint32_t>(store::State::Quarantined)) &&
         change.leased();
}

// A transition to drained is recorded by itself. A reader may also record that it exported a copy
// and that a drain ended without QUIT, and nothing else: histories must not contain leaves that a
// reader made up.
bool of_a_reader(const proto::Request& request) {
  const auto leaf = store::decode_leaf(as_bytes(request.value()));
  return leaf && (leaf->type == store::LeafType::Exported || leaf->type == store::LeafType::Interrupted);
}

// A receiver may record that it replied 5xx, because that mail will not be sent again and no other
// trace of it remains in the vault.
bool of_a_refusal(const proto::Request& request) {
  const auto leaf = store::decode_leaf(as_bytes(request.value()));
  return leaf && leaf->type == store::LeafType::Refused;
}

// `append` and `drain` say when the operation is allowed on that socket. `record`: the request may
// carry a record.
struct Rule {
  proto::Op op;
  std::string_view name;
  Condition append;
  Condition drain;
  bool record = false;
};

// The admin socket may do all of them. An operation that is not in this table is refused on every
// socket, so a new one must be added here.
constexpr std::array kRules{
    Rule{proto::OP_HEALTH, "health", always, always},
    Rule{proto::OP_PUT_MAILBOX, "put-mailbox", never, never, true},
    Rule{proto::OP_DROP_MAILBOX, "drop-mailbox", never, never},
    Rule{proto::OP_MAILBOX, "mailbox", never, always},
    Rule{proto::OP_MAILBOXES, "mailboxes", never, never},
    Rule{proto::OP_RESOLVE, "resolve", as_recipient, always},
    Rule{proto::OP_STAT, "stat", never, always},
    Rule{proto::OP_BEGIN, "begin", always, never},
    Rule{proto::OP_COMMIT, "commit", always, never, true},
    Rule{proto::OP_ABORT, "abort", always, always},
    Rule{proto::OP_FIND, "find", always, never},
    Rule{proto::OP_LIST, "list", never, always},
    Rule{proto::OP_ENVELOPE, "envelope", never, always},
    Rule{proto::OP_READ, "read", never, always},
    Rule{proto::OP_OPENING, "opening", never, always},
    Rule{proto::OP_TRANSITION, "transition", of_own_pending, drains_under_lease},
    Rule{proto::OP_SEEN, "seen", always, never},
    Rule{proto::OP_ACQUIRE, "acquire", never, always},
    Rule{proto::OP_RENEW, "renew", never, always},
    Rule{proto::OP_RELEASE, "release", never, always},
    Rule{proto::OP_PERMIT, "permit", never, always},
    Rule{proto::OP_RETURN, "return", never, always},
    Rule{proto::OP_GUESS, "guess", always, always},
    Rule{proto::OP_GET, "get", of_routes, what_a_login_needs},
    Rule{proto::OP_PUT_IF, "put-if", never, never, true},
    Rule{proto::OP_ERASE_IF, "erase-if", never, never},
    Rule{proto::OP_SCAN, "scan", of_routes, never},
    Rule{proto::OP_HISTORY_HEAD, "history-head", never, never},
    Rule{proto::OP_HISTORY_READ, "history-read", never, never},
    Rule{proto::OP_NOTE, "note", of_a_refusal, of_a_reader},
    Rule{proto::OP_CHECKPOINT, "checkpoint", never, never},
    Rule{proto::OP_SWEEP, "sweep", never, never},
    Rule{proto::OP_REPORT_STATS, "tally", always, always},
    Rule{proto::OP_SERVER_STATS, "tallies", never, never},
    Rule{proto::OP_SNAPSHOT, "snapshot", never, never},
    Rule{proto::OP_SNAPSHOT_FILE, "snapshot-file", never, never},
    Rule{proto::OP_SNAPSHOT_END, "snapshot-end", never, never},
    Rule{proto::OP_SUSPEND, "suspend", never, never},
    Rule{proto::OP_RESUME, "resume", never, never},
    Rule{proto::OP_MOVED, "moved", never, never},
    Rule{proto::OP_SWEPT, "swept", never, never},
    Rule{proto::OP_PURGE, "purge", never, never},
};

const Rule* rule_of(proto::Op op) {
  const auto* found =
      std::find_if(kRules.begin(), kRules.end(), [&](const Rule& rule) { return rule.op == op; });
  return found == kRules.end() ? nullptr : found;
}

}  // namespace

bool allowed(Role role, const proto::Request& request) {
  const Rule* rule = rule_of(request.op());
  if (rule == nullptr) return false;
  switch (role) {
    case Role::Append:
      return rule->append(request);
    case Role::Drain:
      return rule->drain(request);
    case Role::Admin:
      return true;
  }
  return false;
}

std::string_view name(proto::Op op) {
  const Rule* rule = rule_of(op);
  return rule == nullptr ? "unknown" : rule->name;
}

bool carries_record(proto::Op op) {
  const Rule* rule = rule_of(op);
  return rule != nullptr && rule->record;
}

// Commits and transitions are not among them: cached recipients do not depend on messages
// (recipient_cache.h).
bool changes_records(proto::Op op) {
  return op == proto::OP_PUT_MAILBOX || op == proto::OP_DROP_MAILBOX || op == proto::OP_PUT_IF ||
         op == proto::OP_ERASE_IF;
}

}  // namespace gw::keeper
