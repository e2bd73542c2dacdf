#include "keeper/server/operations.h"

#include <algorithm>
#include <iterator>

#include "keeper/server/session.h"
#include "store/store.h"

namespace gw::keeper {
namespace {

using proto::Reply;
using proto::Request;

bool never(const Request&) {
  return false;
}
bool always(const Request&) {
  return true;
}

// Receivers only look up recipients. Lookup::Login also accepts names and ids of mailboxes.
bool as_recipient(const Request& request) {
  return request.resolve().lookup() == static_cast<std::uint64_t>(store::Lookup::Recipient);
}

// The records of the vault have a mailbox id that is zero.
bool is_of_vault(const proto::RecordKey& key, store::Kind kind) {
  return key.kind() == static_cast<std::uint32_t>(kind) &&
         std::all_of(key.mailbox().begin(), key.mailbox().end(), [](char byte) { return byte == 0; });
}

// A login reads the password slot of a mailbox. For an unknown mailbox it needs the vault's
// settings, where the cost of Argon2id is, so that both take the same time and names of mailboxes
// cannot be found by measuring.
bool what_a_login_needs(const Request& request) {
  const proto::RecordKey& key = request.get();
  return key.kind() == static_cast<std::uint32_t>(store::Kind::Slot) ||
         is_of_vault(key, store::Kind::Setting);
}

// gw-proxy connects to the append socket, and reads its routes there.
bool a_route(const Request& request) {
  return is_of_vault(request.get(), store::Kind::Route);
}
bool routes(const Request& request) {
  return is_of_vault(request.scan().after(), store::Kind::Route);
}

// gw-proxy settles its own pending messages. That a message is its own is proved by the pending
// token, which the store compares.
bool of_own_pending(const Request& request) {
  const proto::TransitionRequest& change = request.transition();
  return change.from() == static_cast<std::uint32_t>(store::State::Pending) && change.token().size() == 16;
}

// The drain socket may only do what POP3 and gw-export do, so a compromised gw-pop3d can neither
// remove mail for good nor release quarantined mail. What it drains can be undeleted during the
// grace period, and what it quarantines stays until an administrator releases it.
bool drains_under_lease(const Request& request) {
  const proto::TransitionRequest& change = request.transition();
  return (change.from() == static_cast<std::uint32_t>(store::State::Live) ||
          change.from() == static_cast<std::uint32_t>(store::State::Unconfirmed)) &&
         (change.to() == static_cast<std::uint32_t>(store::State::Drained) ||
          change.to() == static_cast<std::uint32_t>(store::State::Quarantined)) &&
         change.has_lease();
}

// A transition to drained is recorded by itself. A reader may also record that it exported a copy
// and that a drain ended without QUIT, and nothing else: histories must not contain leaves that a
// reader made up.
bool is_of_reader(std::string_view encoded) {
  const auto leaf = store::decode_leaf(as_bytes(encoded));
  return leaf && (leaf->type == store::LeafType::Exported || leaf->type == store::LeafType::Interrupted);
}
bool of_a_reader(const Request& request) {
  return is_of_reader(request.note().leaf());
}
bool messages_of_a_reader(const Request& request) {
  return is_of_reader(request.note_messages().leaf());
}

// A receiver may record that it replied 5xx, because that mail will not be sent again and no other
// trace of it remains in the vault.
bool of_a_refusal(const Request& request) {
  const auto leaf = store::decode_leaf(as_bytes(request.note().leaf()));
  return leaf && leaf->type == store::LeafType::Refused;
}

// Flags of the rows below.
constexpr bool kRecord = true;
constexpr bool kSmall = false;
constexpr bool kChanges = true;

}  // namespace

// A friend of Session, because handlers are private.
struct OperationTable {
  // Calls a handler with the request and the reply of its operation. The types of the handler
  // ensure that the three belong together.
  template <auto kRequest, auto kReply, auto kHandler>
  static Result<void> handle(Session& session) {
    return (session.*kHandler)((session.request_.*kRequest)(), *(session.reply_.*kReply)());
  }

  // An operation that is not in this table is refused on every socket, so a new one must be added
  // here. `begin` has no reply, so Session::serve() calls its handler.
  static constexpr Operation kOperations[] = {
      {Request::kHealth, "health", always, always,
       handle<&Request::health, &Reply::mutable_health, &Session::health>},
      {Request::kReportStats, "report-stats", always, always,
       handle<&Request::report_stats, &Reply::mutable_report_stats, &Session::report_stats>},
      {Request::kServerStats, "server-stats", never, never,
       handle<&Request::server_stats, &Reply::mutable_server_stats, &Session::server_stats>},
      {Request::kGuess, "guess", always, always,
       handle<&Request::guess, &Reply::mutable_guess, &Session::guess>},
      {Request::kPermit, "permit", never, always,
       handle<&Request::permit, &Reply::mutable_permit, &Session::permit>},
      {Request::kReturnPermit, "return-permit", never, always,
       handle<&Request::return_permit, &Reply::mutable_return_permit, &Session::return_permit>},
      {Request::kPutMailbox, "put-mailbox", never, never,
       handle<&Request::put_mailbox, &Reply::mutable_put_mailbox, &Session::put_mailbox>, kRecord, kChanges},
      {Request::kRemoveMailbox, "remove-mailbox", never, never,
       handle<&Request::remove_mailbox, &Reply::mutable_remove_mailbox, &Session::remove_mailbox>, kSmall,
       kChanges},
      {Request::kMailbox, "mailbox", never, always,
       handle<&Request::mailbox, &Reply::mutable_mailbox, &Session::mailbox>},
      {Request::kMailboxes, "mailboxes", never, never,
       handle<&Request::mailboxes, &Reply::mutable_mailboxes, &Session::mailboxes>},
      {Request::kResolve, "resolve", as_recipient, always,
       handle<&Request::resolve, &Reply::mutable_resolve, &Session::resolve>},
      {Request::kStat, "stat", never, always, handle<&Request::stat, &Reply::mutable_stat, &Session::stat>},
      {Request::kGet, "get", a_route, what_a_login_needs,
       handle<&Request::get, &Reply::mutable_get, &Session::get>},
      {Request::kPutIf, "put-if", never, never,
       handle<&Request::put_if, &Reply::mutable_put_if, &Session::put_if>, kRecord, kChanges},
      {Request::kEraseIf, "erase-if", never, never,
       handle<&Request::erase_if, &Reply::mutable_erase_if, &Session::erase_if>, kSmall, kChanges},
      {Request::kScan, "scan", routes, never, handle<&Request::scan, &Reply::mutable_scan, &Session::scan>},
      {Request::kBegin, "begin", always, never, nullptr},
      {Request::kCommit, "commit", always, never,
       handle<&Request::commit, &Reply::mutable_commit, &Session::commit>, kRecord},
      {Request::kAbort, "abort", always, always,
       handle<&Request::abort, &Reply::mutable_abort, &Session::abort>},
      {Request::kFind, "find", always, never, handle<&Request::find, &Reply::mutable_find, &Session::find>},
      {Request::kList, "list", never, always, handle<&Request::list, &Reply::mutable_list, &Session::list>},
      {Request::kEnvelope, "envelope", never, always,
       handle<&Request::envelope, &Reply::mutable_envelope, &Session::envelope>},
      {Request::kRead, "read", never, always, handle<&Request::read, &Reply::mutable_read, &Session::read>},
      {Request::kOpening, "opening", never, always,
       handle<&Request::opening, &Reply::mutable_opening, &Session::opening>},
      {Request::kTransition, "transition", of_own_pending, drains_under_lease,
       handle<&Request::transition, &Reply::mutable_transition, &Session::transition>},
      {Request::kSeen, "seen", always, never, handle<&Request::seen, &Reply::mutable_seen, &Session::seen>},
      {Request::kAcquire, "acquire", never, always,
       handle<&Request::acquire, &Reply::mutable_acquire, &Session::acquire>},
      {Request::kRenew, "renew", never, always,
       handle<&Request::renew, &Reply::mutable_renew, &Session::renew>},
      {Request::kRelease, "release", never, always,
       handle<&Request::release, &Reply::mutable_release, &Session::release>},
      {Request::kHistoryHead, "history-head", never, never,
       handle<&Request::history_head, &Reply::mutable_history_head, &Session::history_head>},
      {Request::kHistoryRead, "history-read", never, never,
       handle<&Request::history_read, &Reply::mutable_history_read, &Session::history_read>},
      {Request::kNote, "note", of_a_refusal, of_a_reader,
       handle<&Request::note, &Reply::mutable_note, &Session::note>},
      {Request::kNoteMessages, "note-messages", never, messages_of_a_reader,
       handle<&Request::note_messages, &Reply::mutable_note_messages, &Session::note_messages>},
      {Request::kCheckpoint, "checkpoint", never, never,
       handle<&Request::checkpoint, &Reply::mutable_checkpoint, &Session::checkpoint>},
      {Request::kSweep, "sweep", never, never,
       handle<&Request::sweep, &Reply::mutable_sweep, &Session::sweep>},
      {Request::kRemovalRecords, "removal-records", never, never,
       handle<&Request::removal_records, &Reply::mutable_removal_records, &Session::removal_records>},
      {Request::kPurge, "purge", never, never,
       handle<&Request::purge, &Reply::mutable_purge, &Session::purge>},
      {Request::kSnapshot, "snapshot", never, never,
       handle<&Request::snapshot, &Reply::mutable_snapshot, &Session::snapshot>},
      {Request::kSnapshotFile, "snapshot-file", never, never,
       handle<&Request::snapshot_file, &Reply::mutable_snapshot_file, &Session::snapshot_file>},
      {Request::kSnapshotEnd, "snapshot-end", never, never,
       handle<&Request::snapshot_end, &Reply::mutable_snapshot_end, &Session::snapshot_end>},
      {Request::kSuspend, "suspend", never, never,
       handle<&Request::suspend, &Reply::mutable_suspend, &Session::suspend>},
      {Request::kResume, "resume", never, never,
       handle<&Request::resume, &Reply::mutable_resume, &Session::resume>},
      {Request::kMoved, "moved", never, never,
       handle<&Request::moved, &Reply::mutable_moved, &Session::moved>},
  };
};

const Operation* operation_of(proto::Request::OperationCase operation) {
  const auto* found = std::ranges::find(OperationTable::kOperations, operation, &Operation::operation);
  return found == std::end(OperationTable::kOperations) ? nullptr : found;
}

bool allowed(Role role, const Operation& operation, const proto::Request& request) {
  switch (role) {
    case Role::Append:
      return operation.append(request);
    case Role::Drain:
      return operation.drain(request);
    case Role::Admin:
      return true;
  }
  return false;
}

}  // namespace gw::keeper
