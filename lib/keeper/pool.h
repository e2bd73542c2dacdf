// A client's connections to the keeper: opened when an operation needs one, kept for the next
// operation.
//
// An operation borrows a connection as a Loan, and the Loan returns it at destruction. A connection
// that holds something in the keeper (a lease, a memory permit, a snapshot, a suspension, a pending
// message) is never closed by the pool, since that would end the hold; it serves other short
// operations in the meantime. If the keeper has ended, the next operation dials again, which may
// start a keeper.
//
//   proto::Request request;
//   request.mutable_health();
//   auto loan = pool.borrow(Pool::Use::Any);
//   if (!(*loan)->send(request) || !(*loan)->receive()) loan->discard();
//
// Pool is thread-safe. A Connection is used by one thread at a time: the one that has the Loan.
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
#include "keeper/change_counter.h"
#include "keeper/channel.h"
#include "keeper/protocol.pb.h"
#include "keeper/reached.h"
#include "keeper/recipient_cache.h"
#include "store/store.h"

namespace gw::keeper {

// Returns a new connected socket. May start the keeper. Called from any thread, without a lock
// held.
using Dial = std::function<Reached<Fd>()>;

// One connection after the keeper's hello. Only the thread that has borrowed it may use it.
class Connection {
 public:
  // Waits for the keeper's hello and checks its protocol version. `tool` names this client; it is
  // sent with the first request. Fails with Closed or Timeout if the keeper ended before its hello,
  // in which case another attempt is worthwhile; with Version if the protocol differs; and
  // otherwise with the keeper's refusal. Only Pool sees these codes.
  static Result<std::shared_ptr<Connection>> open(Fd socket, std::string_view tool);

  // Sends the request, then `more`, which consists of whole frames. After an error the keeper has
  // not received all of it, and so has not carried it out. Check a request that carries a record
  // with check_size() first: too large a request is an error of the caller and must not end as
  // Unreached.
  Reached<void> send(const proto::Request& request, ByteView more = {});
  // Sends frames that the caller has encoded already. The next reply will be one to `operation`.
  Reached<void> send_frames(std::span<const ByteView> frames, proto::Request::OperationCase operation);
  // Waits for the next reply, which is a failure or the result of the operation that was sent.
  // Data frames before it are copied to `to`, and `*got` is set to the number of their bytes. An
  // error concerns the connection; a refusal by the keeper is not one, see refusal(). A descriptor
  // that came with the reply goes to `*along`.
  Reached<void> receive(std::span<std::byte> to = {}, std::size_t* got = nullptr, Fd* along = nullptr);
  // Returns the reply that the last receive() read.
  const proto::Reply& reply() const { return reply_; }
  // Returns whether a reply has begun to arrive, without waiting.
  Reached<bool> arrived() { return channel_.arrived(); }
  // Frees the memory that a large message needed. Called when the connection is returned.
  void rest();

  // Returns the error in the last reply, if it holds one. These are the only errors of a
  // RemoteStore that may be NotFound, Denied or Corrupt (reached.h).
  Result<void> refusal() const;

  // Returns the keeper's hello: vault id, limits and incarnation.
  const proto::Hello& hello() const { return hello_; }

 private:
  friend class Pool;
  Connection(Fd socket) : channel_(std::move(socket)) {}

  Channel channel_;
  proto::Hello hello_;
  proto::Reply reply_;
  proto::Request::OperationCase operation_{};  // that the next reply belongs to
  Fd changes_;                                 // the keeper's ChangeCounter, until the pool takes it
  Bytes greeting_;  // this client's name; sent before the first request, then empty
  Bytes out_;
  bool large_reply_ = false;

  // The fields below belong to Pool and are protected by its mutex.
  bool lent_ = true;   // a Loan has it
  bool dead_ = false;  // discarded; every later borrow of it fails
  int holds_ = 0;      // leases, permits, pending messages and so on in the keeper
  std::set<MessageId> pending_;
  BootClock::time_point idle_since_;
};

class Pool;

// A borrowed connection. Returns it to the pool at destruction; the pool must outlive it. Moves,
// does not copy.
class PooledConnection {
 public:
  PooledConnection() = default;
  PooledConnection(Pool* pool, std::shared_ptr<Connection> connection, bool fresh)
      : pool_(pool), connection_(std::move(connection)), fresh_(fresh) {}
  PooledConnection(PooledConnection&&) noexcept = default;
  PooledConnection& operator=(PooledConnection&& other) noexcept;
  ~PooledConnection() { end(); }

  Connection* operator->() const { return connection_.get(); }
  const std::shared_ptr<Connection>& connection() const { return connection_; }
  explicit operator bool() const { return connection_ != nullptr; }
  // Returns whether the connection was opened for this loan. If not, the keeper may have ended
  // since it was last used, and a failure to send says nothing about the present keeper.
  bool fresh() const { return fresh_; }
  // Returns the connection to the pool now.
  void end();
  // Closes the connection instead of returning it. Call it after any error: replies would no longer
  // match requests.
  void discard();

 private:
  Pool* pool_ = nullptr;
  std::shared_ptr<Connection> connection_;
  bool fresh_ = false;
};

class Pool {
 public:
  enum class Use {
    Any,  // a short operation: any idle connection will do
    // An operation that takes long: not on a connection that holds something, because that one must
    // stay free to renew or release what it holds.
    Alone,
    // A new connection. Idle ones that hold nothing are closed first: they probably lead to a
    // keeper that has ended.
    Fresh,
  };

  // `dial` opens a socket, `tool` names this client in the keeper's log and in histories.
  Pool(Dial dial, std::string tool) : dial_(std::move(dial)), tool_(std::move(tool)) {}

  // Returns an idle connection that fits `use`, or a new one. While a keeper is ending or starting,
  // dials again for up to 10 s.
  Reached<PooledConnection> borrow(Use use);
  // Waits until this connection is free and returns it. Fails if it has been discarded.
  Reached<PooledConnection> borrow(const std::shared_ptr<Connection>& connection);

  // Count what the connection holds in the keeper: the pool does not close a connection while the
  // count is above 0. Call hold() before the Loan ends. Both have no effect on a discarded
  // connection.
  void hold(Connection& connection);
  void release(Connection& connection);
  // Returns the present state of the keeper's records, or nullopt if it is unknown: no keeper has
  // been reached since a connection was last lost, or it shares no counter.
  std::optional<CacheVersion> stamp() const;

  // Like hold() and release(), for a pending message: the keeper marks it unconfirmed when the
  // connection that committed it ends, so that connection stays open until the message is settled
  // over any connection.
  void hold_pending(Connection& connection, const MessageId& message);
  void release_pending(const MessageId& message);

 private:
  friend class PooledConnection;
  // Used by Loan.
  void give_back(const std::shared_ptr<Connection>& connection);
  void drop(const std::shared_ptr<Connection>& connection);
  Reached<std::shared_ptr<Connection>> dial();
  // Takes over the ChangeCounter of a keeper that is new to this pool. The mutex is held.
  void watch(Connection& connection);

  Dial dial_;
  std::string tool_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  int waiting_ = 0;  // threads in borrow(connection)
  VaultId vault_;    // from the first hello; a keeper of another vault at the same place is refused
  // The one that was used last is at the end.
  std::vector<std::shared_ptr<Connection>> idle_;
  std::unordered_map<MessageId, Connection*> pending_;  // which connection committed it
  std::shared_ptr<const ChangeCounterView> changes_;    // null after a connection was lost
  std::string watched_;                                 // incarnation of the keeper that owns `changes_`
  std::uint64_t keepers_ = 0;                           // how often `changes_` was replaced; Stamp::keeper
};

}  // namespace gw::keeper
