#include "store/salvage/salvage_source.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/keys.h"
#include "store/local/directory_list.h"

namespace gw::store {
namespace {

namespace fs = std::filesystem;

// RocksDB stops a scan at the first block that it cannot read, and does not say where the next
// readable one begins. So keys are treated as numbers of 48 bytes, and the next readable position
// is searched for.
constexpr std::size_t kWidth = 48;
using Number = std::array<std::uint8_t, kWidth>;

Number number_of(ByteView key) {
  Number number{};
  for (std::size_t i = 0; i < std::min(key.size(), kWidth); ++i)
    number[i] = std::to_integer<std::uint8_t>(key[i]);
  return number;
}

ByteView view_of(const Number& number) {
  return std::as_bytes(std::span(number));
}

// Returns number + 2^power; nullopt if that is too large.
std::optional<Number> plus_power(Number number, std::size_t power) {
  std::size_t at = kWidth - 1 - power / 8;
  unsigned carry = 1U << power % 8;
  for (;; --at) {
    carry += number[at];
    number[at] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
    if (carry == 0) return number;
    if (at == 0) return std::nullopt;
  }
}

// Returns (low + high) / 2, rounded down.
Number middle(const Number& low, const Number& high) {
  Number sum{};
  unsigned carry = 0;
  for (std::size_t i = kWidth; i > 0; --i) {
    carry += unsigned{low[i - 1]} + high[i - 1];
    sum[i - 1] = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  for (std::uint8_t& byte : sum) {
    const unsigned all = carry << 8 | byte;
    byte = static_cast<std::uint8_t>(all >> 1);
    carry = all & 1;
  }
  return sum;
}

// Returns true if a scan from this key reads its first entry.
bool readable_at(const Engine& engine, Family family, const Number& at, ByteView end) {
  return engine.scan(family, view_of(at), end, [](ByteView, ByteView) { return false; }).has_value();
}

// Returns the lowest position after `base` where reading works again; nullopt if there is none
// before `end`. Steps of doubling size find a readable position, halving finds the first one. Each
// probe costs one seek, so even a long damage takes only a few hundred.
std::optional<Number> next_readable(const Engine& engine, Family family, ByteView base, ByteView end) {
  const Number from = number_of(base);
  Number low = from;
  for (std::size_t power = 0; power < kWidth * 8; ++power) {
    const auto probe = plus_power(from, power);
    if (!probe || as_text(view_of(*probe)) >= as_text(end)) return std::nullopt;
    if (!readable_at(engine, family, *probe, end)) {
      low = *probe;
      continue;
    }
    Number high = *probe;
    for (Number mid = middle(low, high); mid != low && mid != high; mid = middle(low, high)) {
      (readable_at(engine, family, mid, end) ? high : low) = mid;
    }
    return high;
  }
  return std::nullopt;
}

// Scans a family and skips what is damaged. Returns false if anything was skipped.
bool scan_past_damage(const Engine& engine, Family family, ByteView from, ByteView end,
                      const SalvageSource::Visit& visit) {
  Bytes at = to_bytes(from);
  for (bool whole = true;; whole = false) {
    Bytes last = at;
    bool stopped = false;
    const auto scanned = engine.scan(family, at, end, [&](ByteView key, ByteView value) {
      last.assign(key.begin(), key.end());
      stopped = !visit(key, value);
      return !stopped;
    });
    if (stopped || scanned) return whole && scanned;
    const auto next = next_readable(engine, family, last, end);
    if (!next) return false;
    at = to_bytes(view_of(*next));
  }
}

bool never_changes(const fs::path& file) {
  return file.extension() == ".sst" || file.extension() == ".blob";
}

// Copies the files of a database for which `wanted` returns true. RocksDB writes to the directory
// that it opens (LOCK, LOG, MANIFEST), so it must not open the source. Files that never change are
// linked, so that the copy needs little space.
Result<void> copy_database(const std::string& from, const std::string& to,
                           const std::function<bool(const fs::path&)>& wanted) {
  if (::mkdir(to.c_str(), 0700) != 0) return Error::from_errno(to);
  const auto names = names_in(from);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    const fs::path path = from + "/" + name;
    std::error_code gone;
    if (!fs::is_regular_file(path, gone) || name == "LOCK" || name.starts_with("LOG") || !wanted(path))
      continue;
    const std::string copy = to + "/" + name;
    if (never_changes(path) && ::link(path.c_str(), copy.c_str()) == 0) continue;
    std::error_code failed;
    // A file that cannot be read counts as missing, and the views show what is left. A full disk is
    // an error of the salvage itself.
    if (!fs::copy_file(path, copy, failed) && failed == std::errc::no_space_on_device)
      return Error(Code::Full, "not enough disk space for a copy of the database");
    if (failed) log::warning("file not copied", {{"file", path.string()}, {"reason", failed.message()}});
  }
  return {};
}

// Returns the name of the newest MANIFEST; empty if there is none.
std::string newest_list(const std::string& database) {
  auto names = names_in(database);
  if (!names) return {};
  std::erase_if(*names, [](const std::string& name) { return !name.starts_with("MANIFEST-"); });
  const auto newest = std::max_element(names->begin(), names->end(), is_older_file);
  return newest == names->end() ? std::string() : *newest;
}

// Writes a CURRENT file that names the newest MANIFEST, for a database in which CURRENT is missing
// or damaged. Returns false if that is impossible.
bool name_newest_list(const std::string& database) {
  const std::string newest = newest_list(database);
  if (newest.empty()) return false;
  std::error_code ignored;
  fs::remove(database + "/CURRENT", ignored);
  return create_file(database + "/CURRENT", as_bytes(newest + "\n"), 0600).has_value();
}

// Creates an empty database with the same families and lets RocksDB replay the write-ahead logs of
// another one into it: RepairDB reads logs, too, but gives up at damage.
Result<std::unique_ptr<Engine>> open_logs(const std::string& from, const std::string& path,
                                          std::size_t buffers) {
  {
    auto empty = Engine::open(path, Engine::Mode::Create, buffers);
    if (!empty) return empty;
  }
  auto logs = names_in(from);
  if (!logs) return logs.error();
  std::erase_if(*logs, [](const std::string& name) { return !name.ends_with(".log"); });
  std::sort(logs->begin(), logs->end(), is_older_file);
  // The numbers are higher than those of the new database's own files, and in the order of the
  // logs.
  std::uint64_t number = 1'000'000;
  for (const std::string& log : *logs) {
    std::error_code failed;
    fs::copy_file(from + "/" + log, path + "/" + std::to_string(++number) + ".log", failed);
    // As in copy_database().
    if (failed == std::errc::no_space_on_device)
      return Error(Code::Full, "not enough disk space for a copy of the database");
    if (failed) log::warning("file not copied", {{"file", log}, {"reason", failed.message()}});
  }
  return Engine::open(path, Engine::Mode::ReadOnly, buffers);
}

}  // namespace

Result<Fd> hold_unwritten(const std::string& vault) {
  const std::string path = vault + "/lock";
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  // Every running keeper has created its lock file, so none is running.
  if (!fd && errno == ENOENT) return fd;
  if (!fd) return Error::from_errno(path);
  // flock(2) works on a read-only descriptor, so nothing in the vault is written.
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return Error::from_errno(path);
  return Error(Code::Busy, "a keeper has the vault open");
}

Result<SalvageSource> SalvageSource::open(const std::string& vault, const std::string& work,
                                          std::size_t buffers) {
  SalvageSource source;
  source.vault_ = vault;
  if (::mkdir(work.c_str(), 0700) != 0) return Error::from_errno(work);
  std::error_code failed;
  // HeadFile::open() opens for writing, so it gets a copy.
  fs::copy_file(vault + "/head", work + "/head", failed);
  fs::permissions(work + "/head", fs::perms::owner_read | fs::perms::owner_write, failed);
  if (const auto head = HeadFile::open(work); head) source.head_ = head->head();
  if (!fs::is_directory(vault + "/db", failed)) return Error(Code::NotFound, vault + ": not a vault");
  if (auto looked = source.look(work, buffers); !looked) return looked.error();
  return source;
}

// Opens the views from the best to the worst. If the database opens as it is and all small families
// can be read, the others could add nothing but old values.
Result<void> SalvageSource::look(const std::string& work, std::size_t buffers) {
  const auto all = [](const fs::path&) { return true; };
  database_ = work + "/as-it-is";
  if (auto copied = copy_database(vault_ + "/db", database_, all); !copied) return copied;
  auto first = Engine::open(database_, Engine::Mode::ReadOnly, buffers);
  if (!first && name_newest_list(database_)) first = Engine::open(database_, Engine::Mode::ReadOnly, buffers);
  if (first) {
    views_.push_back(std::move(*first));
    if (read_all()) return {};
  } else {
    reason_ = first.error().text();
    files_missing_ = !newest_list(database_).empty();
  }
  // RepairDB does not understand blob files and might move them away; their records are found by
  // blob_file.h.
  const auto no_lists = [](const fs::path& path) { return path.extension() != ".blob"; };
  const std::string anew = work + "/listed-anew";
  if (auto copied = copy_database(vault_ + "/db", anew, no_lists); !copied) return copied;
  if (Engine::list_anew(anew, buffers)) {
    if (auto second = Engine::open(anew, Engine::Mode::ReadOnly, buffers))
      views_.push_back(std::move(*second));
  }
  if (!first) {
    auto logs = open_logs(database_, work + "/logs", buffers);
    if (logs) {
      views_.push_back(std::move(*logs));
    } else if (logs.error().code() == Code::Full) {
      return logs.error();
    }
  }
  return {};
}

// Reads all families but the bodies, whose damage is found message by message. Returns true if
// nothing in them is damaged.
bool SalvageSource::read_all() {
  bool all = true;
  for (const Family family :
       {Family::Heads, Family::Records, Family::Messages, Family::History, Family::Seen}) {
    const bool whole = views_.front()
                           ->scan(family, {}, view_of(number_of(Bytes(kWidth, std::byte{0xff}))),
                                  [](ByteView, ByteView) { return true; })
                           .has_value();
    complete_[static_cast<std::size_t>(family)] = whole;
    all = all && whole;
  }
  return all;
}

void SalvageSource::scan(Family family, ByteView from, ByteView end, const Visit& visit) {
  for (const auto& engine : views_) {
    if (!scan_past_damage(*engine, family, from, end, visit))
      complete_[static_cast<std::size_t>(family)] = false;
  }
}

void SalvageSource::get(Family family, ByteView key, const std::function<void(ByteView value)>& visit) const {
  for (const auto& engine : views_) {
    const auto value = engine->get(family, key);
    if (value && *value) visit(as_bytes(**value));
  }
}

std::optional<FoundBody> SalvageSource::body(const MailboxId& mailbox, const MessageId& message,
                                             const std::function<bool(ByteView stored)>& fits) {
  const Key key = body_key(message, mailbox);
  std::optional<FoundBody> best;
  // Of bodies that do not fit, the longest has the most left of the container.
  const auto offer = [&](ByteView stored) {
    const bool whole = fits(stored);
    if (whole || !best || (!best->whole && stored.size() > best->stored.size()))
      best = FoundBody{to_bytes(stored), whole};
    return whole;
  };
  for (const auto& engine : views_) {
    const auto value = engine->get(Family::Bodies, key);
    if (value && *value && offer(as_bytes(**value))) return best;
  }
  // Only if no view has the body: reading all blob files takes long.
  index_blobs();
  const auto [first, last] = blobs_.equal_range(std::string(as_text(key)));
  for (auto at = first; at != last; ++at) {
    const auto blob = read_blob(key, at->second);
    if (blob && offer(blob->value)) return best;
  }
  return best;
}

void SalvageSource::index_blobs() {
  if (std::exchange(indexed_, true)) return;
  const auto names = names_in(database_);
  if (!names) return log::warning("blob files not listed", {{"reason", names.error().text()}});
  for (const std::string& name : *names) {
    if (!name.ends_with(".blob")) continue;
    const auto scanned = scan_blobs(database_ + "/" + name, [&](ByteView key, const BlobPlace& place) {
      blobs_.emplace(std::string(as_text(key)), place);
    });
    if (!scanned) log::warning("blob file not read", {{"reason", scanned.error().text()}});
  }
}

void SalvageSource::bodies(const std::function<void(const MailboxId&, const MessageId&)>& visit) {
  constexpr std::size_t kKey = 32;
  const auto tell = [&](ByteView key) {
    if (key.size() == kKey) visit(MailboxId::from(key.subspan(16)), MessageId::from(key.first(16)));
  };
  index_blobs();
  for (const auto& [key, place] : blobs_) tell(as_bytes(key));
  scan(Family::Bodies, {}, Bytes(kKey, std::byte{0xff}), [&](ByteView key, ByteView) {
    tell(key);
    return true;
  });
}

}  // namespace gw::store
