#include "transfer/one_file_writer.h"

namespace gw::transfer {

Result<void> OneFileWriter::look() {
  if (file_.size() == 0) return {};
  auto fd = file_.reopen();
  if (!fd) return fd.error();
  auto reader = read(std::move(*fd));
  if (!reader) return reader.error();
  there_ = std::move(*reader);
  return {};
}

// Entries come in the same order in each run, so the first entry that differs is where the runs
// part.
Result<bool> OneFileWriter::holds(const Entry& entry, const Expected& expected) {
  if (!there_) {
    // A complete file is never extended: its end (of tar or zip) is written already.
    if (file_.complete()) return in_the_way(file_.shown(), true);
    return false;
  }
  const auto found = there_->next();
  if (!found) return found.error();
  // expected() decrypts the message, so it is called only if the name matches.
  if (*found && (*found)->name == name(entry)) {
    const Result<Digest> wanted = expected();
    if (!wanted) return wanted.error();
    if ((*found)->digest == *wanted) {
      good_ = (*found)->end;
      return true;
    }
  }
  there_.reset();
  if (file_.complete()) return in_the_way(file_.shown(), true);
  return false;
}

// Called before the first write. Cuts off what follows the last intact entry of the earlier run.
Result<void> OneFileWriter::go_on() {
  if (writing_) return {};
  there_.reset();
  if (file_.size() > 0) {
    if (auto cut = file_.cut(good_); !cut) return cut;
  }
  writing_ = true;
  return start();
}

Result<void> OneFileWriter::begin(const Entry& entry) {
  if (auto ready = go_on(); !ready) return ready;
  return begin_entry(entry);
}

Result<void> OneFileWriter::finish() {
  if (file_.complete() || finished_) return {};
  // An export without messages still produces a valid empty file.
  if (auto ready = go_on(); !ready) return ready;
  finished_ = true;
  if (auto ended = end(); !ended) return ended;
  return file_.publish();
}

// The entries are read in the order in which they were written, so one reader over the file serves
// all calls.
Result<Digest> OneFileWriter::digest(const Entry& entry) {
  if (!back_) {
    auto fd = file_.reopen();
    if (!fd) return fd.error();
    auto reader = read(std::move(*fd));
    if (!reader) return reader.error();
    back_ = std::move(*reader);
  }
  const auto found = back_->next();
  if (!found) return found.error();
  if (!*found || (*found)->name != name(entry))
    return Error(Code::NotFound, file_.shown() + ": " + name(entry));
  return (*found)->digest;
}

}  // namespace gw::transfer
