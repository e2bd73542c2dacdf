#include "keeper/convert.h"

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

void put(const store::Commit& commit, proto::Commit& to) {
  to.set_received(commit.received);
  to.set_octets(commit.octets);
  to.set_wire_octets(commit.wire_octets);
  to.set_generation(commit.generation);
  put_octets(commit.container, *to.mutable_container());
  put_octets(commit.envelope, *to.mutable_envelope());
  put_octets(commit.commitment, *to.mutable_commitment());
  for (const Digest& fingerprint : commit.fingerprints) put_octets(fingerprint, *to.add_fingerprints());
  to.set_pending(commit.pending);
}

Result<store::Commit> from_proto(const proto::Commit& from) {
  store::Commit commit;
  commit.received = from.received();
  commit.octets = from.octets();
  commit.wire_octets = from.wire_octets();
  commit.generation = from.generation();
  const auto container = octets_of<32>(from.container(), "digest");
  if (!container) return container.error();
  commit.container = *container;
  commit.envelope = to_bytes(from.envelope());
  const auto commitment = octets_of<32>(from.commitment(), "commitment");
  if (!commitment) return commitment.error();
  commit.commitment = *commitment;
  for (const std::string& field : from.fingerprints()) {
    const auto fingerprint = octets_of<32>(field, "fingerprint");
    if (!fingerprint) return fingerprint.error();
    commit.fingerprints.push_back(*fingerprint);
  }
  commit.pending = from.pending();
  return commit;
}

void put(const store::Health& health, proto::Health& to) {
  put_octets(health.vault.view(), *to.mutable_vault());
  to.set_writable(health.writable);
  to.set_damaged(health.damaged);
  to.set_full(health.full);
  to.set_reason(health.reason);
  to.set_free_octets(health.free_octets);
  to.set_free_inodes(health.free_inodes);
  to.set_commits(health.commits);
  to.set_mailboxes(health.mailboxes);
  to.set_senders(health.senders);
  to.set_queued(health.queued);
  for (const std::uint64_t count : health.syncs.counts) to.add_syncs(count);
  to.set_sync_micros(health.syncs.micros);
  to.set_verifier(health.verifier);
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
  health.free_octets = from.free_octets();
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
  return health;
}

void put(const store::MailboxStat& stat, proto::Stat& to) {
  to.set_live(stat.live);
  to.set_live_octets(stat.live_octets);
  to.set_wire_octets(stat.wire_octets);
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

store::MailboxStat from_proto(const proto::Stat& from) {
  store::MailboxStat stat;
  stat.live = from.live();
  stat.live_octets = from.live_octets();
  stat.wire_octets = from.wire_octets();
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

void put(const store::Record& record, proto::Record& to) {
  to.set_kind(static_cast<std::uint32_t>(record.key.kind));
  put_octets(record.key.mailbox.view(), *to.mutable_mailbox());
  to.set_name(record.key.name);
  put_octets(record.value, *to.mutable_value());
  to.set_version(record.version);
}

Result<store::Record> from_proto(const proto::Record& from) {
  const auto kind = kind_of(from.kind());
  if (!kind) return kind.error();
  const auto mailbox = id_of<MailboxId>(from.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  return store::Record{{*kind, *mailbox, from.name()}, to_bytes(from.value()), from.version()};
}

void put(const store::Tally& tally, proto::Tally& to) {
  to.set_of(tally.of);
  for (const store::TallyCount& count : store::kTallyCounts) to.add_counts(tally.*count.value);
  to.set_trouble(tally.trouble);
  to.set_trouble_time(tally.trouble_time);
}

store::Tally from_proto(const proto::Tally& from) {
  store::Tally tally;
  tally.of = from.of();
  // Copy only the counts that both sides know. New ones are appended to kTallyCounts, so the order
  // is the same.
  const std::size_t known =
      std::min(store::kTallyCounts.size(), static_cast<std::size_t>(from.counts_size()));
  for (std::size_t i = 0; i < known; ++i)
    tally.*store::kTallyCounts[i].value = from.counts(static_cast<int>(i));
  tally.trouble = from.trouble();
  tally.trouble_time = from.trouble_time();
  return tally;
}

void put(const store::RecordKey& key, proto::Request& to) {
  to.set_kind(static_cast<std::uint32_t>(key.kind));
  put_octets(key.mailbox.view(), *to.mutable_mailbox());
  to.set_text(key.name);
}

Result<store::RecordKey> record_key_of(const proto::Request& request) {
  const auto kind = kind_of(request.kind());
  if (!kind) return kind.error();
  const auto mailbox = id_of<MailboxId>(request.mailbox(), "mailbox id");
  if (!mailbox) return mailbox.error();
  return store::RecordKey{*kind, *mailbox, request.text()};
}

std::optional<store::State> state_of(std::uint32_t number) {
  // 0 is not a state: in a transition it stands for "removed".
  if (number < 1 || number > static_cast<std::uint32_t>(store::State::Quarantined)) return {};
  return static_cast<store::State>(number);
}

}  // namespace gw::keeper
