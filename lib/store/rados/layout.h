// Where a RadosStore keeps what. The rules of the stores name data by family and key (store/keys.h);
// here each such key leads to a key of one object.
//
// Objects. Their names begin with a letter; ids are 32 hex digits, INC is the incarnation of a keeper
// (16 hex digits, new each time that it opens the store), and N a number in 16 hex digits.
//
//   meta pool
//     v                        index of the vault: its history, names, small records, list of mailboxes
//     m.MAILBOX                index of a mailbox
//     h.LOG.N                  leaves kBlock·N to kBlock·(N+1)−1 of a history, moved out of its index
//     f.MAILBOX.XX             fingerprint -> message, by the first byte of the fingerprint
//   data pool
//     p.MAILBOX.INC.N          pack: bodies of messages, or removal records (pack.h); never changed
//     p.MAILBOX.INC.N.N        part of a large container, whose pack holds nothing else; from 1
//
// The index orders the history: every change is one write to one index (two for the few changes that
// need it, see intent.h), which is refused unless the index has the version that the change was
// judged by. Attribute `v` is that version in 16 hex digits; it grows by 1 with each write. Keys, with
// numbers in 16 hex digits:
//
//     S                        IndexState
//     K                        kept time, wall time
//     T                        empty or absent, or the id of an intent: nothing else may change then
//     wINC                     number of the last write of this keeper; one without it is fenced
//     nINC                     numbers of its packs: all below the first are known, and it may use those
//                              below the second
//     oINC                     the same of a keeper that was fenced; its packs without a `k` are removed
//     rKKNAME                  record of kind KK (two hex digits); the name in hex
//     mSEQ iMESSAGE pSEQ       messages, locations, pending: as in store/keys.h
//     dCHANGEDSEQ xGONEMESSAGE drained messages, removal records, oldest first: as in store/keys.h
//     bMESSAGE qMESSAGE        Place of a body, or of a removal record, in a pack
//     kINCN                    PackCount
//     tINCN                    number of parts of a pack that nothing names any more: to be removed
//     lINDEX                   a leaf
//     z                        the mailbox was removed, and its objects f, g and p are to be removed
//   of the vault only
//     DMAILBOX                 1, or 0 if the mailbox was removed
//     cMAILBOX                 size of its history at its last Head leaf
//     yID                      an intent (intent.h)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/id.h"
#include "store/keys.h"

namespace gw::store::rados {

inline constexpr char kVersion[] = "v";
inline constexpr char kState[] = "S";
inline constexpr char kKept[] = "K";
inline constexpr char kTurn[] = "T";
inline constexpr char kCleaning[] = "z";

// Leaves in one object `h`.
inline constexpr std::uint64_t kBlock = 4096;

std::string hex16(std::uint64_t value);
// Returns 0 unless `text` is 16 hex digits.
std::uint64_t from_hex16(std::string_view text);

// Names of objects. A zero mailbox is the vault.
std::string index_object(const MailboxId& log);
std::string block_object(const MailboxId& log, std::uint64_t block);
std::string seen_object(const MailboxId& mailbox, std::uint8_t shard);

// One key of one object.
struct Spot {
  std::string object;
  std::string key;

  auto operator<=>(const Spot&) const = default;
};
// Returns where the value of a key is. `key` must be one that store/keys.h makes.
Spot spot(Family family, ByteView key);
// The keys of a mailbox's index for the place of a body and for the location of a message.
std::string body_spot(const MessageId& message);
std::string location_spot(const MessageId& message);

// Keys of one object, from the first one after `after` that begins with `prefix`, up to but not
// including `end`.
struct Range {
  std::string object;
  std::string prefix;
  std::string after;
  std::string end;  // empty: all with the prefix
  Bytes head;       // the bytes before the rest of a key, for key_at()
};
// Returns the keys between two keys of the same family, tag and mailbox; `end` may be after all of
// them.
Range range(Family family, ByteView from, ByteView end);
// Returns the key of store/keys.h for a key of the range's object.
Bytes key_at(const Range& range, std::string_view key);

}  // namespace gw::store::rados
