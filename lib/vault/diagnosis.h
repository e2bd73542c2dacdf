// Finds what is wrong with a vault and says how to fix it: the findings of `gw-store doctor` and of
// the console.
//
// A Diagnosis holds English text for people. Its `cause` and `facts` are for programs that
// translate the finding or filter by it. The functions here read the store; checks of the host
// (certificates, listeners) are elsewhere and use the same struct with Cause::None.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

// How severe a finding is, in ascending order. Good: nothing to do. Unknown: this user may not
// examine it. Trouble: mail is at risk or does not flow.
enum class Level : unsigned char { Good, Warning, Unknown, Trouble };
// Returns `good`, `warning`, `unknown` or `trouble`.
std::string_view name(Level level);

// What a finding is about. The comment of each value names the facts that are set besides `about`;
// "seconds" is an age.
enum class Cause : unsigned char {
  None,           // nothing is wrong, or the finding is about the host
  ReadOnly,       // detail: the reason
  DiskFull,       // size: bytes free
  LittleRoom,     // size: bytes free
  ClockBehind,    // seconds by which the history is ahead of the clock
  WeakPasswords,  // the vault was made with cheap password slots, for tests
  NoRecovery,     // the vault has no recovery recipient: a lost password means lost mail
  // count: at least so many sessions in the last week got a 5xx reply; time and detail: when, and
  // which client, the last time; size: the reply code of that time.
  Refused,
  DrainBroken,     // count: drains that ended at one message; detail: its id
  Unfetched,       // count: messages that wait; seconds: age of the oldest; time: of the last drain
  NeverDrained,    // the same without a time: there never was a drain
  Silence,         // seconds since the last delivery
  NeverDelivered,  // no message has ever arrived
  Quota,           // size: bytes used; limit: the quota in bytes
  Quarantined,     // count
  Unconfirmed,     // count
  Suspended,
  NoBackup,   // seconds since the vault was created, without a backup
  OldBackup,  // seconds since the last backup; time of it
  NoVerify,   // seconds since the vault was created, without a verification
  OldVerify,  // seconds since the last verification; time of it
  Findings,   // count: findings of the last verification; time of it
};
// Returns the name of the cause, as `disk-full`, by which translations are found.
std::string_view name(Cause cause);

// The numbers of a finding. Which fields are set depends on the cause; the others are 0 or
// empty.
struct Facts {
  std::uint64_t count = 0;
  std::uint64_t size = 0;
  std::uint64_t limit = 0;
  std::int64_t seconds = 0;
  Micros time = 0;  // microseconds since the epoch
  std::string detail;
};

// One finding.
struct Diagnosis {
  // The check that made the finding: `certificate`, `listener`, `disk`, … The names are stable,
  // because scripts select findings by them.
  std::string check;
  Level level = Level::Good;
  std::string about;  // the file, address or mailbox concerned
  std::string text;   // what was found
  std::string hint;   // what to do about it; empty if the level is Good
  Cause cause = Cause::None;
  Facts facts{};
};

// The ages from which on an examination warns.
struct DiagnosisLimits {
  // An active mailbox that has received nothing for this long.
  std::chrono::seconds silence{7 * 24 * 3600};
  // A message that has waited this long to be drained.
  std::chrono::seconds unfetched{24 * 3600};
  // A TLS certificate that expires within this time.
  std::chrono::seconds certificate{14 * 24 * 3600};
  // A vault that holds mail and has no backup younger than this.
  std::chrono::seconds backup{7 * 24 * 3600};
  // A vault that holds mail and was not verified for this long.
  std::chrono::seconds verify{30 * 24 * 3600};
};

// Examines health, disk, clock, settings, backups and verifications of the vault and then each
// mailbox, and appends what it finds to `findings`. `folder` is the path of the vault, for the text;
// the store itself says what is wrong with its storage. Fails only if the store cannot be read; what was found
// before that is in `findings`.
Result<void> examine_vault(store::Store& store, const std::string& folder, const DiagnosisLimits& limits,
                           std::vector<Diagnosis>& findings);

// Examines one mailbox: its history, ages, quota and messages in unusual states. Appends at least
// one finding, of level Good if nothing is wrong. Reads at most the newest 20,000 entries of the
// mailbox's history.
Result<void> examine_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                             const DiagnosisLimits& limits, std::vector<Diagnosis>& findings);

}  // namespace gw::vault
