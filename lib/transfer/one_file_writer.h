// What the writers of one file have in common: going on behind an earlier run, and reading back. Internal to
// this part.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "transfer/one_file.h"
#include "transfer/writer.h"

namespace gw::transfer {

// The mails of such a file, from its start, each whole.
class EntryReader {
 public:
  struct Found {
    std::string name;
    Digest digest{};
    std::uint64_t end = 0;  // offset behind it, where the next one would begin
  };
  virtual ~EntryReader() = default;
  // None at the end, and where what follows is not whole.
  virtual Result<std::optional<Found>> next() = 0;
};

std::unique_ptr<EntryReader> make_archive_reader(Fd fd, Archive format);
Result<std::unique_ptr<EntryReader>> make_mbox_entry_reader(Fd fd, const std::string& name);

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
  // Whether what an earlier run left is looked at first; call once, when this can be used.
  Result<void> look();

  virtual Result<std::unique_ptr<EntryReader>> read(Fd fd) const = 0;
  virtual Result<void> start() { return {}; }  // writing begins at the file's end
  virtual Result<void> begin_entry(const Entry& entry) = 0;
  virtual Result<void> end() { return {}; }  // what stands behind the last entry

  OneFile file_;

 private:
  Result<void> go_on();

  std::unique_ptr<EntryReader> there_;  // of an earlier run, not yet passed
  std::uint64_t good_ = 0;              // end of the last entry that was found good
  bool writing_ = false;
  bool finished_ = false;
  std::unique_ptr<EntryReader> back_;  // for digest()
};

}  // namespace gw::transfer
