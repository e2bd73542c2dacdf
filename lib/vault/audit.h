// The report for auditors: what happened to one mailbox in one period, counted from its history, and
// the evidence that this history is the one that the vault's signed checkpoint names.
//
// Everything comes from the two histories, so that a reader who has them can count again; no password
// is needed. Both histories are read from their start, one page at a time: the memory does not grow
// with them.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "store/store.h"
#include "vault/proof.h"

namespace gw::vault {

// History entries of a mailbox by what they say.
struct AuditCounts {
  std::uint64_t accepted = 0;  // also pending messages; those that are not kept are discarded later
  std::uint64_t accepted_bytes = 0;
  std::uint64_t drained = 0;
  std::uint64_t exported = 0;
  std::uint64_t removed = 0;  // by an administrator, or by a drain without grace period
  std::uint64_t expired = 0;
  std::uint64_t discarded = 0;
  std::uint64_t undeleted = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t released = 0;
  std::uint64_t refused = 0;  // sessions that ended with 5xx

  void add(const store::Leaf& leaf);
  // Returns the messages that are accepted and not removed, expired or discarded. Negative if a loss
  // was accepted and messages from before it are counted as removed only.
  std::int64_t remaining() const {
    return static_cast<std::int64_t>(accepted) - static_cast<std::int64_t>(removed + expired + discarded);
  }
};

// The fields of AuditCounts with their names in JSON, in the order in which reports list them.
struct AuditCount {
  const char* name;
  std::uint64_t AuditCounts::*value;
};
inline constexpr std::array kAuditCounts{
    AuditCount{"accepted", &AuditCounts::accepted},
    AuditCount{"accepted_bytes", &AuditCounts::accepted_bytes},
    AuditCount{"drained", &AuditCounts::drained},
    AuditCount{"exported", &AuditCounts::exported},
    AuditCount{"removed", &AuditCounts::removed},
    AuditCount{"expired", &AuditCounts::expired},
    AuditCount{"discarded", &AuditCounts::discarded},
    AuditCount{"undeleted", &AuditCounts::undeleted},
    AuditCount{"quarantined", &AuditCounts::quarantined},
    AuditCount{"released", &AuditCounts::released},
    AuditCount{"refused", &AuditCounts::refused},
};

// One calendar month in UTC, from `begin` to before `end`.
struct AuditPeriod {
  std::string name;  // `2026-10`
  Micros begin = 0;
  Micros end = 0;
};
// Parses `YYYY-MM`. Returns nullopt for anything else and for a year before 1970.
std::optional<AuditPeriod> parse_period(std::string_view text);

// Who caused entries: local user, right and program, without ids of single sessions.
struct AuditActor {
  std::string who;
  AuditCounts counts;
};

// An entry that a report lists by itself.
struct AuditEvent {
  Micros time = 0;
  std::uint64_t index = 0;
  std::string type;   // store::name() of the leaf's type
  std::string actor;  // as in the history, in valid UTF-8
  std::uint64_t value = 0;
  Digest root{};  // of a head: its root
};

// A list that is cut at kMaxAuditList; `total` counts what was cut as well.
struct AuditList {
  std::vector<AuditEvent> events;
  std::uint64_t total = 0;
};

// Limits of what one report holds.
inline constexpr std::size_t kMaxAuditActors = 200;
inline constexpr std::size_t kMaxAuditList = 200;

struct AuditReport {
  VaultId vault;
  MailboxId mailbox;
  std::string name;  // of the mailbox, now
  AuditPeriod period;
  Micros made = 0;                    // when this report was made
  std::uint64_t first = 0;            // index of the period's first entry in the mailbox's history
  std::uint64_t entries = 0;          // number of the period's entries
  std::uint64_t covered = 0;          // those of them that the checkpoint covers
  AuditCounts before;                 // entries before the period
  AuditCounts counts;                 // entries of the period
  std::vector<AuditCounts> days;      // one for each day of the period
  std::vector<AuditActor> actors;     // by name; the last one is `others` if there are too many
  AuditList changes;                  // of the mailbox: keys, slots, status, settings
  AuditList gaps;                     // accepted losses, in the history of the mailbox or of the vault
  AuditList verifications;            // recorded by `gw-store verify`, in the period
  AuditList checkpoints;              // heads of the mailbox's history in the vault's, in the period
  std::vector<std::string> findings;  // contradictions; empty if the histories are intact

  // The evidence. `head` is nullopt if the vault's history has no head of this mailbox yet, and
  // `note` is empty if the keeper has no history key.
  std::uint64_t size = 0;  // leaves of the mailbox's history that the head covers
  Digest root{};           // of the mailbox's history at that size
  std::optional<Inclusion> head;
  std::string note;
  std::string verifier;  // the public key, as the keeper reports it
};

struct AuditOptions {
  // A checkpoint that was made before, whose signature was verified; empty to make one now.
  std::string note;
  // Called with each leaf of the mailbox's history that the head covers, in order; may be null.
  std::function<Result<void>(ByteView leaf)> each_leaf;
};

// Counts the period of one mailbox, recomputes both histories and compares them with the
// checkpoint. Contradictions are in the report. Fails with BadInput if `options.note` is not a
// checkpoint of this vault, and if the store or `each_leaf` fails.
Result<AuditReport> audit(store::Store& store, const store::MailboxRecord& mailbox, const AuditPeriod& period,
                          const AuditOptions& options, std::string_view actor);

}  // namespace gw::vault
