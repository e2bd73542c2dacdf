// A client's connections to the keeper: made as needed, kept for the next operation.
//
// One that holds something (a lease, a permit, a message that is pending) is never closed by the pool and
// goes on serving other operations between. A keeper that went away is sought anew by the next operation.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "keeper/change_count.h"
#include "keeper/channel.h"
#include "keeper/lookups.h"
#include "keeper/protocol.pb.h"
#include "keeper/reached.h"
#include "store/store.h"

namespace gw::keeper {

// Returns a new connected socket. May start the keeper.
using Dial = std::function<Reached<Fd>()>;

// One connection after its hello. Used by whoever has borrowed it.
class Connection {
 public:
  // Waits for the hello. Fails with Closed or Timeout if the keeper ended before it, which is worth another
  // try, and otherwise with the keeper's refusal. Only Pool sees these codes.
  static Result<std::shared_ptr<Connection>> open(Fd socket, std::string_view tool);

  // The request to fill in, empty; and the reply that the last receive() brought. Their memory is used again.
  proto::Request& fresh_request();
  const proto::Reply& reply() const { return reply_; }

  // Sends the request, then `more` (whole frames). After an error the keeper did not get all of it. A request
  // that carries a record is checked with check_size() before.
  Reached<void> send(ByteView more = {});
  // Sends frames that were made before.
  Reached<void> send_frames(std::span<const ByteView> frames);
  // The next reply; data frames before it go to `to`, and `got` counts their bytes. An error is the
  // connection's; the keeper's own refusal is in the reply. A descriptor that came with it goes to `along`.
  Reached<void> receive(std::span<std::byte> to = {}, std::size_t* got = nullptr, Fd* along = nullptr);
  Reached<bool> arrived() { return channel_.arrived(); }
  void rest();  // before it waits for its next user: gives back what one large message had needed

  // What the keeper says went wrong: the only errors of a RemoteStore that are NotFound, Denied or Corrupt.
  Result<void> refusal() const;

  const proto::Hello& hello() const { return hello_; }

 private:
  friend class Pool;
  Connection(Fd socket) : channel_(std::move(socket)) {}

  Channel channel_;
  proto::Hello hello_;
  proto::Request request_;
  proto::Reply reply_;
  Fd changes_;      // of the keeper's ChangeCount, until the pool takes it
  Bytes greeting_;  // goes in front of the first request
  Bytes out_;
  bool large_reply_ = false;

  // The pool's.
  bool lent_ = true;
  bool dead_ = false;
  int holds_ = 0;
  std::set<MessageId> pending_;
  BootClock::time_point idle_since_;
};

class Pool;

// A borrowed connection, given back at destruction.
class Loan {
 public:
  Loan() = default;
  Loan(Pool* pool, std::shared_ptr<Connection> connection, bool fresh)
      : pool_(pool), connection_(std::move(connection)), fresh_(fresh) {}
  Loan(Loan&&) noexcept = default;
  Loan& operator=(Loan&& other) noexcept;
  ~Loan() { end(); }

  Connection* operator->() const { return connection_.get(); }
  const std::shared_ptr<Connection>& connection() const { return connection_; }
  explicit operator bool() const { return connection_ != nullptr; }
  bool fresh() const { return fresh_; }  // made for this loan: not one that a dead keeper had left behind
  void end();
  void discard();  // it is of no further use: closed

 private:
  Pool* pool_ = nullptr;
  std::shared_ptr<Connection> connection_;
  bool fresh_ = false;
};

class Pool {
 public:
  enum class Use {
    Any,    // a short operation
    Alone,  // one that takes its time: not on a connection that holds something
    Fresh,  // a new one; idle ones that hold nothing are thought dead and dropped
  };

  Pool(Dial dial, std::string tool) : dial_(std::move(dial)), tool_(std::move(tool)) {}

  Reached<Loan> borrow(Use use);
  // This very one, when it is free. Fails if it has ended.
  Reached<Loan> borrow(const std::shared_ptr<Connection>& connection);

  // A hold keeps the connection open between loans. No effect on a dead one.
  void hold(Connection& connection);
  void release(Connection& connection);
  // Which state the keeper's records are in; none: it cannot be told.
  std::optional<Stamp> stamp() const;

  void hold_pending(Connection& connection, const MessageId& message);
  void release_pending(const MessageId& message);

 private:
  friend class Loan;
  void give_back(const std::shared_ptr<Connection>& connection);
  void drop(const std::shared_ptr<Connection>& connection);
  Reached<std::shared_ptr<Connection>> dial();
  void watch(Connection& connection);

  Dial dial_;
  std::string tool_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int waiting_ = 0;
  VaultId vault_;  // of the first hello; another vault at the same place is refused
  std::vector<std::shared_ptr<Connection>> idle_;
  std::unordered_map<MessageId, Connection*> pending_;
  std::shared_ptr<const ChangeView> changes_;
  std::string watched_;  // the incarnation whose changes these are
  std::uint64_t keepers_ = 0;
};

}  // namespace gw::keeper
