#include "keeper/convert.h"

#include "store/rules.h"

namespace gw::keeper {
namespace {

Result<store::Kind> kind_of(std::uint32_t number) {
  // Kinds are numbered from 1; Route is the last one.
  if (number < 1 || number > static_cast<std::uint32_t>(store::Kind::Route)) {
    return Error(Code::BadInput, "keeper protocol: unknown kind of record");
  }
  return static_cast<store::Kind>(number);
}

}  // namespace

void put(const store::Commit& commit, proto::CommitRequest& to) {
  to.set_received(commit.received);
  to.set_size(commit.size);
  to.set_wire_size(commit.wire_size);
  to.set_generation(commit.generation);
  put_bytes(commit.container, *to.mutable_container());
  put_bytes(commit.envelope, *to.mutable_envelope());
  put_bytes(commit.commitment, *to.mutable_commitment());
  for (const Digest& fingerprint : commit.fingerprints) put_bytes(fingerprint, *to.add_fingerprints());
  to.set_pending(commit.pending);
}

Result<store::Commit> from_proto(const proto::CommitRequest& from) {
  store::Commit commit;
  commit.received = from.received();
  commit.size = from.size();
  commit.wire_size = from.wire_size();
  commit.generation = from.generation();
  const auto container = bytes_of<32>(from.container(), "digest");
  if (!container) return container.error();
  commit.container = *container;
  commit.envelope = to_bytes(from.envelope());
  const auto commitment = bytes_of<32>(from.commitment(), "commitment");
  if (!commitment) return commitment.error();
  commit.commitment = *commitment;
  for (const std::string& field : from.fingerprints()) {
    const auto fingerprint = bytes_of<32>(field, "fingerprint");
    if (!fingerprint) return fingerprint.error();
    commit.fingerprints.push_back(*fingerprint);
  }
  commit.pending = from.pending();
  return commit;
}

void put(const store::Health& health, proto::Health& to) {
  put_bytes(health.vault.view(), *to.mutable_vault());
  to.set_writable(health.writable);
  to.set_damaged(health.damaged);
  to.set_full(health.full);
  to.set_reason(health.reason);
  to.set_free_bytes(health.free_bytes);
  to.set_disk_bytes(health.disk_bytes);
  to.set_free_inodes(health.free_inodes);
  to.set_commits(health.commits);
  to.set_mailboxes(health.mailboxes);
  to.set_senders(health.senders);
  to.set_queued(health.queued);
  for (const std::uint64_t count : health.syncs.counts) to.add_syncs(count);
  to.set_sync_micros(health.syncs.micros);
  to.set_verifier(health.verifier);
  to.set_kind(health.kind);
  for (const store::Trouble& trouble : health.troubles) {
    proto::Trouble& each = *to.add_troubles();
    each.set_kind(static_cast<std::uint32_t>(trouble.kind));
    each.set_urgent(trouble.urgent);
    each.set_check(trouble.check);
    each.set_text(trouble.text);
    each.set_hint(trouble.hint);
  }
}

Result<store::Health> from_proto(const proto::Health& from) {
  const auto vault = id_of<VaultId>(from.vault(), "vault id");
  if (!vault) return vault.error();
  store::Health health;
  health.vault = *vault;
  health.writable = from.writable();
  health.damaged = from.damaged();
  health.full = from.full();
  health.reason = from.reason();
  health.free_bytes = from.free_bytes();
  health.disk_bytes = from.disk_bytes();
  health.free_inodes = from.free_inodes();
  health.commits = from.commits();
  health.mailboxes = from.mailboxes();
  health.senders = from.senders();
  health.queued = from.queued();
  // A keeper of another version may use other bounds. An empty histogram is better than one with
  // counts in the wrong columns.
  if (std::cmp_equal(from.syncs_size(), health.syncs.counts.size())) {
    std::copy(from.syncs().begin(), from.syncs().end(), health.syncs.counts.begin());
    health.syncs.micros = from.sync_micros();
  }
  health.verifier = from.verifier();
  health.kind = from.kind();
  for (const proto::Trouble& each : from.troubles()) {
    store::Trouble& trouble = health.troubles.emplace_back();
    // A keeper of a newer version may know more kinds; the text says what it is.
    if (each.kind() <= static_cast<std::uint32_t>(store::Trouble::Kind::LittleRoom))
      trouble.kind = static_cast<store::Trouble::Kind>(each.kind());
    trouble.urgent = each.urgent();
    trouble.check = each.check();
    trouble.text = each.text();
    trouble.hint = each.hint();
  }
  // A keeper of an older version has a store on a disk, and leaves its judgement to the client.
  if (health.kind.empty()) health.troubles = store::troubles_of_disk(health);
  return health;
}

void put(const store::MailboxStat& stat, proto::MailboxStat& to) {
  to.set_live(stat.live);
  to.set_live_bytes(stat.live_bytes);
  to.set_wire_size(stat.wire_size);
  to.set_unconfirmed(stat.unconfirmed);
  to.set_pending(stat.pending);
  to.set_drained(stat.drained);
  to.set_quarantined(stat.quarantined);
  to.set_accepted(stat.accepted);
  to.set_log_size(stat.log_size);
  to.set_oldest(stat.oldest);
  to.set_last_delivery(stat.last_delivery);
  to.set_last_drain(stat.last_drain);
}

store::MailboxStat from_proto(const proto::MailboxStat& from) {
  store::MailboxStat stat;
  stat.live = from.live();
  stat.live_bytes = from.live_bytes();
  stat.wire_size = from.wire_size();
  stat.unconfirmed = from.unconfirmed();
  stat.pending = from.pending();
  stat.drained = from.drained();
  stat.quarantined = from.quarantined();
  stat.accepted = from.accepted();
  stat.log_size = from.log_size();
  stat.oldest = from.oldest();
  stat.last_delivery = from.last_delivery();
  stat.last_drain = from.last_drain();
  return stat;
}

void put(const store::RecordKey& key, proto::RecordKey& to) {
  to.set_kind(static_cast<std::uint32_t>(key.kind));
  put_bytes(key.mailbox.view(), *to.mutable_mailbox());
  to.set_name(key.name);
}

Result<store::RecordKey> from_proto(const proto::RecordKey& from) {
  const auto kind = kind_of(from.kind());
  if (!kind) return kind.error();
  const auto mailbox = id_of<MailboxId>(from.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  return store::RecordKey{*kind, *mailbox, from.name()};
}

void put(const store::Record& record, proto::Record& to) {
  put(record.key, *to.mutable_key());
  put_bytes(record.value, *to.mutable_value());
  to.set_version(record.version);
}

Result<store::Record> from_proto(const proto::Record& from) {
  auto key = from_proto(from.key());
  if (!key) return key.error();
  return store::Record{std::move(*key), to_bytes(from.value()), from.version()};
}

void put(const store::MailboxRecord& record, proto::Mailbox& to) {
  put_bytes(store::encode(record), *to.mutable_record());
  to.set_version(record.version);
}

Result<store::MailboxRecord> from_proto(const proto::Mailbox& from) {
  auto record = store::decode_mailbox(as_bytes(from.record()));
  if (record) record->version = from.version();
  return record;
}

void put(const store::Note& note, proto::Note& to) {
  to.set_type(static_cast<std::uint32_t>(note.type));
  to.set_value(note.value);
}

void put(const store::ServerStats& stats, proto::ServerStats& to) {
  to.set_of(stats.of);
  for (const store::ServerCount& count : store::kServerCounts) to.add_counts(stats.*count.value);
  to.set_trouble(stats.trouble);
  to.set_trouble_time(stats.trouble_time);
}

store::ServerStats from_proto(const proto::ServerStats& from) {
  store::ServerStats stats;
  stats.of = from.of();
  // Copy only the counts that both sides know. New ones are appended to kServerCounts, so the order
  // is the same.
  const std::size_t known =
      std::min(store::kServerCounts.size(), static_cast<std::size_t>(from.counts_size()));
  for (std::size_t i = 0; i < known; ++i)
    stats.*store::kServerCounts[i].value = from.counts(static_cast<int>(i));
  stats.trouble = from.trouble();
  stats.trouble_time = from.trouble_time();
  return stats;
}

std::optional<store::State> state_of(std::uint32_t number) {
  // 0 is not a state: in a transition it stands for "removed".
  if (number < 1 || number > static_cast<std::uint32_t>(store::State::Quarantined)) return {};
  return static_cast<store::State>(number);
}

}  // namespace gw::keeper
