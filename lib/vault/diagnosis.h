// What is wrong with a vault, and how to mend it: what `gw-store doctor` and the console say.
//
// A Diagnosis is text for people, in English; its cause and facts are what a program needs that says it in
// another language or picks some of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

enum class Level : unsigned char { Good, Warning, Trouble };
std::string_view name(Level level);  // `good`, `warning`, `trouble`

// Each with the facts that it has beside `about`.
enum class Cause : unsigned char {
  None,           // nothing is wrong, or it is about the host
  ReadOnly,       // detail: the reason
  DiskFull,       // octets free
  LittleRoom,     // octets free
  ClockBehind,    // seconds that the history is ahead
  WeakPasswords,  // slots for tests only
  NoRecovery,     // a lost password is lost mail
  Refused,  // count: at least so many connections in a week heard 5xx; time and detail of the last, its code
            // in octets
  DrainBroken,  // count drains ended at one message, detail
  Unfetched,    // count messages wait, the oldest for seconds; time of the last drain, 0: never one
  Silence,      // nothing came for seconds; 0: never anything
  Quota,        // octets used of limit
  Quarantined,  // count
  Unconfirmed,  // count
  Suspended,
  NoBackup,   // none for seconds, since the vault was made
  OldBackup,  // the last one is seconds old; its time
  NoVerify,   // nobody verified it for seconds, since the vault was made
  OldVerify,  // the last verification is seconds old; its time
  Findings,   // the last verification had count of them; its time
};

struct Facts {
  std::uint64_t count = 0;
  std::uint64_t octets = 0;
  std::uint64_t limit = 0;
  std::int64_t seconds = 0;
  Micros time = 0;
  std::string detail;
};

struct Diagnosis {
  std::string check;  // `certificate`, `listener`, …: stable, scripts select by it
  Level level = Level::Good;
  std::string about;  // the file, address or mailbox
  std::string text;   // what is so
  std::string hint;   // what the user can do; empty where it is good
  Cause cause = Cause::None;
  Facts facts{};
};

struct DiagnosisLimits {
  std::chrono::seconds silence{7 * 24 * 3600};       // an active mailbox that nothing came to for so long
  std::chrono::seconds unfetched{24 * 3600};         // a mail that has waited for the archive so long
  std::chrono::seconds certificate{14 * 24 * 3600};  // a certificate that ends so soon
  std::chrono::seconds backup{7 * 24 * 3600};        // a vault with mail and no backup for so long
  std::chrono::seconds verify{30 * 24 * 3600};       // a vault with mail that was not verified for so long
};

// Health, clock, settings, and each mailbox; `folder` is where the vault is. An Error only where the keeper
// is lost on the way.
Result<void> examine_vault(store::Store& store, const std::string& folder, const DiagnosisLimits& limits,
                           std::vector<Diagnosis>& findings);

// One mailbox of it.
Result<void> examine_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                             const DiagnosisLimits& limits, std::vector<Diagnosis>& findings);

}  // namespace gw::vault
