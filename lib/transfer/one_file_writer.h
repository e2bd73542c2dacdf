// What the writers of a single file share: continuing an earlier run, and reading back. Internal to
// lib/transfer.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "transfer/one_file.h"
#include "transfer/writer.h"

namespace gw::transfer {

// Reads the entries of such a file from its start.
class EntryReader {
 public:
  // A complete entry.
  struct Found {
    std::string name;
    Digest digest{};
    std::uint64_t end = 0;  // offset after the entry, where the next one would begin
  };
  virtual ~EntryReader() = default;
  // Returns the next entry, or nullopt at the end of the file and also if what follows is not
  // complete.
  virtual Result<std::optional<Found>> next() = 0;
};

// Returns a reader for tar or zip; one for an unreadable archive reports no entries.
std::unique_ptr<EntryReader> make_archive_reader(Fd fd, Archive format);
// Returns a reader for mbox. `name` is the name that each entry reports.
Result<std::unique_ptr<EntryReader>> make_mbox_entry_reader(Fd fd, const std::string& name);

// Implements Writer on top of EntryReader. An entry that an earlier run left is skipped as long as
// the entries come in the same order; at the first difference the file is truncated and writing
// begins.
class OneFileWriter : public Writer {
 public:
  bool one_way() const override { return true; }
  Result<bool> holds(const Entry& entry, const Expected& expected) override;
  Result<void> begin(const Entry& entry) override;
  void abandon() override {}
  Result<void> finish() override;
  Result<Digest> digest(const Entry& entry) override;

 protected:
  explicit OneFileWriter(OneFile file) : file_(std::move(file)) {}
  // Prepares to compare with what an earlier run left. The derived class calls it once, after
  // construction, since it uses read().
  Result<void> look();

  // Returns a reader for this file format.
  virtual Result<std::unique_ptr<EntryReader>> read(Fd fd) const = 0;
  // Called once, before the first entry is written at the file's end.
  virtual Result<void> start() { return {}; }
  // Writes what comes before the content of an entry.
  virtual Result<void> begin_entry(const Entry& entry) = 0;
  // Writes what follows the last entry.
  virtual Result<void> end() { return {}; }

  OneFile file_;

 private:
  Result<void> go_on();

  std::unique_ptr<EntryReader> there_;  // entries of the earlier run that were not compared yet
  std::uint64_t good_ = 0;              // end of the last entry that was identical
  bool writing_ = false;
  bool finished_ = false;
  std::unique_ptr<EntryReader> back_;  // for digest()
};

}  // namespace gw::transfer
