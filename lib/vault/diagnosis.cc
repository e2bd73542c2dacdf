#include "vault/diagnosis.h"

#include <algorithm>
#include <unordered_map>

#include "base/counted.h"
#include "base/text.h"
#include "store/iterate.h"
#include "vault/mailbox.h"
#include "vault/maintenance_log.h"
#include "vault/recovery.h"
#include "vault/totals.h"

namespace gw::vault {
namespace {

constexpr std::uint64_t kSkew = 5 * 60 * 1'000'000;  // microseconds; smaller differences are normal
// Fewer drains that ended at the same message may be a coincidence, for instance a bad network.
constexpr std::size_t kBrokenDrains = 3;
// Bounds the time of an examination of a mailbox with a long history.
constexpr std::uint64_t kLeavesLookedAt = 20'000;
constexpr std::int64_t kWeek = 7 * 86'400;

std::int64_t seconds_since(Micros time) {
  return (now() - time) / 1'000'000;
}

Cause cause_of(store::Trouble::Kind kind) {
  switch (kind) {
    case store::Trouble::Kind::ReadOnly:
      return Cause::ReadOnly;
    case store::Trouble::Kind::Full:
      return Cause::DiskFull;
    case store::Trouble::Kind::LittleRoom:
      return Cause::LittleRoom;
    case store::Trouble::Kind::Other:
      break;
  }
  return Cause::None;
}

// Passes on what the store says about itself. The checks that every store has get a line even if
// nothing is wrong, so that the list is complete.
void examine_health(const store::Health& health, const std::string& folder,
                    std::vector<Diagnosis>& findings) {
  const auto pass_on = [&](const store::Trouble& trouble) {
    Facts facts;
    if (trouble.kind == store::Trouble::Kind::ReadOnly) facts.detail = health.reason;
    if (trouble.kind == store::Trouble::Kind::Full || trouble.kind == store::Trouble::Kind::LittleRoom)
      facts.size = health.free_bytes;
    findings.push_back({trouble.check, trouble.urgent ? Level::Trouble : Level::Warning, folder, trouble.text,
                        trouble.hint, cause_of(trouble.kind), std::move(facts)});
  };
  const auto examine = [&](std::string_view check, std::string good, std::uint64_t size) {
    bool found = false;
    for (const store::Trouble& trouble : health.troubles) {
      if (trouble.check != check) continue;
      pass_on(trouble);
      found = true;
    }
    if (found) return;
    Facts facts;
    facts.size = size;
    findings.push_back({std::string(check), Level::Good, folder, std::move(good), {}, Cause::None, facts});
  };
  // A store that refuses changes without a reason must not be reported as writable.
  const bool explained = std::ranges::any_of(health.troubles, [](const store::Trouble& trouble) {
    return trouble.kind == store::Trouble::Kind::ReadOnly;
  });
  if (health.writable || explained)
    examine("vault", "writable", 0);
  else
    pass_on({store::Trouble::Kind::ReadOnly, true, "vault", "read-only: " + health.reason, {}});
  examine("disk", format_size(health.free_bytes) + " free", health.free_bytes);
  for (const store::Trouble& trouble : health.troubles)
    if (trouble.check != "vault" && trouble.check != "disk") pass_on(trouble);
}

// Returns when the vault was created: the time of the first entry in its history.
Result<Micros> made_at(store::Store& store) {
  const auto leaves = store.history_read({}, 0, 1);
  if (!leaves) return leaves.error();
  const auto made = leaves->empty() ? Error(Code::Corrupt, "the vault's history is empty")
                                    : store::decode_leaf(leaves->front());
  if (!made) return made.error();
  return made->time;
}

Result<bool> has_mail(store::Store& store) {
  const auto rows = mailbox_rows(store);
  if (!rows) return rows.error();
  return std::ranges::any_of(*rows, [](const MailboxRow& row) {
    return row.stat.live + row.stat.pending + row.stat.drained + row.stat.quarantined > 0;
  });
}

// A task that should be done regularly.
struct Chore {
  const char* check;
  std::optional<Micros> last;  // nullopt if it never was
  std::chrono::seconds limit;
  Cause never;
  Cause old;
  const char* hint;
};

// Warns if the task is overdue, counted from the vault's creation if it was never done. A vault
// without mail is not warned about, because it has nothing to lose.
Result<void> examine_chore(store::Store& store, const std::string& folder, const Chore& chore,
                           std::vector<Diagnosis>& findings) {
  const Result<Micros> since = chore.last ? Result<Micros>(*chore.last) : made_at(store);
  if (!since) return since.error();
  const std::int64_t age = seconds_since(*since);
  Diagnosis finding{chore.check, Level::Good, folder, {}, {}, Cause::None, {.seconds = age, .detail = {}}};
  finding.text = chore.last ? "last done at " + shown_time(*since) : "never done";
  if (age > chore.limit.count()) {
    const auto mail = has_mail(store);
    if (!mail) return mail.error();
    if (*mail) {
      finding.level = Level::Warning;
      finding.cause = chore.last ? chore.old : chore.never;
      finding.facts.time = chore.last.value_or(0);
      finding.hint = chore.hint;
    }
  }
  findings.push_back(std::move(finding));
  return {};
}

Result<void> examine_chores(store::Store& store, const std::string& folder, const DiagnosisLimits& limits,
                            std::vector<Diagnosis>& findings) {
  const auto backup = last_backup(store);
  if (!backup) return backup.error();
  const auto backed_up = *backup ? std::optional((*backup)->time) : std::nullopt;
  if (auto done = examine_chore(store, folder,
                                {"backup", backed_up, limits.backup, Cause::NoBackup, Cause::OldBackup,
                                 "run gw-store backup DEST daily, by gw-backup.timer or cron"},
                                findings);
      !done)
    return done;
  const auto verify = last_verify(store);
  if (!verify) return verify.error();
  // Damage is more urgent than the age of the verification that found it.
  if (*verify && (*verify)->findings > 0) {
    const VerifyNote& note = **verify;
    findings.push_back(
        {"verify", Level::Trouble, folder,
         "the last run, at " + shown_time(note.time) + ", reported " + counted(note.findings, "finding"),
         "run gw-store verify to list them, and keep the newest backup made before", Cause::Findings,
         Facts{.count = note.findings, .time = note.time, .detail = {}}});
    return {};
  }
  const auto verified = *verify ? std::optional((*verify)->time) : std::nullopt;
  return examine_chore(store, folder,
                       {"verify", verified, limits.verify, Cause::NoVerify, Cause::OldVerify,
                        "run gw-store verify weekly, by gw-verify.timer or cron"},
                       findings);
}

// Within a history times never decrease. If the last leaf is ahead of the clock, the clock was
// wrong then or is wrong now; grace periods and lease times depend on it.
Result<void> examine_clock(store::Store& store, const MailboxId& log, const std::string& about,
                           std::vector<Diagnosis>& findings) {
  const auto head = store.history_head(log);
  if (!head) return head.error();
  const Micros ahead = head->time - now();
  if (ahead > static_cast<Micros>(kSkew)) {
    findings.push_back(
        {"clock", Level::Warning, about,
         "the last entry of the history is " + shown_age(ahead / 1'000'000) + " ahead of the clock",
         "set the clock of this host and synchronize it with NTP", Cause::ClockBehind,
         Facts{.seconds = ahead / 1'000'000, .detail = {}}});
    // A clock that is right is reported once, for the vault, and not for each mailbox.
  } else if (log.zero()) {
    findings.push_back({"clock", Level::Good, about, "not earlier than the history", {}, Cause::None, {}});
  }
  return {};
}

// What the newest entries of a mailbox's history say.
struct Recent {
  std::unordered_map<MessageId, std::size_t> broken;  // drains that ended at it
  std::size_t refused = 0;  // sessions whose client got a 5xx reply, in the last week
  store::Leaf last_refused;
};

Result<Recent> recent_history(store::Store& store, const MailboxId& mailbox) {
  const auto head = store.history_head(mailbox);
  if (!head) return head.error();
  Recent recent;
  const std::uint64_t from = head->size > kLeavesLookedAt ? head->size - kLeavesLookedAt : 0;
  const auto looked = for_each_leaf(store, mailbox, from, [&](const Bytes& stored) -> Result<void> {
    const auto leaf = store::decode_leaf(stored);
    // An entry of a newer version is skipped; a damaged one is an error.
    if (!leaf && leaf.error().code() == Code::Version) return {};
    if (!leaf) return leaf.error();
    if (leaf->type == store::LeafType::Interrupted) {
      ++recent.broken[leaf->message];
    } else if (leaf->type == store::LeafType::Refused) {
      if (seconds_since(leaf->time) < kWeek) ++recent.refused;
      recent.last_refused = *leaf;
      // Drained, removed or quarantined: the next drain gets past the message.
    } else if (leaf->type != store::LeafType::Exported) {
      recent.broken.erase(leaf->message);
    }
    return {};
  });
  if (!looked) return looked.error();
  std::erase_if(recent.broken, [](const auto& each) { return each.second < kBrokenDrains; });
  return recent;
}

// Collects the warnings about one mailbox.
class MailboxLook {
 public:
  MailboxLook(const store::MailboxRecord& mailbox, const store::MailboxStat& stat,
              std::vector<Diagnosis>& findings)
      : mailbox_(mailbox), stat_(stat), findings_(findings) {}

  void at_history(const Recent& recent);
  void at_times(const DiagnosisLimits& limits);
  void at_counts();

 private:
  void warn(std::string check, Cause cause, Facts facts, std::string text, std::string hint) {
    findings_.push_back({std::move(check), Level::Warning, mailbox_.name, std::move(text), std::move(hint),
                         cause, std::move(facts)});
  }

  const store::MailboxRecord& mailbox_;
  const store::MailboxStat& stat_;
  std::vector<Diagnosis>& findings_;
};

void MailboxLook::at_history(const Recent& recent) {
  if (recent.refused > 0) {
    const store::Leaf& last = recent.last_refused;
    warn("refused", Cause::Refused,
         Facts{.count = recent.refused, .size = last.value, .time = last.time, .detail = last.actor},
         "senders received 5xx at least " + counted(recent.refused, "time") +
             " in the last week, most recently " + std::to_string(last.value) + " at " +
             shown_time(last.time) + " (" + last.actor + ")",
         "their mail may be lost: see `sender received 5xx` and the lines before it in gw-smtpd's log");
  }
  for (const auto& [message, times] : recent.broken) {
    findings_.push_back({"drain", Level::Trouble, mailbox_.name,
                         counted(times, "drain") + " ended early at message " + message.hex(),
                         "save it with gw-store message show, then run gw-store message quarantine " +
                             mailbox_.name + " " + message.hex(),
                         Cause::DrainBroken, Facts{.count = times, .detail = message.hex()}});
  }
}

void MailboxLook::at_times(const DiagnosisLimits& limits) {
  if (stat_.oldest != 0 && seconds_since(stat_.oldest) > limits.unfetched.count()) {
    const std::int64_t waits = seconds_since(stat_.oldest);
    warn("drain", stat_.last_drain == 0 ? Cause::NeverDrained : Cause::Unfetched,
         Facts{.count = stat_.live, .seconds = waits, .time = stat_.last_drain, .detail = {}},
         "the oldest of " + counted(stat_.live, "message") + " has been waiting for " + shown_age(waits) +
             (stat_.last_drain == 0 ? ", never drained" : ", last drain at " + shown_time(stat_.last_drain)),
         "check whether the archive still fetches: see its log and gw-pop3d's");
  }
  // A new mailbox is given the same time before it is called silent.
  const Micros last = std::max(stat_.last_delivery, mailbox_.created);
  if (mailbox_.status == store::Status::Active && seconds_since(last) > limits.silence.count()) {
    const bool never = stat_.last_delivery == 0;
    const std::int64_t silent = never ? 0 : seconds_since(stat_.last_delivery);
    warn("silence", never ? Cause::NeverDelivered : Cause::Silence, Facts{.seconds = silent, .detail = {}},
         never ? "no message has ever arrived" : "no message has arrived for " + shown_age(silent),
         "check that the sender's journal rule and connector still point to " + mailbox_.local_part());
  }
}

void MailboxLook::at_counts() {
  // Dividing first cannot overflow.
  if (mailbox_.quota != 0 && stat_.live_bytes > mailbox_.quota / 10 * 9) {
    warn("quota", Cause::Quota, Facts{.size = stat_.live_bytes, .limit = mailbox_.quota, .detail = {}},
         format_size(stat_.live_bytes) + " of " + format_size(mailbox_.quota) + " used",
         "let the archive drain it, or raise the quota with gw-store mailbox set --quota");
  }
  if (stat_.quarantined > 0) {
    warn("quarantine", Cause::Quarantined, Facts{.count = stat_.quarantined, .detail = {}},
         counted(stat_.quarantined, "quarantined message"),
         "gw-store message list " + mailbox_.name + " --state quarantined");
  }
  if (stat_.unconfirmed > 0) {
    warn("unconfirmed", Cause::Unconfirmed, Facts{.count = stat_.unconfirmed, .detail = {}},
         counted(stat_.unconfirmed, "copy", "copies") +
             " of mail that the upstream server may not have accepted",
         "gw-store message list " + mailbox_.name + " --state unconfirmed");
  }
  if (mailbox_.status == store::Status::Suspended)
    warn("suspended", Cause::Suspended, {}, "senders get a temporary error",
         "gw-store mailbox set " + mailbox_.name + " --status active");
}

// Adds a finding for mailboxes whose keys are sealed to other recovery recipients than the present
// ones. A mailbox without a recovery slot was created like that.
Result<void> examine_recovery(store::Store& store, const std::vector<RecoveryRecipient>& recipients,
                              const std::vector<store::MailboxRecord>& mailboxes, const std::string& folder,
                              std::vector<Diagnosis>& findings) {
  std::size_t outdated = 0;
  std::string first;
  for (const store::MailboxRecord& mailbox : mailboxes) {
    const auto to = recovery_slot_of(store, mailbox.id, recipients);
    if (!to && to.error().code() == Code::Corrupt) {
      findings.push_back({"recovery",
                          Level::Trouble,
                          mailbox.name,
                          "its recovery slot is damaged",
                          "gw-store recovery apply " + mailbox.name,
                          Cause::None,
                          {}});
      continue;
    }
    if (!to) return to.error();
    const bool good = std::ranges::all_of(recipients, [&](const RecoveryRecipient& each) {
      const bool opens = std::ranges::find(*to, sha256(as_bytes(each.text))) != to->end();
      return opens != each.removed;
    });
    if (to->empty() || good) continue;
    if (outdated++ == 0) first = mailbox.name;
  }
  if (outdated == 0) return {};
  findings.push_back({"recovery",
                      Level::Warning,
                      folder,
                      counted(outdated, "mailbox is", "mailboxes are") +
                          " still sealed to earlier recovery recipients: " + first +
                          (outdated > 1 ? ", …" : ""),
                      "gw-store recovery apply " + first,
                      Cause::None,
                      {}});
  return {};
}

}  // namespace

std::string_view name(Level level) {
  switch (level) {
    case Level::Good:
      return "good";
    case Level::Warning:
      return "warning";
    case Level::Unknown:
      return "unknown";
    case Level::Trouble:
      break;
  }
  return "trouble";
}

std::string_view name(Cause cause) {
  // In the order of the enumerators.
  static constexpr std::string_view kNames[] = {
      "none",           "read-only",   "disk-full",       "little-room",  "clock",
      "weak-passwords", "no-recovery", "refused",         "drain-broken", "unfetched",
      "never-drained",  "silence",     "never-delivered", "quota",        "quarantined",
      "unconfirmed",    "suspended",   "no-backup",       "old-backup",   "no-verify",
      "old-verify",     "findings"};
  static_assert(std::size(kNames) == static_cast<std::size_t>(Cause::Findings) + 1);
  return kNames[static_cast<std::size_t>(cause)];
}

Result<void> examine_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                             const DiagnosisLimits& limits, std::vector<Diagnosis>& findings) {
  const auto stat = store.stat(mailbox.id);
  if (!stat) return stat.error();
  const auto recent = recent_history(store, mailbox.id);
  if (!recent) return recent.error();
  const std::size_t before = findings.size();
  MailboxLook look(mailbox, *stat, findings);
  look.at_history(*recent);
  look.at_times(limits);
  look.at_counts();
  // Without a warning the mailbox still gets a line, so that the list is complete.
  if (findings.size() == before)
    findings.push_back({"mailbox",
                        Level::Good,
                        mailbox.name,
                        counted(stat->live, "message") + " waiting, last delivery " +
                            shown_time(stat->last_delivery) + ", last drain " + shown_time(stat->last_drain),
                        {},
                        Cause::None,
                        Facts{.count = stat->live, .detail = {}}});
  return examine_clock(store, mailbox.id, mailbox.name, findings);
}

Result<void> examine_vault(store::Store& store, const std::string& folder, const DiagnosisLimits& limits,
                           std::vector<Diagnosis>& findings) {
  const auto health = store.health();
  if (!health) return health.error();
  examine_health(*health, folder, findings);
  if (auto clock = examine_clock(store, {}, folder, findings); !clock) return clock;

  const auto settings = vault::read_settings(store);
  if (!settings) return settings.error();
  if (settings->cheap_passwords)
    findings.push_back({"passwords",
                        Level::Trouble,
                        folder,
                        "its password slots have a weak cost, which is only for tests",
                        "create a new vault with gw-store init",
                        Cause::WeakPasswords,
                        {}});
  const auto recipients = vault::recovery_recipients(store);
  if (!recipients && recipients.error().code() != Code::Corrupt) return recipients.error();
  if (!recipients)
    findings.push_back({"recovery",
                        Level::Trouble,
                        folder,
                        recipients.error().text(),
                        "compare gw-store recovery list with gw-store history",
                        Cause::None,
                        {}});
  if (recipients && recipients->empty())
    findings.push_back({"recovery",
                        Level::Good,
                        folder,
                        "no recovery key: mail is lost if its password is lost",
                        {},
                        Cause::NoRecovery,
                        {}});
  if (auto looked = examine_chores(store, folder, limits, findings); !looked) return looked;

  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  if (recipients)
    if (auto examined = examine_recovery(store, *recipients, *mailboxes, folder, findings); !examined)
      return examined;
  for (const store::MailboxRecord& mailbox : *mailboxes)
    if (auto examined = examine_mailbox(store, mailbox, limits, findings); !examined) return examined;
  return {};
}

}  // namespace gw::vault
