#include "disk.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

namespace gw::simulation {
namespace {

constexpr std::size_t kSector = 512;  // what a device writes or does not write
constexpr Nanos kSyncTakes = 2 * kMillisecond;
constexpr Nanos kCallTakes = 20'000;

Disk* the_disk = nullptr;

// One change of a file's content that may not be on the disk yet.
struct Change {
  std::uint64_t offset = 0;
  Bytes data;
  std::optional<std::uint64_t> size;  // set: the file was cut or extended to this size
  std::uint64_t number = 0;           // in the order of all changes
  bool synced = false;
  bool doubtful = false;  // a sync of it failed: no later one makes it durable
};

void redo(Bytes& content, const Change& change, std::size_t most) {
  if (change.size) {
    content.resize(*change.size);
    return;
  }
  const std::size_t size = std::min(most, change.data.size());
  if (content.size() < change.offset + size) content.resize(change.offset + size);
  std::copy_n(change.data.begin(), size, content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void redo(Bytes& content, const Change& change) {
  redo(content, change, change.data.size());
}

void write_file(const std::string& path, ByteView data) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  while (!data.empty()) {
    const ssize_t wrote = ::write(fd, data.data(), data.size());
    if (wrote <= 0) std::abort();
    data = data.subspan(static_cast<std::size_t>(wrote));
  }
  ::close(fd);
}

// The calls that a system can answer with this error.
bool can_fail(Call call, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return call == Call::Write || call == Call::Name;
    case EMFILE:
    case ENFILE:
      return call == Call::Open;
    default:
      return true;
  }
}

}  // namespace

struct Disk::Node {
  bool is_folder = false;
  // Of a file: what is durable, and what has changed since.
  Bytes durable;
  std::deque<Change> changes;
  // Of a directory: the names as a process sees them, and those that are durable.
  std::map<std::string, NodePtr> names;
  std::map<std::string, NodePtr> durable_names;

  Bytes content() const {
    Bytes content = durable;
    for (const Change& change : changes) redo(content, change);
    return content;
  }
};

struct Disk::NameChange {
  NodePtr folder;
  std::string name;
  NodePtr node;  // null: the name was removed
  NodePtr from;  // a rename: the other directory
  std::string old = {};
  std::uint64_t number = 0;  // in the order of all changes
};

namespace {

// Another generator than that of the crashes, so that the scripts of a seed mean what they did before
// there were two sizes.
std::size_t block_of(std::uint64_t seed) {
  constexpr std::uint64_t kOther = 0x626c6f636b73697aU;
  return Random(seed ^ kOther).once_in(2) ? 512 : 4096;
}

}  // namespace

Disk::Disk(std::string base, std::uint64_t seed)
    : base_(std::move(base)),
      path_(base_ + "/0"),
      random_(seed),
      block_(block_of(seed)),
      root_(std::make_shared<Node>()) {
  root_->is_folder = true;
  the_disk = this;
  restart();
}

Disk::~Disk() {
  the_disk = nullptr;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Disk* Disk::current() {
  return the_disk;
}

void Disk::crash(Crash how) {
  if (crashed_ == Crash::None) crashed_ = how;
  forget_plans();
}

void Disk::forget_plans() {
  crash_at_ = fail_at_ = fail_count_ = 0;
  fail_short_ = false;
}

int Disk::before(Call call) {
  yield(call == Call::Sync ? kSyncTakes : kCallTakes);
  if (!tracking()) return 0;
  ++calls_;
  note(static_cast<std::uint64_t>(call));
  if (crash_at_ != 0 && calls_ >= crash_at_) {
    crash(planned_);
    return 0;
  }
  if (fail_count_ == 0 || calls_ < fail_at_ || !can_fail(call, fail_with_)) return 0;
  if (call == Call::Write && !fail_short_ && random_.once_in(2)) {
    fail_short_ = true;
    return 0;
  }
  --fail_count_;
  ++failures_;
  return fail_with_;
}

bool Disk::short_write(std::size_t size) {
  if (size < 2 || !std::exchange(fail_short_, false)) return false;
  ++failures_;
  return true;
}

Disk::NodePtr Disk::file(int fd) const {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return nullptr;
  const auto known = nodes_.find(found.st_ino);
  return known == nodes_.end() ? nullptr : known->second;
}

Disk::NodePtr Disk::folder(int at, std::string_view path, std::string& name) const {
  const std::size_t slash = path.find_last_of('/');
  std::string parent = ".";
  if (slash != std::string_view::npos) parent = slash == 0 ? "/" : std::string(path.substr(0, slash));
  name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  struct stat found {};
  if (::fstatat(at, parent.c_str(), &found, 0) != 0) return nullptr;
  const auto known = nodes_.find(found.st_ino);
  return known == nodes_.end() ? nullptr : known->second;
}

bool Disk::has(const Node& folder, const std::string& name) {
  return folder.names.contains(name);
}

void Disk::wrote(Node& file, std::uint64_t offset, ByteView data) {
  note(offset);
  note(data.size());
  file.changes.push_back({offset, to_bytes(data), std::nullopt, ++changed_});
}

void Disk::truncated(Node& file, std::uint64_t size) {
  note(size);
  file.changes.push_back({0, {}, size, ++changed_});
}

bool Disk::drops_sync(int fd, const Node& file) const {
  if (file.is_folder ? !drop_folder_syncs_ : !drop_file_syncs_) return false;
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), error).string();
  return file.is_folder ? path.ends_with(drop_part_) : path.find(drop_part_) != std::string::npos;
}

void Disk::synced(Node& file, std::uint64_t until) {
  if (file.is_folder) return sync_folder(file, until);
  for (Change& change : file.changes)
    change.synced = change.synced || (!change.doubtful && change.number <= until);
  while (!file.changes.empty() && file.changes.front().synced) {
    redo(file.durable, file.changes.front());
    file.changes.pop_front();
  }
}

void Disk::sync_failed(Node& file, std::uint64_t until) {
  for (Change& change : file.changes)
    change.doubtful = change.doubtful || (!change.synced && change.number <= until);
}

void Disk::added(const NodePtr& folder, const std::string& name, ino_t inode, bool is_folder) {
  auto node = std::make_shared<Node>();
  node->is_folder = is_folder;
  nodes_[inode] = node;
  folder->names[name] = node;
  names_.push_back({folder, name, node, nullptr, {}, ++changed_});
}

void Disk::linked(const NodePtr& folder, const std::string& name, const NodePtr& from,
                  const std::string& old) {
  const auto known = from->names.find(old);
  if (known == from->names.end()) return;
  folder->names[name] = known->second;
  names_.push_back({folder, name, known->second, nullptr, {}, ++changed_});
}

void Disk::removed(const NodePtr& folder, const std::string& name) {
  folder->names.erase(name);
  names_.push_back({folder, name, nullptr, nullptr, {}, ++changed_});
}

void Disk::renamed(const NodePtr& from, const std::string& old, const NodePtr& to, const std::string& name) {
  const auto known = from->names.find(old);
  if (known == from->names.end()) return;
  const NodePtr node = known->second;
  from->names.erase(known);
  to->names[name] = node;
  names_.push_back({to, name, node, from, old, ++changed_});
}

Disk::Names Disk::names_of(const NameChange& change) {
  Names names{{change.folder.get(), change.name}};
  if (change.from) names.emplace(change.from.get(), change.old);
  return names;
}

void Disk::apply(const NameChange& change) {
  if (change.from) change.from->durable_names.erase(change.old);
  if (change.node) {
    change.folder->durable_names[change.name] = change.node;
  } else {
    change.folder->durable_names.erase(change.name);
  }
}

// Makes the changes in this directory durable, and earlier ones of the same names, which can be in
// another directory if the name was moved from there.
void Disk::sync_folder(const Node& folder, std::uint64_t until) {
  Names wanted;
  std::vector<bool> chosen(names_.size());
  for (std::size_t i = names_.size(); i > 0; --i) {
    if (names_[i - 1].number > until) continue;
    const Names names = names_of(names_[i - 1]);
    const auto is_wanted = [&](const auto& name) { return name.first == &folder || wanted.contains(name); };
    if (std::none_of(names.begin(), names.end(), is_wanted)) continue;
    chosen[i - 1] = true;
    wanted.insert(names.begin(), names.end());
  }
  std::vector<NameChange> left;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (chosen[i]) {
      apply(names_[i]);
    } else {
      left.push_back(std::move(names_[i]));
    }
  }
  names_ = std::move(left);
}

void Disk::lose_names() {
  const std::uint64_t how = random_.below(4);
  constexpr std::array kHow{"no change", "every change", "the first changes", "some changes"};
  if (!names_.empty())
    story_ += std::string("    ") + kHow[how] + " of " + std::to_string(names_.size()) + " names kept\n";
  std::size_t first = 0;  // as many as a journal has written
  if (how == 1) first = names_.size();
  if (how == 2) first = random_.below(names_.size() + 1);
  Names lost;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const Names names = names_of(names_[i]);
    bool kept = i < first;
    // Without a journal each name's changes are kept up to a point.
    if (how == 3) {
      kept =
          std::none_of(names.begin(), names.end(), [&](const auto& name) { return lost.contains(name); }) &&
          random_.once_in(2);
    }
    if (kept) apply(names_[i]);
    if (!kept) lost.insert(names.begin(), names.end());
  }
  names_.clear();
}

Bytes Disk::after_cut(const Node& file, const std::string& name) {
  Bytes base = file.durable;
  std::size_t open = 0;  // changes that may be lost
  for (const Change& change : file.changes) {
    if (change.synced) redo(base, change);
    open += change.synced ? 0 : 1;
  }
  const Bytes all = file.content();
  if (open == 0) return base;
  const std::uint64_t how = random_.below(5);
  constexpr std::array kHow{"none", "all", "the first ones", "the first ones and the size", "some blocks"};
  story_ += "    " + name + ": of " + std::to_string(open) + " changes " + kHow[how] + " kept, from " +
            std::to_string(base.size()) + " to " + std::to_string(all.size()) + " bytes\n";
  if (how == 0) return base;
  if (how == 1) return all;
  if (how == 2 || how == 3) {
    // The first ones, and a part of the next one.
    std::size_t whole = random_.below(open + 1);
    bool torn = false;
    Bytes content = file.durable;
    for (const Change& change : file.changes) {
      if (change.synced || whole > 0) {
        redo(content, change);
        if (!change.synced) --whole;
      } else if (!std::exchange(torn, true)) {
        redo(content, change, random_.below(change.data.size() + 1));
      }
    }
    // The size may be on the disk before the data.
    if (how == 3 && content.size() < all.size()) {
      content.resize(std::max(base.size(), content.size() / kSector * kSector));
      content.resize(all.size());
    }
    return content;
  }
  Bytes content = all;
  for (std::size_t at = 0; at < content.size(); at += block_) {
    const std::size_t end = std::min(at + block_, content.size());
    if (random_.once_in(2)) continue;
    for (std::size_t i = at; i < end; ++i) content[i] = i < base.size() ? base[i] : std::byte{0};
  }
  if (random_.once_in(2) && base.size() < content.size()) content.resize(base.size());
  return content;
}

void Disk::cut_power() {
  lose_names();
  std::set<const Node*> done;
  std::vector<std::pair<std::string, NodePtr>> left{{"", root_}};
  while (!left.empty()) {
    const auto [path, node] = left.back();
    left.pop_back();
    if (!done.insert(node.get()).second) continue;
    if (node->is_folder) {
      node->names = node->durable_names;
      for (const auto& [name, child] : node->names) left.emplace_back(path + "/" + name, child);
    } else {
      node->durable = after_cut(*node, path);
      node->changes.clear();
    }
  }
}

void Disk::write_out(const NodePtr& folder, const std::string& path,
                     std::map<const Node*, std::string>& written) {
  ::mkdir(path.c_str(), 0700);
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) std::abort();
  nodes_[found.st_ino] = folder;
  for (const auto& [name, node] : folder->names) {
    const std::string child = path + "/" + name;
    if (node->is_folder) {
      write_out(node, child, written);
      continue;
    }
    const auto [other, fresh] = written.emplace(node.get(), child);
    if (fresh) {
      write_file(child, node->content());
    } else if (::link(other->second.c_str(), child.c_str()) != 0) {
      std::abort();
    }
    if (::stat(child.c_str(), &found) != 0) std::abort();
    nodes_[found.st_ino] = node;
  }
}

void Disk::restart() {
  active_ = false;
  story_ = crashed_ == Crash::PowerCut ? "power cut" : "kill";
  story_ += " at call " + std::to_string(calls_) + "\n";
  if (crashed_ == Crash::PowerCut) cut_power();
  const std::string before = path_;
  path_ = base_ + "/" + std::to_string(++generation_);
  nodes_.clear();
  std::map<const Node*, std::string> written;
  write_out(root_, path_, written);
  std::error_code ignored;
  std::filesystem::remove_all(before, ignored);
  crashed_ = Crash::None;
  active_ = true;
}

}  // namespace gw::simulation
