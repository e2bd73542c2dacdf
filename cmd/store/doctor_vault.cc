// What gw-store doctor looks at in the vault.
#include <algorithm>
#include <filesystem>
#include <unordered_map>

#include "base/text.h"
#include "store/doctor.h"
#include "store/format.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

constexpr std::uint64_t kLittleRoom = 1 << 30;
constexpr std::uint64_t kSkew = 5 * 60 * 1'000'000;
// So many drains that broke off at the same message are no coincidence.
constexpr std::size_t kBrokenDrains = 3;
constexpr std::uint64_t kLeavesLookedAt = 20'000;
constexpr std::int64_t kWeek = 7 * 86'400;

std::int64_t seconds_since(Micros time) {
  return (now() - time) / 1'000'000;
}

void examine_health(const store::Health& health, const std::string& folder, std::vector<Finding>& findings) {
  Finding state{"vault", Level::Good, folder, "writable", {}};
  if (!health.writable) {
    state.level = Level::Trouble;
    state.text = "read-only: " + health.reason;
    state.hint = "export what is there before anything else; new mail is asked to come again";
  }
  findings.push_back(std::move(state));

  std::error_code failed;
  const auto space = std::filesystem::space(folder, failed);
  const bool little =
      health.free_octets < kLittleRoom && (failed || health.free_octets < space.capacity / 10);
  Finding disk{"disk", Level::Good, folder, format_size(health.free_octets) + " free", {}};
  if (health.full || little) {
    disk.level = health.full ? Level::Trouble : Level::Warning;
    if (health.full) disk.text += ": new mail is asked to come again";
    disk.hint = "make room on this disk, let the archive drain, or lower the grace time";
  }
  findings.push_back(std::move(disk));
}

// A history's times never run back: where its last leaf is ahead, the clock was wrong then or is wrong now.
Result<void> examine_clock(store::Store& store, const MailboxId& log, const std::string& about,
                           std::vector<Finding>& findings) {
  const auto head = store.history_head(log);
  if (!head) return head.error();
  const Micros ahead = head->time - now();
  if (ahead > static_cast<Micros>(kSkew)) {
    findings.push_back(
        {"clock", Level::Warning, about,
         "the last entry of the history is " + shown_age(ahead / 1'000'000) + " ahead of the clock",
         "set the clock of this host, and keep it set by NTP"});
  } else if (log.zero()) {
    findings.push_back({"clock", Level::Good, about, "not behind the history", {}});
  }
  return {};
}

// What the newest leaves of a mailbox's history say.
struct Recent {
  std::unordered_map<MessageId, std::size_t> broken;  // drains that broke off at it; it is still there
  std::size_t refused = 0;                            // sessions whose sender heard 5xx, in the last week
  store::Leaf last_refused;
};

Result<Recent> recent_history(store::Store& store, const MailboxId& mailbox) {
  const auto head = store.history_head(mailbox);
  if (!head) return head.error();
  Recent recent;
  const std::uint64_t from = head->size > kLeavesLookedAt ? head->size - kLeavesLookedAt : 0;
  const auto looked = for_each_leaf(store, mailbox, from, [&](const Bytes& stored) -> Result<void> {
    const auto leaf = store::decode_leaf(stored);
    if (!leaf) return leaf.error();
    if (leaf->type == store::LeafType::Interrupted) {
      ++recent.broken[leaf->message];
    } else if (leaf->type == store::LeafType::Refused) {
      if (seconds_since(leaf->time) < kWeek) ++recent.refused;
      recent.last_refused = *leaf;
    } else if (leaf->type != store::LeafType::Exported) {
      recent.broken.erase(leaf->message);  // drained, removed, set aside: the next drain goes on behind it
    }
    return {};
  });
  if (!looked) return looked.error();
  std::erase_if(recent.broken, [](const auto& each) { return each.second < kBrokenDrains; });
  return recent;
}

Result<void> examine_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                             const DoctorLimits& limits, std::vector<Finding>& findings) {
  const auto stat = store.stat(mailbox.id);
  if (!stat) return stat.error();
  const std::size_t before = findings.size();
  const auto warn = [&](std::string check, std::string text, std::string hint) {
    findings.push_back({std::move(check), Level::Warning, mailbox.name, std::move(text), std::move(hint)});
  };

  const auto recent = recent_history(store, mailbox.id);
  if (!recent) return recent.error();
  if (recent->refused > 0) {
    warn("refused",
         std::to_string(recent->refused) + " connections heard 5xx in the last week, the last one " +
             std::to_string(recent->last_refused.value) + " at " + shown_time(recent->last_refused.time) +
             " (" + recent->last_refused.actor + ")",
         "their mail is perhaps lost: `sender heard 5xx` and what is before it in gw-smtpd's log says why");
  }
  for (const auto& [message, times] : recent->broken) {
    findings.push_back(
        {"drain", Level::Trouble, mailbox.name,
         "message " + message.hex() + " broke off " + std::to_string(times) + " drains",
         "the archive cannot take it: save it with gw-store message show, then gw-store message "
         "quarantine " +
             mailbox.name + " " + message.hex()});
  }
  if (stat->oldest != 0 && seconds_since(stat->oldest) > limits.unfetched.count()) {
    warn("drain",
         "the oldest of " + std::to_string(stat->live) + " messages waits for " +
             shown_age(seconds_since(stat->oldest)) +
             (stat->last_drain == 0 ? ", nothing was ever drained"
                                    : ", the last drain was at " + shown_time(stat->last_drain)),
         "see whether the archive still fetches: its log, and `pop3` lines in ours");
  }
  const Micros last = std::max(stat->last_delivery, mailbox.created);
  if (mailbox.status == store::Status::Active && seconds_since(last) > limits.silence.count()) {
    warn("silence",
         stat->last_delivery == 0 ? std::string("nothing has ever come")
                                  : "nothing came for " + shown_age(seconds_since(stat->last_delivery)),
         "see whether the sender's journal rule and connector still point to mbx-" + mailbox.id.hex());
  }
  if (mailbox.quota != 0 && stat->live_octets > mailbox.quota / 10 * 9) {
    warn("quota", format_size(stat->live_octets) + " of " + format_size(mailbox.quota) + " are used",
         "beyond it senders are asked to come again: drain, or gw-store mailbox set --quota");
  }
  if (stat->quarantined > 0) {
    warn("quarantine", std::to_string(stat->quarantined) + " messages are set aside",
         "gw-store message list " + mailbox.name + " --state quarantined");
  }
  if (stat->unconfirmed > 0) {
    warn("unconfirmed",
         std::to_string(stat->unconfirmed) + " copies of mail that upstream has perhaps not taken",
         "gw-store message list " + mailbox.name + " --state unconfirmed");
  }
  if (mailbox.status == store::Status::Suspended)
    warn("suspended", "new mail is asked to come again",
         "gw-store mailbox set " + mailbox.name + " --status active");
  if (findings.size() == before)
    findings.push_back({"mailbox",
                        Level::Good,
                        mailbox.name,
                        std::to_string(stat->live) + " messages wait, last delivery " +
                            shown_time(stat->last_delivery) + ", last drain " + shown_time(stat->last_drain),
                        {}});
  return examine_clock(store, mailbox.id, mailbox.name, findings);
}

}  // namespace

Result<void> examine_vault(store::Store& store, const std::string& folder, const DoctorLimits& limits,
                           std::vector<Finding>& findings) {
  const auto health = store.health();
  if (!health) return health.error();
  examine_health(*health, folder, findings);
  if (auto clock = examine_clock(store, {}, folder, findings); !clock) return clock;

  const auto settings = vault::read_settings(store);
  if (!settings) return settings.error();
  if (settings->cheap_passwords)
    findings.push_back({"passwords", Level::Trouble, folder, "its password slots are weak, for tests only",
                        "make a new vault with gw-store init"});
  if (settings->recovery_recipient.empty())
    findings.push_back({"recovery", Level::Good, folder, "none: a lost password is lost mail", {}});

  const auto mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  for (const store::MailboxRecord& mailbox : *mailboxes)
    if (auto examined = examine_mailbox(store, mailbox, limits, findings); !examined) return examined;
  return {};
}

}  // namespace gw::cmd
