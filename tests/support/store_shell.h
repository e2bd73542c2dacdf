// A store that passes everything on to another store: a test overrides the operations that shall fail.
#pragma once

#include "store/store.h"

namespace gw::test {

class StoreShell : public store::Store {
 public:
  explicit StoreShell(store::Store& inner) : inner_(inner) {}

  store::Limits limits() const override { return inner_.limits(); }
  Result<store::Health> health() override { return inner_.health(); }
  Result<void> put_mailbox(const store::MailboxRecord& record, const std::vector<store::Slot>& slots,
                           const store::Note& note) override {
    return inner_.put_mailbox(record, slots, note);
  }
  Result<void> remove_mailbox(const MailboxId& mailbox, std::string_view actor) override {
    return inner_.remove_mailbox(mailbox, actor);
  }
  Result<store::MailboxRecord> mailbox(const MailboxId& mailbox) override { return inner_.mailbox(mailbox); }
  Result<std::vector<store::MailboxRecord>> mailboxes() override { return inner_.mailboxes(); }
  Result<store::Recipient> resolve(std::string_view address, store::Lookup lookup) override {
    return inner_.resolve(address, lookup);
  }
  Result<store::MailboxStat> stat(const MailboxId& mailbox) override { return inner_.stat(mailbox); }
  Result<std::unique_ptr<store::Append>> begin(const MailboxId& mailbox, const MessageId& message) override {
    return inner_.begin(mailbox, message);
  }
  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    return inner_.find(mailbox, message);
  }
  Result<std::vector<store::MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                 std::size_t limit) override {
    return inner_.list(mailbox, after, limit);
  }
  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    return inner_.envelope(mailbox, message);
  }
  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    return inner_.read(mailbox, message, offset, to);
  }
  Result<std::size_t> transition(const store::Transition& transition) override {
    return inner_.transition(transition);
  }
  Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) override {
    return inner_.seen(mailbox, fingerprint);
  }
  Result<std::unique_ptr<store::Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                std::chrono::seconds ttl,
                                                std::chrono::seconds yields) override {
    return inner_.acquire(mailbox, owner, ttl, yields);
  }
  Result<std::chrono::milliseconds> guess(std::string_view source, store::Guess guess) override {
    return inner_.guess(source, guess);
  }
  Result<std::unique_ptr<store::MemoryPermit>> permit(std::uint64_t size) override {
    return inner_.permit(size);
  }
  Result<store::Record> get(const store::RecordKey& key) override { return inner_.get(key); }
  Result<std::uint64_t> put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                               const store::Note& note) override {
    return inner_.put_if(key, version, value, note);
  }
  Result<void> erase_if(const store::RecordKey& key, std::uint64_t version,
                        const store::Note& note) override {
    return inner_.erase_if(key, version, note);
  }
  Result<std::vector<store::Record>> scan(store::Kind kind, const MailboxId& mailbox, std::string_view after,
                                          std::size_t limit) override {
    return inner_.scan(kind, mailbox, after, limit);
  }
  Result<store::LogHead> history_head(const MailboxId& log) override { return inner_.history_head(log); }
  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    return inner_.history_read(log, from, limit);
  }
  Result<std::uint64_t> note(const MailboxId& log, const store::Leaf& leaf) override {
    return inner_.note(log, leaf);
  }
  Result<std::size_t> note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                    std::span<const MessageId> messages) override {
    return inner_.note_messages(mailbox, like, messages);
  }
  Result<std::string> checkpoint(std::string_view actor) override { return inner_.checkpoint(actor); }
  Result<store::SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only) override {
    return inner_.sweep(budget, now, only);
  }
  Result<std::vector<store::RemovalRecord>> removal_records(const MailboxId& mailbox, const MessageId& from,
                                                            std::size_t limit) override {
    return inner_.removal_records(mailbox, from, limit);
  }
  Result<store::Purge> purge(std::uint64_t number) override { return inner_.purge(number); }
  Result<void> stats(const store::ServerStats& stats) override { return inner_.stats(stats); }
  Result<std::vector<store::ServerStats>> server_stats() override { return inner_.server_stats(); }

 protected:
  store::Store& inner_;
};

}  // namespace gw::test
