#include "vault/drain.h"

#include <algorithm>

#include "vault/mailbox.h"

namespace gw::vault {
namespace {

constexpr std::size_t kPage = 1000;

// States that a client sees. Pending, drained and quarantined messages are hidden.
bool shown(store::State state) {
  return state == store::State::Live || state == store::State::Unconfirmed;
}

// Lists the messages once, at login: POP3 numbers must not change during a session (RFC 1939,
// section 4).
Result<std::vector<store::MessageRecord>> snapshot(store::Store& store, const MailboxId& mailbox) {
  // All of them may be removed in one transition, so no more than the store can change in one.
  const std::size_t most = std::min(Drain::kMaxMessages, store.limits().batch);
  std::vector<store::MessageRecord> messages;
  for (std::uint64_t after = 0;;) {
    Result<std::vector<store::MessageRecord>> page = store.list(mailbox, after, kPage);
    if (!page) return page.error();
    if (page->empty()) return messages;
    after = page->back().seq;
    for (store::MessageRecord& record : *page) {
      if (!shown(record.state)) continue;
      if (messages.size() == most) return messages;
      messages.push_back(std::move(record));
    }
  }
}

// Maps Busy of the memory permit to Unavailable. Busy of a login means that another drain holds the
// lease, and POP3 reports the two differently: [SYS/TEMP] (RFC 3206) and [IN-USE] (RFC 2449).
Error login_error(const Error& error) {
  if (error.code() != Code::Busy) return error;
  return Error(Code::Unavailable, error.text());
}

}  // namespace

Result<bool> note_exported(store::Store& store, const MailboxId& mailbox, std::string_view actor,
                           std::span<const MessageId> messages) {
  store::Leaf leaf;
  leaf.type = store::LeafType::Exported;
  leaf.mailbox = mailbox;
  leaf.actor = std::string(actor);
  // Messages that were removed meanwhile are skipped: the history has nothing to say about them.
  const Result<std::size_t> noted = store.note_messages(mailbox, leaf, messages);
  if (noted) return true;
  if (noted.error().code() == Code::Full) return false;
  // The health is read only after the failure, because a file system can become read-only at any
  // time.
  const Result<store::Health> health = store.health();
  if (health && !health->writable) return false;
  return noted.error();
}

struct Drain::State {
  store::Store& store;
  VaultId vault;
  store::MailboxRecord mailbox;
  seal::KeyRing ring;
  std::unique_ptr<store::Lease> lease;
  std::vector<store::MessageRecord> messages;
};

Drain::Drain(std::unique_ptr<State> state) : state_(std::move(state)) {}
Drain::Drain(Drain&&) noexcept = default;
Drain& Drain::operator=(Drain&&) noexcept = default;
Drain::~Drain() = default;

// The password is checked before the lease is acquired. Otherwise a stranger could block the
// mailbox, or learn from Busy that it exists.
Result<Drain> Drain::open(store::Store& store, std::string_view login, const Secret& password,
                          std::string_view owner, std::chrono::seconds ttl, std::chrono::seconds yields) {
  Result<store::Recipient> found = store.resolve(login, store::Lookup::Login);
  if (!found && found.error().code() == Code::NotFound) return login_error(refuse_unknown(store, password));
  if (!found) return found.error();
  store::MailboxRecord& mailbox = found->mailbox;
  Result<seal::KeyRing> ring = unlock(store, mailbox, password);
  if (!ring) return login_error(ring.error());
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  Result<std::unique_ptr<store::Lease>> lease = store.acquire(mailbox.id, owner, ttl, yields);
  if (!lease) return lease.error();
  // The list is read under the lease, so that no other drain removes messages between the two.
  Result<std::vector<store::MessageRecord>> messages = snapshot(store, mailbox.id);
  if (!messages) return messages.error();
  return Drain(std::unique_ptr<State>(new State{store, *vault, std::move(mailbox), std::move(*ring),
                                                std::move(*lease), std::move(*messages)}));
}

const store::MailboxRecord& Drain::mailbox() const {
  return state_->mailbox;
}
const seal::KeyRing& Drain::ring() const {
  return state_->ring;
}
const std::vector<store::MessageRecord>& Drain::messages() const {
  return state_->messages;
}

Result<Message> Drain::open(const store::MessageRecord& record) {
  return open_message(state_->store, state_->ring, state_->vault, state_->mailbox.id, record);
}

Result<void> Drain::renew() {
  return state_->lease->renew();
}

Result<void> Drain::interrupted(const store::MessageRecord& record, std::string_view actor) {
  store::Leaf leaf;
  leaf.type = store::LeafType::Interrupted;
  leaf.mailbox = state_->mailbox.id;
  leaf.message = record.id;
  leaf.value = record.size;
  leaf.container = record.container;
  leaf.envelope = record.envelope;
  leaf.commitment = record.commitment;
  leaf.actor = std::string(actor);
  const auto noted = state_->store.note(state_->mailbox.id, leaf);
  if (!noted) return noted.error();
  return {};
}

// The first message from this sequence number on is either this one, in its present state, or a
// later one, which means that this one is gone.
Result<bool> Drain::removed(const MessageId& message) const {
  const auto known = std::ranges::find(state_->messages, message, &store::MessageRecord::id);
  if (known == state_->messages.end()) return Error(Code::NotFound, "the message is not part of this drain");
  const auto found = state_->store.list(state_->mailbox.id, known->seq - 1, 1);
  if (!found) return found.error();
  return found->empty() || found->front().id != message || found->front().state == store::State::Drained;
}

Result<void> Drain::remove(std::span<const MessageId> messages, std::string_view actor) {
  // There is nothing to remove, but the caller still learns whether it holds the lease.
  if (messages.empty()) return state_->lease->renew();
  store::Transition transition;
  transition.mailbox = state_->mailbox.id;
  transition.messages.assign(messages.begin(), messages.end());
  transition.from = store::State::Live;
  transition.to = store::State::Drained;
  transition.actor = std::string(actor);
  // The store checks the lease within the commit. A check beforehand would leave time in which
  // another drain takes it over and fetches the same mail.
  transition.lease = state_->lease.get();
  const Result<std::size_t> done = state_->store.transition(transition);
  if (!done) return done.error();
  return {};
}

}  // namespace gw::vault
