// The manifest of a backup: the file `manifest`, JSON lines.
//
//   {"gw_backup":1,"vault":…,"time":…,"commits":…,"history":{…},"checkpoint":…}
//   {"name":"db/000012.sst","octets":…,"sha256":…,"source":…}     one for each file
//   {"files":…,"octets":…,"manifest_sha256":…}                    digest of all earlier lines
//
// ManifestReader::open() checks the last line before it returns anything, so a manifest that was
// truncated or changed by accident is detected. The digest is not keyed: the checkpoint, if there
// is one, is what protects against forgery.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "backup/tree.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::backup {

inline constexpr char kManifest[] = "manifest";

// The first line.
struct Heading {
  VaultId vault;
  Micros time = 0;            // when the snapshot was made, microseconds
  std::uint64_t commits = 0;  // the last commit in the snapshot
  store::LogHead history;     // a tree head of the vault's history that the snapshot contains
  std::string checkpoint;     // a signed note of a tree head; empty: the keeper has no history key
};

// A file in the backup.
struct Listed {
  std::string name;
  std::uint64_t size = 0;
  Digest sha256{};
  // Identifies the file of the vault that it was copied from, if that file never changes: inode and
  // times. Else empty. A file of the same name and `source` in a later snapshot has the same
  // content.
  std::string source;
};

class ManifestWriter {
 public:
  // Creates the manifest in the tree and writes the heading. Fails with Exists if there is one.
  static Result<ManifestWriter> begin(Tree& tree, const Heading& heading);
  // Adds a line. It may stay in memory until flush().
  Result<void> add(const Listed& file);
  // Writes the lines that were added so far, so that a later run can use them if this one is
  // interrupted.
  Result<void> flush();
  // Writes the last line and syncs the file.
  Result<void> finish();
  // Number and bytes of the files that were added.
  std::uint64_t files() const { return files_; }
  std::uint64_t size() const { return size_; }

 private:
  ManifestWriter() = default;
  Result<void> put(const std::string& line);

  Fd fd_;
  std::string shown_;
  std::string waiting_;
  Sha256 sum_;
  std::uint64_t files_ = 0;
  std::uint64_t size_ = 0;
};

// Reads the manifest line by line, in bounded memory.
class ManifestReader {
 public:
  // Opens a manifest and reads it once to check it. Fails with NotFound if there is none, with
  // Corrupt if it is damaged or truncated, and with Version if a newer gw wrote it.
  static Result<ManifestReader> open(const Tree& tree);
  // Opens the manifest of an interrupted backup. It has no last line, so nothing vouches for its
  // content: compare each file with its line. files() and size() are 0.
  static Result<ManifestReader> open_unfinished(const Tree& tree);
  const Heading& heading() const { return heading_; }
  std::uint64_t files() const { return files_; }
  // Number and bytes of all files.
  std::uint64_t size() const { return size_; }
  // Returns the next file, or nullopt at the end. An unfinished manifest ends at the first line
  // that cannot be read.
  Result<std::optional<Listed>> next();

 private:
  ManifestReader() = default;
  // Returns the next line, or nullopt at the end of the file.
  Result<std::optional<std::string>> line();
  // Checks all lines and the digest; sets heading_, files_ and size_.
  Result<void> look_through();
  Error damaged() const;

  Fd fd_;
  std::string shown_;
  std::string buffer_;
  std::size_t begin_ = 0;  // start of the bytes in buffer_ that were not returned yet
  Heading heading_;
  std::uint64_t files_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t given_ = 0;  // files that next() has returned
  bool unfinished_ = false;
};

}  // namespace gw::backup
