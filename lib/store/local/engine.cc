#include "store/local/engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <filesystem>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

namespace gw::store {
namespace {

// Replaces RocksDB's text log, the file LOG. After one write to that file has failed, for example on
// a full disk, the next line aborts the process (an assertion in the RocksDB of Debian 12). And a
// database that is opened for reading only would create the file, in a directory that salvage must
// not write to or that does not exist. gw reports errors itself.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// RocksDB requires a family called "default"; the heads use it.
constexpr std::array<const char*, kFamilies> kNames{"default", "records", "messages",
                                                    "bodies",  "history", "seen"};

// The only place where RocksDB's errors are converted. InvalidArgument is what an open reports if
// the files do not fit together, for example if a family is missing; the options themselves are
// constant.
Error error_of(const rocksdb::Status& status) {
  const std::string text = "database error: " + status.ToString();
  if (status.IsCorruption()) return Error(Code::Corrupt, text);
  if (status.IsNoSpace()) return Error(Code::Full, text);
  if (status.IsBusy() || status.IsTryAgain() || status.IsTimedOut()) return Error(Code::Busy, text);
  if (status.IsInvalidArgument()) return Error(Code::Corrupt, text);
  return Error(Code::Io, text);
}

Result<void> result_of(const rocksdb::Status& status) {
  if (status.ok()) return {};
  return error_of(status);
}

// The same for a read. A missing file is damage: it fails every time, and the rest can be read.
Error read_error_of(const rocksdb::Status& status) {
  if (!status.IsPathNotFound()) return error_of(status);
  return Error(Code::Corrupt, "a file of the database is missing: " + status.ToString());
}

// Checks that the system lets this process start more threads than RocksDB starts during an open.
// RocksDB does not recover from a refusal: it leaves the threads that it has started, and they crash
// the process when it ends. Fails with Busy.
Result<void> check_threads() {
  constexpr int kThreads = 8;
  std::promise<void> end;
  const std::shared_future<void> ended = end.get_future().share();
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  Result<void> started;
  try {
    while (threads.size() < kThreads) threads.emplace_back([ended] { ended.wait(); });
  } catch (const std::system_error& error) {
    started = Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
  }
  end.set_value();
  for (std::thread& thread : threads) thread.join();
  return started;
}

rocksdb::DBOptions database_options(Engine::Mode mode) {
  rocksdb::DBOptions options;
  options.create_if_missing = mode == Engine::Mode::Create;
  options.create_missing_column_families = mode == Engine::Mode::Create;
  options.error_if_exists = mode == Engine::Mode::Create;
  switch (mode) {
    case Engine::Mode::Create:
    case Engine::Mode::ReadWrite:
      // A torn tail is what a power cut leaves: the record was not acknowledged. Damage before the
      // end means that acknowledged commits may be lost, so the open must fail and people must
      // decide.
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
      break;
    case Engine::Mode::ReadOnly:
      // Shows as much as possible.
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
      break;
    case Engine::Mode::ReadWriteToDamage:
    case Engine::Mode::ReadOnlyToDamage:
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      break;
  }
  // All families are flushed together, so that the tables alone are the state after one whole batch.
  // Otherwise a damaged log could leave a message's record in a table and its body nowhere.
  options.atomic_flush = true;
  options.max_open_files = 256;  // bounds memory for table readers as well as descriptors
  // 1 means that the calling thread opens the tables, of which there are at most a quarter of those
  // files. With more, RocksDB starts threads, and aborts the process if the system refuses one.
  options.max_file_opening_threads = 1;
  // No table contains the name of the machine that wrote it.
  options.db_host_id.clear();
  options.max_background_jobs = 2;
  // Bounds the time that an open needs to replay the logs.
  options.max_total_wal_size = 64 << 20;
  // Preallocated blocks would distort the free space that Space measures.
  options.allow_fallocate = false;
  // RocksDB must not retry a failed background write by itself: what was lost may have been
  // acknowledged.
  options.max_bgerror_resume_count = 0;
  options.skip_stats_update_on_db_open = true;
  options.avoid_unnecessary_blocking_io = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log = std::make_shared<NoLog>();
  return options;
}

rocksdb::ColumnFamilyOptions family_options(Family family, std::size_t buffers,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  // Only these two families are asked for keys that often do not exist.
  if (family == Family::Messages || family == Family::Seen)
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Ciphertext and digests do not compress.
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = buffers / 2;
  options.max_write_buffer_number = 3;
  // Below malloc's threshold for mmap, so that freed blocks are reused instead of being returned to
  // the kernel and faulted in again.
  options.arena_block_size = 64 << 10;
  // Small files and small compactions: a compaction needs space for its whole result before it
  // frees any.
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  options.max_compaction_bytes = 64 << 20;
  if (family == Family::Bodies) {
    options.write_buffer_size = buffers;
    // Bodies are stored apart from their keys, so that compactions of the keys do not copy mail.
    options.enable_blob_files = true;
    options.min_blob_size = 1 << 10;
    options.blob_file_size = 64 << 20;
    // Automatic garbage collection would move live bodies at any time and may need more space than
    // there is. compact_bodies() does it, when there is space. A blob file whose bodies are all
    // deleted is removed without it.
    options.enable_blob_garbage_collection = false;
  }
  return options;
}

std::vector<rocksdb::ColumnFamilyDescriptor> all_families(std::size_t buffers) {
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(8 << 20, 2);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kFamilies; ++i)
    families.emplace_back(kNames[i], family_options(static_cast<Family>(i), buffers, cache));
  return families;
}

}  // namespace

class Engine::Listener : public rocksdb::EventListener {
 public:
  explicit Listener(std::atomic<bool>& failed) : failed_(failed) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    // The status is left as it is, so that RocksDB refuses every later write too.
    if (!status->ok()) failed_ = true;
  }

 private:
  std::atomic<bool>& failed_;
};

Result<std::unique_ptr<Engine>> Engine::open(const std::string& path, Mode mode, std::size_t buffers,
                                             std::chrono::milliseconds wait_for_space) {
  // RocksDB's own error for a missing database does not tell it from other I/O errors.
  std::error_code missing;
  if (mode != Mode::Create && !std::filesystem::exists(path + "/CURRENT", missing))
    return Error(Code::Corrupt, "the database at " + path + " is missing or incomplete");
  if (auto started = check_threads(); !started) return started.error();
  std::unique_ptr<Engine> engine(new Engine());
  rocksdb::DBOptions options = database_options(mode);
  options.listeners.push_back(std::make_shared<Listener>(engine->failed_));
  engine->files_ = std::make_shared<WaitingFiles>(wait_for_space);
  engine->env_ = rocksdb::NewCompositeEnv(engine->files_);
  options.env = engine->env_.get();
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const bool reading = mode == Mode::ReadOnly || mode == Mode::ReadOnlyToDamage;
  rocksdb::Status status;
  try {
    status = reading ? rocksdb::DB::OpenForReadOnly(options, path, all_families(buffers), &handles, &db)
                     : rocksdb::DB::Open(options, path, all_families(buffers), &handles, &db);
  } catch (const std::system_error& error) {
    // RocksDB creates all its threads during the open, and throws if the system refuses one.
    return Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
  }
  if (!status.ok()) return error_of(status);
  engine->db_.reset(db);
  std::copy(handles.begin(), handles.end(), engine->handles_.begin());
  return engine;
}

Result<void> Engine::list_anew(const std::string& path, std::size_t buffers) {
  rocksdb::DBOptions options = database_options(Mode::ReadOnly);
  if (auto repaired = result_of(rocksdb::RepairDB(path, options, all_families(buffers))); !repaired)
    return repaired;
  // RepairDB drops families that have no table. This open creates them again, so that the result
  // opens for reading with all families.
  options.create_missing_column_families = true;
  std::unique_ptr<Engine> engine(new Engine());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const auto status = rocksdb::DB::Open(options, path, all_families(buffers), &handles, &db);
  if (!status.ok()) return error_of(status);
  engine->db_.reset(db);
  std::copy(handles.begin(), handles.end(), engine->handles_.begin());
  return {};
}

Engine::~Engine() {
  if (!db_) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close();
}

Result<std::optional<std::string>> Engine::get(Family from, ByteView key) const {
  std::string value;
  const rocksdb::Status status = db_->Get({}, family(from), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return read_error_of(status);
  return std::optional<std::string>(std::move(value));
}

Result<bool> Engine::get(Family from, ByteView key, Pinned& value) const {
  const rocksdb::Status status = db_->Get({}, family(from), slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return read_error_of(status);
  return true;
}

Result<void> Engine::scan(Family in, ByteView from, ByteView end,
                          const std::function<bool(ByteView, ByteView)>& visit) const {
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions options;
  // The bound also lets RocksDB skip deleted ranges after `end` instead of walking over them.
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family(in)));
  for (at->Seek(slice(from)); at->Valid(); at->Next()) {
    if (!visit(view(at->key()), view(at->value()))) break;
  }
  if (!at->status().ok()) return read_error_of(at->status());
  return {};
}

Result<void> Engine::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  // One fdatasync of the write-ahead log. This is the durability that callers are promised.
  options.sync = true;
  return result_of(db_->Write(options, &batch));
}

Result<void> Engine::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  return result_of(db_->Flush({}, all));
}

Result<void> Engine::compact_bodies(bool move) {
  rocksdb::CompactRangeOptions options;
  // Must not wait for, or block, automatic compactions.
  options.exclusive_manual_compaction = false;
  if (move) {
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
  }
  options.canceled = &cancelled_;
  const rocksdb::Status status = db_->CompactRange(options, family(Family::Bodies), nullptr, nullptr);
  // It was cancelled because the store closes; that is no failure.
  if (status.IsIncomplete()) return {};
  return result_of(status);
}

Result<void> Engine::checkpoint(const std::string& path) const {
  rocksdb::Checkpoint* made = nullptr;
  if (auto ready = result_of(rocksdb::Checkpoint::Create(db_.get(), &made)); !ready) return ready;
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // A log size of 0 makes RocksDB flush first: otherwise the checkpoint would contain a copy of a
  // long write-ahead log, and successive backups would share fewer files.
  return result_of(checkpoint->CreateCheckpoint(path, 0));
}

namespace {

// Histories are never purged: they consist of digests and only grow. The heads contain no data of
// messages.
constexpr std::array kPurged{Family::Records, Family::Messages, Family::Bodies, Family::Seen};

}  // namespace

Result<void> Engine::rewrite(Family rewritten) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  // Forced down to the last level, where deletion markers and what they hide disappear; and every
  // blob file is rewritten whatever its age.
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1.0;
  options.canceled = &purge_cancelled_;
  const rocksdb::Status status = db_->CompactRange(options, family(rewritten), nullptr, nullptr);
  if (status.IsIncomplete()) return Error(Code::Busy, "the purge was cancelled");
  return result_of(status);
}

// Returns the names of all tables and blob files of the families to purge, as they are called in
// the database's directory.
std::set<std::string> Engine::files_to_rewrite() const {
  std::set<std::string> names;
  for (const Family purged : kPurged) {
    rocksdb::ColumnFamilyMetaData about;
    db_->GetColumnFamilyMetaData(family(purged), &about);
    for (const rocksdb::LevelMetaData& level : about.levels) {
      for (const rocksdb::SstFileMetaData& file : level.files) names.insert(file.relative_filename);
    }
    for (const rocksdb::BlobMetaData& file : about.blob_files)
      names.insert(std::filesystem::path(file.blob_file_name).filename().string());
  }
  return names;
}

// Waits up to a second for the files to disappear, because a reader may still use one at this
// moment. Returns false if one remains.
bool Engine::await_removal(const std::set<std::string>& names) {
  constexpr int kLooks = 50;
  for (int look = 0; look < kLooks && !purge_cancelled_; ++look) {
    // RocksDB removes unused files lazily; enabling deletions removes them before it returns.
    // Without force (false), because a checkpoint that is being made at the same time has disabled
    // deletions for itself.
    if (!db_->DisableFileDeletions().ok() || !db_->EnableFileDeletions(false).ok()) return false;
    const auto there = [&](const std::string& name) {
      std::error_code error;
      return std::filesystem::exists(db_->GetName() + "/" + name, error);
    };
    if (std::none_of(names.begin(), names.end(), there)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

Result<void> Engine::purge() {
  constexpr int kRounds = 3;
  // The size of a log with one record without content: RocksDB begins a log with it when it has left
  // out a torn tail. As there is nothing to flush, no flush replaces such a log.
  constexpr std::uint64_t kEmptyLog = 19;
  // In this order: a store that closes sets cancelled_ first, so that its request cannot be lost by
  // the reset.
  purge_cancelled_ = false;
  const Error cancelled(Code::Busy, "the purge was cancelled");
  if (cancelled_) return cancelled;
  // The write-ahead logs contain every recent change, too. They are listed before the flush, after
  // which RocksDB deletes them; the tables are listed after it, because it writes new ones that
  // still contain removed data.
  // RocksDB cannot list them: it reads the first record of each, and that of a log which a power cut
  // has torn is damaged.
  std::set<std::string> logs;
  std::error_code error;
  for (auto file = std::filesystem::directory_iterator(db_->GetName(), error);
       !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    std::error_code gone;
    const auto size = file->file_size(gone);
    if (file->path().extension() != ".log" || gone == std::errc::no_such_file_or_directory) continue;
    if (gone) return Error(Code::Io, "cannot examine " + file->path().string() + ": " + gone.message());
    if (size > kEmptyLog) logs.insert(file->path().filename().string());
  }
  if (error) return Error(Code::Io, "cannot list the write-ahead logs: " + error.message());
  if (auto flushed = flush(); !flushed) return flushed;
  std::set<std::string> before = files_to_rewrite();
  before.insert(logs.begin(), logs.end());
  // An automatic compaction that runs at the same time can keep an old file in use or move it to
  // another level unchanged: then it is done again.
  for (int round = 0; round < kRounds; ++round) {
    for (const Family purged : kPurged) {
      if (auto done = rewrite(purged); !done) return done;
    }
    if (await_removal(before)) return {};
    if (purge_cancelled_) return cancelled;
  }
  return Error(Code::Busy, "files from before the purge are still in use");
}

std::uint64_t Engine::purge_room() const {
  std::uint64_t size = body_sizes().all;
  size -= std::min(size, body_sizes().deleted);
  for (const Family purged : kPurged) {
    std::uint64_t tables = 0;
    if (db_->GetIntProperty(family(purged), rocksdb::DB::Properties::kTotalSstFilesSize, &tables))
      size += tables;
  }
  return size;
}

Engine::BodySizes Engine::body_sizes() const {
  BodySizes sizes;
  db_->GetIntProperty(family(Family::Bodies), rocksdb::DB::Properties::kTotalBlobFileSize, &sizes.all);
  db_->GetIntProperty(family(Family::Bodies), rocksdb::DB::Properties::kLiveBlobFileGarbageSize,
                      &sizes.deleted);
  return sizes;
}

void Engine::pause_compactions(bool pause) {
  for (rocksdb::ColumnFamilyHandle* handle : handles_) {
    const rocksdb::Status status =
        db_->SetOptions(handle, {{"disable_auto_compactions", pause ? "true" : "false"}});
    if (!status.ok()) failed_ = true;
  }
}

std::uint64_t Engine::promised() const {
  std::uint64_t size = 0;
  // The other families are small.
  for (const Family counted : {Family::Bodies, Family::History, Family::Messages}) {
    std::uint64_t part = 0;
    if (db_->GetIntProperty(family(counted), rocksdb::DB::Properties::kCurSizeAllMemTables, &part))
      size += part;
  }
  return size;
}

}  // namespace gw::store
