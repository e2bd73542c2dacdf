// One client's connection, in the keeper: reads requests, checks them against the table of roles, calls the
// Store, answers. Ends with the connection, and with it end the leases, permits and appends that it holds;
// messages that it had committed as pending and nobody settled become unconfirmed.
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

#include "keeper/change_count.h"
#include "keeper/channel.h"
#include "keeper/protocol.pb.h"
#include "keeper/server/pending.h"
#include "keeper/server/refusal_notes.h"
#include "keeper/start.h"
#include "net/auth_limits.h"
#include "store/store.h"

namespace gw::keeper {

// What all sessions of a keeper share.
struct Shared {
  store::Store& store;
  VaultId vault;
  std::array<std::byte, 16> incarnation{};
  const std::atomic<bool>* failed = nullptr;  // see ServerOptions
  PendingMessages pending;
  RefusalNotes refusals;
  std::optional<ChangeCount> changes;  // none, where the system gives no memory for it
  std::function<void()> stop;          // ends the keeper
  net::AuthLimits guesses{};           // of passwords, by role and source
};

class Session {
 public:
  Session(Shared& shared, Fd socket, Role role);

  // Serves until the client or the keeper ends it.
  void run();
  // Says why this connection is not served. Instead of run().
  void refuse(const Error& error);

  // From any thread: serves what has arrived, then ends. And: ends at once.
  void hang_up() { channel_.hang_up(); }
  void cut() { channel_.cut(); }

 private:
  enum class Appending {
    No,
    Yes,
    Failed
  };  // Failed: refused already; what follows is swallowed until it ends

  void serve(std::size_t octets);
  void take_data(ByteView octets);

  // Handlers fill in reply_; an error is the answer instead.
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
  bool repeats_a_refusal();
  void begin(bool may);
  void fail_append(const Error& error);
  Bytes read_ids();

  // Once sending has failed, or the client has broken the protocol, the session is `over_`.
  void answer(const Result<void>& result);
  void send_out();
  void violation(std::string_view what);
  void greet(const Error* refusal);

  std::string actor() const;  // `uid=N append …`
  void end();

  Shared& shared_;
  store::Store& store_;
  Channel channel_;
  const Role role_;
  ucred peer_{};
  std::string tool_;

  proto::Request request_;
  proto::Reply reply_;
  Bytes out_;
  Bytes piece_;  // of a container on its way out
  Fd along_;     // goes with the next answer
  bool over_ = false;
  Appending appending_ = Appending::No;
  MailboxId append_mailbox_;
  MessageId append_message_;
  std::unique_ptr<store::Append> append_;
  std::unordered_map<std::uint64_t, std::unique_ptr<store::Lease>> leases_;
  std::unordered_map<std::uint64_t, std::unique_ptr<store::Permit>> permits_;
  std::uint64_t next_permit_ = 1;
  std::unique_ptr<store::Snapshot> snapshot_;
  std::unique_ptr<store::Suspension> suspension_;
  bool moved_ = false;
};

}  // namespace gw::keeper
