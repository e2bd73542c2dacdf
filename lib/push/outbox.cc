#include "push/outbox.h"

#include <deque>
#include <mutex>

#include "net/serve.h"
#include "vault/mailbox.h"

namespace gw::push {
namespace {

constexpr std::chrono::hours kLease{4};
constexpr std::chrono::seconds kRenewEvery{10};
constexpr std::size_t kPage = 100;  // small, because others may change messages meanwhile
constexpr int kMaxAttempts = 30;    // to settle a message
constexpr std::chrono::seconds kBetween{1};

// Returns whether the same change may succeed later.
bool may_pass(const Error& error) {
  switch (error.code()) {
    case Code::Unavailable:
    case Code::Unknown:
    case Code::LeaseLost:
    case Code::Busy:
    case Code::Full:
    case Code::Timeout:
    case Code::Closed:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct Outbox::State {
  store::Store& store;
  store::MailboxRecord mailbox;
  Secret password;
  bool remove;
  std::string actor;
  VaultId vault{};
  seal::KeyRing ring{};

  std::mutex mutex{};  // for what follows
  std::unique_ptr<store::Lease> lease{};
  BootClock::time_point renewed{};
  std::uint64_t after = 0;  // seq of the last message that next() returned
  std::uint64_t end = 0;    // of this pass
  std::deque<store::MessageRecord> page{};

  Result<void> acquire() {
    lease.reset();
    auto held = store.acquire(mailbox.id, actor, kLease);
    if (!held) return held.error();
    lease = std::move(*held);
    renewed = BootClock::now();
    // Another client may have drained messages that were listed before.
    page.clear();
    return {};
  }

  Result<void> hold() {
    if (!remove) return {};
    if (lease != nullptr && BootClock::now() - renewed < kRenewEvery) return {};
    if (lease != nullptr && lease->renew()) {
      renewed = BootClock::now();
      return {};
    }
    return acquire();
  }
};

Outbox::Outbox(std::unique_ptr<State> state) : state_(std::move(state)) {}
Outbox::Outbox(Outbox&&) noexcept = default;
Outbox& Outbox::operator=(Outbox&&) noexcept = default;
Outbox::~Outbox() = default;

Result<Outbox> Outbox::open(store::Store& store, store::MailboxRecord mailbox, Secret password, bool remove,
                            std::string actor) {
  std::unique_ptr<State> state(
      new State{store, std::move(mailbox), std::move(password), remove, std::move(actor)});
  const auto vault = store.vault_id();
  if (!vault) return vault.error();
  state->vault = *vault;
  auto ring = vault::unlock(store, state->mailbox, state->password);
  if (!ring) return ring.error();
  state->ring = std::move(*ring);
  return Outbox(std::move(state));
}

Result<void> Outbox::begin() {
  State& state = *state_;
  auto mailbox = state.store.mailbox(state.mailbox.id);
  if (!mailbox) return mailbox.error();
  if (mailbox->newest().number != state.mailbox.newest().number) {
    auto ring = vault::unlock(state.store, *mailbox, state.password);
    if (!ring) return ring.error();
    state.ring = std::move(*ring);
  }
  state.mailbox = std::move(*mailbox);
  const std::lock_guard lock(state.mutex);
  if (state.remove) {
    if (auto held = state.acquire(); !held) return held;
  }
  const auto stat = state.store.stat(state.mailbox.id);
  if (!stat) return stat.error();
  state.page.clear();
  state.after = 0;
  state.end = stat->log_size;
  return {};
}

void Outbox::end() {
  const std::lock_guard lock(state_->mutex);
  state_->lease.reset();
}

Result<std::optional<store::MessageRecord>> Outbox::next() {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  for (;;) {
    if (state.page.empty()) {
      const auto page = state.store.list(state.mailbox.id, state.after, kPage);
      if (!page) return page.error();
      if (page->empty()) return std::optional<store::MessageRecord>();
      state.page.assign(page->begin(), page->end());
    }
    store::MessageRecord record = std::move(state.page.front());
    state.page.pop_front();
    if (record.seq >= state.end) return std::optional<store::MessageRecord>();
    state.after = record.seq;
    if (record.state == store::State::Live || record.state == store::State::Unconfirmed)
      return std::optional(std::move(record));
  }
}

Result<vault::Message> Outbox::open(const store::MessageRecord& record) {
  return vault::open_message(state_->store, state_->ring, state_->vault, state_->mailbox.id, record);
}

Result<void> Outbox::ready() {
  const std::lock_guard lock(state_->mutex);
  return state_->hold();
}

Result<void> Outbox::settle(const MessageId& message, store::State to, const std::string& actor) {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  for (int attempt = 1;; ++attempt) {
    Result<void> held = state.hold();
    if (held) {
      const store::Transition change{state.mailbox.id,  {message}, store::State::Live, to, actor,
                                     state.lease.get(), {}};
      const auto done = state.store.transition(change);
      if (done) return {};
      held = done.error();
      // Its connection may be gone, and the lease with it.
      state.lease.reset();
    }
    if (!may_pass(held.error()) || attempt == kMaxAttempts) return held;
    net::stop::wait(kBetween);
  }
}

Result<bool> Outbox::changed() {
  const auto stat = state_->store.stat(state_->mailbox.id);
  if (!stat) return stat.error();
  const std::lock_guard lock(state_->mutex);
  return stat->log_size != state_->end;
}

const store::MailboxRecord& Outbox::mailbox() const {
  return state_->mailbox;
}

}  // namespace gw::push
