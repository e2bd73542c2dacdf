#include "store/local/body.h"

namespace gw::store {
namespace {

constexpr std::size_t kKept = 8;  // cached bodies, each smaller than the large threshold

}  // namespace

Bytes body_trailer(std::size_t envelope, bool large) {
  ByteWriter writer;
  return writer.u32(static_cast<std::uint32_t>(envelope)).u8(large ? 1 : 0).take();
}

std::optional<BodyParts> split_body(ByteView stored) {
  if (stored.size() < kTrailer) return std::nullopt;
  ByteReader trailer(stored.last(kTrailer));
  const std::size_t envelope = trailer.u32();
  const std::uint8_t kind = trailer.u8();
  if (kind > 1 || envelope > stored.size() - kTrailer) return std::nullopt;
  const ByteView parts = stored.first(stored.size() - kTrailer);
  return BodyParts{parts.first(parts.size() - envelope), parts.last(envelope), kind == 1};
}

ByteView Body::container() const {
  const ByteView all = view(stored_);
  return all.first(all.size() - kTrailer - envelope_);
}

ByteView Body::envelope() const {
  const ByteView all = view(stored_);
  return all.subspan(all.size() - kTrailer - envelope_, envelope_);
}

Result<std::shared_ptr<const Body>> Bodies::read(const MailboxId& mailbox, const MessageId& message) {
  std::uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    // Remembered before the read, see below.
    forgotten = forgotten_;
    for (auto at = kept_.begin(); at != kept_.end(); ++at) {
      if (at->message != message || at->mailbox != mailbox) continue;
      kept_.splice(kept_.begin(), kept_, at);
      return kept_.front().body;
    }
  }
  auto body = std::make_shared<Body>();
  auto found = engine_.get(Family::Bodies, body_key(message, mailbox), body->stored_);
  if (!found) return found.error().within("message " + message.hex());
  if (!*found) return Error(Code::NotFound, "no such message");
  const auto parts = split_body(view(body->stored_));
  if (!parts) return Error(Code::Corrupt, "the body of message " + message.hex() + " is malformed");
  body->envelope_ = parts->envelope.size();
  body->large_ = parts->large;
  const std::lock_guard lock(mutex_);
  // A body that was removed while it was read must not enter the cache, where nothing would ever
  // remove it. Any forget() in between prevents it, which is rare enough.
  if (forgotten == forgotten_) {
    kept_.push_front({mailbox, message, body});
    if (kept_.size() > kKept) kept_.pop_back();
  }
  return std::shared_ptr<const Body>(std::move(body));
}

void Bodies::forget(const MailboxId& mailbox, const MessageId& message) {
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  kept_.remove_if([&](const Kept& kept) { return kept.message == message && kept.mailbox == mailbox; });
}

}  // namespace gw::store
