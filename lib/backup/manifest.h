// What a backup holds: its file `manifest`, JSON lines.
//
//   {"gw_backup":1,"vault":…,"time":…,"commits":…,"history":{"size":…,"root":…},"checkpoint":…}
//   {"name":"db/000012.sst","octets":…,"sha256":…,"source":…}     one for each file
//   {"files":…,"octets":…,"manifest_sha256":…}                    of all lines before this one
//
// So a manifest that was cut short or changed is noticed before anything of it is believed.
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

struct Heading {
  VaultId vault;
  Micros time = 0;            // of the snapshot
  std::uint64_t commits = 0;  // everything up to this one is in it
  store::LogHead history;     // the vault's own history goes through this head
  std::string checkpoint;     // a signed note of it; empty: the keeper has no history key
};

struct Listed {
  std::string name;
  std::uint64_t octets = 0;
  Digest sha256{};
  // Which file of the vault it was copied from, where that one never changes: inode and times. Else empty.
  std::string source;
};

class ManifestWriter {
 public:
  // Makes it in the tree.
  static Result<ManifestWriter> begin(Tree& tree, const Heading& heading);
  Result<void> add(const Listed& file);
  Result<void> flush();   // what was added so far can be read
  Result<void> finish();  // whole and synced
  std::uint64_t files() const { return files_; }
  std::uint64_t octets() const { return octets_; }

 private:
  ManifestWriter() = default;
  Result<void> put(const std::string& line);

  Fd fd_;
  std::string shown_;
  std::string waiting_;
  Sha256 sum_;
  std::uint64_t files_ = 0;
  std::uint64_t octets_ = 0;
};

class ManifestReader {
 public:
  // Reads it through once. NotFound; Corrupt: damaged or cut short; Version: of a newer gw.
  static Result<ManifestReader> open(const Tree& tree);
  // One that was not finished: what there is of it, each file to be compared with its line.
  static Result<ManifestReader> open_unfinished(const Tree& tree);
  const Heading& heading() const { return heading_; }
  std::uint64_t files() const { return files_; }
  std::uint64_t octets() const { return octets_; }  // of all files
  // The next file; none: those were all.
  Result<std::optional<Listed>> next();

 private:
  ManifestReader() = default;
  Result<std::optional<std::string>> line();
  Result<void> look_through();
  Error damaged() const;

  Fd fd_;
  std::string shown_;
  std::string buffer_;
  std::size_t begin_ = 0;
  Heading heading_;
  std::uint64_t files_ = 0;
  std::uint64_t octets_ = 0;
  std::uint64_t given_ = 0;
  bool unfinished_ = false;
};

}  // namespace gw::backup
