#include "store/local/large_message.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <vector>

#include "base/file.h"
#include "base/rename.h"
#include "store/local/directory_list.h"

namespace gw::store {
namespace {

// Bytes after which a file is synced while it is written, so that the sync at the end, for which a
// client waits, is short.
constexpr std::uint64_t kSyncStep = 8 << 20;
constexpr std::uint64_t kWriteStep = 1 << 20;  // bytes after which writing to disk is started
constexpr std::size_t kReaders = 32;           // most files kept open for reading
constexpr std::string_view kDirectoryName = "the directory of large messages";

// Returns the error of a failed call on one of the store's own files. It is never NotFound or
// Denied, whatever errno says: these codes would be an answer about the message, and a server would
// pass them on as a permanent failure. Full and Busy stay, because the caller acts on them.
Error file_trouble() {
  const Error error = Error::from_errno("a large message");
  const bool for_the_caller = error.code() == Code::Full || error.code() == Code::Busy;
  return for_the_caller ? error : Error(Code::Io, error.text());
}

}  // namespace

LargeWriter::LargeWriter(LargeFiles& files, const MessageId& message, Fd fd)
    : files_(files), name_(message.hex()), fd_(std::move(fd)) {}

LargeWriter::~LargeWriter() {
  if (!finished_) ::unlinkat(files_.unfinished_.get(), name_.c_str(), 0);
}

Result<void> LargeWriter::write(ByteView data) {
  if (auto done = write_all(fd_.get(), data, "a large message"); !done) return done;
  const std::uint64_t before = written_;
  written_ += data.size();
  // Regular syncs also keep the amount of dirty pages small: otherwise a few large mails could make
  // every group commit wait for gigabytes of write-back.
  if (written_ - synced_ >= kSyncStep) {
    if (::fdatasync(fd_.get()) != 0) return Error::from_errno("a large message");
    synced_ = written_;
  } else if (before / kWriteStep != written_ / kWriteStep) {
    // Only a hint, whose result does not matter: the disk starts to write while more arrives.
    ::sync_file_range(fd_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  return {};
}

Result<void> LargeWriter::finish() {
  // Content first, then the name, then the directory: after a power cut there is either no file of
  // this name or a complete one.
  if (::fsync(fd_.get()) != 0) return file_trouble();
  // Never replaces a file: the callers of the store choose message ids, and one that uses the same
  // id for two mailboxes must not overwrite the first message, which has been acknowledged.
  if (!rename_new(files_.unfinished_.get(), name_, files_.folder_.get(), name_))
    return errno == EEXIST ? Error::from_errno("a large message") : file_trouble();
  finished_ = true;
  if (::fsync(files_.folder_.get()) != 0) {
    // The file must not stay under its name: the caller reports a failure, and the same id may be
    // sent again.
    const Error error = Error::from_errno("the directory of large messages");
    abandon();
    return error;
  }
  return {};
}

void LargeWriter::abandon() {
  if (finished_) ::unlinkat(files_.folder_.get(), name_.c_str(), 0);
}

Result<void> LargeFiles::create(const std::string& vault) {
  for (const std::string& path : {vault + "/large", vault + "/large/tmp"}) {
    if (::mkdir(path.c_str(), 0700) != 0) return Error::from_errno(path);
  }
  return sync_folder(vault + "/large");
}

Result<std::unique_ptr<LargeFiles>> LargeFiles::open(const std::string& vault) {
  auto files = std::make_unique<LargeFiles>();
  const std::string path = vault + "/large";
  files->folder_ = Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!files->folder_) return Error::from_errno(path);
  files->unfinished_ = Fd(::openat(files->folder_.get(), "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!files->unfinished_) return Error::from_errno(path + "/tmp");
  return files;
}

Result<std::unique_ptr<LargeWriter>> LargeFiles::begin(const MessageId& message) {
  // O_EXCL: two unfinished appends with the same id would write into one file. It is Busy and not
  // Exists: the other append may still fail, and a caller takes Exists for a message that was stored.
  Fd fd(::openat(unfinished_.get(), message.hex().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd && errno == EEXIST) return Error(Code::Busy, "a message with this id is being stored");
  if (!fd) return file_trouble();
  return std::make_unique<LargeWriter>(*this, message, std::move(fd));
}

Result<std::shared_ptr<const Fd>> LargeFiles::reader(const MessageId& message, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  // A drain reads a file in pieces of 64 KiB, and opening it for each piece would double the system
  // calls.
  for (auto at = readers_.begin(); at != readers_.end(); ++at) {
    if (at->message != message) continue;
    readers_.splice(readers_.begin(), readers_, at);
    return readers_.front().fd;
  }
  auto fd = std::make_shared<Fd>(::openat(folder_.get(), message.hex().c_str(), O_RDONLY | O_CLOEXEC));
  if (!*fd) {
    // The database has the message, so a missing file is damage and not NotFound.
    if (errno == ENOENT) return Error(Code::Corrupt, "the file of message " + message.hex() + " is missing");
    return file_trouble();
  }
  struct stat found {};
  if (::fstat(fd->get(), &found) != 0) return file_trouble();
  // A truncated file is noticed before the first byte is sent: a POP3 client cannot be told in the
  // middle of a RETR.
  if (static_cast<std::uint64_t>(found.st_size) != size)
    return Error(Code::Corrupt, "the file of message " + message.hex() + " has the wrong size");
  readers_.push_front({message, fd});
  if (readers_.size() > kReaders) readers_.pop_back();
  return std::shared_ptr<const Fd>(std::move(fd));
}

void LargeFiles::remove(const MessageId& message) {
  {
    const std::lock_guard lock(mutex_);
    readers_.remove_if([&](const Reader& reader) { return reader.message == message; });
    // A snapshot is between its copy of the database and its links to the files. The database copy
    // may name this message, so the file must stay until it is linked.
    if (holds_ > 0) return held_.push_back(message);
  }
  // No sync: if a power cut brings the file back, the next start removes it as unnamed.
  ::unlinkat(folder_.get(), message.hex().c_str(), 0);
}

std::shared_ptr<void> LargeFiles::hold_removals() {
  const std::lock_guard lock(mutex_);
  ++holds_;
  // A shared_ptr to nothing is used for its deleter.
  return {nullptr, [this](void*) { end_hold(); }};
}

void LargeFiles::end_hold() {
  std::vector<MessageId> removed;
  {
    const std::lock_guard lock(mutex_);
    if (--holds_ == 0) removed.swap(held_);
  }
  // Outside of the lock, because unlinking large files can take long.
  for (const MessageId& message : removed) ::unlinkat(folder_.get(), message.hex().c_str(), 0);
}

Result<void> LargeFiles::link_all(const std::string& to) const {
  if (::mkdir(to.c_str(), 0700) != 0) return Error::from_errno(to);
  const Fd target(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!target) return Error::from_errno(to);
  return for_each_name(folder_.get(), kDirectoryName, [&](const char* name) -> Result<void> {
    if (!MessageId::parse(name)) return {};
    // An append that is not yet committed may abandon its file at any moment.
    if (::linkat(folder_.get(), name, target.get(), name, 0) != 0 && errno != ENOENT)
      return Error::from_errno("cannot link a large message");
    return {};
  });
}

Result<void> LargeFiles::clear_unfinished() {
  auto names = names_in(unfinished_.get(), kDirectoryName);
  if (!names) return names.error();
  for (const std::string& name : *names) ::unlinkat(unfinished_.get(), name.c_str(), 0);
  return {};
}

Result<void> LargeFiles::remove_unnamed(const std::function<Result<bool>(const MessageId&)>& named) {
  auto names = names_in(folder_.get(), kDirectoryName);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const auto message = MessageId::parse(name);
    // Skips tmp and files that gw did not create.
    if (!message) continue;
    auto known = named(*message);
    if (!known) return known.error();
    if (!*known) ::unlinkat(folder_.get(), name.c_str(), 0);
  }
  return {};
}

Result<std::uint64_t> LargeFiles::set_unnamed_aside(
    const std::string& to, const std::function<Result<bool>(const MessageId&)>& named) {
  auto names = names_in(folder_.get(), kDirectoryName);
  if (!names) return names.error();
  // `to` is created only if there is something to move, so that an empty directory does not suggest
  // a loss.
  Fd target;
  std::uint64_t moved = 0;
  for (const std::string& name : *names) {
    const auto message = MessageId::parse(name);
    if (!message) continue;
    auto known = named(*message);
    if (!known) return known.error();
    if (*known) continue;
    if (!target) {
      if (::mkdir(to.c_str(), 0700) != 0 && errno != EEXIST) return Error::from_errno(to);
      target = Fd(::open(to.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
      if (!target) return Error::from_errno(to);
      // Makes the name of the new directory durable too.
      const Fd parent(::openat(target.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!parent || ::fsync(parent.get()) != 0) return Error::from_errno(to);
    }
    if (!rename_new(folder_.get(), name, target.get(), name)) return Error::from_errno(to + "/" + name);
    ++moved;
  }
  // Both directories are synced: a power cut must not leave a file under neither name.
  if (moved != 0 && (::fsync(target.get()) != 0 || ::fsync(folder_.get()) != 0)) return Error::from_errno(to);
  return moved;
}

}  // namespace gw::store
