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
#include <system_error>
#include <thread>

namespace gw::store {
namespace {

// RocksDB's own log of what it does, which it would make also where it only reads, and in a directory that is
// not there.
class NoLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

constexpr std::array<const char*, kFamilies> kNames{"default", "records", "messages",
                                                    "bodies",  "history", "seen"};

// The one place where RocksDB's errors become ours.
Error error_of(const rocksdb::Status& status) {
  const std::string text = "the database: " + status.ToString();
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

rocksdb::DBOptions database_options(Engine::Mode mode) {
  rocksdb::DBOptions options;
  options.create_if_missing = mode == Engine::Mode::Create;
  options.create_missing_column_families = mode == Engine::Mode::Create;
  options.error_if_exists = mode == Engine::Mode::Create;
  switch (mode) {
    case Engine::Mode::Create:
    case Engine::Mode::ReadWrite:
      // A torn tail is what a power cut leaves; damage in front of it is a reason not to open.
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
      break;
    case Engine::Mode::ReadOnly:
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords;
      break;
    case Engine::Mode::ReadWriteToDamage:
    case Engine::Mode::ReadOnlyToDamage:
      options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
      break;
  }
  options.atomic_flush = true;
  options.max_open_files = 256;
  options.db_host_id.clear();  // no table names the machine that wrote it
  options.max_background_jobs = 2;
  options.max_total_wal_size = 64 << 20;
  options.allow_fallocate = false;  // preallocated blocks would hide how much room there is
  options.max_bgerror_resume_count = 0;
  options.skip_stats_update_on_db_open = true;
  options.avoid_unnecessary_blocking_io = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 4;
  options.max_log_file_size = 1 << 20;
  return options;
}

rocksdb::ColumnFamilyOptions family_options(Family family, std::size_t buffers,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.format_version = 5;
  if (family == Family::Messages || family == Family::Seen)
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // digests and ciphertext
  options.write_buffer_size = buffers / 2;
  options.max_write_buffer_number = 3;
  options.arena_block_size = 64 << 10;  // below malloc's threshold for mappings: freed ones are used again
  // Small steps: a compaction needs room for its result before it gives back any.
  options.target_file_size_base = 16 << 20;
  options.max_bytes_for_level_base = 64 << 20;
  options.max_compaction_bytes = 64 << 20;
  if (family == Family::Bodies) {
    options.write_buffer_size = buffers;
    options.enable_blob_files = true;
    options.min_blob_size = 1 << 10;
    options.blob_file_size = 64 << 20;
    // A compaction that moves live bodies may need more room than there is: that is done by compact_bodies,
    // which is called where there is room. A file whose bodies are all deleted goes by itself.
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
    // Kept as it is, so that RocksDB too refuses every later write.
    if (!status->ok()) failed_ = true;
  }

 private:
  std::atomic<bool>& failed_;
};

Result<std::unique_ptr<Engine>> Engine::open(const std::string& path, Mode mode, std::size_t buffers) {
  std::error_code missing;
  if (mode != Mode::Create && !std::filesystem::exists(path + "/CURRENT", missing))
    return Error(Code::Corrupt, "the database is not at " + path + ", or not all of it");
  std::unique_ptr<Engine> engine(new Engine());
  rocksdb::DBOptions options = database_options(mode);
  options.listeners.push_back(std::make_shared<Listener>(engine->failed_));
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const bool reading = mode == Mode::ReadOnly || mode == Mode::ReadOnlyToDamage;
  if (reading) options.info_log = std::make_shared<NoLog>();
  rocksdb::Status status;
  try {
    status = reading ? rocksdb::DB::OpenForReadOnly(options, path, all_families(buffers), &handles, &db)
                     : rocksdb::DB::Open(options, path, all_families(buffers), &handles, &db);
  } catch (const std::system_error& error) {
    // All of its threads are made here.
    return Error(Code::Busy, std::string("the system gives no thread: ") + error.what());
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
  // A family that has no table is not in the list; an open makes it.
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
  if (!status.ok()) return error_of(status);
  return std::optional<std::string>(std::move(value));
}

Result<bool> Engine::get(Family from, ByteView key, Pinned& value) const {
  const rocksdb::Status status = db_->Get({}, family(from), slice(key), &value);
  if (status.IsNotFound()) return false;
  if (!status.ok()) return error_of(status);
  return true;
}

Result<void> Engine::scan(Family in, ByteView from, ByteView end,
                          const std::function<bool(ByteView, ByteView)>& visit) const {
  const rocksdb::Slice upper = slice(end);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> at(db_->NewIterator(options, family(in)));
  for (at->Seek(slice(from)); at->Valid(); at->Next()) {
    if (!visit(view(at->key()), view(at->value()))) break;
  }
  return result_of(at->status());
}

Result<void> Engine::write(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  return result_of(db_->Write(options, &batch));
}

Result<void> Engine::flush() {
  const std::vector<rocksdb::ColumnFamilyHandle*> all(handles_.begin(), handles_.end());
  return result_of(db_->Flush({}, all));
}

Result<void> Engine::compact_bodies(bool move) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  if (move) {
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
  }
  options.canceled = &cancelled_;
  const rocksdb::Status status = db_->CompactRange(options, family(Family::Bodies), nullptr, nullptr);
  if (status.IsIncomplete()) return {};  // cancelled
  return result_of(status);
}

Result<void> Engine::checkpoint(const std::string& path) const {
  rocksdb::Checkpoint* made = nullptr;
  if (auto ready = result_of(rocksdb::Checkpoint::Create(db_.get(), &made)); !ready) return ready;
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // Flushed first, so that the next one has the same files and no long write-ahead log.
  return result_of(checkpoint->CreateCheckpoint(path, 0));
}

namespace {

constexpr std::array kPurged{Family::Records, Family::Messages, Family::Bodies, Family::Seen};

}  // namespace

Result<void> Engine::rewrite(Family rewritten) {
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
  options.blob_garbage_collection_age_cutoff = 1.0;
  options.canceled = &purge_cancelled_;
  const rocksdb::Status status = db_->CompactRange(options, family(rewritten), nullptr, nullptr);
  if (status.IsIncomplete()) return Error(Code::Busy, "the purge was cancelled");
  return result_of(status);
}

// Tables and blobs of what is to be rewritten, as they are called in the database's folder.
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

// Whether they go soon: a reader of this moment may still use one.
bool Engine::await_removal(const std::set<std::string>& names) {
  constexpr int kLooks = 50;
  for (int look = 0; look < kLooks && !purge_cancelled_; ++look) {
    // Files that nothing uses any more are removed by these two before they return. Not by force: a
    // checkpoint that is being made at the time has its own right to them.
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
  purge_cancelled_ = false;
  const Error cancelled(Code::Busy, "the purge was cancelled");
  if (cancelled_) return cancelled;
  rocksdb::VectorLogPtr logs;
  if (auto listed = result_of(db_->GetSortedWalFiles(logs)); !listed) return listed;
  // What was logged of it goes with the log.
  if (auto flushed = flush(); !flushed) return flushed;
  std::set<std::string> before = files_to_rewrite();
  for (const auto& log : logs)
    if (log->SizeFileBytes() > 0) before.insert(std::filesystem::path(log->PathName()).filename().string());
  // A compaction that ran beside this one may have kept on using a file of before: then once more.
  for (int round = 0; round < kRounds; ++round) {
    for (const Family purged : kPurged) {
      if (auto done = rewrite(purged); !done) return done;
    }
    if (await_removal(before)) return {};
    if (purge_cancelled_) return cancelled;
  }
  return Error(Code::Busy, "files of before the purge are still in use");
}

std::uint64_t Engine::purge_room() const {
  std::uint64_t octets = body_sizes().all;
  octets -= std::min(octets, body_sizes().deleted);
  for (const Family purged : kPurged) {
    std::uint64_t tables = 0;
    if (db_->GetIntProperty(family(purged), rocksdb::DB::Properties::kTotalSstFilesSize, &tables))
      octets += tables;
  }
  return octets;
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
  std::uint64_t octets = 0;
  for (const Family counted : {Family::Bodies, Family::History, Family::Messages}) {
    std::uint64_t part = 0;
    if (db_->GetIntProperty(family(counted), rocksdb::DB::Properties::kCurSizeAllMemTables, &part))
      octets += part;
  }
  return octets;
}

}  // namespace gw::store
