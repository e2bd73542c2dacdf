#include "store/salvage/salvage.h"

// The order of a salvage: records first (they are needed to name the vault), then the vault's
// history, then each mailbox, then whatever nothing has mentioned. The head and format files of the
// new vault are written last, so that a salvage that is interrupted leaves no vault.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "store/keys.h"
#include "store/local/directory_list.h"
#include "store/local/large_message.h"
#include "store/local/local_store_private.h"
#include "store/local/vault_lock.h"
#include "store/resolve.h"
#include "store/salvage/salvage_files.h"
#include "store/salvage/salvage_run.h"
#include "store/vault_format.h"

namespace gw::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSalvageBuffers = 8 << 20;

}  // namespace

void Salvage::lose(const MailboxId& mailbox, std::optional<MessageId> message, std::string why,
                   std::string file) {
  ++report_.losses;
  options_.lost({mailbox, message, std::move(why), std::move(file)});
}

// A key can be found with several values; the version tells the newest.
void Salvage::read_records() {
  source_.scan(Family::Records, {}, Bytes(1, std::byte{0xff}), [&](ByteView key, ByteView value) {
    ByteReader reader(value);
    const std::uint64_t version = reader.u64();
    auto& known = records_[std::string(as_text(key))];
    if (reader.ok() && version >= known.first) known = {version, to_bytes(reader.rest())};
    return true;
  });
}

RecordKey record_key_of(std::string_view stored) {
  ByteReader reader(as_bytes(stored));
  RecordKey key;
  key.kind = static_cast<Kind>(reader.u8());
  key.mailbox = MailboxId::from(reader.bytes(16));
  key.name = as_text(reader.rest());
  return key;
}

// The format file and every password slot contain the id. The id is part of every key that seals an
// envelope, so a wrong one would make all mail unreadable: it is accepted only if the sources do
// not contradict each other.
Result<VaultId> Salvage::find_vault() {
  std::map<VaultId, std::size_t> named;
  for (const auto& [stored, record] : records_) {
    const RecordKey key = record_key_of(stored);
    if (key.kind != Kind::Slot || key.name != "password" || !options_.vault_of_slot) continue;
    if (const auto vault = options_.vault_of_slot(record.second)) ++named[*vault];
  }
  const auto format = read_format(options_.from);
  const bool newer = !format && format.error().code() == Code::Version && names_newer_format(options_.from);
  // A vault of a newer gw must not be salvaged by an older one, which would drop what it does not
  // know.
  if (newer) return format.error();
  if (format && format->moved) return moved_error(options_.from, format->moved->place);
  if (format && (named.empty() || named.contains(format->vault))) return format->vault;
  if (named.size() != 1)
    return Error(Code::Corrupt, options_.from + "/format: damaged, and no password slot has the vault id")
        .with_hint("restore the file from a copy: three lines, `gw-vault 1`, `vault ID` and `requires`");
  return named.begin()->first;
}

// Reports whether everything that was acknowledged can be in the database.
void Salvage::judge_database() {
  source_.get(Family::Heads, commit_key(), [&](ByteView value) {
    ByteReader reader(value);
    CommitPoint found;
    found.number = reader.u64();
    if (reader.copy(found.chain) && found.number >= point_.number) point_ = found;
  });
  const auto& head = source_.head();
  if (!head) {
    behind_ = true;
    lose({}, {}, "the head file is missing or damaged: the newest changes may be lost");
  } else if (point_.number < head->point.number) {
    behind_ = true;
    lose({}, {},
         "acknowledged commits are missing: the database ends at commit " + std::to_string(point_.number) +
             ", but commit " + std::to_string(head->point.number) + " was acknowledged");
  } else if (point_ != head->point && point_.number == head->point.number) {
    behind_ = true;
    lose({}, {}, "commit " + std::to_string(point_.number) + " differs from the acknowledged one");
  }
  // Small records have no evidence of their own that they are the newest. If any file may be
  // missing, an older value may be what was found.
  const bool changed_unseen =
      source_.reason().empty() ? !source_.complete(Family::Records) : source_.files_missing();
  if (changed_unseen) lose({}, {}, "settings, routes and accounts may be missing or out of date");
}

// Collects the ids from all places, because any of them may be damaged.
std::set<MailboxId> Salvage::logs() {
  std::set<MailboxId> all;
  for (const auto& [id, alive] : vault_log_.mailboxes()) all.insert(id);
  for (const auto& [stored, record] : records_) {
    const RecordKey key = record_key_of(stored);
    if (key.kind == Kind::Mailbox) all.insert(key.mailbox);
  }
  source_.scan(Family::Heads, Key('h'), after(Key('h')), [&](ByteView key, ByteView) {
    all.insert(MailboxId::from(key.subspan(1)));
    return true;
  });
  Key from;
  // Skips from one history to the next, instead of reading all leaves.
  for (;;) {
    std::optional<MailboxId> next;
    source_.scan(Family::History, from, Bytes(16, std::byte{0xff}), [&](ByteView key, ByteView) {
      const MailboxId id = MailboxId::from(key.first(16));
      next = std::min(next.value_or(id), id);
      return false;
    });
    if (!next) break;
    all.insert(*next);
    from = after(Key().id(*next));
  }
  // The vault's own history is handled apart.
  all.erase(MailboxId{});
  return all;
}

Result<SalvageReport> Salvage::run() {
  read_records();
  const auto vault = find_vault();
  if (!vault) return vault.error();
  report_.vault = *vault;
  judge_database();
  // The vault's history is first: it tells which mailboxes were created and removed.
  if (const auto read = vault_log_.read(source_); !read) {
    if (read.error().code() != Code::Corrupt) return read.error();
    lose({}, {}, read.error().text());
  }
  if (vault_log_.cut()) lose({}, {}, "entries of its history are lost");
  for (const MailboxId& id : logs()) {
    if (auto done = salvage_log(id); !done) return done.error();
  }
  // The rest, in this order: finish_places() finds lost messages, set_aside_the_rest() must know
  // all messages, and finish_vault_log() appends the leaves that depend on the number of losses.
  // The commit point makes the database complete.
  for (const auto& finish :
       {&Salvage::finish_places, &Salvage::set_aside_the_rest, &Salvage::write_other_records,
        &Salvage::finish_vault_log, &Salvage::write_point}) {
    if (auto done = (this->*finish)(); !done) return done.error();
  }
  if (auto done = to_.flush(); !done) return done.error();
  if (auto done = engine_.flush(); !done) return done.error();
  return report_;
}

// Index records are derived from the mailbox records and not copied: a stale alias would deliver
// mail to the wrong mailbox.
Result<void> Salvage::write_other_records() {
  std::map<std::string, std::string> index;
  for (const auto& [id, mailbox] : mailboxes_) {
    if (!records_.contains(std::string(as_text(record_key({Kind::Slot, id, "password"})))))
      lose(id, {},
           "its password slot is lost: set a password with gw-store mailbox passwd --recovery-key-file");
    for (const RecordKey& key : index_keys(report_.vault, mailbox)) {
      const std::uint64_t version = records_[std::string(as_text(record_key({Kind::Mailbox, id, {}})))].first;
      if (auto put = to_.put(Family::Records, record_key(key), with_version(version, id.view())); !put)
        return put;
    }
  }
  for (const auto& [stored, record] : records_) {
    const RecordKey key = record_key_of(stored);
    const bool derived = key.kind == Kind::Name || key.kind == Kind::Alias;
    if (derived || (!key.mailbox.zero() && !mailboxes_.contains(key.mailbox))) continue;
    if (auto put = to_.put(Family::Records, as_bytes(stored), with_version(record.first, record.second));
        !put)
      return put;
  }
  std::optional<Error> failed;
  // Fingerprints prevent that gw-proxy copies a mail again.
  source_.scan(Family::Seen, {}, Bytes(48, std::byte{0xff}), [&](ByteView key, ByteView value) {
    if (!mailboxes_.contains(MailboxId::from(key.first(16)))) return true;
    if (auto put = to_.put(Family::Seen, key, value); !put) failed = put.error();
    return !failed;
  });
  return failed ? Result<void>(*failed) : Result<void>();
}

// Appends what the vault's history does not say: its beginning if that is lost, the Gap, and the
// mailboxes that were created or have disappeared. `gw-store verify` compares the mailboxes with
// it.
Result<void> Salvage::finish_vault_log() {
  Leaf leaf;
  if (vault_log_.size() == 0) {
    std::vector<Record> settings;
    for (const auto& [stored, record] : records_) {
      const RecordKey key = record_key_of(stored);
      if (key.kind == Kind::Setting && key.mailbox.zero())
        settings.push_back({key, record.second, record.first});
    }
    leaf.type = LeafType::VaultMade;
    leaf.container = options_.recipient_of_settings(settings);
    if (auto noted = vault_log_.append(leaf); !noted) return noted.error();
    lose({}, {}, "the beginning of its history is lost: check that its recovery recipient is correct");
  }
  if (report_.losses != 0) {
    if (auto noted = write_gap(vault_log_); !noted) return noted;
  }
  const auto say = [&](LeafType type, const MailboxId& id) -> Result<void> {
    Leaf told;
    told.type = type;
    told.mailbox = id;
    if (type == LeafType::MailboxMade) {
      const auto record = records_.find(std::string(as_text(record_key({Kind::Mailbox, id, {}}))));
      told.container = sha256(record->second.second);
    }
    if (auto noted = vault_log_.append(told); !noted) return noted.error();
    return {};
  };
  const std::map<MailboxId, bool>& told = vault_log_.told_mailboxes();
  for (const auto& [id, mailbox] : mailboxes_) {
    if (told.contains(id)) continue;
    if (auto said = say(LeafType::MailboxMade, id); !said) return said;
  }
  for (const auto& [id, alive] : told) {
    if (!alive || mailboxes_.contains(id)) continue;
    if (auto said = say(LeafType::MailboxRemoved, id); !said) return said;
  }
  return vault_log_.finish({});
}

// A number above every one that was acknowledged, with a chain of its own, so that a head file or
// backup of the old vault never matches the new one.
Result<void> Salvage::write_point() {
  if (source_.head()) point_.number = std::max(point_.number, source_.head()->point.number);
  ++point_.number;
  point_.chain = sha256(point_.chain);
  return to_.put(Family::Heads, commit_key(), ByteWriter().u64(point_.number).bytes(point_.chain).data());
}

namespace {

// Creates the database of the new vault, closed when this returns, then the files beside it.
// `format` is last.
Result<SalvageReport> fill(const SalvageOptions& options, SalvageSource& source) {
  auto hold = VaultLock::take(options.to);
  if (!hold) return hold.error();
  const LocalOptions usual;
  auto space = DiskSpace::open(options.to, usual.low_mark, usual.high_mark, usual.ballast);
  if (!space) return space.error();
  space->look([] { return 0; });
  // RocksDB aborts on a full disk, so look first.
  if (auto room = space->room_for_append(1 << 20); !room) return room.error();
  if (auto made = LargeFiles::create(options.to); !made) return made.error();
  Result<SalvageReport> report = SalvageReport{};
  CommitPoint point;
  {
    auto engine = Engine::open(options.to + "/db", Engine::Mode::Create, kSalvageBuffers);
    if (!engine) return engine.error();
    Salvage salvage(options, source, **engine, *space);
    report = salvage.run();
    if (!report) return report;
    const auto stored = (*engine)->get(Family::Heads, commit_key());
    if (!stored || !*stored) return Error(Code::Internal, "the new database has no commit point");
    ByteReader reader(as_bytes(**stored));
    point.number = reader.u64();
    reader.copy(point.chain);
  }
  // The order is that of any commit: files and database are durable before the head file says so.
  if (auto synced = sync_folder(options.to + "/large"); !synced) return synced.error();
  if (auto made = HeadFile::create(options.to, {point, true}); !made) return made.error();
  copy_other_files(options.from, options.to);
  if (auto made = write_format(options.to, report->vault); !made) return made.error();
  return report;
}

}  // namespace

Result<SalvageReport> salvage_local_store(const SalvageOptions& options) {
  // The mail of a store of another kind is not in this directory.
  if (const auto format = read_format(options.from); format) {
    if (auto local = check_kind(options.from, format->kind); !local) return local.error();
  }
  std::error_code error;
  if (!fs::is_directory(options.from + "/db", error))
    return Error(Code::NotFound, options.from + ": not a vault");
  // A running keeper would change files while they are copied.
  auto hold = hold_unwritten(options.from);
  if (!hold) return hold.error();
  if (auto made = make_target(options.from, options.to); !made) return made.error();
  const std::string work = options.to + "/salvage";
  Result<SalvageReport> report = SalvageReport{};
  {
    auto source = SalvageSource::open(options.from, work, kSalvageBuffers);
    report = source ? fill(options, *source) : Result<SalvageReport>(source.error());
  }
  // After the source is closed.
  fs::remove_all(work, error);
  if (!report) {
    // What stays is in the way of another run, which says so.
    const auto names = names_in(options.to);
    if (names)
      for (const std::string& name : *names) fs::remove_all(options.to + "/" + name, error);
    return report;
  }
  if (auto synced = sync_folder(options.to); !synced) return synced.error();
  if (auto synced = sync_parent_of(options.to); !synced) return synced.error();
  return report;
}

}  // namespace gw::store
