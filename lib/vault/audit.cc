#include "vault/audit.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <map>

#include "base/encoding.h"
#include "base/text.h"
#include "store/iterate.h"
#include "store/merkle.h"

namespace gw::vault {
namespace {

constexpr Micros kAuditDay = Micros{86'400} * 1'000'000;
constexpr std::size_t kMaxAuditFindings = 20;
constexpr std::size_t kMaxAuditWho = 160;  // bytes
constexpr std::string_view kAuditOthers = "others";

// Size and root on the lines of a note (vault/checkpoint.h).
struct SignedHead {
  std::uint64_t size = 0;
  Digest root{};
};

Result<SignedHead> signed_head(std::string_view note, const VaultId& vault) {
  const std::vector<std::string_view> lines = split(note, '\n');
  const auto size = lines.size() > 2 ? parse_number(lines[1]) : std::nullopt;
  SignedHead head;
  if (!size || lines[0] != "gw/" + vault.hex() || !from_base64(lines[2], Padding::Full, head.root))
    return Error(Code::BadInput, "not a checkpoint of this vault");
  head.size = *size;
  return head;
}

// Returns the actor without what differs in each session, so that entries can be grouped: the
// transaction id of a delivery, and the reason after a colon of a push.
std::string who_of(std::string_view actor) {
  std::vector<std::string_view> words = split(actor, ' ');
  // The keeper puts `uid=N` and the right before what the client said.
  const std::size_t said = words.size() > 2 && words[0].starts_with("uid=") ? 2 : 0;
  const bool delivery = words[said] == "smtp" || words[said] == "proxy-pop3";
  if (delivery && words.size() > said + 2) words.resize(said + 2);
  std::string who;
  for (const std::string_view word : words) {
    if (!who.empty()) who += ' ';
    who += word;
  }
  if (const std::size_t colon = who.find(": "); colon != std::string::npos) who.resize(colon);
  who.resize(std::min(who.size(), kMaxAuditWho));
  return valid_text(who);
}

void list(AuditList& to, const store::Leaf& leaf) {
  ++to.total;
  if (to.events.size() == kMaxAuditList) return;
  to.events.push_back({leaf.time, leaf.index, std::string(name(leaf.type)), valid_text(leaf.actor),
                       leaf.value, leaf.type == store::LeafType::Head ? leaf.container : Digest{}});
}

class Audit {
 public:
  Audit(store::Store& store, const AuditOptions& options, AuditReport& report)
      : store_(store), options_(options), report_(report) {}

  Result<void> run(std::string_view actor);

 private:
  Result<void> take_note(std::string_view actor);
  Result<void> read_vault();
  Result<void> prove_head();
  Result<void> read_mailbox();
  void take(const store::Leaf& leaf);
  void find(std::string what) {
    if (report_.findings.size() < kMaxAuditFindings) report_.findings.push_back(std::move(what));
  }
  bool in_period(const store::Leaf& leaf) const {
    return leaf.time >= report_.period.begin && leaf.time < report_.period.end;
  }

  store::Store& store_;
  const AuditOptions& options_;
  AuditReport& report_;
  // The vault's history is read up to this size; its root is compared only if it is signed.
  SignedHead vault_head_;
  std::optional<store::Leaf> head_;         // the last head of this mailbox
  std::map<std::uint64_t, Digest> claims_;  // roots of the listed heads, by size
  std::map<std::string, AuditCounts> actors_;
};

Result<void> Audit::take_note(std::string_view actor) {
  const auto health = store_.health();
  if (!health) return health.error();
  report_.vault = health->vault;
  report_.verifier = health->verifier;
  report_.note = options_.note;
  if (report_.note.empty()) {
    auto note = store_.checkpoint(actor);
    // Without a history key the numbers are still of use; the report says that nothing is signed.
    if (!note && note.error().code() != Code::Config) return note.error();
    if (note) report_.note = std::move(*note);
  }
  if (report_.note.empty()) {
    const auto head = store_.history_head({});
    if (!head) return head.error();
    vault_head_ = {head->size, head->root};
    return {};
  }
  const auto head = signed_head(report_.note, report_.vault);
  if (!head) return head.error();
  vault_head_ = *head;
  return {};
}

// Reads the vault's history up to the checkpoint: the last head of the mailbox, and what the period
// has of it. Entries after the checkpoint are read too, for gaps and verifications of the period.
Result<void> Audit::read_vault() {
  store::CompactRange range;
  std::optional<Digest> root;
  if (vault_head_.size == 0) root = range.root();
  const auto read = store::for_each_leaf(store_, {}, 0, [&](const Bytes& stored) -> Result<void> {
    const std::uint64_t index = range.size();
    range.append(store::leaf_hash(stored));
    if (range.size() == vault_head_.size) root = range.root();
    const auto leaf = store::decode_leaf(stored);
    if (!leaf) {
      find("entry " + std::to_string(index) + " of the vault's history: " + leaf.error().text());
      return {};
    }
    if (leaf->index != index)
      find("entry " + std::to_string(index) + " of the vault's history is out of place");
    if (leaf->type == store::LeafType::Head && leaf->mailbox == report_.mailbox) {
      if (index < vault_head_.size) head_ = *leaf;
      if (in_period(*leaf)) {
        list(report_.checkpoints, *leaf);
        if (claims_.size() < kMaxAuditList) claims_.emplace(leaf->value, leaf->container);
      }
    }
    if (!in_period(*leaf)) return {};
    if (leaf->type == store::LeafType::Gap) list(report_.gaps, *leaf);
    // Version 0.1.0 recorded a verification as a change of a setting.
    if (leaf->type == store::LeafType::Verified ||
        (leaf->type == store::LeafType::Setting && leaf->actor.find(", verified, ") != std::string::npos))
      list(report_.verifications, *leaf);
    return {};
  });
  if (!read) return read.error();
  if (!root)
    find("the vault's history has " + std::to_string(range.size()) + " entries, but the checkpoint covers " +
         std::to_string(vault_head_.size) + ": an older state was restored");
  else if (*root != vault_head_.root)
    find("the vault's history does not match the checkpoint");
  if (head_) claims_.emplace(head_->value, head_->container);
  return {};
}

// A second pass, because the index of the head is known only after the first.
Result<void> Audit::prove_head() {
  if (!head_) return {};
  report_.size = head_->value;
  Inclusion inclusion;
  inclusion.index = head_->index;
  inclusion.size = vault_head_.size;
  store::InclusionWalk walk(inclusion.index, inclusion.size);
  store::CompactRange range;
  while (range.size() < vault_head_.size) {
    const auto page = store_.history_read({}, range.size(), 1000);
    if (!page) return page.error();
    if (page->empty()) return {};  // read_vault() has reported it
    for (const Bytes& stored : *page) {
      if (range.size() == vault_head_.size) break;
      if (range.size() == inclusion.index) inclusion.leaf = stored;
      const Digest hash = store::leaf_hash(stored);
      walk.append(hash);
      range.append(hash);
    }
  }
  inclusion.path = walk.path();
  inclusion.root = range.root();
  report_.head = std::move(inclusion);
  return {};
}

void Audit::take(const store::Leaf& leaf) {
  // What is added after the checkpoint of this report was made belongs to the next report.
  if (head_ && options_.note.empty() && leaf.index >= report_.size) return;
  if (leaf.time < report_.period.begin) {
    report_.before.add(leaf);
    ++report_.first;
    return;
  }
  if (!in_period(leaf)) return;
  ++report_.entries;
  if (leaf.index < report_.size) ++report_.covered;
  report_.counts.add(leaf);
  const auto day = static_cast<std::size_t>((leaf.time - report_.period.begin) / kAuditDay);
  report_.days[day].add(leaf);
  using store::LeafType;
  if (store::of_message(leaf.type) || leaf.type == LeafType::Refused) {
    std::string who = who_of(leaf.actor);
    if (actors_.size() >= kMaxAuditActors && !actors_.contains(who)) who = kAuditOthers;
    actors_[who].add(leaf);
  } else if (leaf.type == LeafType::Gap) {
    list(report_.gaps, leaf);
  } else {
    list(report_.changes, leaf);
  }
}

Result<void> Audit::read_mailbox() {
  store::CompactRange range;
  Micros time = 0;
  const auto compare = [&] {
    const auto [first, last] = claims_.equal_range(range.size());
    for (auto claim = first; claim != last; ++claim)
      if (claim->second != range.root())
        find("the mailbox's history does not match its head of " + std::to_string(range.size()) + " entries");
    if (range.size() == report_.size) report_.root = range.root();
  };
  compare();
  const auto read =
      store::for_each_leaf(store_, report_.mailbox, 0, [&](const Bytes& stored) -> Result<void> {
        const std::uint64_t index = range.size();
        if (index < report_.size && options_.each_leaf) {
          if (auto passed = options_.each_leaf(stored); !passed) return passed;
        }
        range.append(store::leaf_hash(stored));
        compare();
        const auto leaf = store::decode_leaf(stored);
        if (!leaf) {
          find("entry " + std::to_string(index) + " of the mailbox's history: " + leaf.error().text());
          return {};
        }
        if (leaf->index != index || leaf->time < time || leaf->mailbox != report_.mailbox)
          find("entry " + std::to_string(index) + " of the mailbox's history is out of place");
        time = std::max(time, leaf->time);
        take(*leaf);
        return {};
      });
  if (!read) return read.error();
  if (range.size() < report_.size)
    find("the mailbox's history has " + std::to_string(range.size()) + " entries, but its head covers " +
         std::to_string(report_.size) + ": an older state was restored");
  return {};
}

Result<void> Audit::run(std::string_view actor) {
  const auto days = (report_.period.end - report_.period.begin + kAuditDay - 1) / kAuditDay;
  report_.days.resize(static_cast<std::size_t>(days));
  if (auto done = take_note(actor); !done) return done;
  if (auto done = read_vault(); !done) return done;
  if (auto done = prove_head(); !done) return done;
  if (auto done = read_mailbox(); !done) return done;
  for (auto& [who, counts] : actors_)
    if (who != kAuditOthers) report_.actors.push_back({who, counts});
  if (const auto others = actors_.find(std::string(kAuditOthers)); others != actors_.end())
    report_.actors.push_back({others->first, others->second});
  return {};
}

}  // namespace

void AuditCounts::add(const store::Leaf& leaf) {
  using store::LeafType;
  switch (leaf.type) {
    case LeafType::Accepted:
    case LeafType::Pending:
      ++accepted;
      accepted_bytes += leaf.value;
      return;
    case LeafType::Drained:
      ++drained;
      return;
    case LeafType::Exported:
      ++exported;
      return;
    case LeafType::Removed:
      ++removed;
      return;
    case LeafType::Expired:
      ++expired;
      return;
    case LeafType::Discarded:
      ++discarded;
      return;
    case LeafType::Undeleted:
      ++undeleted;
      return;
    case LeafType::Quarantined:
      ++quarantined;
      return;
    case LeafType::Released:
      ++released;
      return;
    case LeafType::Refused:
      ++refused;
      return;
    default:
      return;
  }
}

std::optional<AuditPeriod> parse_period(std::string_view text) {
  const bool form = text.size() == 7 && text[4] == '-';
  const auto year = form ? parse_number(text.substr(0, 4)) : std::nullopt;
  const auto month = form ? parse_number(text.substr(5)) : std::nullopt;
  if (!year || !month || *year < 1970 || *month < 1 || *month > 12) return std::nullopt;
  using namespace std::chrono;
  const year_month first{std::chrono::year(static_cast<int>(*year)),
                         std::chrono::month(static_cast<unsigned>(*month))};
  const auto at = [](const year_month& when) {
    return duration_cast<microseconds>(sys_days(when / day(1)).time_since_epoch()).count();
  };
  return AuditPeriod{std::string(text), at(first), at(first + months(1))};
}

Result<AuditReport> audit(store::Store& store, const store::MailboxRecord& mailbox, const AuditPeriod& period,
                          const AuditOptions& options, std::string_view actor) {
  AuditReport report;
  report.mailbox = mailbox.id;
  report.name = mailbox.name;
  report.period = period;
  report.made = now();
  if (auto done = Audit(store, options, report).run(actor); !done) return done.error();
  return report;
}

}  // namespace gw::vault
