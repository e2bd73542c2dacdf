#include "vault/upkeep.h"

#include "vault/upkeep.pb.h"

namespace gw::vault {
namespace {

const store::RecordKey kBackup{store::Kind::Setting, {}, "backup"};
const store::RecordKey kRestore{store::Kind::Setting, {}, "restore"};

Result<void> write(store::Store& store, const store::RecordKey& key, const BackupNote& note,
                   std::string_view actor) {
  // Another one may end at the same moment.
  for (int tries = 1;; ++tries) {
    const Result<store::Record> before = store.get(key);
    if (!before && before.error().code() != Code::NotFound) return before.error();
    proto::Backup out;
    if (before) (void)out.ParseFromArray(before->value.data(), static_cast<int>(before->value.size()));
    out.set_time(note.time);
    out.set_commits(note.commits);
    out.set_files(note.files);
    out.set_octets(note.octets);
    Bytes value(out.ByteSizeLong());
    (void)out.SerializeToArray(value.data(), static_cast<int>(value.size()));
    const auto written = store.put_if(key, before ? before->version : 0, value,
                                      {store::LeafType::Setting, std::string(actor), 0});
    if (written) return {};
    const Code code = written.error().code();
    if (tries == 3 || (code != Code::Conflict && code != Code::Exists)) return written.error();
  }
}

}  // namespace

Result<void> note_backup(store::Store& store, const BackupNote& note, std::string_view actor) {
  return write(store, kBackup, note, actor);
}

Result<void> note_restore(store::Store& store, const BackupNote& note, std::string_view actor) {
  return write(store, kRestore, note, actor);
}

Result<std::optional<BackupNote>> last_backup(store::Store& store) {
  const Result<store::Record> record = store.get(kBackup);
  if (!record && record.error().code() == Code::NotFound) return std::optional<BackupNote>();
  if (!record) return record.error();
  proto::Backup in;
  if (!in.ParseFromArray(record->value.data(), static_cast<int>(record->value.size())))
    return Error(Code::Corrupt, "the note of the last backup cannot be read");
  return std::optional(BackupNote{in.time(), in.commits(), in.files(), in.octets()});
}

}  // namespace gw::vault
