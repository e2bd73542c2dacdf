// The client's objects that correspond to something the keeper holds for a connection: an append in
// progress, a lease, a memory permit, a snapshot, a suspension.
//
// Each object keeps its connection open and ends the hold in the keeper at destruction. If the
// connection is lost, the keeper has ended the hold by itself, and later calls fail as documented in
// store.h. The constructors take the loan on whose connection the hold was acquired, and return it
// to the pool.
#pragma once

#include <memory>

#include "keeper/pool.h"
#include "store/store.h"

namespace gw::keeper {

// Returns an append that sends nothing before its commit or before 64 KiB were put, whichever is
// first. It borrows its own connection from then on, until commit() returns. Destroyed without a
// commit, it aborts the append in the keeper.
std::unique_ptr<store::Append> make_remote_append(std::shared_ptr<Pool> pool, const MailboxId& mailbox,
                                                  const MessageId& message);

// The connection on which something is held. The pool does not close it while this object lives.
class HeldConnection {
 public:
  // Ends the loan.
  HeldConnection(std::shared_ptr<Pool> pool, PooledConnection& loan);
  HeldConnection(const HeldConnection&) = delete;
  HeldConnection& operator=(const HeldConnection&) = delete;
  ~HeldConnection();

  // Waits until the connection is free and returns it. Fails if it was lost.
  Reached<PooledConnection> borrow() const { return pool_->borrow(connection_); }
  // Sends a request that ends the hold in the keeper. Does nothing if the connection was lost, since
  // the hold has ended with it.
  void finish(const proto::Request& request);

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
};

class RemoteLease : public store::Lease {
 public:
  // `number` identifies the lease on the connection of `loan`.
  RemoteLease(std::shared_ptr<Pool> pool, PooledConnection& loan, std::uint64_t number)
      : held_(std::move(pool), loan), number_(number) {}
  ~RemoteLease() override;

  // Fails with LeaseLost if the connection was lost or the lease has expired.
  Result<void> renew() override;
  std::uint64_t number() const override { return number_; }
  // Returns the connection that a request under this lease must use: the keeper knows the lease
  // only there.
  const HeldConnection& connection() const { return held_; }

 private:
  HeldConnection held_;
  std::uint64_t number_;
};

// Returns the memory permit to the keeper at destruction.
class RemotePermit : public store::MemoryPermit {
 public:
  RemotePermit(std::shared_ptr<Pool> pool, PooledConnection& loan, std::uint64_t number)
      : held_(std::move(pool), loan), number_(number) {}
  ~RemotePermit() override;

 private:
  HeldConnection held_;
  std::uint64_t number_;
};

class RemoteSnapshot : public store::Snapshot {
 public:
  // `commits` is the number of the last commit in the snapshot.
  RemoteSnapshot(std::shared_ptr<Pool> pool, PooledConnection& loan, std::uint64_t commits)
      : held_(std::move(pool), loan), commits_(commits) {}
  ~RemoteSnapshot() override;

  std::uint64_t commits() const override { return commits_; }
  // Fails with Busy if the connection was lost: the snapshot is gone, the vault is unharmed, and
  // the caller can begin again with a new snapshot.
  Result<std::optional<store::SnapshotFile>> next() override;

 private:
  HeldConnection held_;
  std::uint64_t commits_;
};

// Ends the suspension at destruction, unless the vault has moved.
class RemoteSuspension : public store::Suspension {
 public:
  RemoteSuspension(std::shared_ptr<Pool> pool, PooledConnection& loan) : held_(std::move(pool), loan) {}
  ~RemoteSuspension() override;

  // Fails with Busy if the connection had been lost before the request, and with Unknown if it was
  // lost before the reply: then VAULT/format says whether the vault has moved.
  Result<void> moved(std::string_view place, std::string_view token) override;

 private:
  HeldConnection held_;
};

}  // namespace gw::keeper
