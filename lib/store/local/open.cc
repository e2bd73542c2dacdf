// Creating and opening a vault: from the format file to a running store.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "store/local/directory_list.h"
#include "store/local/local_store_private.h"
#include "store/local/torn_tail.h"
#include "store/vault_format.h"

namespace gw::store {
namespace {

constexpr std::size_t kBuffers = 12 << 20;      // bytes of a write buffer for bodies
constexpr std::uint64_t kRoomToOpen = 1 << 20;  // bytes for RocksDB's manifest, options and log

// Returns smaller write buffers for a small disk: their content must find space there a second
// time.
std::size_t buffers_for(const Marks& marks) {
  return std::max<std::size_t>(256 << 10, std::min<std::size_t>(kBuffers, marks.low / 2));
}

// Returns the bytes in write-ahead logs, all of which an open may write to tables.
std::uint64_t logged(const std::string& database) {
  std::uint64_t size = 0;
  // A database that cannot be listed does not open either.
  const auto names = names_in(database);
  if (!names) return 0;
  for (const std::string& name : *names) {
    std::error_code gone;
    const std::uint64_t found = std::filesystem::file_size(database + "/" + name, gone);
    if (name.ends_with(".log") && !gone) size += found;
  }
  return size;
}

// Reads the commit point, the kept time, and every history with its mailbox into `opened`. Goes
// through all families that it needs even if one is damaged, so that a read-only store shows what
// it can.
Result<void> load(Opened& opened) {
  std::optional<Error> damage;
  bool found_point = false;
  auto heads = opened.engine->scan(Family::Heads, Key('a'), Key('z'), [&](ByteView key, ByteView value) {
    const char tag = as_text(key)[0];
    ByteReader reader(value);
    if (tag == 'c') {
      opened.point.number = reader.u64();
      found_point = reader.copy(opened.point.chain);
    } else if (tag == 'k') {
      opened.kept.kept = static_cast<Micros>(reader.u64());
      opened.kept.wall = static_cast<Micros>(reader.u64());
    } else if (tag == 'h') {
      auto state = decode_log_state(value);
      if (state) {
        opened.entries[MailboxId::from(key.subspan(1))].log = std::move(*state);
      } else {
        damage = state.error();
      }
    }
    return !damage;
  });
  if (!heads) return heads;
  const Key first = Key().u8(static_cast<std::uint8_t>(Kind::Mailbox));
  auto records = opened.engine->scan(Family::Records, first, after(first), [&](ByteView, ByteView value) {
    auto record = without_version({Kind::Mailbox, {}, {}}, value);
    auto mailbox = record ? decode_mailbox(record->value) : Result<MailboxRecord>(record.error());
    if (mailbox) {
      mailbox->version = record->version;
      opened.entries[mailbox->id].record = std::make_shared<const MailboxRecord>(std::move(*mailbox));
    } else {
      damage = mailbox.error();
    }
    return !damage;
  });
  if (!records) return records;
  if (damage) return *damage;
  if (!found_point) return Error(Code::Corrupt, "the database has no commit point");
  return {};
}

// Returns why the database cannot contain all acknowledged commits; empty if it can. A database
// that is ahead of the head file is normal, since the head file is up to a second older.
std::string behind(const CommitPoint& found, const CommitPoint& head) {
  if (found.number < head.number)
    return "acknowledged commits are missing: the database ends at commit " + std::to_string(found.number) +
           ", but commit " + std::to_string(head.number) + " was acknowledged";
  if (found.number == head.number && found.chain != head.chain)
    return "commit " + std::to_string(found.number) + " differs from the acknowledged one";
  return {};
}

// Describes the loss for people, from the head file and the newest leaf that is left.
Loss loss_of(const Opened& opened) {
  const std::uint64_t head = opened.head->head().point.number;
  Loss loss;
  loss.first = std::min(opened.point.number + 1, head);
  loss.last = head;
  for (const auto& [id, entry] : opened.entries) loss.since = std::max(loss.since, entry.log.time);
  return loss;
}

// Opens the database read-only in this mode, returns its commit point, and closes it again.
Result<CommitPoint> look(Opened& opened, const std::string& path, Engine::Mode mode, std::size_t buffers) {
  auto engine = Engine::open(path, mode, buffers);
  if (!engine) return engine.error();
  opened.engine = std::move(*engine);
  auto loaded = load(opened);
  opened.engine.reset();
  opened.entries.clear();
  if (!loaded) return loaded.error();
  return opened.point;
}

// A power cut can also leave a log whose length is already increased while some of its last blocks
// are zeros, on file systems that write size and data in any order. RocksDB calls that damage. It is
// only a torn tail if skipping the damage finds nothing after it (both modes end at the same
// commit) and everything that the head file knows is before it. Otherwise acknowledged mail may be
// missing, and the vault must not be opened for writing.
bool is_torn_tail(Opened& opened, const std::string& path, std::size_t buffers) {
  if (!may_be_torn(path)) return false;
  const auto before = look(opened, path, Engine::Mode::ReadOnlyToDamage, buffers);
  const auto all = look(opened, path, Engine::Mode::ReadOnly, buffers);
  return before && all && *before == *all && behind(*before, opened.head->head().point).empty();
}

// Returns what is wrong with a database that could not be opened for writing for another reason;
// empty if no damage is known. Without it, a vault on a read-only disk would be reported as intact.
std::string damage_of(Opened& opened, const std::string& path, std::size_t buffers) {
  const auto before = look(opened, path, Engine::Mode::ReadOnlyToDamage, buffers);
  const auto all = look(opened, path, Engine::Mode::ReadOnly, buffers);
  if (!all) return all.error().text();
  if (!before || *before != *all) return "its write-ahead log is damaged";
  return opened.head ? behind(*all, opened.head->head().point) : std::string();
}

// Returns Denied if this process may not read a file of the database. RocksDB reports that like
// damage, which calls for other measures.
Result<void> may_read(const Opened& opened, const std::string& path) {
  const auto denied = [&](const std::string& file) {
    return Error::from_errno(file, EACCES)
        .with_hint("chown -R --reference=" + opened.options.path + " " + path);
  };
  const auto names = names_in(path);
  if (!names && names.error().code() == Code::Denied) return denied(path);
  // Any other error is for the open to report.
  if (!names) return {};
  for (const std::string& name : *names) {
    const std::string file = path + "/" + name;
    if (::faccessat(AT_FDCWD, file.c_str(), R_OK, AT_EACCESS) != 0 && errno == EACCES) return denied(file);
  }
  return {};
}

// The error for a database that opens in no way.
Error not_opened(const Opened& opened, Code code, const std::string& text) {
  // What a look verifies is a copy, which nobody wants to rescue.
  if (opened.options.look_only) return Error(code, text);
  return Error(code, text)
      .with_hint("gw-store salvage " + opened.options.path +
                 " --to DIR, or gw-store restore BACKUP --to DIR");
}

// How long a write of RocksDB waits for space. It also bounds how much longer a keeper takes to open
// or close a vault on a full disk.
constexpr std::chrono::seconds kWaitForSpace{20};

Result<void> open_database(Opened& opened) {
  const std::string path = opened.options.path + "/db";
  const std::size_t buffers = buffers_for(opened.space.marks());
  // First for writing, unless that is already out of the question; if anything is wrong, for
  // reading, so that mail can still be drained.
  const bool tried = opened.reason.empty();
  if (tried) {
    auto engine = Engine::open(path, Engine::Mode::ReadWrite, buffers, kWaitForSpace);
    if (!engine && engine.error().code() != Code::Busy) {
      if (auto readable = may_read(opened, path); !readable) return readable;
    }
    if (!engine && engine.error().code() == Code::Corrupt && is_torn_tail(opened, path, buffers))
      engine = Engine::open(path, Engine::Mode::ReadWriteToDamage, buffers, kWaitForSpace);
    if (engine) {
      opened.engine = std::move(*engine);
      const auto loaded = load(opened);
      if (!loaded) {
        opened.reason = loaded.error().text();
      } else {
        opened.reason = behind(opened.point, opened.head->head().point);
      }
      if (opened.reason.empty()) return {};
      // Only `gw-store repair` asks for this.
      if (loaded && opened.accept_loss) {
        opened.loss = loss_of(opened);
        opened.reason.clear();
        return {};
      }
      opened.engine.reset();
      opened.entries.clear();
      // A lack of threads passes; it must not turn a healthy vault into a damaged one.
    } else if (engine.error().code() == Code::Busy) {
      return engine.error();
    } else {
      opened.reason = engine.error().text();
    }
    // The disk filled while the database was being opened. That is no damage: the keeper opens it
    // again when there is space.
    const bool full = !engine && engine.error().code() == Code::Full;
    if (full) opened.room_wanted = opened.space.marks().low;
    opened.damaged = !full;
  } else if (!opened.options.look_only) {
    if (const std::string damage = damage_of(opened, path, buffers); !damage.empty()) {
      opened.reason += "; " + damage;
      opened.damaged = true;
    }
  }
  // Opening for writing has failed. Reading shows what is left, and nothing is written, so that
  // salvage finds the files as they are.
  auto engine = Engine::open(path, Engine::Mode::ReadOnly, buffers);
  if (!engine) {
    if (auto readable = may_read(opened, path); !readable) return readable;
    return not_opened(opened, engine.error().code(),
                      opened.reason + "; it cannot be opened for reading either: " + engine.error().text());
  }
  opened.engine = std::move(*engine);
  // Damage is already described in `reason`; it is an error only if there is nothing at all to
  // show.
  if (auto loaded = load(opened); !loaded && opened.entries.empty())
    return not_opened(opened, loaded.error().code(),
                      opened.reason + "; its content cannot be read: " + loaded.error().text());
  return {};
}

// What an unfinished vault consists of, besides kOtherFiles, the lock file and its format file.
constexpr std::array kMade{"head", "ballast", "large", "db"};

// Checks that a vault may be created in this directory: that it contains nothing but the lock file and
// what an interrupted creation has left. Returns true if there is something to remove.
Result<bool> may_fill(const std::string& path) {
  const auto names = names_in(path);
  if (!names) return names.error();
  const auto has = [](const auto& list, const std::string& name) {
    return std::ranges::find(list, name) != list.end();
  };
  const bool unfinished = has(*names, kUnfinishedFormat);
  for (const std::string& name : *names) {
    if (name == "lock" || name == kUnfinishedFormat) continue;
    // Without the unfinished format file this can be a damaged vault.
    if (!unfinished || !(has(kMade, name) || has(kOtherFiles, name)))
      return Error(Code::Exists, path + ": exists and is not empty");
  }
  return unfinished;
}

// Accepts a directory that a vault may be created in, and gives it mode 0700.
Result<void> prepare_folder(const std::string& path) {
  if (auto may = may_fill(path); !may) return may.error();
  if (::chmod(path.c_str(), 0700) != 0) return Error::from_errno(path);
  // Also if an earlier run made it, because that one may have ended before this step.
  return sync_parent_of(path);
}

// Removes an unfinished vault. The format file is last and follows the sync: without it the other
// files would be those of a damaged vault. The lock file stays.
Result<void> remove_unfinished(const std::string& path) {
  const auto remove = [&](const char* name) -> Result<void> {
    std::error_code error;
    std::filesystem::remove_all(path + "/" + name, error);
    if (error) return Error::from_errno(path + "/" + name, error.value());
    return {};
  };
  for (const char* name : kMade) {
    if (auto removed = remove(name); !removed) return removed;
  }
  for (const char* name : kOtherFiles) {
    if (auto removed = remove(name); !removed) return removed;
  }
  if (auto synced = sync_folder(path); !synced) return synced;
  return remove(kUnfinishedFormat);
}

// Returns the id of the vault if it may be opened and its store is of this kind.
Result<VaultId> local_vault_in(const std::string& path) {
  auto vault = vault_in(path);
  if (!vault) return vault;
  const auto format = read_format(path);
  if (!format) return format.error();
  if (auto local = check_kind(path, format->kind); !local) return local.error();
  return vault;
}

Result<void> fill(const std::string& path, VaultLock hold, const VaultId& vault, ByteView recovery_recipient,
                  std::function<Micros()> clock, const Complete& complete) {
  if (auto begun = begin_format(path, vault); !begun) return begun;
  LocalOptions options;
  options.clock = std::move(clock);
  options.path = path;
  auto space = DiskSpace::open(path, options.low_mark, options.high_mark, options.ballast);
  if (!space) return space.error();
  space->look([] { return 0; });
  if (auto room = space->room_for_append(kRoomToOpen); !room) return room;
  auto engine = Engine::open(path + "/db", Engine::Mode::Create, buffers_for(space->marks()));
  if (!engine) return engine.error();
  if (auto made = LargeFiles::create(path); !made) return made;
  if (auto made = HeadFile::create(path, {}); !made) return made;
  auto large = LargeFiles::open(path);
  if (!large) return large.error();
  auto head = HeadFile::open(path);
  if (!head) return head.error();
  {
    // The store ends before the format file gets its name: its destructor flushes and marks the head
    // file as clean.
    LocalStore store({options,
                      vault,
                      std::move(hold),
                      std::move(*space),
                      std::move(*engine),
                      std::move(*large),
                      std::move(*head),
                      {},
                      {},
                      {},
                      {},
                      false,
                      0});
    if (auto founded = store.found(recovery_recipient); !founded) return founded;
    if (complete) {
      if (auto completed = complete(store); !completed) return completed;
    }
  }
  // The name of the format file is last, because it makes the directory a vault. A crash before
  // this point leaves a directory that no program takes for one.
  return finish_format(path);
}

// Creates a vault in a directory that exists.
Result<void> create_in(const std::string& path, const VaultId& vault, ByteView recovery_recipient,
                       std::function<Micros()> clock, const Complete& complete) {
  if (auto prepared = prepare_folder(path); !prepared) return prepared;
  auto hold = VaultLock::take(path);
  if (!hold) return hold.error();
  // Another process may have created a vault here between the first check and the lock. From here
  // on every file with one of a vault's names was created by this process, since others take the
  // lock first. So after a failure exactly these can be removed.
  auto unfinished = may_fill(path);
  if (!unfinished) return unfinished.error();
  if (*unfinished) {
    if (auto removed = remove_unfinished(path); !removed) return removed;
  }
  // The store gives up its handle when it ends; this one keeps the lock until the vault is complete.
  auto stores = hold->shared();
  if (!stores) return stores.error();
  auto filled = fill(path, std::move(*stores), vault, recovery_recipient, std::move(clock), complete);
  // A complete vault that could not be taken back stays.
  if (filled || ::access((path + "/format").c_str(), F_OK) == 0) return filled;
  // The lock file is last: once it is gone, another process may create a vault here. What cannot be
  // removed is left for the next attempt.
  if (remove_unfinished(path)) ::unlink((path + "/lock").c_str());
  return filled;
}

}  // namespace

Result<void> create_local_store(const std::string& path, const VaultId& vault, ByteView recovery_recipient,
                                std::function<Micros()> clock, const Complete& complete) {
  const bool made = ::mkdir(path.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return Error::from_errno(path);
  auto created = create_in(path, vault, recovery_recipient, std::move(clock), complete);
  // Fails if another process has begun to create a vault here.
  if (!created && made) ::rmdir(path.c_str());
  return created;
}

Result<Opened> open_files(LocalOptions options, bool accept_loss) {
  const std::string context = "cannot open the vault";
  // The steps below have an order: what kind of vault it is, whether the file system can be
  // trusted, the lock, and only then anything that writes.
  auto vault = local_vault_in(options.path);
  if (!vault) return vault.error().within(context);
  if (!options.allow_network_fs) {
    if (auto local = refuse_network(options.path); !local) return local.error().within(context);
  }
  auto hold = VaultLock::take(options.path);
  if (!hold) return hold.error().within(context);
  // Asked again under the lock: a keeper may have had it until now, and have moved the vault away.
  vault = local_vault_in(options.path);
  if (!vault) return vault.error().within(context);
  auto space = DiskSpace::open(options.path, options.low_mark, options.high_mark, options.ballast);
  if (!space) return space.error().within(context);
  // RocksDB aborts the process if the disk fills while it replays its logs. So the space for that
  // is checked before it is opened.
  const std::uint64_t replay = logged(options.path + "/db");
  space->look([&] { return replay; });
  const bool writes = !options.look_only && !space->read_only();
  // Frees the space that a killed keeper's snapshot occupies; the lock guarantees that no other
  // process copies it.
  if (writes) clear_snapshots(options.path);
  // The ballast is there for this, too: a vault on a full disk must still open, because draining it
  // is what frees space.
  if (space->full() && writes) {
    space->release_ballast();
    space->look([&] { return replay; });
  }
  if (writes) {
    // A program that was killed after it had given the directory, or a file in it, its last name may
    // not have made the name durable. A power cut must not take it back once the vault has mail.
    if (auto synced = sync_folder(options.path); !synced) return synced.error().within(context);
    if (auto synced = sync_parent_of(options.path); !synced) return synced.error().within(context);
    if (auto arrived = confirm_arrival(options.path); !arrived) return arrived.error().within(context);
  }
  auto large = LargeFiles::open(options.path);
  if (!large) return large.error().within(context);

  Opened opened{std::move(options),
                *vault,
                std::move(*hold),
                std::move(*space),
                nullptr,
                std::move(*large),
                std::nullopt,
                {},
                {},
                {},
                {},
                false,
                0};
  const std::uint64_t wanted = replay + std::min(kRoomToOpen, opened.space.marks().floor);
  if (opened.space.free_bytes() < wanted) {
    opened.reason = "not enough disk space to open it for writing";
    opened.room_wanted = wanted;
  }
  opened.accept_loss = accept_loss;
  // No amount of free space helps with a read-only mount.
  if (opened.space.read_only()) {
    opened.reason = "its file system is mounted read-only";
    opened.room_wanted = 0;
  }
  if (opened.options.look_only) opened.reason = "it was opened for reading only";
  auto head = HeadFile::open(opened.options.path);
  if (head) {
    opened.head = std::move(*head);
  } else {
    opened.reason += (opened.reason.empty() ? "" : "; ") + head.error().text();
    opened.damaged = true;
  }
  if (auto database = open_database(opened); !database) return database.error().within(context);
  // A look is used to verify a copy, for which "opens read-only" is no answer: anything missing is
  // an error.
  if (opened.options.look_only) {
    if (!opened.head) return head.error().within(context);
    const std::string missing = behind(opened.point, opened.head->head().point);
    if (!missing.empty()) return Error(Code::Corrupt, missing).within(context);
    return opened;
  }
  if (!opened.reason.empty())
    log::error("vault read-only", {{"vault", opened.options.path}, {"reason", opened.reason}});
  return opened;
}

Result<std::unique_ptr<Store>> open_local_store(LocalOptions options) {
  auto opened = open_files(std::move(options), false);
  if (!opened) return opened.error();
  auto store = std::make_unique<LocalStore>(std::move(*opened));
  if (auto settled = store->settle(); !settled) return settled.error().within("cannot open the vault");
  return std::unique_ptr<Store>(std::move(store));
}

}  // namespace gw::store
