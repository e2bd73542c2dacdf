// Storing a message. The container is kept in memory while it is small and there is memory;
// otherwise it goes to a file of its own as it arrives. Nothing is in the database before commit().
#include <algorithm>

#include "store/local/local_store_private.h"

namespace gw::store {
namespace {

// Returns the capacity to reserve for `size` bytes; `had` is the present one. Between 16 and 80
// KiB it is a whole chunk (64 KiB of mail and the overhead of age), because growing step by step
// costs a copy and fresh memory each time.
std::size_t room_for(std::size_t size, std::size_t had) {
  constexpr std::size_t kSmall = 16 << 10;
  constexpr std::size_t kChunk = 80 << 10;
  if (size > kSmall && size <= kChunk) return kChunk;
  return std::max(size, 2 * had);
}

}  // namespace

class LocalAppend : public Append {
 public:
  LocalAppend(LocalStore& store, const MailboxId& mailbox, const MessageId& message)
      : store_(store), mailbox_(mailbox), message_(message) {}
  LocalAppend(const LocalAppend&) = delete;
  LocalAppend& operator=(const LocalAppend&) = delete;
  ~LocalAppend() override { count_memory(0); }

  Result<void> put(ByteView data) override;
  Result<CommitResult> commit(const Commit& commit) override;

 private:
  void count_memory(std::size_t held);
  Result<void> spill();
  Result<CommitResult> commit_whole(const Commit& commit);

  LocalStore& store_;
  const MailboxId mailbox_;
  const MessageId message_;
  Bytes held_;
  std::size_t counted_ = 0;      // bytes of held_ counted in the store's append_memory_
  std::uint64_t size_ = 0;       // bytes put so far
  std::uint64_t looked_at_ = 0;  // size_ when free space was last measured
  Sha256 sha_;
  std::unique_ptr<LargeWriter> file_;
  bool done_ = false;
};

// Adds before it subtracts, so that the sum over all appends is never too low in between.
void LocalAppend::count_memory(std::size_t held) {
  store_.append_memory_ += held;
  store_.append_memory_ -= std::exchange(counted_, held);
}

// Moves what is held in memory to a file, to which later bytes go directly.
Result<void> LocalAppend::spill() {
  auto file = store_.large_->begin(message_);
  if (!file) return file.error();
  file_ = std::move(*file);
  if (auto written = file_->write(held_); !written) return store_.fail_store(written.error());
  looked_at_ = held_.size();
  held_ = Bytes();
  count_memory(0);
  return {};
}

Result<void> LocalAppend::put(ByteView data) {
  if (done_) return Error(Code::Usage, "the append has already ended");
  size_ += data.size();
  sha_.update(data);
  // The limit counts reserved memory, not used memory, over all connections. Exceeding it costs a
  // file, never an error: a sender must not be refused because others are sending too.
  if (!file_) {
    const std::size_t size = held_.size() + data.size();
    if (size > held_.capacity()) {
      const std::size_t grown = room_for(size, held_.capacity());
      if (size >= store_.options_.large_threshold ||
          store_.append_memory_ + grown - counted_ > store_.options_.append_memory) {
        if (auto spilled = spill(); !spilled) {
          done_ = true;
          return spilled;
        }
      } else {
        count_memory(grown);
        held_.reserve(grown);
      }
    }
  }
  if (!file_) {
    append(held_, data);
    return {};
  }
  // Bytes in memory need no look at the disk: commit() checks their room. A file takes space while
  // it arrives, so free space is measured every MiB, and the store stops before RocksDB runs out of
  // space.
  constexpr std::uint64_t kLookStep = 1 << 20;
  if (size_ - looked_at_ >= kLookStep) {
    looked_at_ = size_;
    store_.space_.look([this] { return store_.engine_->promised(); });
  }
  if (auto room = store_.space_.room_for_append(data.size()); !room) {
    done_ = true;
    return room;
  }
  if (auto written = file_->write(data); !written) {
    done_ = true;
    return store_.fail_store(written.error());
  }
  return {};
}

Result<CommitResult> LocalAppend::commit(const Commit& commit) {
  if (std::exchange(done_, true)) return Error(Code::Usage, "the append has already ended");
  if (auto fits = check_commit(commit, store_.limits()); !fits) return fits.error();
  // The digest protects against a sender of the append protocol that lost or repeated a frame; the
  // message would be found unreadable only when it is drained.
  if (sha_.finish() != commit.container)
    return Error(Code::Corrupt, "the container does not match its digest");
  // The threshold decides by the final size, so that equal messages are stored in the same way
  // whatever the sizes of the pieces.
  if (!file_ && held_.size() >= store_.options_.large_threshold) {
    if (auto spilled = spill(); !spilled) return spilled.error();
  }
  {
    // Only one commit of a message id at a time. commit_whole() looks the id up in the database
    // before the batch; this lock keeps the answer true until the batch is written. The change
    // function then need not read the database while all other commits wait.
    const std::lock_guard lock(store_.committing_mutex_);
    if (!store_.committing_.emplace(mailbox_, message_).second)
      return Error(Code::Busy, "a message with this id is being stored");
  }
  auto result = commit_whole(commit);
  held_ = Bytes();
  count_memory(0);
  const std::lock_guard lock(store_.committing_mutex_);
  store_.committing_.erase({mailbox_, message_});
  return result;
}

Result<CommitResult> LocalAppend::commit_whole(const Commit& commit) {
  if (auto unused = check_unused(*store_.engine_, mailbox_, message_); !unused) return unused.error();
  MessageRecord record = message_record(message_, commit, size_);
  record.large = file_ != nullptr;
  const LeafType type = commit.pending ? LeafType::Pending : LeafType::Accepted;
  Bytes leaf = encode(message_leaf(type, mailbox_, record, commit.actor));
  const Bytes trailer = body_trailer(commit.envelope.size(), record.large);
  // The parts are written as one value without being joined first, which saves a copy of the
  // container.
  const std::array<ByteView, 3> body{held_, commit.envelope, trailer};
  if (file_) {
    // The file is durable under its final name before the database mentions it. In the other order
    // a power cut could leave an acknowledged message without its container. A file without a
    // message is harmless: the next start removes it.
    if (auto finished = file_->finish(); !finished) return store_.fail_store(finished.error());
  }
  const std::size_t size = held_.size() + commit.envelope.size() + 1024;
  auto committed = store_.change(size, [&](Batch& batch) -> Result<ChangeResult> {
    const auto entry = accepting(batch, mailbox_, commit);
    if (!entry) return entry.error();
    // The whole batch must fit, not only this message.
    if (auto room = store_.space_.room_for_append(batch.size() + size); !room) return room.error();
    add_message(batch, mailbox_, **entry, commit, leaf, record);
    batch.put(Family::Bodies, body_key(message_, mailbox_), body);
    return ChangeResult::Done;
  });
  if (!committed) {
    // With Unknown the message may be in the database, and then the file is its only content. The
    // next open removes the file if no message has it.
    if (file_ && committed.error().code() != Code::Unknown) file_->abandon();
    return committed.error();
  }
  CommitResult result{record.seq, {}};
  if (commit.pending) result.token = store_.pending_tokens_.give(mailbox_, message_);
  return result;
}

// A failed write or sync of one file means that the disk cannot be trusted; see Commits::commit()
// for why it is never tried again.
Error LocalStore::fail_store(const Error& error) {
  if (error.code() != Code::Io) return error;
  commits_.fail(error);
  return Error(Code::Unavailable, error.text());
}

Result<std::unique_ptr<Append>> LocalStore::begin(const MailboxId& mailbox, const MessageId& message) {
  if (!reason_.empty()) return read_only();
  // Fails early, so that a client does not send megabytes for a commit that will be refused. None
  // of these checks is binding; commit() repeats them.
  if (auto refused = commits_.refusal()) return *refused;
  if (auto known = table_.epoch(mailbox); !known) return known.error();
  if (auto room = space_.room_for_append(0); !room) return room.error();
  return std::unique_ptr<Append>(std::make_unique<LocalAppend>(*this, mailbox, message));
}

}  // namespace gw::store
