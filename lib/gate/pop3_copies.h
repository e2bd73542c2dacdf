// The copies that gw-proxy makes of one POP3 login's mails, and what it knows of earlier ones.
//
// A copy is durable, with its fingerprints in the same commit, before finish() says so: of its octets, of its
// UIDL, and of its UIDL and size together.  Whether a mail has a copy is judged by what this session stored
// and by what is in the vault: by the mail's octets once they have passed, and before that by its UIDL and
// size, if upstream has UIDLs and no two mails share this one. A UIDL alone proves nothing, as some servers
// use one again for another mail.
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

namespace gw::gate {

// The names that upstream gives its messages, as fingerprints by number. Bounded: beyond kMost messages, and
// where two have the same name, a message counts as having none.
class UidlList {
 public:
  static constexpr std::size_t kMost = 250'000;

  void write(ByteView listing, const seal::Fingerprints& prints);  // the lines of UIDL, in pieces
  void finish();
  const Digest* of(std::uint64_t number) const;  // null: it has none

 private:
  pop3::ListLines lines_;
  std::vector<std::pair<std::uint64_t, Digest>> entries_;  // by number, once finished
};

class Pop3Copies {
 public:
  // `envelope` is what all copies have in common. The store is asked for anew for each message.
  Pop3Copies(std::function<Result<store::Store*>()> store, const MailboxId& mailbox,
             seal::Fingerprints prints, vault::Envelope envelope);

  const seal::Fingerprints& fingerprints() const { return prints_; }
  bool listed() const { return listed_; }  // whether upstream was asked for its UIDLs
  void set_listed(UidlList uidls);

  // Whether this session has made a durable copy of the message.
  bool has(std::uint64_t number) const { return copied_.contains(number); }
  // Whether one with the message's UIDL and this size, in octets as upstream lists it, has a durable copy.
  Result<bool> had(std::uint64_t number, std::uint64_t size);

  enum class Made {
    Stored,     // it is durable now
    Known,      // it was there
    DiffersNow  // another mail had this UIDL: this one has no copy yet, and has to be read and sealed anew
  };
  // One message on its way. Destruction without finish() leaves nothing behind.
  class Copy {
   public:
    void write(ByteView octets);  // failures are told by finish()
    Result<Made> finish();
    bool failed() const { return failed_.has_value(); }

   private:
    friend class Pop3Copies;
    Copy(Pop3Copies& copies, std::uint64_t number, store::Store& store, const store::Recipient& to,
         bool seal);

    Pop3Copies& copies_;
    std::uint64_t number_;
    store::Store& store_;
    std::optional<vault::Delivery> delivery_;  // none: only looked at, for it is known by its UIDL
    seal::Fingerprints::Content content_;
    std::uint64_t octets_ = 0;
    std::optional<Error> failed_;
  };
  // Fails where the copy cannot be made now: keeper not there, mailbox suspended or full. `anew`: it is
  // sealed even if its UIDL is known.
  Result<Copy> begin(std::uint64_t number, bool anew = false);

  std::uint64_t stored() const { return stored_; }
  std::uint64_t known() const { return known_; }

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

}  // namespace gw::gate
