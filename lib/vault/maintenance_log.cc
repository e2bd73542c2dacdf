#include "vault/maintenance_log.h"

#include "vault/change_note.h"
#include "vault/maintenance_log.pb.h"

namespace gw::vault {
namespace {

const store::RecordKey kBackup{store::Kind::Setting, {}, "backup"};
const store::RecordKey kRestore{store::Kind::Setting, {}, "restore"};
const store::RecordKey kVerify{store::Kind::Setting, {}, "verify"};
constexpr Micros kSecond = 1'000'000;

template <typename Message, typename Fill>
// Stores a note that `fill` sets, on top of the stored record, so that fields of a newer version
// are kept.
Result<void> write(store::Store& store, const store::RecordKey& key, const store::Note& note,
                   const Fill& fill) {
  // Another backup or verification may end at the same moment. The later note is as good; so a
  // conflict is resolved by reading the record again.
  for (int tries = 1;; ++tries) {
    const Result<store::Record> before = store.get(key);
    if (!before && before.error().code() != Code::NotFound) return before.error();
    Message out;
    if (before) (void)out.ParseFromArray(before->value.data(), static_cast<int>(before->value.size()));
    fill(out);
    Bytes value(out.ByteSizeLong());
    (void)out.SerializeToArray(value.data(), static_cast<int>(value.size()));
    const auto written = store.put_if(key, before ? before->version : 0, value, note);
    if (written) return {};
    const Code code = written.error().code();
    if (tries == 3 || (code != Code::Conflict && code != Code::Exists)) return written.error();
  }
}

template <typename Message>
Result<std::optional<Message>> read(store::Store& store, const store::RecordKey& key) {
  const Result<store::Record> record = store.get(key);
  if (!record && record.error().code() == Code::NotFound) return std::optional<Message>();
  if (!record) return record.error();
  Message in;
  if (!in.ParseFromArray(record->value.data(), static_cast<int>(record->value.size())))
    return Error(Code::Corrupt, "cannot read the note of the last " + key.name);
  return std::optional(std::move(in));
}

Result<void> write(store::Store& store, const store::RecordKey& key, store::LeafType type,
                   const BackupNote& note, std::string_view actor) {
  const std::string what = type == store::LeafType::Backup ? "backup of " : "from the backup of ";
  const std::string change = what + rfc3339(note.time / kSecond * kSecond) + ", files " +
                             std::to_string(note.files) + ", bytes " + std::to_string(note.size);
  const store::Note entry{type, change_note(actor, "vault", change), 0};
  return write<proto::Backup>(store, key, entry, [&](proto::Backup& out) {
    out.set_time(note.time);
    out.set_commits(note.commits);
    out.set_files(note.files);
    out.set_size(note.size);
  });
}

}  // namespace

Result<void> note_backup(store::Store& store, const BackupNote& note, std::string_view actor) {
  return write(store, kBackup, store::LeafType::Backup, note, actor);
}

Result<void> note_restore(store::Store& store, const BackupNote& note, std::string_view actor) {
  return write(store, kRestore, store::LeafType::Restored, note, actor);
}

Result<std::optional<BackupNote>> last_backup(store::Store& store) {
  const auto in = read<proto::Backup>(store, kBackup);
  if (!in) return in.error();
  if (!*in) return std::optional<BackupNote>();
  return std::optional(BackupNote{(*in)->time(), (*in)->commits(), (*in)->files(), (*in)->size()});
}

Result<void> note_verify(store::Store& store, const VerifyNote& note, std::string_view actor) {
  const std::string what = note.findings == 0 ? "no findings" : "findings " + std::to_string(note.findings);
  const std::string change = "verified, " + what + ", messages " + std::to_string(note.messages);
  const store::Note entry{store::LeafType::Verified, change_note(actor, "vault", change), note.findings};
  return write<proto::Verify>(store, kVerify, entry, [&](proto::Verify& out) {
    out.set_time(note.time);
    out.set_mailboxes(note.mailboxes);
    out.set_messages(note.messages);
    out.set_findings(note.findings);
  });
}

Result<std::optional<VerifyNote>> last_verify(store::Store& store) {
  const auto in = read<proto::Verify>(store, kVerify);
  if (!in) return in.error();
  if (!*in) return std::optional<VerifyNote>();
  return std::optional(VerifyNote{(*in)->time(), (*in)->mailboxes(), (*in)->messages(), (*in)->findings()});
}

}  // namespace gw::vault
