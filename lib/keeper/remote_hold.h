// What a client of the keeper holds on a connection: an append under way, a lease, a permit, a snapshot, a
// suspension.
#pragma once

#include <memory>

#include "keeper/pool.h"
#include "store/store.h"

namespace gw::keeper {

std::unique_ptr<store::Append> make_remote_append(std::shared_ptr<Pool> pool, const MailboxId& mailbox,
                                                  const MessageId& message);

class RemoteLease : public store::Lease {
 public:
  // `loan` is the connection that acquired it; it is given back.
  RemoteLease(std::shared_ptr<Pool> pool, Loan& loan, std::uint64_t number);
  ~RemoteLease() override;

  Result<void> renew() override;
  std::uint64_t number() const override { return number_; }
  const std::shared_ptr<Connection>& connection() const { return connection_; }

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t number_;
};

class RemotePermit : public store::Permit {
 public:
  RemotePermit(std::shared_ptr<Pool> pool, Loan& loan, std::uint64_t number);
  ~RemotePermit() override;

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t number_;
};

class RemoteSnapshot : public store::Snapshot {
 public:
  RemoteSnapshot(std::shared_ptr<Pool> pool, Loan& loan, std::uint64_t commits);
  ~RemoteSnapshot() override;

  std::uint64_t commits() const override { return commits_; }
  Result<std::optional<store::SnapshotFile>> next() override;

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
  std::uint64_t commits_;
};

class RemoteSuspension : public store::Suspension {
 public:
  RemoteSuspension(std::shared_ptr<Pool> pool, Loan& loan);
  ~RemoteSuspension() override;

  Result<void> moved(std::string_view place, std::string_view token) override;

 private:
  std::shared_ptr<Pool> pool_;
  std::shared_ptr<Connection> connection_;
};

}  // namespace gw::keeper
