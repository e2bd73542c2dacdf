#include "pop3d/prefetch.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>

namespace gw::pop3d {
namespace {

// Returns how many worker threads to start: 1 to 3. One core is left to the thread that sends,
// which also opens messages while it would otherwise wait.
unsigned worker_count() {
  return std::clamp(std::thread::hardware_concurrency(), 2U, 4U) - 1;
}

// Opens a message and reads its first chunk, in the calling thread.
Result<OpenedMessage> open_now(vault::Drain& drain, const store::MessageRecord& record) {
  Result<vault::Message> message = drain.open(record);
  if (!message) return message.error();
  const Result<ByteView> first = message->next();
  if (!first) return first.error();
  OpenedMessage opened;
  opened.trace = message->envelope().trace;
  opened.first = to_bytes(*first);
  if (opened.first.size() < record.size) {
    opened.rest = std::move(*message);
    return opened;
  }
  // The message fits into its first chunk. Read to the end, where length and digest are compared:
  // the client gets +OK for this message without any further check.
  if (!opened.first.empty()) {
    const Result<ByteView> end = message->next();
    if (!end) return end.error();
    if (!end->empty()) return Error(Code::Corrupt, "the message is longer than its record says");
  }
  return opened;
}

}  // namespace

struct Prefetch::State {
  using Lock = std::unique_lock<std::mutex>;
  using Slot = std::optional<Result<OpenedMessage>>;

  explicit State(vault::Drain& from) : drain(from) {}

  vault::Drain& drain;
  std::mutex mutex;
  std::condition_variable room;   // for the workers: there is something to open
  std::condition_variable ready;  // for open(): the slot it waits for is filled
  // Messages by index that have been opened, or are being opened and have no result yet. All of
  // them are below `next`. Those from `next` up to `wanted` + Prefetch::kDepth are still to be
  // opened.
  std::map<std::size_t, Slot> slots;
  std::size_t next = 0;     // index of the message that is opened next
  std::size_t wanted = 0;   // one more than the index that was requested last
  std::size_t awaited = 0;  // index of the message that open() waits for
  bool stopping = false;
  std::vector<std::thread> threads;

  const store::MessageRecord& record(std::size_t index) const { return drain.messages()[index]; }
  bool more() const { return next < drain.messages().size() && next < wanted + Prefetch::kDepth; }

  void start() {
    // If the system cannot start a thread now, reading ahead is slower or does not happen; it is no
    // error.
    try {
      for (unsigned i = 0; i < worker_count(); ++i) threads.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
    }
  }

  // Opens the message at `next`. Releases the lock while it works. Requires more(). A large message
  // is skipped and gets no slot; Prefetch::open() opens it when it is requested.
  void open_one(Lock& lock) {
    const std::size_t index = next++;
    if (record(index).size > Prefetch::kSmall) return;
    slots.emplace(index, std::nullopt);
    lock.unlock();
    Result<OpenedMessage> opened = open_now(drain, record(index));
    lock.lock();
    // The client may have requested another message in the meantime, and open() has then removed
    // the slot.
    const auto slot = slots.find(index);
    if (slot == slots.end()) return;
    slot->second = std::move(opened);
    if (index == awaited) ready.notify_one();
  }

  void work() {
    Lock lock(mutex);
    for (;;) {
      room.wait(lock, [&] { return stopping || more(); });
      if (stopping) return;
      open_one(lock);
    }
  }
};

Prefetch::Prefetch(vault::Drain& drain) : state_(std::make_unique<State>(drain)) {}

Prefetch::~Prefetch() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
  }
  state_->room.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

Result<OpenedMessage> Prefetch::open(std::size_t index) {
  State& state = *state_;
  State::Lock lock(state.mutex);
  // `in_sequence`: this is the message after the last one. `ahead`: workers have reached it
  // already.
  const bool in_sequence = index > 0 && index == state.wanted;
  const bool ahead = index >= state.wanted && index < state.next;
  state.wanted = index + 1;
  state.slots.erase(state.slots.begin(), state.slots.lower_bound(index));
  // A jump to a message that has not been read ahead: begin reading ahead after it. Start threads
  // only for a client that reads in sequence, since many clients fetch just one new message.
  if (!ahead) {
    state.slots.clear();
    state.next = index + 1;
    if (in_sequence && state.threads.empty()) state.start();
  }
  // Wake the workers when half of the messages are used up, and not for each one: they then work
  // for a while before they sleep again.
  if (state.next < state.wanted + Prefetch::kDepth / 2) state.room.notify_all();

  const auto slot = state.slots.find(index);
  if (slot == state.slots.end()) {
    lock.unlock();
    return open_now(state.drain, state.record(index));
  }
  // A worker is opening this message. Open further ones in this thread instead of waiting, if there
  // are any. Iterators of a map stay valid while others are inserted.
  while (!slot->second) {
    state.awaited = index;
    if (state.more())
      state.open_one(lock);
    else
      state.ready.wait(lock);
  }
  Result<OpenedMessage> opened = std::move(*slot->second);
  state.slots.erase(slot);
  return opened;
}

}  // namespace gw::pop3d
