// A simulated disk: it knows what a power cut may take back.
//
// The files are real ones in a directory in memory, so that reading, listing and locking need no
// simulation. file_calls.cc defines the functions of the C library that change files, and reports
// each call to the Disk, which keeps, beside the files, what was synced and each later change in
// its order. A power cut or a kill at a chosen call freezes that knowledge; what the process does
// afterwards has no effect. restart() then writes a new directory as the crash has left it:
//
//   power cut  of each file's unsynced changes: none, all, the first ones with a torn last one, any
//              of its blocks, of 512 or 4096 bytes as the seed says, or its new size with zeros. Of the unsynced changes of names:
//              the first ones, as a journal keeps them, or any, in order for each name. A rename is
//              atomic.
//   kill       everything is there, and what was not synced can still be lost by a later power cut.
//
// A sync makes durable what was written before it began, and not what other threads write meanwhile.
// After a failed fsync the changes that it should have synced may be lost: a later fsync
// reports success without them, as Linux does.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "threads.h"

namespace gw::simulation {

// What a call does.
enum class Call : unsigned char { Read, Open, Write, Sync, Name };

enum class Crash : unsigned char { None, Kill, PowerCut };

class Disk {
 public:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;

  // Works in new directories below `base`, which exists.
  explicit Disk(std::string base, std::uint64_t seed);
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;
  ~Disk();
  // Returns the disk that file calls are reported to; null if there is none.
  static Disk* current();

  // Returns the present directory; it changes with restart().
  const std::string& path() const { return path_; }

  // Plan a crash at the call after `calls` further ones, and failures of calls.
  void crash_after(std::uint64_t calls, Crash how) {
    crash_at_ = calls_ + 1 + calls;
    planned_ = how;
  }
  // From the call after `calls` further ones on, `count` calls that can fail with `error` do.
  void fail_after(std::uint64_t calls, int error, std::uint64_t count) {
    fail_at_ = calls_ + 1 + calls;
    fail_with_ = error;
    fail_count_ = count;
  }
  // Crashes now, and forgets the plans.
  void crash(Crash how);
  void forget_plans();
  // Ignores syncs from now on, of files or of directories: a fault that the oracle must find. If `part`
  // is not empty, only those of files whose path contains it, or of directories whose path ends with it.
  void drop_syncs(bool files, bool folders, std::string part) {
    drop_file_syncs_ = files;
    drop_folder_syncs_ = folders;
    drop_part_ = std::move(part);
  }
  void set_space(std::uint64_t space) { space_ = space; }
  std::uint64_t space() const { return space_; }

  Crash crashed() const { return crashed_; }
  std::uint64_t failures() const { return failures_; }  // injected so far
  std::uint64_t calls() const { return calls_; }
  std::uint64_t trace() const { return trace_; }  // a sum over all calls, to compare two runs
  // Returns what the last crash took from which file, for people.
  const std::string& story() const { return story_; }

  // Makes the directory what the crash has left, under a new path(). No file may be in use.
  void restart();

  // For file_calls.cc. Returns false if calls concern the real files only.
  bool tracking() const { return active_ && crashed_ == Crash::None; }
  // Counts a call, lets other threads run, and crashes or fails as planned: returns an errno or 0.
  int before(Call call);
  // Returns true once if the write that is to fail should be a short one first.
  bool short_write(std::size_t size);
  NodePtr file(int fd) const;
  // Returns the directory of a path and the last part of the path; null if it is not on this disk.
  NodePtr folder(int at, std::string_view path, std::string& name) const;
  static bool has(const Node& folder, const std::string& name);
  void wrote(Node& file, std::uint64_t offset, ByteView data);
  void truncated(Node& file, std::uint64_t size);
  // Returns a mark of all changes up to now, for the end of a sync that begins now.
  std::uint64_t changed() const { return changed_; }
  // Returns true if syncs of this open file are ignored.
  bool drops_sync(int fd, const Node& file) const;
  void synced(Node& file, std::uint64_t until);
  void sync_failed(Node& file, std::uint64_t until);
  void added(const NodePtr& folder, const std::string& name, ino_t inode, bool is_folder);
  void linked(const NodePtr& folder, const std::string& name, const NodePtr& from, const std::string& old);
  void removed(const NodePtr& folder, const std::string& name);
  void renamed(const NodePtr& from, const std::string& old, const NodePtr& to, const std::string& name);
  bool holds(ino_t inode) const { return nodes_.contains(inode); }

 private:
  struct NameChange;
  using Names = std::set<std::pair<const Node*, std::string>>;
  static Names names_of(const NameChange& change);
  static void apply(const NameChange& change);
  void sync_folder(const Node& folder, std::uint64_t until);
  void cut_power();
  void lose_names();
  Bytes after_cut(const Node& file, const std::string& name);
  void write_out(const NodePtr& folder, const std::string& path, std::map<const Node*, std::string>& written);
  void note(std::uint64_t what) { trace_ = (trace_ ^ what) * 0x100000001b3U; }

  const std::string base_;
  std::string path_;
  Random random_;
  const std::size_t block_;
  std::uint64_t changed_ = 0;  // changes of files and names so far
  NodePtr root_;
  std::unordered_map<ino_t, NodePtr> nodes_;
  std::vector<NameChange> names_;  // changes of names that are not synced, in order
  bool active_ = false;
  Crash crashed_ = Crash::None;
  Crash planned_ = Crash::None;
  std::uint64_t generation_ = 0;
  std::uint64_t calls_ = 0;
  std::uint64_t crash_at_ = 0;
  std::uint64_t fail_at_ = 0;
  std::uint64_t fail_count_ = 0;
  std::uint64_t failures_ = 0;
  int fail_with_ = 0;
  bool fail_short_ = false;
  bool drop_file_syncs_ = false;
  bool drop_folder_syncs_ = false;
  std::string drop_part_;
  std::uint64_t space_ = std::uint64_t{4} << 30;
  std::string story_;
  std::uint64_t trace_ = 0xcbf29ce484222325U;
};

}  // namespace gw::simulation
