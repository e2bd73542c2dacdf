#include "backup/manifest.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "transfer/part_file.h"

namespace gw::backup {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
// Bytes of lines that are written in one system call.
constexpr std::size_t kGather = 64 << 10;
constexpr std::size_t kMaxLine = 128 << 10;  // bytes; a checkpoint in the heading has at most 64 KiB

Json parse(const std::string& line) {
  // Without exceptions: a line that is no JSON becomes a discarded value, which is no object.
  return Json::parse(line, nullptr, false);
}

// Return the value of a field, or nullopt if it is missing or has another type. The library would
// throw on these.
std::optional<std::string> text(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}
std::optional<std::uint64_t> number(const Json& object, const char* field) {
  const auto found = object.find(field);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}
std::optional<Digest> digest(const Json& object, const char* field) {
  const auto hex = text(object, field);
  Digest value;
  if (!hex || !from_hex(*hex, value)) return std::nullopt;
  return value;
}

std::optional<Heading> heading_of(const Json& object) {
  const auto vault = text(object, "vault");
  const auto id = vault ? VaultId::parse(*vault) : std::nullopt;
  const auto when = text(object, "time");
  const auto time = when ? parse_time(*when) : std::nullopt;
  const auto commits = number(object, "commits");
  const auto history = object.find("history");
  if (!id || !time || !commits || history == object.end() || !history->is_object()) return std::nullopt;
  const auto size = number(*history, "size");
  const auto root = digest(*history, "root");
  if (!size || !root) return std::nullopt;
  Heading heading{*id, *time, *commits, {*size, *root, 0}, {}};
  heading.checkpoint = text(object, "checkpoint").value_or("");
  return heading;
}

std::optional<Listed> listed_of(const Json& object) {
  auto name = text(object, "name");
  const auto size = number(object, "octets");
  const auto sum = digest(object, "sha256");
  // The name becomes a path at restore: `../` in a manipulated manifest must not lead out of the
  // directory.
  if (!name || !size || !sum || !valid_name(*name)) return std::nullopt;
  return Listed{std::move(*name), *size, *sum, text(object, "source").value_or("")};
}

}  // namespace

Result<ManifestWriter> ManifestWriter::begin(Tree& tree, const Heading& heading) {
  ManifestWriter writer;
  writer.shown_ = tree.shown() + "/" + kManifest;
  constexpr int kHow = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  writer.fd_ = Fd(::openat(tree.root(), kManifest, kHow, 0600));
  if (!writer.fd_) return transfer::create_error(writer.shown_);
  Json object;
  object["gw_backup"] = kFormat;
  object["vault"] = heading.vault.hex();
  object["time"] = rfc3339(heading.time);
  object["commits"] = heading.commits;
  object["history"] = {{"size", heading.history.size}, {"root", to_hex(heading.history.root)}};
  // null and not an empty string, so that a person who reads the file sees that there is none.
  object["checkpoint"] = heading.checkpoint.empty() ? Json() : Json(heading.checkpoint);
  if (auto put = writer.put(object.dump()); !put) return put.error();
  return writer;
}

Result<void> ManifestWriter::put(const std::string& line) {
  // The digest covers the line endings too, so a file that was converted to another line ending is
  // detected.
  sum_.update(as_bytes(line)).update(as_bytes("\n"));
  waiting_ += line;
  waiting_ += '\n';
  return waiting_.size() < kGather ? Result<void>() : flush();
}

Result<void> ManifestWriter::flush() {
  auto written = transfer::write_target(fd_.get(), as_bytes(waiting_), shown_);
  waiting_.clear();
  return written;
}

Result<void> ManifestWriter::add(const Listed& file) {
  Json object;
  object["name"] = file.name;
  object["octets"] = file.size;
  object["sha256"] = to_hex(file.sha256);
  if (!file.source.empty()) object["source"] = file.source;
  ++files_;
  size_ += file.size;
  return put(object.dump());
}

Result<void> ManifestWriter::finish() {
  Json object;
  object["files"] = files_;
  object["octets"] = size_;
  object["manifest_sha256"] = to_hex(sum_.finish());
  waiting_ += object.dump() + "\n";
  if (auto written = flush(); !written) return written;
  // The name is synced with the directory, by Tree::sync().
  if (::fsync(fd_.get()) != 0) return transfer::write_error(shown_);
  fd_.reset();
  return {};
}

Error ManifestReader::damaged() const {
  return Error(Code::Corrupt, shown_ + ": damaged or truncated");
}

Result<ManifestReader> ManifestReader::open(const Tree& tree) {
  ManifestReader reader;
  reader.shown_ = tree.shown() + "/" + kManifest;
  auto fd = tree.read(kManifest);
  if (!fd) return fd.error();
  reader.fd_ = std::move(*fd);
  if (auto looked = reader.look_through(); !looked) return looked.error();
  if (::lseek(reader.fd_.get(), 0, SEEK_SET) != 0) return Error::from_errno(reader.shown_);
  reader.buffer_.clear();
  reader.begin_ = 0;
  // Skip the heading, which look_through() has parsed.
  if (auto first = reader.line(); !first) return first.error();
  return reader;
}

Result<ManifestReader> ManifestReader::open_unfinished(const Tree& tree) {
  ManifestReader reader;
  reader.shown_ = tree.shown() + "/" + kManifest;
  auto fd = tree.read(kManifest);
  if (!fd) return fd.error();
  reader.fd_ = std::move(*fd);
  const auto first = reader.line();
  if (!first) return first.error();
  const Json object = *first ? parse(**first) : Json();
  const auto heading =
      object.is_object() && number(object, "gw_backup") == kFormat ? heading_of(object) : std::nullopt;
  if (!heading) return reader.damaged();
  reader.heading_ = *heading;
  reader.unfinished_ = true;
  return reader;
}

// Returns the next line without its line feed, or nullopt at the end of the file. Fails with
// Corrupt if the last line is incomplete.
Result<std::optional<std::string>> ManifestReader::line() {
  for (;;) {
    const std::size_t end = buffer_.find('\n', begin_);
    if (end != std::string::npos) {
      std::string found = buffer_.substr(begin_, end - begin_);
      begin_ = end + 1;
      return std::optional(std::move(found));
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    // A file without line feeds must not be read into memory as a whole.
    if (buffer_.size() > kMaxLine) return damaged();
    const std::size_t held = buffer_.size();
    buffer_.resize(held + kGather);
    const auto got = read_some(fd_.get(), std::as_writable_bytes(std::span(buffer_)).subspan(held), shown_);
    if (!got) return got.error();
    buffer_.resize(held + *got);
    if (*got == 0 && held == 0) return std::optional<std::string>();
    if (*got == 0) return damaged();
  }
}

Result<void> ManifestReader::look_through() {
  Sha256 sum;
  std::uint64_t lines = 0;
  std::uint64_t size = 0;
  for (;; ++lines) {
    const auto read = line();
    if (!read) return read.error();
    if (!*read) return damaged();  // the file ends without its last line
    const Json object = parse(**read);
    if (!object.is_object()) return damaged();
    if (lines == 0) {
      const auto format = number(object, "gw_backup");
      if (!format) return damaged();
      if (*format != kFormat)
        return Error(Code::Version,
                     shown_ + ": backup format " + std::to_string(*format) + " is not supported");
      const auto heading = heading_of(object);
      if (!heading) return damaged();
      heading_ = *heading;
    } else if (object.contains("manifest_sha256")) {
      const auto said = digest(object, "manifest_sha256");
      files_ = number(object, "files").value_or(0);
      size_ = number(object, "octets").value_or(0);
      // The heading is the additional line.
      if (said != sum.finish() || files_ + 1 != lines || size_ != size) return damaged();
      // Lines after the last one are not covered by the digest.
      const auto behind = line();
      if (!behind || *behind) return damaged();
      return {};
    } else {
      const auto listed = listed_of(object);
      if (!listed) return damaged();  // open() could read it, so the file has changed since
      size += listed->size;
    }
    // Not reached for the last line, which contains the digest.
    sum.update(as_bytes(**read)).update(as_bytes("\n"));
  }
}

Result<std::optional<Listed>> ManifestReader::next() {
  // The last line is not a file.
  if (!unfinished_ && given_ == files_) return std::optional<Listed>();
  const auto read = line();
  if (!read && !unfinished_) return read.error();
  auto listed = read && *read ? listed_of(parse(**read)) : std::nullopt;
  if (!listed && unfinished_) return std::optional<Listed>();
  // open() could read this line, so the file has changed since.
  if (!listed) return damaged();
  ++given_;
  return std::optional(std::move(*listed));
}

}  // namespace gw::backup
