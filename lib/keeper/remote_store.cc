#include "keeper/remote_store.h"

#include <algorithm>

#include "keeper/convert.h"
#include "keeper/lookups.h"
#include "keeper/remote_hold.h"

namespace gw::keeper {
namespace {

using proto::Reply;
using proto::Request;

enum class Effect { Reads, Changes };

// The first connection may be one that an ended keeper had left; the second may meet one that is just ending.
constexpr int kTries = 3;

Error lost(Effect effect, bool sent, const Error& why) {
  const bool perhaps = sent && effect == Effect::Changes;
  return Error(perhaps ? Code::Unknown : Code::Unavailable, "the keeper went away: " + why.text());
}

Result<store::MailboxRecord> mailbox_of(std::string_view octets, std::uint64_t version) {
  auto record = store::decode_mailbox(as_bytes(octets));
  if (record) record->version = version;
  return record;
}

class RemoteStore : public store::Store {
 public:
  explicit RemoteStore(RemoteOptions options)
      : pool_(std::make_shared<Pool>(std::move(options.dial), std::move(options.tool))) {}

  Result<void> open() {
    auto loan = pool_->borrow(Pool::Use::Any);
    if (!loan) return loan.error();
    const proto::Hello& hello = (*loan)->hello();
    vault_ = VaultId::from(as_bytes(hello.vault()));
    limits_ = {hello.batch(), hello.record(), std::min<std::size_t>(hello.chunk(), kMaxData)};
    return {};
  }

  store::Limits limits() const override { return limits_; }

  Result<store::Health> health() override {
    auto reply = ask(Effect::Reads, proto::OP_HEALTH, [](Request&) {});
    if (!reply) return reply.error();
    return from_proto((*reply)->reply().health());
  }

  Result<VaultId> vault_id() override { return vault_; }

  Result<void> put_mailbox(const store::MailboxRecord& record, const std::vector<store::Slot>& slots,
                           const store::Note& note) override {
    return done(ask(Effect::Changes, proto::OP_PUT_MAILBOX, [&](Request& request) {
      put_octets(store::encode(record), *request.mutable_value());
      request.set_version(record.version);
      put_note(note, request);
      for (const store::Slot& slot : slots) {
        proto::Slot& to = *request.add_slots();
        to.set_name(slot.name);
        put_octets(slot.value, *to.mutable_value());
      }
    }));
  }

  Result<void> drop_mailbox(const MailboxId& mailbox, std::string_view actor) override {
    return done(ask(Effect::Changes, proto::OP_DROP_MAILBOX, [&](Request& request) {
      put_octets(mailbox.view(), *request.mutable_mailbox());
      put_octets(as_bytes(actor), *request.mutable_actor());
    }));
  }

  Result<store::MailboxRecord> mailbox(const MailboxId& mailbox) override {
    auto reply = ask(Effect::Reads, proto::OP_MAILBOX,
                     [&](Request& request) { put_octets(mailbox.view(), *request.mutable_mailbox()); });
    if (!reply) return reply.error();
    return mailbox_of((*reply)->reply().value(), version_of((*reply)->reply(), 0));
  }

  Result<std::vector<store::MailboxRecord>> mailboxes() override {
    std::vector<store::MailboxRecord> records;
    return pages(
        proto::OP_MAILBOXES, records, [](Request&) {},
        [&](const Reply& reply) -> Result<void> {
          for (int at = 0; at < reply.items_size(); ++at) {
            auto record = mailbox_of(reply.items(at), version_of(reply, at));
            if (!record) return record.error();
            records.push_back(std::move(*record));
          }
          return {};
        });
  }

  Result<store::Recipient> resolve(std::string_view address, store::Lookup lookup) override {
    const std::optional<Stamp> stamp = lookup == store::Lookup::Recipient ? pool_->stamp() : std::nullopt;
    if (stamp) {
      if (auto known = lookups_.find(address, *stamp)) return std::move(*known);
    }
    auto reply = ask(Effect::Reads, proto::OP_RESOLVE, [&](Request& request) {
      put_octets(as_bytes(address), *request.mutable_text());
      request.set_number(static_cast<std::uint64_t>(lookup));
    });
    if (!reply) return reply.error();
    const Reply& found = (*reply)->reply();
    auto record = mailbox_of(found.value(), version_of(found, 0));
    if (!record) return record.error();
    store::Recipient recipient{std::move(*record), found.number()};
    if (stamp) lookups_.add(address, recipient, *stamp);
    return recipient;
  }

  Result<store::MailboxStat> stat(const MailboxId& mailbox) override {
    auto reply = ask(Effect::Reads, proto::OP_STAT,
                     [&](Request& request) { put_octets(mailbox.view(), *request.mutable_mailbox()); });
    if (!reply) return reply.error();
    return from_proto((*reply)->reply().stat());
  }

  Result<std::unique_ptr<store::Append>> begin(const MailboxId& mailbox, const MessageId& message) override {
    return make_remote_append(pool_, mailbox, message);
  }

  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    auto reply =
        ask(Effect::Reads, proto::OP_FIND, [&](Request& request) { name(mailbox, message, request); });
    if (!reply) return reply.error();
    return store::decode_message(as_bytes((*reply)->reply().value()));
  }

  Result<std::vector<store::MessageRecord>> list(const MailboxId& mailbox, std::uint64_t after,
                                                 std::size_t limit) override {
    std::vector<store::MessageRecord> records;
    return pages(
        proto::OP_LIST, records,
        [&](Request& request) {
          put_octets(mailbox.view(), *request.mutable_mailbox());
          request.set_from(after);
          request.set_limit(limit);
        },
        [&](const Reply& reply) -> Result<void> {
          for (const std::string& item : reply.items()) {
            auto record = store::decode_message(as_bytes(item));
            if (!record) return record.error();
            records.push_back(std::move(*record));
          }
          return {};
        });
  }

  Result<Bytes> envelope(const MailboxId& mailbox, const MessageId& message) override {
    auto reply =
        ask(Effect::Reads, proto::OP_ENVELOPE, [&](Request& request) { name(mailbox, message, request); });
    if (!reply) return reply.error();
    return to_bytes((*reply)->reply().value());
  }

  Result<std::size_t> read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                           std::span<std::byte> to) override {
    std::size_t got = 0;
    auto reply = ask(
        Effect::Reads, proto::OP_READ,
        [&](Request& request) {
          name(mailbox, message, request);
          request.set_from(offset);
          request.set_limit(to.size());
        },
        to, &got);
    if (!reply) return reply.error();
    return got;
  }

  Result<store::Opening> opening(const MailboxId& mailbox, const MessageId& message,
                                 std::span<std::byte> to) override {
    if (to.empty()) return Store::opening(mailbox, message, to);
    store::Opening opening;
    auto reply = ask(
        Effect::Reads, proto::OP_OPENING,
        [&](Request& request) {
          name(mailbox, message, request);
          request.set_limit(to.size());
        },
        to, &opening.octets);
    if (!reply) return reply.error();
    opening.envelope = to_bytes((*reply)->reply().value());
    return opening;
  }

  Result<std::size_t> transition(const store::Transition& change) override {
    if (change.messages.size() > limits_.batch) {
      return Error(Code::BadInput, "more messages than one transition may change");
    }
    Bytes ids;
    for (std::size_t at = 0; at < change.messages.size(); ++at) {
      constexpr std::size_t kInOne = kMaxData / 16;
      if (at % kInOne == 0) add_data_header(ids, 16 * std::min(change.messages.size() - at, kInOne));
      append(ids, change.messages[at].view());
    }
    const auto* lease = dynamic_cast<const RemoteLease*>(change.lease);
    if (change.lease != nullptr && lease == nullptr)
      return Error(Code::LeaseLost, "not a lease of this store");
    const auto fill = [&](Request& request) {
      put_octets(change.mailbox.view(), *request.mutable_mailbox());
      put_octets(as_bytes(change.actor), *request.mutable_actor());
      proto::Transition& to = *request.mutable_transition();
      to.set_from(static_cast<std::uint32_t>(change.from));
      to.set_to(change.to ? static_cast<std::uint32_t>(*change.to) : 0);
      to.set_count(change.messages.size());
      if (change.token) put_octets(*change.token, *to.mutable_token());
      if (lease != nullptr) to.set_leased(true);
      if (lease != nullptr) request.set_number(lease->number());
    };
    auto reply = lease != nullptr ? ask_on(*lease, proto::OP_TRANSITION, fill, ids)
                                  : ask(Effect::Changes, proto::OP_TRANSITION, fill, {}, nullptr, ids);
    if (!reply) return reply.error();
    if (change.from == store::State::Pending) {
      for (const MessageId& message : change.messages) pool_->release_pending(message);
    }
    return (*reply)->reply().number();
  }

  Result<bool> seen(const MailboxId& mailbox, const Digest& fingerprint) override {
    auto reply = ask(Effect::Reads, proto::OP_SEEN, [&](Request& request) {
      put_octets(mailbox.view(), *request.mutable_mailbox());
      put_octets(fingerprint, *request.mutable_value());
    });
    if (!reply) return reply.error();
    return (*reply)->reply().flag();
  }

  Result<std::unique_ptr<store::Lease>> acquire(const MailboxId& mailbox, std::string_view owner,
                                                std::chrono::seconds ttl,
                                                std::chrono::seconds yields) override {
    // A lease whose connection was lost has ended: as if it had never been.
    auto reply = ask(Effect::Reads, proto::OP_ACQUIRE, [&](Request& request) {
      put_octets(mailbox.view(), *request.mutable_mailbox());
      put_octets(as_bytes(owner), *request.mutable_text());
      request.set_limit(static_cast<std::uint64_t>(std::max<std::int64_t>(ttl.count(), 0)));
      request.set_from(static_cast<std::uint64_t>(std::max<std::int64_t>(yields.count(), 0)));
    });
    if (!reply) return reply.error();
    const std::uint64_t number = (*reply)->reply().number();
    return std::make_unique<RemoteLease>(pool_, *reply, number);
  }

  Result<std::unique_ptr<store::Permit>> permit(std::uint64_t octets) override {
    auto reply = ask(
        Effect::Reads, proto::OP_PERMIT, [&](Request& request) { request.set_limit(octets); }, {}, nullptr,
        {}, Pool::Use::Alone);
    if (!reply) return reply.error();
    const std::uint64_t number = (*reply)->reply().number();
    return std::make_unique<RemotePermit>(pool_, *reply, number);
  }

  Result<store::Record> get(const store::RecordKey& key) override {
    auto reply = ask(Effect::Reads, proto::OP_GET, [&](Request& request) { put(key, request); });
    if (!reply) return reply.error();
    const Reply& found = (*reply)->reply();
    return store::Record{key, to_bytes(found.value()), version_of(found, 0)};
  }

  Result<std::uint64_t> put_if(const store::RecordKey& key, std::uint64_t version, ByteView value,
                               const store::Note& note) override {
    return number_of(ask(Effect::Changes, proto::OP_PUT_IF, [&](Request& request) {
      put(key, request);
      request.set_version(version);
      put_octets(value, *request.mutable_value());
      put_note(note, request);
    }));
  }

  Result<void> erase_if(const store::RecordKey& key, std::uint64_t version,
                        const store::Note& note) override {
    return done(ask(Effect::Changes, proto::OP_ERASE_IF, [&](Request& request) {
      put(key, request);
      request.set_version(version);
      put_note(note, request);
    }));
  }

  Result<std::vector<store::Record>> scan(store::Kind kind, const MailboxId& mailbox, std::string_view after,
                                          std::size_t limit) override {
    std::vector<store::Record> records;
    return pages(
        proto::OP_SCAN, records,
        [&](Request& request) {
          put(store::RecordKey{kind, mailbox, std::string(after)}, request);
          request.set_limit(limit);
        },
        [&](const Reply& reply) -> Result<void> {
          for (const proto::Record& item : reply.records()) {
            auto record = from_proto(item);
            if (!record) return record.error();
            records.push_back(std::move(*record));
          }
          return {};
        });
  }

  Result<store::LogHead> history_head(const MailboxId& log) override {
    auto reply = ask(Effect::Reads, proto::OP_HISTORY_HEAD,
                     [&](Request& request) { put_octets(log.view(), *request.mutable_mailbox()); });
    if (!reply) return reply.error();
    const Reply& found = (*reply)->reply();
    const auto root = octets_of<32>(found.value(), "root");
    if (!root) return root.error();
    return store::LogHead{found.number(), *root, found.time()};
  }

  Result<std::vector<Bytes>> history_read(const MailboxId& log, std::uint64_t from,
                                          std::size_t limit) override {
    std::vector<Bytes> leaves;
    return pages(
        proto::OP_HISTORY_READ, leaves,
        [&](Request& request) {
          put_octets(log.view(), *request.mutable_mailbox());
          request.set_from(from);
          request.set_limit(limit);
        },
        [&](const Reply& reply) -> Result<void> {
          for (const std::string& item : reply.items()) leaves.push_back(to_bytes(item));
          return {};
        });
  }

  Result<std::uint64_t> note(const MailboxId& log, const store::Leaf& leaf) override {
    return number_of(ask(Effect::Changes, proto::OP_NOTE, [&](Request& request) {
      put_octets(log.view(), *request.mutable_mailbox());
      put_octets(store::encode(leaf), *request.mutable_value());
      put_octets(as_bytes(leaf.actor), *request.mutable_actor());
    }));
  }

  Result<std::size_t> note_messages(const MailboxId& mailbox, const store::Leaf& like,
                                    std::span<const MessageId> messages) override {
    if (messages.empty()) return 0;
    return number_of(ask(Effect::Changes, proto::OP_NOTE, [&](Request& request) {
      put_octets(mailbox.view(), *request.mutable_mailbox());
      store::Leaf leaf = like;
      leaf.message = messages.front();
      put_octets(store::encode(leaf), *request.mutable_value());
      put_octets(as_bytes(leaf.actor), *request.mutable_actor());
      for (const MessageId& message : messages) put_octets(message.view(), *request.add_messages());
    }));
  }

  Result<std::string> checkpoint(std::string_view actor) override {
    auto reply = ask(Effect::Changes, proto::OP_CHECKPOINT,
                     [&](Request& request) { put_octets(as_bytes(actor), *request.mutable_actor()); });
    if (!reply) return reply.error();
    return (*reply)->reply().value();
  }

  Result<store::SweepReport> sweep(std::size_t budget, bool now, const MailboxId& only) override {
    auto reply = ask(Effect::Changes, proto::OP_SWEEP, [&](Request& request) {
      request.set_limit(budget);
      request.set_now(now);
      if (!only.zero()) put_octets(only.view(), *request.mutable_mailbox());
    });
    if (!reply) return reply.error();
    const Reply& swept = (*reply)->reply();
    return store::SweepReport{swept.number(), swept.octets(), swept.receipts(), swept.flag(),
                              swept.held_back()};
  }

  Result<std::vector<store::Swept>> swept(const MailboxId& mailbox, const MessageId& from,
                                          std::size_t limit) override {
    std::vector<store::Swept> receipts;
    return pages(
        proto::OP_SWEPT, receipts,
        [&](Request& request) {
          name(mailbox, from, request);
          request.set_limit(limit);
        },
        [&](const Reply& reply) -> Result<void> {
          for (const std::string& item : reply.items()) {
            auto receipt = store::decode_swept(as_bytes(item));
            if (!receipt) return receipt.error();
            receipts.push_back(std::move(*receipt));
          }
          return {};
        });
  }

  Result<store::Purge> purge(std::uint64_t number) override {
    auto reply = ask(Effect::Reads, proto::OP_PURGE, [&](Request& request) { request.set_number(number); });
    if (!reply) return reply.error();
    return store::Purge{(*reply)->reply().number(), (*reply)->reply().flag()};
  }

  Result<void> tally(const store::Tally& tally) override {
    return done(ask(Effect::Changes, proto::OP_TALLY,
                    [&](Request& request) { put(tally, *request.mutable_tally()); }));
  }

  Result<std::vector<store::Tally>> tallies() override {
    std::vector<store::Tally> all;
    return pages(
        proto::OP_TALLIES, all, [](Request&) {},
        [&](const Reply& reply) -> Result<void> {
          for (const proto::Tally& tally : reply.tallies()) all.push_back(from_proto(tally));
          return {};
        });
  }

  Result<std::unique_ptr<store::Snapshot>> snapshot() override {
    auto loan = ask(
        Effect::Reads, proto::OP_SNAPSHOT, [](Request&) {}, {}, nullptr, {}, Pool::Use::Alone);
    if (!loan) return loan.error();
    const std::uint64_t commits = (*loan)->reply().number();
    return std::unique_ptr<store::Snapshot>(std::make_unique<RemoteSnapshot>(pool_, *loan, commits));
  }

  Result<std::unique_ptr<store::Suspension>> suspend() override {
    // One whose connection was lost has ended.
    auto loan = ask(
        Effect::Reads, proto::OP_SUSPEND, [](Request&) {}, {}, nullptr, {}, Pool::Use::Alone);
    if (!loan) return loan.error();
    return std::unique_ptr<store::Suspension>(std::make_unique<RemoteSuspension>(pool_, *loan));
  }

 private:
  static void name(const MailboxId& mailbox, const MessageId& message, Request& request) {
    put_octets(mailbox.view(), *request.mutable_mailbox());
    put_octets(message.view(), *request.mutable_message());
  }
  static void put_note(const store::Note& note, Request& request) {
    request.mutable_note()->set_type(static_cast<std::uint32_t>(note.type));
    request.mutable_note()->set_value(note.value);
    put_octets(as_bytes(note.actor), *request.mutable_actor());
  }
  static std::uint64_t version_of(const Reply& reply, int at) {
    return at < reply.versions_size() ? reply.versions(at) : 0;
  }
  static Result<void> done(const Result<Loan>& reply) {
    if (!reply) return reply.error();
    return {};
  }
  static Result<std::uint64_t> number_of(const Result<Loan>& reply) {
    if (!reply) return reply.error();
    return (*reply)->reply().number();
  }

  // One round trip. The reply stays in the connection while the loan lasts; the keeper's refusal is the
  // error. What surely was not done, or only reads, is tried anew: the connection may be one that an ended
  // keeper had left.
  template <class Fill>
  Result<Loan> ask(Effect effect, proto::Op op, Fill fill, std::span<std::byte> to = {},
                   std::size_t* got = nullptr, ByteView frames = {}, Pool::Use use = Pool::Use::Any) {
    for (int tries = 1;; ++tries) {
      auto loan = pool_->borrow(use);
      if (!loan) return loan.error();
      Request& request = (*loan)->fresh_request();
      request.set_op(op);
      fill(request);
      bool sent = false;
      auto asked = (*loan)->send(frames);
      if (asked) {
        sent = true;
        asked = (*loan)->receive(to, got);
      } else if (asked.error().code() == Code::Internal) {
        return asked.error();
      }
      if (asked) {
        if (auto refused = (*loan)->refusal(); !refused) return refused.error();
        return loan;
      }
      loan->discard();
      if (tries == kTries || (sent && effect == Effect::Changes)) return lost(effect, sent, asked.error());
      use = Pool::Use::Fresh;
    }
  }

  template <class Fill>
  Result<Loan> ask_on(const RemoteLease& lease, proto::Op op, Fill fill, ByteView frames) {
    auto loan = pool_->borrow(lease.connection());
    if (!loan) return Error(Code::LeaseLost, loan.error().text());
    Request& request = (*loan)->fresh_request();
    request.set_op(op);
    fill(request);
    if (auto sent = (*loan)->send(frames); !sent) {
      loan->discard();
      return Error(Code::LeaseLost, "the connection to the keeper was lost");
    }
    if (auto received = (*loan)->receive(); !received) {
      loan->discard();
      return lost(Effect::Changes, true, received.error());
    }
    if (auto refused = (*loan)->refusal(); !refused) return refused.error();
    return loan;
  }

  // An answer in pages, each taken by `take`; `all` is emptied first and given at the end.
  template <class T, class Fill, class Take>
  Result<T> pages(proto::Op op, T& all, Fill fill, Take take) {
    for (bool again = false;; again = true) {
      all.clear();
      auto loan = ask(Effect::Reads, op, fill, {}, nullptr, {}, again ? Pool::Use::Fresh : Pool::Use::Any);
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

  std::shared_ptr<Pool> pool_;
  VaultId vault_;
  store::Limits limits_;
  Lookups lookups_;
};

}  // namespace

Result<std::unique_ptr<store::Store>> make_remote_store(RemoteOptions options) {
  auto made = std::make_unique<RemoteStore>(std::move(options));
  if (auto opened = made->open(); !opened) return opened.error();
  return made;
}

}  // namespace gw::keeper
