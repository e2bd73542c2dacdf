// One client's connection in the keeper: reads requests, looks them up in the table of operations
// (operations.h), which says whether this socket allows them and which handler calls the Store, and
// replies.
//
// Leases, permits, snapshots, suspensions and appends belong to the connection and end with it.
// Messages that it has committed as pending and that were not settled become unconfirmed.
#pragma once

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "keeper/change_counter.h"
#include "keeper/channel.h"
#include "keeper/protocol.pb.h"
#include "keeper/server/operations.h"
#include "keeper/server/pending.h"
#include "keeper/server/refusal_notes.h"
#include "keeper/start.h"
#include "net/login_throttle.h"
#include "store/store.h"

namespace gw::keeper {

// State that all sessions of a keeper share. It must outlive them.
struct Shared {
  store::Store& store;
  VaultId vault;
  std::array<std::byte, 16> incarnation{};    // random; distinguishes this keeper from earlier ones
  const std::atomic<bool>* failed = nullptr;  // see ServerOptions
  PendingMessages pending;
  RefusalNotes refusals;
  // Nullopt if the system gave no memory for it: clients then cache nothing.
  std::optional<ChangeCounter> changes;
  std::function<void()> stop;    // ends the keeper
  net::LoginThrottle guesses{};  // wrong passwords, by role and source
};

// Used by one thread, except for hang_up() and cut().
class Session {
 public:
  // `socket` is the accepted connection; its peer's user id is what histories record.
  Session(Shared& shared, Fd socket, Role role);

  // Sends the hello and serves requests until the client or the keeper ends the connection.
  void run();
  // Sends a hello that says why this connection is not served. Call it instead of run().
  void refuse(const Error& error);

  // Both are safe to call from any thread. hang_up() lets the session serve the requests that have
  // arrived and then ends it; cut() ends it immediately.
  void hang_up() { channel_.hang_up(); }
  void cut() { channel_.cut(); }

 private:
  // The table of operations calls the handlers.
  friend struct OperationTable;
  // State of the append on this connection. Failed: the client has been told of the error, but may
  // already have sent more data and the commit, which are read and ignored.
  enum class Appending { No, Yes, Failed };

  // Serves request_, which had `size` bytes on the wire.
  void serve(std::size_t size);
  // Calls the operation's handler for request_.
  Result<void> carry_out(const Operation& operation);
  // Logs that the request is not allowed, and returns the error for the client.
  Error denied() const;
  // Passes a piece of a container to the append.
  void take_data(ByteView data);

  // The handlers, in session_records.cc, session_mail.cc, session_history.cc and session_holds.cc.
  // Each carries out one operation and fills in the reply; an error is sent in place of it.
  // The keeper and logins.
  Result<void> health(const proto::Empty& request, proto::Health& reply);
  Result<void> report_stats(const proto::ServerStats& request, proto::Empty& reply);
  Result<void> server_stats(const proto::Empty& request, proto::ServerStatsReply& reply);
  Result<void> guess(const proto::GuessRequest& request, proto::GuessReply& reply);
  Result<void> permit(const proto::PermitRequest& request, proto::PermitReply& reply);
  Result<void> return_permit(const proto::ReturnPermitRequest& request, proto::Empty& reply);
  // Mailboxes and small records.
  Result<void> put_mailbox(const proto::PutMailboxRequest& request, proto::Empty& reply);
  Result<void> remove_mailbox(const proto::MailboxRequest& request, proto::Empty& reply);
  Result<void> mailbox(const proto::MailboxRequest& request, proto::Mailbox& reply);
  Result<void> mailboxes(const proto::Empty& request, proto::MailboxesReply& reply);
  Result<void> resolve(const proto::ResolveRequest& request, proto::ResolveReply& reply);
  Result<void> stat(const proto::MailboxRequest& request, proto::MailboxStat& reply);
  Result<void> get(const proto::RecordKey& request, proto::GetReply& reply);
  Result<void> put_if(const proto::PutIfRequest& request, proto::PutIfReply& reply);
  Result<void> erase_if(const proto::EraseIfRequest& request, proto::Empty& reply);
  Result<void> scan(const proto::ScanRequest& request, proto::ScanReply& reply);
  // Messages.
  Result<void> commit(const proto::CommitRequest& request, proto::CommitReply& reply);
  Result<void> abort(const proto::Empty& request, proto::Empty& reply);
  Result<void> find(const proto::MessageRequest& request, proto::FindReply& reply);
  Result<void> list(const proto::ListRequest& request, proto::ListReply& reply);
  Result<void> envelope(const proto::MessageRequest& request, proto::EnvelopeReply& reply);
  Result<void> read(const proto::ReadRequest& request, proto::Empty& reply);
  Result<void> opening(const proto::OpeningRequest& request, proto::EnvelopeReply& reply);
  Result<void> transition(const proto::TransitionRequest& request, proto::TransitionReply& reply);
  Result<void> seen(const proto::SeenRequest& request, proto::SeenReply& reply);
  Result<void> acquire(const proto::AcquireRequest& request, proto::AcquireReply& reply);
  Result<void> renew(const proto::LeaseRequest& request, proto::Empty& reply);
  Result<void> release(const proto::LeaseRequest& request, proto::Empty& reply);
  // Histories and what was removed.
  Result<void> history_head(const proto::MailboxRequest& request, proto::HistoryHeadReply& reply);
  Result<void> history_read(const proto::HistoryReadRequest& request, proto::HistoryReadReply& reply);
  Result<void> note(const proto::NoteRequest& request, proto::NoteReply& reply);
  Result<void> note_messages(const proto::NoteMessagesRequest& request, proto::NoteMessagesReply& reply);
  Result<void> checkpoint(const proto::Empty& request, proto::CheckpointReply& reply);
  Result<void> sweep(const proto::SweepRequest& request, proto::SweepReply& reply);
  Result<void> removal_records(const proto::RemovalRecordsRequest& request,
                               proto::RemovalRecordsReply& reply);
  Result<void> purge(const proto::PurgeRequest& request, proto::PurgeReply& reply);
  // Snapshots and migrations.
  Result<void> snapshot(const proto::Empty& request, proto::SnapshotReply& reply);
  Result<void> snapshot_file(const proto::Empty& request, proto::SnapshotFileReply& reply);
  Result<void> snapshot_end(const proto::Empty& request, proto::Empty& reply);
  Result<void> suspend(const proto::Empty& request, proto::Empty& reply);
  Result<void> resume(const proto::Empty& request, proto::Empty& reply);
  Result<void> moved(const proto::MovedRequest& request, proto::Empty& reply);
  // Starts an append. It has no reply: an error goes to fail_append().
  Result<void> begin(const proto::MessageRequest& request);

  void fail_append(const Error& error);
  // Sends `size` bytes of a container from `offset` as data frames. If `envelope` is given, reads
  // the envelope with the first piece.
  Result<void> send_container(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                              std::uint64_t size, std::string* envelope);
  // Reads the ids that follow a transition into ids_. They are read even if the request is refused,
  // or they would be taken for data of an append.
  void read_ids(std::uint64_t count);

  // Adds an item to a list in reply_. If the list would get longer than kPage, sends it as a page
  // first and empties it. Fails with Closed if the client has gone.
  Result<void> add(google::protobuf::RepeatedPtrField<std::string>& list, ByteView item);
  template <class Item>
  Result<void> add(google::protobuf::RepeatedPtrField<Item>& list, Item item);
  // Makes room for an item of `size` bytes in a page of `list`.
  Result<void> make_room(auto& list, std::size_t size);
  // Sends reply_ as a page of a list.
  Result<void> send_page();

  // answer() sends reply_, or the error. violation() reports that the client has broken the
  // protocol. After that, or after sending has failed, over_ is true and the session ends.
  void answer(const Result<void>& result);
  void send_out();
  void violation(std::string_view what);
  void greet(const Error* refusal);

  // Returns who makes the present request, for histories: `uid=N(NAME) append …`. The part before
  // the client's own text is what the kernel reported about the peer, and cannot be forged.
  std::string actor() const;
  // Returns the history entry of a change, with the actor of the present request.
  store::Note note_of(const proto::Note& note) const;
  // Returns `uid=N(NAME)`, or `uid=N` if /etc/passwd has no such user. It is read once a session.
  const std::string& user() const;
  // Releases all holds and marks pending messages unconfirmed.
  void end();
  void end_suspension();

  Shared& shared_;
  store::Store& store_;
  Channel channel_;
  const Role role_;
  mutable std::string user_;  // see user(); empty before its first call
  ucred peer_{};              // user, group and process of the client, from SO_PEERCRED
  std::string tool_;          // what the client calls itself

  proto::Request request_;
  proto::Reply reply_;
  Bytes out_;
  std::size_t page_size_ = 0;  // bytes of the items of the list in reply_
  Bytes piece_;                // buffer for a piece of a container that is read
  Bytes ids_;                  // message ids of a transition
  Fd along_;                   // a descriptor to send with the next reply
  bool over_ = false;
  Appending appending_ = Appending::No;
  MailboxId append_mailbox_;
  MessageId append_message_;
  std::unique_ptr<store::Append> append_;
  std::unordered_map<std::uint64_t, std::unique_ptr<store::Lease>> leases_;
  std::unordered_map<std::uint64_t, std::unique_ptr<store::MemoryPermit>> permits_;
  std::uint64_t next_permit_ = 1;
  std::unique_ptr<store::Snapshot> snapshot_;
  std::unique_ptr<store::Suspension> suspension_;
  bool moved_ = false;  // the vault has moved: the keeper ends after the reply
};

template <class Item>
Result<void> Session::add(google::protobuf::RepeatedPtrField<Item>& list, Item item) {
  if (auto made = make_room(list, item.ByteSizeLong()); !made) return made;
  list.Add(std::move(item));
  return {};
}

Result<void> Session::make_room(auto& list, std::size_t size) {
  if (!list.empty() && page_size_ + size > kPage) {
    if (auto sent = send_page(); !sent) return sent;
    list.Clear();
    page_size_ = 0;
  }
  page_size_ += size;
  return {};
}

}  // namespace gw::keeper
