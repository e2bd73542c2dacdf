// The class behind make_remote_store(), implemented in remote_store.cc, remote_records.cc,
// remote_messages.cc and remote_history.cc. Only these files include this header; users include
// remote_store.h.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "keeper/convert.h"
#include "keeper/pool.h"
#include "keeper/recipient_cache.h"
#include "keeper/remote_handle.h"
#include "keeper/remote_store.h"

namespace gw::keeper {

// Returns a value decoded from a reply. If decoding failed, the connection is to blame and not the
// store, so the error becomes Unavailable: a caller would take BadInput or Corrupt for the keeper's
// reply.
template <class T>
Result<T> understood(Result<T> decoded) {
  if (decoded) return decoded;
  return Unreached("the keeper sent an invalid answer: " + decoded.error().text()).as_error();
}

// Thread-safe. The documentation of the operations is in store/store.h.
class RemoteStore : public store::Store {
 public:
  explicit RemoteStore(RemoteOptions options)
      : pool_(std::make_shared<Pool>(std::move(options.dial), std::move(options.tool))) {}

  // Connects once and reads vault id and limits from the keeper's hello. Call it before any other
  // function.
  Result<void> open();

  store::Limits limits() const override { return limits_; }
  Result<store::Health> health() override;
  Result<VaultId> vault_id() override { return vault_; }
  Result<void> put_mailbox(const store::MailboxRecord& record, const std::vector<store::Slot>& slots,
                           const store::Note& note) override;
  Result<void> remove_mailbox(const MailboxId& mailbox, std::string_view actor) override;
  Result<store::MailboxRecord> mailbox(const MailboxId& mailbox) override;
  Result<std::vector<store::MailboxRecord>> mailboxes() override;
  Result<store::Recipient> resolve(std::string_view address, store::Lookup lookup) override;
  Result<store::MailboxStat> stat(const MailboxId& mailbox) override;
  Result<std::unique_ptr<store::Append>> begin(const MailboxId& mailbox, const MessageId& message) override;
  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::vector<store::MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                 std::size_t limit) override;
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override;
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override;
  Result<store::MessageStart> opening(const MailboxId& mailbox, const MessageId& message,
                                      std::span<std::byte> to) override;
  Result<std::size_t> transition(const store::Transition& change) override;
  Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) override;
  Result<std::unique_ptr<store::Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                std::chrono::seconds ttl,
                                                std::chrono::seconds yields) override;
  Result<std::unique_ptr<store::MemoryPermit>> permit(std::uint64_t size) override;
  Result<std::chrono::milliseconds> guess(std::string_view source, store::Guess guess) override;
  Result<store::Record> get(const store::RecordKey& key) override;
  Result<std::uint64_t> put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                               const store::Note& note) override;
  Result<void> erase_if(const store::RecordKey& key, std::uint64_t version, const store::Note& note) override;
  Result<std::vector<store::Record>> scan(store::Kind kind, const MailboxId& mailbox, std::string_view after,
                                          std::size_t limit) override;
  Result<store::LogHead> history_head(const MailboxId& log) override;
  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override;
  Result<std::uint64_t> note(const MailboxId& log, const store::Leaf& leaf) override;
  Result<std::size_t> note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                    std::span<const MessageId> messages) override;
  Result<std::string> checkpoint(std::string_view actor) override;
  Result<store::SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only) override;
  Result<std::vector<store::RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                            std::size_t limit) override;
  Result<store::Purge> purge(std::uint64_t number) override;
  Result<void> stats(const store::ServerStats& stats) override;
  Result<std::vector<store::ServerStats>> server_stats() override;
  Result<std::unique_ptr<store::Snapshot>> snapshot() override;
  Result<std::unique_ptr<store::Suspension>> suspend() override;

 private:
  using Reply = proto::Reply;
  using Request = proto::Request;
  // Says whether a request may be repeated after it was sent and its reply did not arrive. Changes
  // must not be repeated: the keeper may have made the change.
  enum class Effect : unsigned char { Reads, Changes };
  // What accompanies a request.
  struct Options {
    std::span<std::byte> to{};   // where data frames of the reply go
    std::size_t* got = nullptr;  // set to the number of their bytes
    ByteView frames{};           // whole frames that are sent after the request
    Pool::Use use = Pool::Use::Any;
  };

  // An operation is tried this many times. The first connection may lead to a keeper that has
  // ended, the second to one that is just ending.
  static constexpr int kTries = 3;
  static constexpr std::uint64_t kMaxGuessWait = 60'000;  // milliseconds; bounds what a keeper can impose

  // Returns the error of an operation whose connection was lost: Unknown if the request was sent
  // and changes something, else Unavailable.
  static Error lost(Effect effect, bool sent, const Unreached& why);
  // Sets the mailbox of a request, or mailbox and message.
  static void put_mailbox_id(const MailboxId& mailbox, auto& request) {
    put_bytes(mailbox.view(), *request.mutable_mailbox());
  }
  static void put_ids(const MailboxId& mailbox, const MessageId& message, auto& request) {
    put_bytes(mailbox.view(), *request.mutable_mailbox());
    put_bytes(message.view(), *request.mutable_message());
  }
  // Returns a request of this actor.
  static Request request_of(std::string_view actor) {
    Request request;
    put_bytes(as_bytes(actor), *request.mutable_actor());
    return request;
  }
  // Returns only whether the operation succeeded.
  static Result<void> done(const Result<PooledConnection>& reply) {
    if (!reply) return reply.error();
    return {};
  }

  // Makes one round trip: borrows a connection, sends the request, and waits for the reply, which
  // stays in the connection while the returned loan lives. Fails with the keeper's refusal, or as
  // lost() says.
  //
  // A request that was not sent completely, or that only reads, is repeated on a new connection:
  // the idle one may lead to a keeper that has ended.
  Result<PooledConnection> ask(Effect effect, const Request& request, Options options);
  Result<PooledConnection> ask(Effect effect, const Request& request) { return ask(effect, request, {}); }
  // Like ask() for a change under `lease`, on the connection that holds the lease and without a
  // repetition. Fails with LeaseLost if that connection was lost before the request was sent
  // completely.
  static Result<PooledConnection> ask_on(const RemoteLease& lease, const Request& request, ByteView frames);

  // Makes a request whose reply comes in pages, and calls `take` with each page; `take` appends to
  // `all`. Begins again with an empty `all` if an idle connection turns out to lead to a keeper
  // that has ended. Pages are all read from one connection, so the loan spans the whole list.
  template <class T, class Take>
  Result<T> pages(const Request& request, T& all, Take take) {
    for (bool again = false;; again = true) {
      all.clear();
      auto loan = ask(Effect::Reads, request, {.use = again ? Pool::Use::Fresh : Pool::Use::Any});
      if (!loan) return loan.error();
      for (;;) {
        const Reply& reply = (*loan)->reply();
        if (auto refused = (*loan)->refusal(); !refused) return refused.error();
        if (auto taken = take(reply); !taken) {
          if (reply.more()) loan->discard();
          return taken.error();
        }
        if (!reply.more()) return std::move(all);
        if (auto received = (*loan)->receive(); !received) {
          loan->discard();
          if (again || loan->fresh()) return lost(Effect::Reads, true, received.error());
          break;
        }
      }
    }
  }

  // Shared with leases and other holds, which may outlive the store.
  std::shared_ptr<Pool> pool_;
  VaultId vault_;
  store::Limits limits_;
  RecipientCache cache_;
};

}  // namespace gw::keeper
