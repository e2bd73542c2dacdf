#include "support/memory_cluster.h"

#include <algorithm>
#include <set>

namespace gw::store {
namespace {

struct Lock {
  LockHolder holder;
  std::uint64_t client = 0;
  BootClock::time_point end;
};

struct Object {
  Pairs attributes;
  Pairs pairs;
  std::string data;
  std::map<std::string, Lock> locks;
};

using Place = std::pair<Pool, std::string>;

constexpr std::size_t kMostWritten = 90 << 20;  // bytes of one write

struct Delayed {
  Place place;
  WriteOp op;
};

class Ended : public Started {
 public:
  explicit Ended(Reply reply) : reply_(std::move(reply)) {}
  Reply wait() override { return std::move(reply_); }

 private:
  Reply reply_;
};

Reply ended(Outcome outcome) {
  Reply reply;
  reply.outcome = outcome;
  if (outcome != Outcome::Done)
    reply.text = "memory cluster: outcome " + std::to_string(static_cast<int>(outcome));
  return reply;
}

}  // namespace

struct MemoryRados::State {
  mutable std::mutex mutex;
  std::function<BootClock::time_point()> clock;
  std::map<Place, Object> objects;
  Hook hook;
  std::uint64_t next = 0;
  std::uint64_t clients = 0;
  std::set<std::uint64_t> dead;
  std::vector<Delayed> delayed;
  bool full = false;

  // The rest is called with the mutex held.
  Reply write(const Place& place, const WriteOp& op);
  Reply read(const Place& place, const ReadOp& op) const;
  void release() {
    for (const Delayed& each : std::exchange(delayed, {})) write(each.place, each.op);
  }

  // Does an operation with what the hook says before and after it. `apply` returns its reply.
  template <class Apply>
  Reply run(Call call, const Apply& apply, const Delayed* delayable = nullptr) {
    if (dead.contains(call.client)) return ended(Outcome::Shut);
    call.number = next;
    if (call.what != "read" && call.what != "list") ++next;
    for (const Call::When when : {Call::Before, Call::After}) {
      call.when = when;
      const Verdict verdict = hook ? hook(call) : Verdict{};
      if (verdict.release && when == Call::Before) release();
      if (verdict.stop) {
        dead.insert(call.client);
        // A client that is dead does not learn how its last operation ended.
        return ended(Outcome::Shut);
      }
      if (when == Call::Before && verdict.delay && delayable != nullptr) {
        delayed.push_back(*delayable);
        return ended(Outcome::Unanswered);
      }
      if (verdict.outcome) return ended(*verdict.outcome);
      if (when == Call::Before) last = apply();
    }
    return std::move(last);
  }
  Reply last;
};

Reply MemoryRados::State::write(const Place& place, const WriteOp& op) {
  const auto found = objects.find(place);
  const bool exists = found != objects.end();
  if (op.create && exists) return ended(Outcome::Exists);
  if ((op.must_exist || op.remove) && !exists) return ended(Outcome::Missing);
  const bool compares = !op.attribute_is.empty() || !op.key_is.empty();
  if (compares && !exists && !op.create) return ended(Outcome::Missing);
  for (const auto& [name, value] : op.attribute_is) {
    if (!exists) return ended(Outcome::Missing);
    const auto at = found->second.attributes.find(name);
    if (at == found->second.attributes.end() || at->second != value) return ended(Outcome::Differs);
  }
  for (const auto& [key, value] : op.key_is) {
    std::string_view present;
    if (exists) {
      if (const auto at = found->second.pairs.find(key); at != found->second.pairs.end())
        present = at->second;
    }
    if (present != value) return ended(Outcome::Differs);
  }
  std::size_t size = op.data ? op.data->size() : 0;
  for (const auto& [key, value] : op.set) size += key.size() + value.size();
  if (size > kMostWritten) return ended(Outcome::Failed);
  const bool grows = !exists || (op.data && op.data->size() > found->second.data.size());
  if (full && grows && !op.although_full) return ended(Outcome::Full);
  if (op.remove) {
    objects.erase(found);
    return {};
  }
  Object& object = objects[place];
  for (const std::string& key : op.erase) object.pairs.erase(key);
  for (const auto& [first, end] : op.erase_ranges)
    object.pairs.erase(object.pairs.lower_bound(first), object.pairs.lower_bound(end));
  for (const auto& [key, value] : op.set) object.pairs.insert_or_assign(key, value);
  for (const auto& [name, value] : op.set_attributes) object.attributes.insert_or_assign(name, value);
  if (op.data) object.data = *op.data;
  return {};
}

Reply MemoryRados::State::read(const Place& place, const ReadOp& op) const {
  const auto found = objects.find(place);
  if (found == objects.end()) return ended(Outcome::Missing);
  const Object& object = found->second;
  Reply reply;
  for (const std::string& name : op.attributes) {
    const auto at = object.attributes.find(name);
    if (at == object.attributes.end()) return ended(Outcome::Missing);
    reply.attributes.insert(*at);
  }
  for (const std::string& key : op.keys) {
    if (const auto at = object.pairs.find(key); at != object.pairs.end()) reply.pairs.insert(*at);
  }
  if (op.page) {
    auto at = object.pairs.upper_bound(std::max(op.page->after, op.page->prefix));
    // upper_bound() leaves out a key that is the prefix itself, which is after nothing.
    if (const auto same = object.pairs.find(op.page->prefix);
        same != object.pairs.end() && op.page->after < op.page->prefix)
      at = same;
    std::uint64_t count = 0;
    for (; at != object.pairs.end() && at->first.starts_with(op.page->prefix); ++at) {
      // Now and then fewer than were asked for, as a real cluster may do.
      if (count == op.page->most || count == 700) {
        reply.more = true;
        break;
      }
      reply.pairs.insert(*at);
      ++count;
    }
  }
  if (op.range && op.range->offset < object.data.size())
    reply.data =
        object.data.substr(op.range->offset, op.range->length == 0 ? std::string::npos : op.range->length);
  return reply;
}

// One client.
class MemoryCluster : public Cluster {
 public:
  MemoryCluster(std::shared_ptr<MemoryRados> rados, std::uint64_t number)
      : rados_(std::move(rados)), number_(number) {}

  std::unique_ptr<Started> start(Pool pool, const std::string& object, WriteOp op) override {
    const std::lock_guard lock(state().mutex);
    const Delayed kept{{pool, object}, op};
    return std::make_unique<Ended>(state().run(
        call("write", pool, object, &op),
        [&] {
          return state().write({pool, object}, op);
        },
        &kept));
  }
  std::unique_ptr<Started> start(Pool pool, const std::string& object, ReadOp op) override {
    const std::lock_guard lock(state().mutex);
    return std::make_unique<Ended>(state().run(call("read", pool, object), [&] {
      return state().read({pool, object}, op);
    }));
  }

  Reply lock(const std::string& object, const std::string& name, const std::string& cookie,
             const std::string& /*description*/, std::chrono::seconds duration) override {
    const std::lock_guard guard(state().mutex);
    return state().run(call("lock", Pool::Meta, object), [&] {
      if (state().full && !state().objects.contains({Pool::Meta, object})) return ended(Outcome::Full);
      Object& at = state().objects[{Pool::Meta, object}];
      const auto held = at.locks.find(name);
      const bool free = held == at.locks.end() || held->second.end <= state().clock();
      if (!free && (held->second.client != number_ || held->second.holder.cookie != cookie))
        return ended(Outcome::Busy);
      at.locks[name] = {{std::to_string(number_), cookie, "memory"}, number_, state().clock() + duration};
      return Reply{};
    });
  }
  Reply unlock(const std::string& object, const std::string& name, const std::string& cookie) override {
    return drop_lock("unlock", object, name, std::to_string(number_), cookie);
  }
  Reply lock_holder(const std::string& object, const std::string& name,
                    std::optional<LockHolder>& holder) override {
    const std::lock_guard guard(state().mutex);
    return state().run(call("read", Pool::Meta, object), [&] {
      holder.reset();
      const auto at = state().objects.find({Pool::Meta, object});
      if (at == state().objects.end()) return ended(Outcome::Missing);
      const auto held = at->second.locks.find(name);
      if (held != at->second.locks.end() && held->second.end > state().clock()) holder = held->second.holder;
      return Reply{};
    });
  }
  Reply break_lock(const std::string& object, const std::string& name, const LockHolder& holder) override {
    return drop_lock("break", object, name, holder.client, holder.cookie);
  }

  Reply objects(Pool pool, const std::string& prefix, std::vector<std::string>& names) override {
    const std::lock_guard guard(state().mutex);
    return state().run(call("list", pool, prefix), [&] {
      for (const auto& [place, object] : state().objects) {
        if (place.first == pool && place.second.starts_with(prefix)) names.push_back(place.second);
      }
      return Reply{};
    });
  }

  Reply space(ClusterSpace& space) override {
    const std::lock_guard guard(state().mutex);
    if (state().dead.contains(number_)) return ended(Outcome::Shut);
    space = {std::uint64_t{1} << 40, state().full ? 0 : std::uint64_t{1} << 39};
    return {};
  }

 private:
  MemoryRados::State& state() const { return *rados_->state_; }
  MemoryRados::Call call(std::string_view what, Pool pool, const std::string& object,
                         const WriteOp* op = nullptr) const {
    return {MemoryRados::Call::Before, 0, number_, what, pool, object, op};
  }
  Reply drop_lock(std::string_view what, const std::string& object, const std::string& name,
                  const std::string& client, const std::string& cookie) {
    const std::lock_guard guard(state().mutex);
    return state().run(call(what, Pool::Meta, object), [&] {
      const auto at = state().objects.find({Pool::Meta, object});
      if (at == state().objects.end()) return ended(Outcome::Missing);
      const auto held = at->second.locks.find(name);
      if (held == at->second.locks.end() || held->second.holder.client != client ||
          held->second.holder.cookie != cookie || held->second.end <= state().clock())
        return ended(Outcome::Missing);
      at->second.locks.erase(held);
      return Reply{};
    });
  }

  const std::shared_ptr<MemoryRados> rados_;
  const std::uint64_t number_;
};

MemoryRados::MemoryRados(std::function<BootClock::time_point()> clock) : state_(std::make_unique<State>()) {
  state_->clock = std::move(clock);
}
MemoryRados::~MemoryRados() = default;

std::unique_ptr<Cluster> MemoryRados::client() {
  const std::lock_guard lock(state_->mutex);
  return std::make_unique<MemoryCluster>(shared_from_this(), ++state_->clients);
}

void MemoryRados::hook(Hook hook) {
  const std::lock_guard lock(state_->mutex);
  state_->hook = std::move(hook);
}

void MemoryRados::release() {
  const std::lock_guard lock(state_->mutex);
  state_->release();
}

void MemoryRados::fill(bool full) {
  const std::lock_guard lock(state_->mutex);
  state_->full = full;
}

void MemoryRados::fence(std::uint64_t client) {
  const std::lock_guard lock(state_->mutex);
  state_->dead.insert(client);
}

std::uint64_t MemoryRados::writes() const {
  const std::lock_guard lock(state_->mutex);
  return state_->next;
}

std::vector<std::string> MemoryRados::names(Pool pool) const {
  const std::lock_guard lock(state_->mutex);
  std::vector<std::string> names;
  for (const auto& [place, object] : state_->objects) {
    if (place.first == pool) names.push_back(place.second);
  }
  return names;
}

std::optional<std::string> MemoryRados::data(Pool pool, const std::string& object) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->objects.find({pool, object});
  return found == state_->objects.end() ? std::nullopt : std::optional(found->second.data);
}

Pairs MemoryRados::pairs(Pool pool, const std::string& object) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->objects.find({pool, object});
  return found == state_->objects.end() ? Pairs() : found->second.pairs;
}

void MemoryRados::damage(Pool pool, const std::string& object, std::optional<std::string> data) {
  const std::lock_guard lock(state_->mutex);
  if (data) {
    state_->objects[{pool, object}].data = std::move(*data);
  } else {
    state_->objects.erase({pool, object});
  }
}

}  // namespace gw::store
