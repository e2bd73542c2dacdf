// Reading. Nothing is answered from what was read before the call, except packs, which never change.
#include <algorithm>

#include "store/rados/rados_store_private.h"
#include "store/resolve.h"

namespace gw::store::rados {
namespace {

using namespace std::chrono_literals;

Error no_such_mailbox() {
  return Error(Code::NotFound, "no such mailbox");
}

constexpr std::size_t kMostBatch = 25'000;      // messages in one write, which may have 90 MB
constexpr std::size_t kMailboxesUnderWay = 16;  // records that are read at the same time

std::string small_record_spot(Kind kind) {
  return spot(Family::Records, record_key({kind, MailboxId{}, {}})).key;
}

}  // namespace

Limits RadosStore::limits() const {
  Limits limits;
  limits.batch = kMostBatch;
  return limits;
}

Result<Loaded> RadosStore::look(const MailboxId& log) {
  auto loaded = load_index(context_, log);
  if (!loaded) return loaded;
  if (loaded->exists) return loaded;
  const auto absent = may_be_missing(context_, index_object(log));
  if (absent) return no_such_mailbox();
  if (log.zero()) return absent.error();
  if (auto finished = finish_intents(context_); !finished) return finished.error();
  loaded = load_index(context_, log);
  if (!loaded || loaded->exists) return loaded;
  // It is being created. Its sender must be asked to try again, not be told that it does not exist.
  return Error(Code::Unavailable, "the mailbox is not complete yet");
}

Result<Loaded> RadosStore::existing(const MailboxId& mailbox) {
  if (mailbox.zero()) return no_such_mailbox();
  auto loaded = look(mailbox);
  if (loaded && !loaded->entry.record) return no_such_mailbox();
  return loaded;
}

Result<std::map<MailboxId, bool>> RadosStore::directory() {
  std::map<MailboxId, bool> all;
  auto listed = for_each_pair(context_, {index_object({}), "D", {}, {}, {}},
                              [&](const std::string& key, const std::string& value) {
                                if (const auto id = MailboxId::parse(key.substr(1))) all[*id] = value == "1";
                                return true;
                              });
  if (!listed) return listed.error();
  return all;
}

Result<Health> RadosStore::health() {
  Health health;
  health.vault = vault_;
  health.kind = kRadosKind;
  const auto refused = context_.refusal();
  health.writable = !refused;
  if (refused) health.reason = refused->text();
  health.queued = context_.queued;
  health.syncs = context_.syncs();
  if (options_.signer.verifier) health.verifier = options_.signer.verifier(vault_);
  // A cluster without a manager does not tell; the sizes are 0 then.
  ClusterSpace space;
  if (const Reply reply = context_.cluster.space(space); reply.done()) {
    health.free_bytes = space.free;
    health.disk_bytes = space.total;
    health.full = space.total != 0 && space.free == 0;
  }
  std::optional<Counts> counts;
  {
    const std::lock_guard lock(counts_mutex_);
    if (counts_ && options_.boot_clock() - counts_->seen < 2s) counts = counts_;
  }
  if (!counts && health.writable) {
    const auto all = mailboxes();
    if (!all) return all.error();
    counts = Counts{all->size(),
                    std::ranges::any_of(*all, [](const auto& each) { return each.token_hash.has_value(); }),
                    options_.boot_clock()};
    const std::lock_guard lock(counts_mutex_);
    counts_ = counts;
  }
  if (counts) {
    health.mailboxes = counts->mailboxes;
    health.senders = counts->senders;
  }
  if (!health.writable) {
    health.troubles.push_back({Trouble::Kind::ReadOnly, true, "vault",
                               "no changes are possible: " + health.reason,
                               "look at the state of the Ceph cluster: ceph status"});
  } else if (health.full) {
    health.troubles.push_back(
        {Trouble::Kind::Full, true, "cluster", "the cluster is full: senders get a temporary error",
         "add storage to the Ceph cluster, let the archive drain, or shorten the grace period"});
  }
  return health;
}

Result<MailboxRecord> RadosStore::mailbox(const MailboxId& id) {
  auto loaded = existing(id);
  if (!loaded) return loaded.error();
  return *loaded->entry.record;
}

Result<std::vector<MailboxRecord>> RadosStore::mailboxes() {
  const auto known = directory();
  if (!known) return known.error();
  std::vector<MailboxId> ids;
  for (const auto& [id, there] : *known) {
    if (there) ids.push_back(id);
  }
  std::vector<MailboxRecord> all;
  for (std::size_t next = 0; next < ids.size();) {
    std::vector<std::pair<MailboxId, std::unique_ptr<Started>>> started;
    for (; next < ids.size() && started.size() < kMailboxesUnderWay; ++next) {
      ReadOp op;
      op.keys = {small_record_spot(Kind::Mailbox)};
      started.emplace_back(ids[next],
                           context_.cluster.start(Pool::Meta, index_object(ids[next]), std::move(op)));
    }
    for (const auto& [id, read] : started) {
      const Reply reply = read->wait();
      if (reply.outcome == Outcome::Missing) {
        // It is being created, or its index is lost, which must not go unnoticed.
        auto found = existing(id);
        if (!found && found.error().code() == Code::NotFound) continue;
        if (!found) return found.error();
        all.push_back(*found->entry.record);
        continue;
      }
      // It was just removed.
      if (reply.done() && reply.pairs.empty()) continue;
      if (!reply.done()) return context_.error(reply, "cannot read the mailboxes");
      auto record = without_version({Kind::Mailbox, id, {}}, as_bytes(reply.pairs.begin()->second));
      if (!record) return record.error();
      auto mailbox = decode_mailbox(record->value);
      if (!mailbox) return mailbox.error();
      mailbox->version = record->version;
      all.push_back(std::move(*mailbox));
    }
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

Result<Record> RadosStore::get_any(const RecordKey& key) {
  if (key.name.size() > 128) return Error(Code::NotFound, "no such record");
  const ClusterReader reader(context_);
  auto stored = reader.get(Family::Records, record_key(key));
  if (!stored) return stored.error();
  if (!*stored) return Error(Code::NotFound, "no such record");
  return without_version(key, as_bytes(**stored));
}

Result<Record> RadosStore::get(const RecordKey& key) {
  return get_any(key);
}

Result<std::vector<Record>> RadosStore::scan(Kind kind, const MailboxId& mailbox, std::string_view after_name,
                                             std::size_t limit) {
  std::vector<Record> page;
  if (limit == 0) return page;
  std::optional<Error> damage;
  const Key prefix = record_key({kind, mailbox, {}});
  // The first key after a name is the name with a zero byte; see LocalStore::scan().
  Key from = record_key({kind, mailbox, std::string(after_name.substr(0, 129))});
  if (!after_name.empty()) from.u8(0);
  const ClusterReader reader(context_);
  auto scanned = reader.scan(Family::Records, from, after(prefix), [&](ByteView key, ByteView value) {
    auto record =
        without_version({kind, mailbox, std::string(as_text(key.subspan(prefix.view().size())))}, value);
    if (record) {
      page.push_back(std::move(*record));
    } else {
      damage = record.error();
    }
    return !damage && page.size() < limit;
  });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

Result<Recipient> RadosStore::resolve(std::string_view address, Lookup lookup) {
  const auto get_record = [&](const RecordKey& key) -> Result<Record> {
    if (key.kind != Kind::Mailbox) return get_any(key);
    auto found = existing(key.mailbox);
    if (!found) return found.error();
    return Record{key, {}, found->entry.record->version};
  };
  auto id = store::resolve(vault_, get_record, address, lookup);
  if (!id) return id.error();
  auto found = existing(*id);
  if (!found) return found.error();
  return recipient(*found->entry.record, found->entry.log.stat);
}

Result<MailboxStat> RadosStore::stat(const MailboxId& id) {
  const auto loaded = existing(id);
  if (!loaded) return loaded.error();
  MailboxStat stat = loaded->entry.log.stat;
  stat.log_size = loaded->entry.log.range.size();
  if (stat.live == 0) return stat;
  // As LocalStore: searched from the last known position on.
  Index& index = at(id)->index;
  const std::uint64_t first = std::max(loaded->entry.log.oldest, index.oldest(loaded->entry.epoch));
  std::optional<Error> damage;
  const ClusterReader reader(context_);
  auto scanned = reader.scan(Family::Messages, message_key(id, first), after(Key('m').id(id)),
                             [&](ByteView, ByteView value) {
                               auto record = decode_message(value);
                               if (!record) {
                                 damage = record.error();
                                 return false;
                               }
                               if (record->state != State::Live && record->state != State::Unconfirmed)
                                 return true;
                               stat.oldest = record->received;
                               index.set_oldest(loaded->entry.epoch, record->seq);
                               return false;
                             });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return stat;
}

Result<MessageRecord> RadosStore::find(const MailboxId& mailbox, const MessageId& id) {
  if (auto known = existing(mailbox); !known) return known.error();
  return find_message(ClusterReader(context_), mailbox, id);
}

Result<std::vector<MessageRecord>> RadosStore::list(const MailboxId& mailbox, std::uint64_t after_seq,
                                                    std::size_t limit) {
  if (auto known = existing(mailbox); !known) return known.error();
  std::vector<MessageRecord> page;
  if (limit == 0 || after_seq == std::numeric_limits<std::uint64_t>::max()) return page;
  std::optional<Error> damage;
  const ClusterReader reader(context_);
  auto scanned = reader.scan(Family::Messages, message_key(mailbox, after_seq + 1),
                             after(Key('m').id(mailbox)), [&](ByteView, ByteView value) {
                               auto record = decode_message(value);
                               if (record) {
                                 page.push_back(std::move(*record));
                               } else {
                                 damage = record.error();
                               }
                               return !damage && page.size() < limit;
                             });
  if (!scanned) return scanned.error();
  if (damage) return *damage;
  return page;
}

Result<Place> RadosStore::place_of(const MailboxId& mailbox, const std::string& key) {
  const ClusterReader reader(context_);
  const auto stored = reader.value({index_object(mailbox), key});
  if (!stored) return stored.error();
  if (!*stored) return Error(Code::NotFound, "no such message");
  return decode_place(**stored);
}

Result<RadosStore::Body> RadosStore::body_at(const MailboxId& mailbox, const Place& place) {
  auto pack = packs_.read(place.pack.object(mailbox));
  if (!pack) return pack.error();
  const ByteView all = as_bytes(**pack);
  const std::uint64_t inside = place.parts == 0 ? place.container : 0;
  // The next try reads it from the cluster.
  const auto corrupt = [&](const char* how) {
    packs_.forget(place.pack.object(mailbox));
    return Error(Code::Corrupt, "the pack " + place.pack.object(mailbox) + how);
  };
  if (place.offset > all.size() || place.envelope > all.size() - place.offset ||
      inside > all.size() - place.offset - place.envelope)
    return corrupt(" is too short");
  Body body{*pack, all.subspan(place.offset, place.envelope),
            all.subspan(place.offset + place.envelope, inside)};
  if (check_of(body.envelope, body.container) != place.check) return corrupt(" is damaged");
  return body;
}

// The place may be that of a message that a sweep has removed since it was read, or that a purge has
// moved. Only a message that is still there is damaged.
Error RadosStore::missing_body(const MailboxId& mailbox, const MessageId& message, const Error& error) {
  if (error.code() != Code::NotFound && error.code() != Code::Corrupt) return error;
  const auto place = place_of(mailbox, body_spot(message));
  if (!place) return place.error();
  return Error(Code::Corrupt, "the body of message " + message.hex() + ": " + error.text());
}

Result<Bytes> RadosStore::envelope(const MailboxId& mailbox, const MessageId& message) {
  if (auto known = existing(mailbox); !known) return known.error();
  for (int tries = 0;; ++tries) {
    const auto place = place_of(mailbox, body_spot(message));
    if (!place) return place.error();
    const auto body = body_at(mailbox, *place);
    if (body) return to_bytes(body->envelope);
    if (tries > 0) return missing_body(mailbox, message, body.error());
  }
}

Result<std::size_t> RadosStore::read_container(const MailboxId& mailbox, const Place& place,
                                               std::uint64_t offset, std::span<std::byte> to) {
  if (offset >= place.container) return 0;
  if (place.parts == 0) {
    const auto body = body_at(mailbox, place);
    if (!body) return body.error();
    const ByteView part =
        body->container.subspan(offset, std::min<std::size_t>(to.size(), body->container.size() - offset));
    std::copy(part.begin(), part.end(), to.begin());
    return part.size();
  }
  std::size_t filled = 0;
  while (filled < to.size() && offset + filled < place.container) {
    const std::uint64_t at = offset + filled;
    const std::uint64_t number = at / place.part_size;
    const auto content = packs_.read(place.pack.part(mailbox, number + 1));
    if (!content) return content.error();
    const std::uint64_t expected =
        std::min<std::uint64_t>(place.part_size, place.container - number * place.part_size);
    if ((*content)->size() != expected) {
      packs_.forget(place.pack.part(mailbox, number + 1));
      return Error(Code::Corrupt,
                   "the object " + place.pack.part(mailbox, number + 1) + " has the wrong size");
    }
    const ByteView part = as_bytes(**content).subspan(at % place.part_size);
    const std::size_t size = std::min(part.size(), to.size() - filled);
    std::copy_n(part.begin(), size, to.begin() + static_cast<std::ptrdiff_t>(filled));
    filled += size;
  }
  return filled;
}

Result<std::size_t> RadosStore::read(const MailboxId& mailbox, const MessageId& message, std::uint64_t offset,
                                     std::span<std::byte> to) {
  if (auto known = existing(mailbox); !known) return known.error();
  for (int tries = 0;; ++tries) {
    const auto place = place_of(mailbox, body_spot(message));
    if (!place) return place.error();
    const auto got = read_container(mailbox, *place, offset, to);
    if (got) return got;
    if (tries > 0) return missing_body(mailbox, message, got.error());
  }
}

Result<bool> RadosStore::seen(const MailboxId& mailbox, const Digest& fingerprint) {
  if (auto known = existing(mailbox); !known) return known.error();
  return was_seen(ClusterReader(context_), mailbox, fingerprint);
}

Result<std::unique_ptr<Lease>> RadosStore::acquire(const MailboxId& mailbox, std::string_view owner,
                                                   std::chrono::seconds ttl, std::chrono::seconds yields) {
  if (auto known = existing(mailbox); !known) return known.error();
  return leases_.acquire(mailbox, owner, ttl, yields);
}

Result<LogHead> RadosStore::history_head(const MailboxId& log) {
  const auto loaded = look(log);
  if (!loaded) return loaded.error();
  return loaded->entry.log.head();
}

Result<std::vector<Bytes>> RadosStore::history_read(const MailboxId& log, std::uint64_t from,
                                                    std::size_t limit) {
  std::vector<Bytes> page;
  for (int tries = 0;; ++tries) {
    page.clear();
    const auto loaded = look(log);
    if (!loaded) return loaded.error();
    const std::uint64_t size = loaded->entry.log.range.size();
    if (limit == 0 || from >= size) return page;
    std::uint64_t next = from;
    while (next < loaded->state.rolled && page.size() < limit) {
      const auto block = leaves_of(log, next / kBlock);
      if (!block) return block.error();
      for (std::uint64_t at = next % kBlock; at < block->size() && page.size() < limit; ++at, ++next)
        page.push_back(std::move((*block)[at]));
    }
    if (page.size() == limit || next == size) return page;
    const ClusterReader reader(context_);
    auto scanned =
        reader.scan(Family::History, leaf_key(log, next), leaf_key(log, size), [&](ByteView, ByteView value) {
          page.push_back(to_bytes(value));
          ++next;
          return page.size() < limit;
        });
    if (!scanned) return scanned.error();
    if (page.size() == limit || next == size) return page;
    // Leaves were moved to a block between the two reads.
    if (tries == 3) return Error(Code::Corrupt, "leaves of the history are missing");
  }
}

}  // namespace gw::store::rados
