// One client's connection in the keeper: reads requests, checks them against the table of roles,
// calls the Store, and replies.
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
  // State of the append on this connection. Failed: the client has been told of the error, but may
  // already have sent more data and the commit, which are read and ignored.
  enum class Appending { No, Yes, Failed };

  // Serves request_, which had `size` bytes on the wire.
  void serve(std::size_t size);
  // Passes a piece of a container to the append.
  void take_data(ByteView data);

  // Handlers for operations that depend on the connection. They fill in reply_; an error is sent in
  // place of the reply.
  Result<void> commit();
  Result<void> read();
  Result<void> transition(const Bytes& ids);
  Result<void> acquire();
  Result<void> renew();
  Result<void> permit();
  Result<void> guess();
  Result<void> snapshot();
  Result<void> snapshot_file();
  Result<void> suspend();
  void resume();
  Result<void> moved();
  std::optional<std::pair<MailboxId, std::uint64_t>> refusal() const;
  void begin(bool may);
  void fail_append(const Error& error);
  Bytes read_ids();

  // answer() sends reply_, or the error. violation() reports that the client has broken the
  // protocol. After that, or after sending has failed, over_ is true and the session ends.
  void answer(const Result<void>& result);
  void send_out();
  void violation(std::string_view what);
  void greet(const Error* refusal);

  // Returns who makes the present request, for histories: `uid=N append …`. The part before the
  // client's own text is what the kernel reported about the peer, and cannot be forged.
  std::string actor() const;
  // Releases all holds and marks pending messages unconfirmed.
  void end();

  Shared& shared_;
  store::Store& store_;
  Channel channel_;
  const Role role_;
  ucred peer_{};      // user, group and process of the client, from SO_PEERCRED
  std::string tool_;  // what the client calls itself

  proto::Request request_;
  proto::Reply reply_;
  Bytes out_;
  Bytes piece_;  // buffer for a piece of a container that is read
  Fd along_;     // a descriptor to send with the next reply
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

}  // namespace gw::keeper
