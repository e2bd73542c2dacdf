// The messages of a mailbox: which ones are kept, which are gone, and what is left of the rest.
#include <algorithm>
#include <unordered_set>

#include "store/keys.h"
#include "store/local/local_store_private.h"
#include "store/salvage/salvage_files.h"
#include "store/salvage/salvage_run.h"

namespace gw::store {
namespace {

constexpr std::string_view kAgeHeader = "age-encryption.org/v1\n";
constexpr std::string_view kBodyLost = "its container is lost or damaged";

}  // namespace

// Returns the newest readable record of each message. A record that does not have the digests of
// the message's leaf is ignored: the leaf is evidence, and the record may be of a message that a
// loss had removed.
std::map<MessageId, MessageRecord> Salvage::message_records(const MailboxId& mailbox,
                                                            const SalvagedLog& log) {
  std::map<MessageId, MessageRecord> found;
  const Key prefix = Key('m').id(mailbox);
  source_.scan(Family::Messages, prefix, after(prefix), [&](ByteView, ByteView value) {
    auto record = decode_message(value);
    if (!record) return true;
    const SalvagedState* fate = log.fate(record->id);
    if (fate != nullptr && (record->container != fate->container || record->envelope != fate->envelope))
      return true;
    auto [at, fresh] = found.emplace(record->id, *record);
    if (fresh) return true;
    // The record that changed last is the newest; with equal times the one with the higher seq.
    const auto rank = [](const MessageRecord& one) { return std::pair(one.changed, one.seq); };
    if (rank(at->second) < rank(*record)) at->second = std::move(*record);
    return true;
  });
  return found;
}

std::optional<LeafType> Salvage::gone_by_place(const MailboxId& mailbox, const MessageId& message) const {
  std::optional<LeafType> gone;
  source_.get(Family::Messages, where_key(message, mailbox), [&](ByteView value) {
    const auto place = decode_where(value);
    if (place && place->gone) gone = place->gone;
  });
  return gone;
}

Result<void> Salvage::put_gone(const MailboxId& mailbox, const MessageId& message, std::uint64_t seq) {
  const auto gone = gone_by_place(mailbox, message);
  if (!gone) return {};
  return to_.put(Family::Messages, where_key(message, mailbox), encode(MessageLocation{seq, gone}));
}

// Decides for every message that anything mentions whether it is kept, gone or lost. "Gone" always
// wins: mail that was deleted must not reappear because an old record of it can still be read.
Result<void> Salvage::salvage_log(const MailboxId& id) {
  SalvagedLog log(id, to_, options_.actor, options_.clock());
  const std::uint64_t losses = report_.losses;
  if (const auto read = log.read(source_); !read) {
    if (read.error().code() != Code::Corrupt) return read.error();
    lose(id, {}, read.error().text());
  }
  const auto made = vault_log_.mailboxes().find(id);
  const bool removed = made != vault_log_.mailboxes().end() && !made->second;
  const auto stored = records_.find(std::string(as_text(record_key({Kind::Mailbox, id, {}}))));
  std::optional<MailboxRecord> mailbox;
  if (stored != records_.end() && !removed) {
    if (auto record = decode_mailbox(stored->second.second)) mailbox = std::move(*record);
  }
  if (log.cut()) lose(id, {}, "entries of its history are lost");
  // Without the record there are no public keys and no slots, so no mail can be opened through a
  // mailbox. The recovery key still opens containers that are set aside.
  if (!mailbox && !removed) {
    recordless_.insert(id);
    lose(id, {}, "its record is lost, and its password with it: the rest of its mail is set aside");
  }

  std::vector<Kept> kept;
  for (const auto& [message, gone] : log.gone()) {
    ++report_.accepted;
    ++report_.gone;
    if (auto put =
            to_.put(Family::Messages, where_key(message, id), encode(MessageLocation{gone.seq, gone.by}));
        !put)
      return put;
  }
  std::map<MessageId, MessageRecord> records = message_records(id, log);
  // Messages that the history mentions and that have no record.
  for (const auto& [message, fate] : log.fates()) {
    if (fate.gone || records.contains(message)) continue;
    ++report_.accepted;
    bool placed = false;
    source_.get(Family::Messages, where_key(message, id), [&](ByteView) { placed = true; });
    // A message from before an accepted loss that has no entry at all was part of that loss, which
    // was reported then.
    if (removed || gone_by_place(id, message) || (fate.before_gap && !placed)) {
      ++report_.gone;
      if (auto put = put_gone(id, message, fate.seq); !put) return put;
    } else {
      lose_message(id, message, fate.container, "its record is lost");
    }
  }
  // Messages with a record.
  for (auto& [message, record] : records) {
    const SalvagedState* fate = log.fate(message);
    if (log.gone().contains(message)) continue;
    ++report_.accepted;
    if (options_.progress) options_.progress(report_.accepted);
    if (removed || gone_by_place(id, message)) {
      ++report_.gone;
      if (auto put = put_gone(id, message, record.seq); !put) return put;
      continue;
    }
    if (!mailbox) {
      lose_message(id, message, record.container, "its mailbox's record is lost");
      continue;
    }
    const auto whole = keep(*mailbox, record, fate);
    if (!whole) return whole.error();
    if (*whole) kept.push_back({record, fate});
  }
  const bool gap = behind_ || report_.losses != losses;
  if (mailbox) {
    mailboxes_.emplace(id, *mailbox);
    ++report_.mailboxes;
    return write_mailbox(*mailbox, stored->second.second, kept, log, gap);
  }
  return log.size() == 0 ? Result<void>() : log.finish({});
}

// Puts a message's body into the new vault. Returns false, after reporting it, if the body is lost.
Result<bool> Salvage::keep(const MailboxRecord& mailbox, MessageRecord& record, const SalvagedState* fate) {
  const auto generation = [&](const Generation& one) { return one.number == record.generation; };
  // Mail that no slot can open must not be listed: POP3 would fail at it again and again.
  if (std::ranges::none_of(mailbox.generations, generation)) {
    lose_message(mailbox.id, record.id, record.container, "it is sealed to a key that is lost");
    return false;
  }
  // Only the digests decide whether a body is the right one. An older body under the same key, or a
  // damaged one, does not have them.
  const auto body = source_.body(mailbox.id, record.id, [&](ByteView stored) {
    const auto parts = split_body(stored);
    return parts && sha256(parts->envelope) == record.envelope && parts->large == record.large &&
           (record.large || sha256(parts->container) == record.container);
  });
  const bool file = body && body->whole && record.large;
  bool whole = body && body->whole;
  if (file) {
    const std::string copy = options_.to + "/large/" + record.id.hex();
    const auto taken = take_file(source_.large(record.id), copy, record.container);
    if (!taken) return taken.error();
    whole = *taken;
  }
  if (!whole) {
    lose_message(mailbox.id, record.id, record.container, kBodyLost);
    return false;
  }
  if (auto put = to_.put(Family::Bodies, body_key(record.id, mailbox.id), body->stored); !put)
    return put.error();
  // The history may be newer than the readable record.
  if (fate != nullptr && fate->state && fate->since >= record.changed) {
    record.state = *fate->state;
    record.changed = fate->since;
  }
  return true;
}

// Keeps what is left of a lost message outside of the database, where the stock age can open it.
void Salvage::lose_message(const MailboxId& mailbox, const MessageId& id, const Digest& container,
                           std::string_view why) {
  ++report_.lost;
  lost_.emplace(id, mailbox);
  const auto body = source_.body(mailbox, id, [&](ByteView stored) {
    const auto parts = split_body(stored);
    return parts && !parts->large && sha256(parts->container) == container;
  });
  const auto file = set_aside(options_.to, id, body, source_.large(id), container);
  report_.set_aside += file.empty() ? 0 : 1;
  lose(mailbox, id, std::string(why), file);
}

Result<void> Salvage::write_gap(SalvagedLog& log) {
  Leaf leaf;
  leaf.type = LeafType::Gap;
  leaf.value = source_.head() ? source_.head()->point.number : point_.number;
  if (auto noted = log.append(leaf); !noted) return noted.error();
  return {};
}

Result<void> Salvage::write_mailbox(const MailboxRecord& mailbox, const Bytes& value, std::vector<Kept>& kept,
                                    SalvagedLog& log, bool gap) {
  Leaf about;
  about.container = sha256(value);
  // The history must contain the digest of the record that is written. Otherwise the record may be
  // an old one: record it again, so that the new vault verifies, and report it.
  if (log.size() == 0) {
    about.type = LeafType::MailboxMade;
    if (auto noted = log.append(about); !noted) return noted.error();
  } else if (std::ranges::find(log.records(), about.container) == log.records().end()) {
    about.type = LeafType::Setting;
    if (auto noted = log.append(about); !noted) return noted.error();
    if (!log.cut()) lose(mailbox.id, {}, "its settings may be out of date");
    gap = true;
  }
  if (gap) {
    if (auto noted = write_gap(log); !noted) return noted;
  }
  // Messages that are gone although the new history does not say so get their leaf first.
  for (const auto& [message, fate] : log.fates()) {
    if (!fate.gone && !gone_by_place(mailbox.id, message)) continue;
    if (auto noted = log.lead_away(message, fate); !noted) return noted;
  }
  // In their old order, since appended leaves give new seqs.
  std::ranges::sort(kept, {}, [](const Kept& one) { return one.record.seq; });
  MailboxStat stat;
  for (Kept& one : kept) {
    if (auto led = log.lead_to(one.record, one.fate); !led) return led;
    count_in(stat, one.record);
    if (auto written = write_message(mailbox.id, one.record); !written) return written;
  }
  report_.kept += kept.size();
  if (auto written = write_removal_records(mailbox.id, log); !written) return written;
  return log.finish(stat);
}

// Copies the removal records whose removal the new history contains; others could not be proved by
// it.
Result<void> Salvage::write_removal_records(const MailboxId& mailbox, const SalvagedLog& log) {
  std::optional<Error> failed;
  const Key prefix = Key('r').id(mailbox);
  source_.scan(Family::Messages, prefix, after(prefix), [&](ByteView key, ByteView value) {
    const auto swept = decode_removal_record(value);
    if (!swept) return true;
    const auto gone = log.gone().find(swept->record.id);
    if (gone == log.gone().end() || !gone->second.told || gone->second.seq != swept->record.seq) return true;
    for (const auto& [at, stored] :
         {std::pair(to_bytes(key), value),
          // Without a kept time: the new vault's clock starts at zero, and the first sweep stamps
          // the entry.
          std::pair(to_bytes(removal_time_key(mailbox, swept->gone, swept->record.id)), ByteView())}) {
      if (auto put = to_.put(Family::Messages, at, stored); !put) failed = put.error();
    }
    return !failed;
  });
  return failed ? Result<void>(*failed) : Result<void>();
}

Result<void> Salvage::write_message(const MailboxId& mailbox, const MessageRecord& record) {
  const auto put = [&](const Key& key, ByteView value) { return to_.put(Family::Messages, key, value); };
  if (auto done = put(message_key(mailbox, record.seq), encode(record)); !done) return done;
  if (auto done = put(where_key(record.id, mailbox), encode(MessageLocation{record.seq, std::nullopt}));
      !done)
    return done;
  if (record.state == State::Pending) return put(pending_key(mailbox, record.seq), record.id.view());
  // Also without a kept time, so that the grace period starts again.
  if (record.state == State::Drained) return put(drained_key(mailbox, record.changed, record.seq), {});
  return {};
}

// Handles message ids of which only the Where entry is left: neither a leaf nor a record mentions
// them.
Result<void> Salvage::finish_places() {
  if (auto flushed = to_.flush(); !flushed) return flushed;
  // The value is true if the message is gone.
  std::map<std::pair<MessageId, MailboxId>, bool> rest;
  std::optional<Error> failed;
  source_.scan(Family::Messages, Key('i'), after(Key('i')), [&](ByteView key, ByteView value) {
    const MessageId message = MessageId::from(key.subspan(1, 16));
    const MailboxId mailbox = MailboxId::from(key.subspan(17));
    const auto place = decode_where(value);
    const auto known = engine_.get(Family::Messages, key);
    if (!known) failed = known.error();
    if (!place || !known || *known || lost_.contains({message, mailbox})) return !failed;
    // A message that an earlier accepted loss took is gone, too. Its id is not blocked, because the
    // sender may deliver it again.
    bool& gone = rest[{message, mailbox}];
    gone = gone || place->gone.has_value();
    if (place->gone) {
      if (auto put = to_.put(Family::Messages, key, value); !put) failed = put.error();
    }
    return !failed;
  });
  if (failed) return *failed;
  for (const auto& [ids, gone] : rest) {
    const auto made = vault_log_.mailboxes().find(ids.second);
    const bool removed = made != vault_log_.mailboxes().end() && !made->second;
    ++report_.accepted;
    if (gone || removed) {
      ++report_.gone;
    } else {
      lose_message(ids.second, ids.first, {}, "its record and its history are lost");
    }
  }
  return {};
}

// Sets aside containers that nothing mentions: their messages are lost, or were removed and not yet
// overwritten. They are needed only if something is missing.
Result<void> Salvage::set_aside_the_rest() {
  if (report_.losses == 0) return {};
  if (auto flushed = to_.flush(); !flushed) return flushed;
  std::optional<Error> failed;
  std::unordered_set<MessageId> large;
  // A message is known if the new database has it, present or gone, or if it is reported as lost.
  const auto known = [&](const MailboxId& mailbox, const MessageId& message) {
    const auto place = engine_.get(Family::Messages, where_key(message, mailbox));
    if (!place) failed = place.error();
    return !place || *place || lost_.contains({message, mailbox});
  };
  std::set<std::pair<MessageId, MailboxId>> rest;
  source_.bodies([&](const MailboxId& mailbox, const MessageId& message) {
    if (!known(mailbox, message)) rest.emplace(message, mailbox);
  });
  if (failed) return *failed;
  for (const auto& [message, mailbox] : rest) {
    const auto body = source_.body(mailbox, message, [](ByteView stored) {
      const auto parts = split_body(stored);
      return parts && !parts->large && as_text(parts->container).starts_with(kAgeHeader);
    });
    const auto file = set_aside(options_.to, message, body, source_.large(message), {});
    if (file.empty()) continue;
    ++report_.set_aside;
    lose(mailbox, message, "no record or history entry mentions it: it is lost or was removed", file);
  }
  for (const std::string& name :
       files_without(options_.from + "/large", {options_.to + "/large", options_.to + "/lost"})) {
    const auto message = MessageId::parse(name);
    if (!message) continue;
    const auto file = set_aside(options_.to, *message, std::nullopt, source_.large(*message), {});
    if (file.empty()) continue;
    ++report_.set_aside;
    lose({}, *message, "no record or history entry mentions it: it is lost or was removed", file);
  }
  return {};
}

}  // namespace gw::store
