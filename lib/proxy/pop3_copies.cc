#include "proxy/pop3_copies.h"

#include <algorithm>

#include "base/log.h"
#include "vault/route.h"

namespace gw::proxy {
namespace {

// Sorts the entries by `key` and removes every entry whose key occurs more than once, all of them:
// it is unknown which of two messages with the same UIDL a fingerprint belongs to.
template <class Entries, class Key>
void keep_unique(Entries& entries, Key key) {
  std::sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) { return a.*key < b.*key; });
  auto kept = entries.begin();
  for (auto at = entries.begin(); at != entries.end();) {
    auto next = at + 1;
    while (next != entries.end() && (*next).*key == (*at).*key) ++next;
    if (next == at + 1) *kept++ = *at;
    at = next;
  }
  entries.erase(kept, entries.end());
}

}  // namespace

void UidlList::write(ByteView listing, const seal::Fingerprints& prints) {
  lines_.write(listing, [&](std::string_view line) {
    const std::optional<pop3::UidlLine> named = pop3::parse_uidl_line(line);
    if (named && entries_.size() < kMaxCount)
      entries_.emplace_back(named->number, prints.of_uidl(named->uidl));
  });
}

void UidlList::finish() {
  using Entry = std::pair<std::uint64_t, Digest>;
  // By number last, because of() searches by number.
  keep_unique(entries_, &Entry::second);
  keep_unique(entries_, &Entry::first);
  entries_.shrink_to_fit();
}

const Digest* UidlList::of(std::uint64_t number) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), number,
                                      [](const auto& entry, std::uint64_t n) { return entry.first < n; });
  return found != entries_.end() && found->first == number ? &found->second : nullptr;
}

Pop3Copies::Pop3Copies(std::function<Result<store::Store*>()> store, const MailboxId& mailbox,
                       seal::Fingerprints prints, vault::Envelope envelope)
    : store_of_(std::move(store)),
      mailbox_(mailbox),
      prints_(std::move(prints)),
      envelope_(std::move(envelope)) {}

void Pop3Copies::set_listed(UidlList uidls) {
  listed_ = true;
  uidls_ = std::move(uidls);
}

Result<bool> Pop3Copies::had(std::uint64_t number, std::uint64_t size) {
  const Digest* uidl = uidls_.of(number);
  if (uidl == nullptr) return false;
  const Result<store::Store*> store = store_of_();
  if (!store) return store.error();
  return (*store)->seen(mailbox_, print_of(*uidl, size));
}

// Returns the fingerprint of a UIDL and a size together. It uses the hash for UIDLs, but no UIDL
// contains a space (RFC 1939, section 7), so it never equals the fingerprint of a UIDL.
Digest Pop3Copies::print_of(const Digest& uidl, std::uint64_t size) const {
  return prints_.of_uidl(to_hex(uidl) + " " + std::to_string(size));
}

// Returns whether the UIDL is known. This is only used for mails whose bytes are compared later, in
// finish(): a server may use a UIDL again for another mail.
Result<bool> Pop3Copies::known_by_name(std::uint64_t number, store::Store& store) const {
  if (copied_.contains(number)) return true;
  const Digest* uidl = uidls_.of(number);
  if (uidl == nullptr) return false;
  return store.seen(mailbox_, *uidl);
}

Result<Pop3Copies::Copy> Pop3Copies::begin(std::uint64_t number, bool again) {
  const Result<store::Store*> store = store_of_();
  if (!store) return store.error();
  if (!again) {
    const Result<bool> known = known_by_name(number, **store);
    if (!known) return known.error();
    // Hash the bytes without sealing them. This saves the key agreement, the encryption and the
    // writes for every mail that a client leaves on the server and fetches again.
    if (*known) return Copy(*this, number, **store, {}, false);
  }
  const Result<store::Recipient> to = vault::target(**store, mailbox_);
  if (!to) return to.error();
  if (to->mailbox.status == store::Status::Suspended)
    return Error(Code::Conflict, "mailbox " + to->mailbox.name + " is suspended");
  // Fail now and not at the commit: the client then gets -ERR before the mail, and the session goes
  // on.
  if (to->room == 0) return Error(Code::OverQuota, "mailbox " + to->mailbox.name + " has reached its quota");
  Copy copy(*this, number, **store, *to, true);
  if (copy.failed_) return *copy.failed_;
  return copy;
}

Pop3Copies::Copy::Copy(Pop3Copies& copies, std::uint64_t number, store::Store& store,
                       const store::Recipient& to, bool seal)
    : copies_(copies), number_(number), store_(store), content_(copies.prints_.content()) {
  if (!seal) return;
  const vault::Envelope& envelope = copies.envelope_;
  const std::string actor = "proxy-pop3 " + envelope.peer + " " + envelope.transaction;
  auto delivery = vault::Delivery::begin(store, to, envelope, actor);
  if (delivery)
    delivery_ = std::move(*delivery);
  else
    failed_ = delivery.error();
}

void Pop3Copies::Copy::write(ByteView data) {
  content_.update(data);
  size_ += data.size();
  if (!delivery_ || failed_) return;
  // Hashing goes on after a failure, but the container must not be committed with a gap.
  if (const Result<void> written = delivery_->write(data); !written) {
    failed_ = written.error();
    delivery_.reset();
  }
}

Result<Pop3Copies::Made> Pop3Copies::Copy::finish() {
  if (failed_) return *failed_;
  // The bytes decide. Another session may also have copied the same mail in the meantime.
  const Digest print = content_.finish();
  const Result<bool> seen = store_.seen(copies_.mailbox_, print);
  if (!seen) return seen.error();
  if (*seen) {
    ++copies_.known_;
  } else if (!delivery_) {
    return Made::DiffersNow;
  } else {
    // The fingerprints are part of the message's commit. If they were stored separately, a crash in
    // between could leave a fingerprint without a copy, and the mail would be deleted at the
    // upstream.
    delivery_->add_fingerprint(print);
    if (const Digest* uidl = copies_.uidls_.of(number_)) {
      delivery_->add_fingerprint(*uidl);
      delivery_->add_fingerprint(copies_.print_of(*uidl, size_));
    }
    const Result<vault::Stored> stored = delivery_->finish();
    if (!stored) return stored.error();
    log::info("copied", {{"transaction", copies_.envelope_.transaction},
                         {"route", copies_.envelope_.route},
                         {"id", stored->id.hex()}});
    ++copies_.stored_;
  }
  copies_.copied_.insert(number_);
  return *seen ? Made::Known : Made::Stored;
}

}  // namespace gw::proxy
