// The rules of messages and records need only a Transaction of a database.
#include "store/transaction.h"

#include <algorithm>
#include <map>

#include "store/message_changes.h"
#include "store/record_changes.h"
#include "support/store_contract.h"

namespace gw::store {
namespace {

using contract::new_mail;
using contract::new_mailbox;

// A database in a map. The writes of a transaction take effect with commit().
class MapTransaction : public Transaction {
 public:
  using Place = std::pair<Family, Bytes>;

  Result<std::optional<std::string>> get(Family family, ByteView key) const override {
    const auto found = stored_.find({family, to_bytes(key)});
    if (found == stored_.end()) return std::optional<std::string>();
    return std::optional(std::string(as_text(found->second)));
  }
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView, ByteView)>& visit) const override {
    for (auto at = stored_.lower_bound({family, to_bytes(from)});
         at != stored_.end() && at->first < Place{family, to_bytes(end)}; ++at)
      if (!visit(at->first.second, at->second)) break;
    return {};
  }
  Entry* state(const MailboxId& log) override {
    const auto found = entries_.find(log);
    return found == entries_.end() ? nullptr : &found->second;
  }
  Entry& make(const MailboxId& log) override { return entries_[log]; }
  void touch(const MailboxId&) override {}
  bool claim_messages(const MailboxId& mailbox) override {
    const bool free = std::ranges::find(claimed_, mailbox) == claimed_.end();
    claimed_.push_back(mailbox);
    return free;
  }
  bool claim_records() override { return !std::exchange(records_claimed_, true); }
  using Transaction::leaf;
  std::uint64_t leaf(const MailboxId& log, Bytes& encoded) override {
    LogState& state = entries_.at(log).log;
    const std::uint64_t index = state.range.size();
    state.time = 1000 + static_cast<Micros>(index);
    place(encoded, index, state.time);
    state.range.append(leaf_hash(encoded));
    put(Family::History, leaf_key(log, index), encoded);
    return index;
  }
  using Transaction::put;
  void put(Family family, ByteView key, std::span<const ByteView> parts) override {
    Bytes value;
    for (const ByteView part : parts) append(value, part);
    writes_.emplace_back([this, place = Place{family, to_bytes(key)}, value] { stored_[place] = value; });
  }
  void erase(Family family, ByteView key) override {
    writes_.emplace_back([this, place = Place{family, to_bytes(key)}] { stored_.erase(place); });
  }
  void erase_range(Family family, ByteView from, ByteView end) override {
    writes_.emplace_back([this, from = Place{family, to_bytes(from)}, end = Place{family, to_bytes(end)}] {
      stored_.erase(stored_.lower_bound(from), stored_.lower_bound(end));
    });
  }
  std::size_t size() const override { return writes_.size(); }

  void commit() {
    for (const auto& write : std::exchange(writes_, {})) write();
    claimed_.clear();
    records_claimed_ = false;
  }
  std::size_t count(Family family) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(stored_, [&](const auto& each) { return each.first.first == family; }));
  }

 private:
  std::map<Place, Bytes> stored_;
  std::vector<std::function<void()>> writes_;
  Entries entries_;
  std::vector<MailboxId> claimed_;
  bool records_claimed_ = false;
};

struct Rules {
  VaultId vault = random_id<VaultId>();
  MapTransaction data;
  MailboxRecord mailbox = new_mailbox("journal");

  Rules() {
    data.make({});
    REQUIRE(put(mailbox).value() == ChangeResult::Done);
    data.commit();
    mailbox.version = data.state(mailbox.id)->record->version;
  }
  Result<ChangeResult> put(const MailboxRecord& record) {
    const Note note{LeafType::Setting, "test", 0};
    const std::vector<Slot> slots{{"password", to_bytes("wrapped")}};
    const auto change = mailbox_change(vault, record, slots, note, {});
    return change ? apply(data, *change) : Result<ChangeResult>(change.error());
  }
  Result<void> accept(const contract::Mail& mail) {
    if (auto unused = check_unused(data, mailbox.id, mail.id); !unused) return unused;
    const auto entry = accepting(data, mailbox.id, mail.commit);
    if (!entry) return entry.error();
    MessageRecord record = message_record(mail.id, mail.commit, mail.container.size());
    Bytes leaf = encode(message_leaf(LeafType::Accepted, mailbox.id, record, "test"));
    add_message(data, mailbox.id, **entry, mail.commit, leaf, record);
    return {};
  }
  Result<std::size_t> transition(const MessageId& message, State from, std::optional<State> to) {
    Transition wanted;
    wanted.mailbox = mailbox.id;
    wanted.messages = {message, message};
    wanted.from = from;
    wanted.to = to;
    const auto allowed = step(from, to);
    if (!allowed) return allowed.error();
    const auto changing = examine(data, wanted, *allowed);
    if (!changing) return changing.error();
    const Moving moving{*allowed, "test", 7, changing->size(), [](const MessageRecord&) {
                          RemovalRecord remains;
                          remains.header = to_bytes("header");
                          return std::optional(remains);
                        }};
    for (const MessageRecord& record : *changing) move_message(data, mailbox.id, record, moving);
    data.commit();
    return changing->size();
  }
  Code code_of(const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().code();
  }
};

TEST_CASE("the rules of records need only a Transaction") {
  Rules rules;
  CHECK(rules.code_of(rules.put(new_mailbox("journal"))) == Code::Exists);
  rules.data.commit();
  MailboxRecord changed = rules.mailbox;
  changed.name = "other";
  CHECK(rules.put(changed).value() == ChangeResult::Done);
  // The next rule would not see the name that this one takes.
  CHECK(rules.put(new_mailbox("other")).value() == ChangeResult::NextBatch);
  rules.data.commit();
  CHECK(rules.code_of(rules.put(new_mailbox("other"))) == Code::Exists);
  rules.data.commit();
  CHECK(rules.code_of(rules.put(changed)) == Code::Conflict);
  rules.data.commit();
  CHECK(rules.put(new_mailbox("journal")).value() == ChangeResult::Done);
}

TEST_CASE("the rules of messages need only a Transaction") {
  Rules rules;
  rules.mailbox.quota = 250;
  rules.mailbox.grace = 0;
  rules.mailbox.receipts = 86'400;
  REQUIRE(rules.put(rules.mailbox));
  rules.data.commit();
  const MailboxId id = rules.mailbox.id;
  contract::Mail first = new_mail(100);
  Digest print{std::byte{1}};
  first.commit.fingerprints = {print};
  const contract::Mail second = new_mail(100);
  REQUIRE(rules.accept(first));
  REQUIRE(rules.accept(second));
  // The quota counts what the same transaction has accepted.
  CHECK(rules.code_of(rules.accept(new_mail(100))) == Code::OverQuota);
  rules.data.commit();
  CHECK(rules.code_of(rules.accept(first)) == Code::Exists);
  CHECK(find_message(rules.data, id, second.id)->seq == find_message(rules.data, id, first.id)->seq + 1);
  CHECK(was_seen(rules.data, id, print).value());
  CHECK(rules.code_of(rules.transition(first.id, State::Drained, std::nullopt)) == Code::Conflict);

  // Without a grace period a drained message is gone, and its id stays taken.
  CHECK(rules.transition(first.id, State::Live, State::Drained).value() == 1);
  CHECK(rules.transition(first.id, State::Live, State::Drained).value() == 0);
  CHECK(rules.code_of(find_message(rules.data, id, first.id)) == Code::NotFound);
  CHECK(rules.code_of(rules.accept(first)) == Code::Exists);
  CHECK(was_seen(rules.data, id, print).value());
  const auto receipt = rules.data.get(Family::Messages, removal_record_key(id, first.id));
  REQUIRE((receipt && *receipt));
  CHECK(decode_removal_record(as_bytes(**receipt))->record.id == first.id);
  CHECK(rules.data.state(id)->log.stat.live == 1);
  REQUIRE(rules.transition(second.id, State::Live, std::nullopt));

  // The history and the message ids of a removed mailbox stay.
  CHECK(rules.code_of(remove_mailbox(rules.data, rules.vault, id, "test")) == Code::Conflict);
  rules.data.commit();
  MailboxRecord suspended = *rules.data.state(id)->record;
  suspended.status = Status::Suspended;
  REQUIRE(rules.put(suspended));
  rules.data.commit();
  REQUIRE(remove_mailbox(rules.data, rules.vault, id, "test").value() == ChangeResult::Done);
  rules.data.commit();
  CHECK(rules.data.count(Family::Records) == 0);
  CHECK(rules.data.count(Family::Seen) == 0);
  CHECK(rules.data.count(Family::Messages) == 2);
  CHECK(rules.code_of(check_unused(rules.data, id, second.id)) == Code::Exists);
  CHECK(rules.code_of(accepting(rules.data, id, second.commit)) == Code::NotFound);
}

}  // namespace
}  // namespace gw::store
