// The archive copies that gw-proxy makes of the mails of one POP3 login, and its knowledge of
// earlier ones.
//
//   Pop3Copies copies(store, mailbox, prints, envelope);
//   copies.set_listed(uidls);                      // the upstream's UIDL listing
//   Result<Pop3Copies::Copy> copy = copies.begin(number);
//   copy->write(data); ...                       // as RETR brings them
//   Result<Pop3Copies::Made> made = copy->finish();
//
// Each copy is committed together with three fingerprints: of its bytes, of its UIDL, and of its
// UIDL and size. They decide whether a mail has a copy already:
//   - After all bytes of a mail have passed, the fingerprint of the bytes decides.
//   - Before that (DELE of a mail that this session has not fetched) the fingerprint of UIDL and
//     size decides, provided that the upstream supports UIDL and no other mail has the same one.
//   - The UIDL alone proves nothing, because some servers use a UIDL again for another mail. It
//     only decides whether sealing the bytes while they pass is worth the work.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "base/result.h"
#include "base/secret.h"
#include "pop3/list_lines.h"
#include "seal/fingerprint.h"
#include "store/store.h"
#include "vault/delivery.h"

namespace gw::proxy {

// The UIDLs of the upstream's messages, kept as fingerprints by message number.
//
// Memory is bounded: a message beyond the first kMaxCount lines counts as having no UIDL. So do
// messages that share a UIDL, or a number, with another one.
class UidlList {
 public:
  static constexpr std::size_t kMaxCount = 250'000;

  // Parses more of the UIDL listing, which may be cut into pieces anywhere. Malformed lines are
  // ignored.
  void write(ByteView listing, const seal::Fingerprints& prints);
  // Sorts the list and removes duplicates. Call it once after the last write(), before of().
  void finish();
  // Returns the fingerprint of the message's UIDL, valid as long as this object; null if it has
  // none.
  const Digest* of(std::uint64_t number) const;

 private:
  pop3::ListLines lines_;
  std::vector<std::pair<std::uint64_t, Digest>> entries_;  // sorted by number after finish()
};

// Belongs to one session and its thread; not thread safe.
class Pop3Copies {
 public:
  // `envelope` holds the fields that all copies have in common. `store` is called for each message,
  // so that a keeper that restarts is found again; the stores that it returns must outlive the
  // copies.
  Pop3Copies(std::function<Result<store::Store*>()> store, const MailboxId& mailbox,
             seal::Fingerprints prints, vault::Envelope envelope);

  const seal::Fingerprints& fingerprints() const { return prints_; }
  bool listed() const { return listed_; }  // whether set_listed() was called
  // Sets the UIDLs of this session, after UidlList::finish(). Empty if the upstream has no UIDL
  // command.
  void set_listed(UidlList uidls);

  // Returns whether this session has made, or found in the vault, a durable copy of the message's
  // bytes.
  bool has(std::uint64_t number) const { return copied_.contains(number); }
  // Returns whether a mail with the message's UIDL and this size has a durable copy. `size` is in
  // bytes, as the upstream's LIST reports it. False if the message has no UIDL. Fails if the keeper
  // cannot be asked.
  Result<bool> had(std::uint64_t number, std::uint64_t size);

  enum class Made {
    Stored,  // a new copy was committed and is durable
    Known,   // the vault had a copy with the same bytes already
    // Another mail had this UIDL and no copy of this one exists. Fetch the mail again, for a copy
    // that begin(number, true) begins.
    DiffersNow
  };
  // The copy of one message while its bytes pass. Must not outlive its Pop3Copies. If it is
  // destroyed without finish(), nothing stays in the vault.
  class Copy {
   public:
    // Adds bytes of the message, without dot stuffing. Errors show in failed() and in finish().
    void write(ByteView data);
    // Decides by the bytes whether the mail has a copy, and commits the new one if not. Returns the
    // first error of write(), or that of the commit. Call it once, after the last byte.
    Result<Made> finish();
    bool failed() const { return failed_.has_value(); }

   private:
    friend class Pop3Copies;
    Copy(Pop3Copies& copies, std::uint64_t number, store::Store& store, const store::Recipient& to,
         bool seal);

    Pop3Copies& copies_;
    std::uint64_t number_;
    store::Store& store_;
    std::optional<vault::Delivery> delivery_;  // nullopt: not sealed, because its UIDL is known
    seal::Fingerprints::Content content_;
    std::uint64_t size_ = 0;  // bytes so far; CRLF line endings, so comparable with LIST
    std::optional<Error> failed_;
  };
  // Begins the copy of a message. If its UIDL is known, the bytes are only hashed and not sealed,
  // unless `again` is set. Fails with Conflict if the mailbox is suspended, with OverQuota if it is
  // full, with NotFound if it was removed, and with the store's error if the keeper cannot be
  // reached.
  Result<Copy> begin(std::uint64_t number, bool again = false);

  std::uint64_t stored() const { return stored_; }  // new copies of this session
  std::uint64_t known() const { return known_; }    // fetched mails that had a copy already

 private:
  Result<bool> known_by_name(std::uint64_t number, store::Store& store) const;
  Digest print_of(const Digest& uidl, std::uint64_t size) const;

  std::function<Result<store::Store*>()> store_of_;
  MailboxId mailbox_;
  seal::Fingerprints prints_;
  vault::Envelope envelope_;
  bool listed_ = false;
  UidlList uidls_;
  std::unordered_set<std::uint64_t> copied_;  // numbers, in this session
  std::uint64_t stored_ = 0;
  std::uint64_t known_ = 0;
};

}  // namespace gw::proxy
