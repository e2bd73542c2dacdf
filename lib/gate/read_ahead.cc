#include "gate/read_ahead.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace gw::gate {
namespace {

constexpr std::size_t kDepth = 16;
constexpr std::uint64_t kSmall = 64 << 10;  // octets of a message that is read ahead
constexpr unsigned kThreads = 2;

Result<OpenedMessage> open_now(vault::Drain& drain, const store::MessageRecord& record) {
  Result<vault::Message> message = drain.open(record);
  if (!message) return message.error();
  const Result<ByteView> first = message->next();
  if (!first) return first.error();
  OpenedMessage opened;
  opened.trace = message->envelope().trace;
  opened.first = to_bytes(*first);
  if (opened.first.size() < record.octets) {
    opened.rest = std::move(*message);
    return opened;
  }
  // The end is where length and digest are compared.
  if (!opened.first.empty()) {
    const Result<ByteView> end = message->next();
    if (!end) return end.error();
    if (!end->empty()) return Error(Code::Corrupt, "the message is longer than its record says");
  }
  return opened;
}

}  // namespace

struct ReadAhead::State {
  explicit State(vault::Drain& from) : drain(from) {}

  // Of these the workers open the ones from `next` up to `wanted` + kDepth. A slot without a result is in
  // work.
  vault::Drain& drain;
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::size_t, std::optional<Result<OpenedMessage>>> slots;
  std::size_t next = 0;
  std::size_t wanted = 0;
  bool stopping = false;
  std::vector<std::thread> threads;

  const store::MessageRecord& record(std::size_t index) const { return drain.messages()[index]; }
  bool more() const { return next < drain.messages().size() && next < wanted + kDepth; }

  void start() {
    // A system that gives no thread now gives slower answers.
    try {
      for (unsigned i = 0; i < kThreads; ++i) threads.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
    }
  }

  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return stopping || more(); });
      if (stopping) return;
      const std::size_t index = next++;
      if (record(index).octets > kSmall) continue;
      slots.emplace(index, std::nullopt);
      lock.unlock();
      Result<OpenedMessage> opened = open_now(drain, record(index));
      lock.lock();
      // The client may have gone elsewhere meanwhile.
      const auto slot = slots.find(index);
      if (slot != slots.end()) slot->second = std::move(opened);
      changed.notify_all();
    }
  }
};

ReadAhead::ReadAhead(vault::Drain& drain) : state_(std::make_unique<State>(drain)) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->changed.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

Result<OpenedMessage> ReadAhead::open(std::size_t index) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const bool in_sequence = index > 0 && index == state.wanted;
  const bool ahead = index >= state.wanted && index < state.next;
  state.wanted = index + 1;
  state.slots.erase(state.slots.begin(), state.slots.lower_bound(index));
  if (!ahead) {
    state.slots.clear();
    state.next = index + 1;
    if (in_sequence && state.threads.empty()) state.start();
  }
  state.changed.notify_all();

  const auto slot = state.slots.find(index);
  if (slot == state.slots.end()) {
    lock.unlock();
    return open_now(state.drain, state.record(index));
  }
  state.changed.wait(lock, [&] { return slot->second.has_value(); });
  Result<OpenedMessage> opened = std::move(*slot->second);
  state.slots.erase(slot);
  return opened;
}

}  // namespace gw::gate
