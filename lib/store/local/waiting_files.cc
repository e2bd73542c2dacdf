#include "store/local/waiting_files.h"

#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace gw::store {
namespace {

// Returns true if a write failed because the disk or the user's quota is full. RocksDB has no code
// for a quota; its text ends with the system's.
bool no_space(const rocksdb::IOStatus& status) {
  if (status.ok()) return false;
  return status.IsNoSpace() || status.ToString().find(std::strerror(EDQUOT)) != std::string::npos;
}

// A file that RocksDB creates and appends to. Used by one thread at a time.
class WaitingFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WaitingFile(WaitingFiles& files, std::unique_ptr<rocksdb::FSWritableFile>&& file)
      : FSWritableFileOwnerWrapper(std::move(file)), files_(files) {}

  // A failed append may have written a part of the data. Each repetition writes all of it again at
  // the same offset, so that no part is in the file twice.
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    const auto status =
        files_.repeat([&] { return target()->PositionedAppend(data, size_, options, debug); });
    if (status.ok()) size_ += data.size();
    return status;
  }
  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           const rocksdb::DataVerificationInfo&, rocksdb::IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  rocksdb::IOStatus Truncate(std::uint64_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override {
    const auto status = target()->Truncate(size, options, debug);
    if (status.ok()) size_ = size;
    return status;
  }

 private:
  WaitingFiles& files_;
  std::uint64_t size_ = 0;  // of the file, in bytes: where the next append begins
};

}  // namespace

WaitingFiles::WaitingFiles(std::chrono::milliseconds limit)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), limit_(limit) {}

void WaitingFiles::on_no_space(std::function<void()> no_space) {
  const std::lock_guard lock(mutex_);
  no_space_ = std::move(no_space);
}

void WaitingFiles::report() {
  const std::lock_guard lock(mutex_);
  if (no_space_) no_space_();
}

rocksdb::IOStatus WaitingFiles::repeat(const std::function<rocksdb::IOStatus()>& write) {
  constexpr std::chrono::milliseconds kPause{20};
  auto status = write();
  if (!no_space(status)) return status;
  const auto end = std::chrono::steady_clock::now() + limit_;
  while (no_space(status) && std::chrono::steady_clock::now() < end) {
    report();
    std::this_thread::sleep_for(kPause);
    status = write();
  }
  return status;
}

rocksdb::IOStatus WaitingFiles::NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                                std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                rocksdb::IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> made;
  const auto status = repeat([&] { return target()->NewWritableFile(name, options, &made, debug); });
  if (status.ok()) *file = std::make_unique<WaitingFile>(*this, std::move(made));
  return status;
}

rocksdb::IOStatus WaitingFiles::RenameFile(const std::string& from, const std::string& to,
                                           const rocksdb::IOOptions& options,
                                           rocksdb::IODebugContext* debug) {
  return repeat([&] { return target()->RenameFile(from, to, options, debug); });
}

rocksdb::IOStatus WaitingFiles::LinkFile(const std::string& from, const std::string& to,
                                         const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) {
  return repeat([&] { return target()->LinkFile(from, to, options, debug); });
}

}  // namespace gw::store
