// Wraps a store. Its operations fail, or return altered data, when a test says so.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "store/store.h"

namespace gw::test {

class FaultyStore : public store::Store {
 public:
  explicit FaultyStore(store::Store& to) : to_(to) {}

  // Called before each operation, in any thread. An Error is returned instead of doing the operation.
  std::function<std::optional<Error>(std::string_view operation)> fail;
  // Called after each successful operation, in any thread. An Error is returned though it is done.
  std::function<std::optional<Error>(std::string_view operation)> fail_afterwards;
  // May change the data that read() returns.
  std::function<void(const MessageId& message, std::uint64_t offset, std::span<std::byte> data)> alter;
  // May change the leaves that history_read() returns, from index `from` on.
  std::function<void(const MailboxId& log, std::uint64_t from, std::vector<Bytes>& leaves)> alter_leaves;

  store::Limits limits() const override { return to_.limits(); }
  Result<store::Health> health() override { return to_.health(); }
  Result<void> put_mailbox(const store::MailboxRecord& record, const std::vector<store::Slot>& slots,
                           const store::Note& note) override {
    return guard("put_mailbox", [&] { return to_.put_mailbox(record, slots, note); });
  }
  Result<void> remove_mailbox(const MailboxId& mailbox, std::string_view actor) override {
    return guard("remove_mailbox", [&] { return to_.remove_mailbox(mailbox, actor); });
  }
  Result<store::MailboxRecord> mailbox(const MailboxId& mailbox) override {
    return guard("mailbox", [&] { return to_.mailbox(mailbox); });
  }
  Result<std::vector<store::MailboxRecord>> mailboxes() override {
    return guard("mailboxes", [&] { return to_.mailboxes(); });
  }
  Result<store::Recipient> resolve(std::string_view address, store::Lookup lookup) override {
    return guard("resolve", [&] { return to_.resolve(address, lookup); });
  }
  Result<store::MailboxStat> stat(const MailboxId& mailbox) override {
    return guard("stat", [&] { return to_.stat(mailbox); });
  }
  Result<std::unique_ptr<store::Append>> begin(const MailboxId& mailbox, const MessageId& message) override {
    return guard("begin", [&] { return to_.begin(mailbox, message); });
  }
  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    return guard("find", [&] { return to_.find(mailbox, message); });
  }
  Result<std::vector<store::MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                 std::size_t limit) override {
    return guard("list", [&] { return to_.list(mailbox, after, limit); });
  }
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    return guard("envelope", [&] { return to_.envelope(mailbox, message); });
  }
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    return guard("read", [&] {
      const Result<std::size_t> got = to_.read(mailbox, message, offset, to);
      if (got && alter) alter(message, offset, to.first(*got));
      return got;
    });
  }
  Result<std::size_t> transition(const store::Transition& transition) override {
    return guard("transition", [&] { return to_.transition(transition); });
  }
  Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) override {
    return guard("seen", [&] { return to_.seen(mailbox, fingerprint); });
  }
  Result<std::unique_ptr<store::Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                std::chrono::seconds ttl,
                                                std::chrono::seconds yields) override {
    return guard("acquire", [&] { return to_.acquire(mailbox, owner, ttl, yields); });
  }
  Result<std::chrono::milliseconds> guess(std::string_view source, store::Guess guess) override {
    return guard("guess", [&] { return to_.guess(source, guess); });
  }
  Result<std::unique_ptr<store::MemoryPermit>> permit(std::uint64_t size) override {
    return guard("permit", [&] { return to_.permit(size); });
  }
  Result<store::Record> get(const store::RecordKey& key) override {
    return guard("get", [&] { return to_.get(key); });
  }
  Result<std::uint64_t> put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                               const store::Note& note) override {
    return guard("put_if", [&] { return to_.put_if(key, version, value, note); });
  }
  Result<void> erase_if(const store::RecordKey& key, std::uint64_t version,
                        const store::Note& note) override {
    return guard("erase_if", [&] { return to_.erase_if(key, version, note); });
  }
  Result<std::vector<store::Record>> scan(store::Kind kind, const MailboxId& mailbox, std::string_view after,
                                          std::size_t limit) override {
    return guard("scan", [&] { return to_.scan(kind, mailbox, after, limit); });
  }
  Result<store::LogHead> history_head(const MailboxId& log) override {
    return guard("history_head", [&] { return to_.history_head(log); });
  }
  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    return guard("history_read", [&] {
      auto leaves = to_.history_read(log, from, limit);
      if (leaves && alter_leaves) alter_leaves(log, from, *leaves);
      return leaves;
    });
  }
  Result<std::uint64_t> note(const MailboxId& log, const store::Leaf& leaf) override {
    return guard("note", [&] { return to_.note(log, leaf); });
  }
  Result<std::size_t> note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                    std::span<const MessageId> messages) override {
    return guard("note", [&] { return to_.note_messages(mailbox, like, messages); });
  }
  Result<std::string> checkpoint(std::string_view actor) override {
    return guard("checkpoint", [&] { return to_.checkpoint(actor); });
  }
  Result<store::SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only) override {
    return guard("sweep", [&] { return to_.sweep(budget, now, only); });
  }
  Result<std::vector<store::RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                            std::size_t limit) override {
    return guard("removal_records", [&] { return to_.removal_records(mailbox, from, limit); });
  }
  Result<store::Purge> purge(std::uint64_t number) override {
    return guard("purge", [&] { return to_.purge(number); });
  }
  Result<void> stats(const store::ServerStats& stats) override {
    return guard("tally", [&] { return to_.stats(stats); });
  }
  Result<std::vector<store::ServerStats>> server_stats() override {
    return guard("tallies", [&] { return to_.server_stats(); });
  }

 private:
  template <class Do>
  auto guard(std::string_view operation, const Do& act) -> decltype(act()) {
    if (fail) {
      if (std::optional<Error> error = fail(operation)) return *error;
    }
    auto done = act();
    if (done && fail_afterwards) {
      if (std::optional<Error> error = fail_afterwards(operation)) return *error;
    }
    return done;
  }

  store::Store& to_;
};

}  // namespace gw::test
