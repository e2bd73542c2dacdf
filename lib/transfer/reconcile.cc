#include "transfer/reconcile.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "mime/message_ids.h"
#include "store/iterate.h"
#include "transfer/message_source.h"
#include "vault/proof.h"

namespace gw::transfer {
namespace {

// A message may be accepted so much earlier than the trace says, because of clocks, and so much later.
constexpr Micros kReconcileEarly = Micros{3'600} * 1'000'000;
constexpr Micros kReconcileLate = Micros{86'400} * 1'000'000;

constexpr std::pair<std::string_view, std::string TraceRow::*> kIgnoreFields[] = {
    {"id", &TraceRow::message_id},   {"sender", &TraceRow::sender}, {"recipient", &TraceRow::recipient},
    {"subject", &TraceRow::subject}, {"status", &TraceRow::status}, {"direction", &TraceRow::direction},
};

// Mail of the system itself: delivery reports have the null sender, journal reports that of Exchange.
constexpr std::string_view kNotifications[] = {"<>", "postmaster@*", "mailer-daemon@*",
                                               "MicrosoftExchange*@*"};
// What Microsoft and Google call mail that no recipient got.
constexpr std::string_view kQuarantined[] = {"*quarantine*", "FilteredAsSpam", "*spam*", "*reject*"};

}  // namespace

Result<std::vector<IgnoreRule>> parse_ignore_rule(std::string_view text) {
  std::vector<IgnoreRule> rules;
  if (text == "notifications") {
    for (const std::string_view each : kNotifications)
      rules.push_back({&TraceRow::sender, std::string(each)});
    return rules;
  }
  if (text == "quarantined") {
    for (const std::string_view each : kQuarantined) rules.push_back({&TraceRow::status, std::string(each)});
    return rules;
  }
  const std::size_t equals = text.find('=');
  for (const auto& [name, field] : kIgnoreFields)
    if (equals != std::string_view::npos && iequals(text.substr(0, equals), name)) {
      rules.push_back({field, std::string(text.substr(equals + 1))});
      return rules;
    }
  return Error(Code::Usage, "`" + std::string(text) + "` is not a rule")
      .with_hint(
          "use notifications, quarantined, or FIELD=PATTERN with id, sender, recipient, subject, status or "
          "direction");
}

std::uint64_t count_unmatched(std::vector<std::optional<Micros>> mails, const std::vector<Micros>& messages) {
  // The periods of all mails are equally long. So if each mail takes the first message that is left in
  // its period, in order of time, the fewest mails remain. Those without a time, which come first in
  // this order, take what the others leave.
  std::ranges::sort(mails);
  const auto timed = std::ranges::find_if(mails, [](const auto& mail) { return mail.has_value(); });
  std::uint64_t unmatched = 0;
  std::uint64_t left = messages.size();
  std::size_t next = 0;
  for (auto mail = timed; mail != mails.end(); ++mail) {
    while (next < messages.size() && messages[next] < **mail - kReconcileEarly) ++next;
    if (next < messages.size() && messages[next] <= **mail + kReconcileLate) {
      ++next;
      --left;
    } else {
      ++unmatched;
    }
  }
  const auto untimed = static_cast<std::uint64_t>(timed - mails.begin());
  return unmatched + untimed - std::min(untimed, left);
}

Reconcile::Reconcile(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                     const MailboxId& mailbox, Options options)
    : store_(store),
      ring_(ring),
      vault_(vault),
      mailbox_(mailbox),
      options_(std::move(options)),
      started_(now()) {}

std::size_t Reconcile::Hash::operator()(const vault::MessageIdPrint& print) const {
  std::size_t hash = 0;
  std::memcpy(&hash, print.data(), sizeof hash);
  return hash;
}

bool Reconcile::in_time(std::optional<Micros> time) const {
  return !time ||
         ((!options_.since || *time >= *options_.since) && (!options_.until || *time < *options_.until));
}

Result<void> Reconcile::add(const TraceRow& row, std::size_t file) {
  if (row.time) {
    first_ = first_ ? std::min(*first_, *row.time) : *row.time;
    last_ = last_ ? std::max(*last_, *row.time) : *row.time;
  }
  const vault::MessageIdPrint print = vault::message_id_print(vault_, mailbox_, row.message_id);
  const auto known = mails_.find(print);
  if (known == mails_.end() && mails_.size() == kMaxMails)
    return Error(Code::Full, "the traces have more than 1000000 mails")
        .with_hint("compare one part after another");
  Mail& mail = known == mails_.end() ? mails_[print] : known->second;
  if (known == mails_.end()) {
    // A longer one is cut for display only; the fingerprint is of all of it.
    mail.message_id = row.message_id.substr(0, 1000);
    mail.sender = row.sender.substr(0, 320);
    mail.recipient = row.recipient.substr(0, 320);
    mail.file = file;
    mail.line = row.line;
  }
  if (row.time) mail.time = mail.time ? std::min(*mail.time, *row.time) : *row.time;
  ++mail.recipients;
  const bool ignored = std::ranges::any_of(options_.ignore, [&](const IgnoreRule& rule) {
    const std::string& value = row.*rule.field;
    // Traces write the null sender as `<>` or leave it out.
    return fits_pattern(value.empty() && rule.field == &TraceRow::sender ? "<>" : value, rule.pattern);
  });
  // One recipient for whom the mail counts is enough.
  mail.required = mail.required || (!ignored && in_time(row.time));
  return {};
}

// Finds the mails of the trace that this message is. If its fingerprints are not complete, it may be
// others as well. A message that has no Message-ID is not one of them: otherwise a sender of such
// mails could hide that a mail is missing.
void Reconcile::take(const Extra& message, const std::vector<vault::MessageIdPrint>& prints, bool complete,
                     const std::function<void(const Extra&)>& extra) {
  if (!complete) unknown_.push_back(message.received);
  if (!complete && prints.empty()) return;
  ++totals_.messages;
  bool known = false;
  for (const vault::MessageIdPrint& print : prints) {
    const auto found = mails_.find(print);
    if (found == mails_.end()) continue;
    known = true;
    if (found->second.found++ == 0) found->second.first_found = message.id;
  }
  if (known || !complete) return;
  const auto since = options_.since ? options_.since : first_;
  const auto until = options_.until ? options_.until : last_;
  if ((since && message.received < *since) || (until && message.received > *until)) return;
  ++totals_.extra;
  extra(message);
}

Result<void> Reconcile::take_message(const store::MessageRecord& record,
                                     const std::function<void(const Extra&)>& extra) {
  // A pending message has not been accepted yet.
  if (record.state == store::State::Pending) {
    examined_.push_back(record.id);
    return {};
  }
  auto message = vault::open_message(store_, ring_, vault_, mailbox_, record);
  if (!message) {
    // Removed since it was listed: its removal record is read later.
    const auto still = store_.find(mailbox_, record.id);
    if (!still && still.error().code() == Code::NotFound) return {};
    return message.error().within("message " + record.id.hex());
  }
  examined_.push_back(record.id);
  std::vector<vault::MessageIdPrint> prints = message->envelope().message_ids;
  bool complete = true;
  if (!message->envelope().identified) {
    MessageSource source(*message);
    const auto ids = mime::read_message_ids(source, true);
    if (!ids) return ids.error().within("message " + record.id.hex());
    ++totals_.opened;
    complete = ids->complete;
    prints.clear();
    for (const std::string& id : ids->ids) prints.push_back(vault::message_id_print(vault_, mailbox_, id));
  }
  take({record.id, record.received, false}, prints, complete, extra);
  return {};
}

// Finds in the history the messages of which nothing is left: removed by an administrator, or swept
// longer ago than removal records are kept.
Result<void> Reconcile::take_gone() {
  std::ranges::sort(examined_);
  std::vector<std::pair<MessageId, Micros>> gone;  // with the time of acceptance
  std::vector<MessageId> discarded;
  const auto read = store::for_each_leaf(store_, mailbox_, 0, [&](const Bytes& stored) -> Result<void> {
    const auto leaf = store::decode_leaf(stored);
    if (!leaf) return leaf.error();
    if (leaf->type == store::LeafType::Discarded) discarded.push_back(leaf->message);
    if (leaf->type != store::LeafType::Accepted && leaf->type != store::LeafType::Pending) return {};
    // The id of an imported message has no time in it.
    if (leaf->time >= started_ || std::ranges::binary_search(examined_, leaf->message)) return {};
    gone.emplace_back(leaf->message, leaf->time);
    return {};
  });
  if (!read) return read.error();
  std::ranges::sort(discarded);
  for (const auto& [id, accepted] : gone)
    if (!std::ranges::binary_search(discarded, id)) unknown_.push_back(accepted);
  return {};
}

// Decides about each mail of the trace.
void Reconcile::conclude() {
  std::ranges::sort(unknown_);
  const auto perhaps = [&](const Mail& mail) {
    if (!mail.time) return !unknown_.empty();
    const auto at = std::ranges::lower_bound(unknown_, *mail.time - kReconcileEarly);
    return at != unknown_.end() && *at <= *mail.time + kReconcileLate;
  };
  for (auto& [print, mail] : mails_) {
    ++totals_.mails;
    mail.outcome = mail.found > 0   ? Outcome::Found
                   : !mail.required ? Outcome::Ignored
                   : perhaps(mail)  ? Outcome::NotComparable
                                    : Outcome::Missing;
    totals_.found += mail.outcome == Outcome::Found;
    totals_.ignored += mail.outcome == Outcome::Ignored;
    totals_.missing += mail.outcome == Outcome::Missing;
    totals_.not_comparable += mail.outcome == Outcome::NotComparable;
    totals_.duplicates += mail.found > 1;
  }
  const auto from = first_ ? *first_ - kReconcileEarly : Micros{0};
  for (const Micros received : unknown_)
    if (received >= from && (!last_ || received <= *last_ + kReconcileLate)) ++totals_.unknown_messages;

  std::vector<std::optional<Micros>> times;
  for (const auto& [print, mail] : mails_)
    if (mail.outcome == Outcome::NotComparable) times.push_back(mail.time);
  totals_.unmatched = count_unmatched(std::move(times), unknown_);
}

Result<void> Reconcile::compare(const std::function<void(const Extra&)>& extra) {
  // Messages first, then removal records: a message that is swept meanwhile is in both, and not in
  // none. `examined_` keeps it from being counted twice.
  const auto messages = store::for_each_message(
      store_, mailbox_, [&](const store::MessageRecord& record) { return take_message(record, extra); });
  if (!messages) return messages.error();
  std::ranges::sort(examined_);
  const std::size_t present = examined_.size();
  const auto receipts = store::for_each_removal_record(
      store_, mailbox_, [&](const store::RemovalRecord& swept) -> Result<void> {
        const auto end = examined_.begin() + static_cast<std::ptrdiff_t>(present);
        if (std::binary_search(examined_.begin(), end, swept.record.id)) return {};
        const auto envelope = vault::open_removed_envelope(swept, ring_, vault_, mailbox_);
        if (!envelope) return envelope.error();
        examined_.push_back(swept.record.id);
        take({swept.record.id, swept.record.received, true}, envelope->message_ids, envelope->identified,
             extra);
        return {};
      });
  if (!receipts) return receipts.error();
  if (auto gone = take_gone(); !gone) return gone;
  conclude();
  return {};
}

std::vector<const Reconcile::Mail*> Reconcile::mails() const {
  std::vector<const Mail*> all;
  all.reserve(mails_.size());
  for (const auto& [print, mail] : mails_) all.push_back(&mail);
  std::ranges::sort(all, [](const Mail* a, const Mail* b) {
    return std::tie(a->time, a->message_id) < std::tie(b->time, b->message_id);
  });
  return all;
}

}  // namespace gw::transfer
