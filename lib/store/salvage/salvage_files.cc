#include "store/salvage/salvage_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "store/local/directory_list.h"

namespace gw::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAgeFirstLine = "age-encryption.org/v1\n";

// Returns the SHA-256 of a file; nullopt if it cannot be read to its end.
std::optional<Digest> digest_of(const std::string& file) {
  auto fd = open_for_reading(file);
  if (!fd) return std::nullopt;
  Sha256 digest;
  Bytes buffer(256 << 10);
  for (;;) {
    const auto got = read_some(fd->get(), buffer, file);
    if (!got) return std::nullopt;
    if (*got == 0) return digest.finish();
    digest.update(ByteView(buffer).first(*got));
  }
}

Result<void> sync_file(const std::string& file) {
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return Error::from_errno(file);
  return {};
}

// Links a file, or copies it if that fails (another file system). Copies up to the first byte that
// cannot be read, because age opens a container up to the damage; returns false then.
Result<bool> link_or_copy(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  if (errno == EEXIST) return Error::from_errno(to);
  auto source = open_for_reading(from);
  if (!source) return source.error();
  const Fd target(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target) return Error::from_errno(to);
  Bytes buffer(256 << 10);
  bool whole = false;
  while (!whole) {
    const auto got = read_some(source->get(), buffer, from);
    if (!got) break;
    if (auto written = write_all(target.get(), ByteView(buffer).first(*got), to); !written)
      return written.error();
    whole = *got == 0;
  }
  if (::fsync(target.get()) != 0) return Error::from_errno(to);
  return whole;
}

}  // namespace

Result<void> make_target(const std::string& from, const std::string& to) {
  std::error_code error;
  // Symbolic links are resolved: writing inside of the source would destroy what is to be salvaged.
  const fs::path source = fs::canonical(from, error);
  const fs::path target = fs::weakly_canonical(to, error);
  const std::string below = (target / "").lexically_normal().string();
  if (below.starts_with((source / "").lexically_normal().string()))
    return Error(Code::Usage, to + ": is inside of the damaged vault");
  if (::mkdir(to.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return Error::from_errno(to);
  if (!fs::is_empty(to, error) || error) return Error(Code::Exists, to + ": exists and is not empty");
  if (::chmod(to.c_str(), 0700) != 0) return Error::from_errno(to);
  return {};
}

// A damaged file can contain anything, including something that looks like a newer version. So
// every byte must be one that a format file can contain.
bool names_newer_format(const std::string& vault) {
  const auto text = read_file(vault + "/format", 16 << 10);
  if (!text) return false;
  for (const std::string_view line : split(*text, '\n')) {
    // The place of a store or of a move can have any characters but these.
    if (line.starts_with("store ") || line.starts_with("moved ") || line.starts_with("arrival ")) {
      if (has_control(line)) return false;
      continue;
    }
    for (const char each : line) {
      const bool plain = (each >= 'a' && each <= 'z') || (each >= '0' && each <= '9') || each == ' ' ||
                         each == '-' || each == '.' || each == ',';
      if (!plain) return false;
    }
  }
  return text->starts_with("gw-vault ") && text->find("\nvault ") != std::string::npos &&
         text->find("\nrequires") != std::string::npos;
}

Result<bool> take_file(const std::string& from, const std::string& to, const Digest& digest) {
  // The digest is checked on the source, before anything is created in the new vault.
  if (digest_of(from) != digest) return false;
  const auto taken = link_or_copy(from, to);
  if (!taken) return taken.error().within("cannot copy a large message");
  // A disk that is failing can refuse what it gave a moment ago.
  if (!*taken) {
    ::unlink(to.c_str());
    return false;
  }
  if (auto synced = sync_file(to); !synced) return synced.error();
  return true;
}

std::string set_aside(const std::string& vault, const MessageId& message,
                      const std::optional<FoundBody>& body, const std::string& large, const Digest& digest) {
  const std::string folder = vault + "/lost";
  ByteView container;
  if (body) {
    const auto parts = split_body(body->stored);
    container = parts ? parts->container : ByteView(body->stored);
    // An envelope is useless without its container, whose age header has the key.
    if (!as_text(container).starts_with(kAgeFirstLine.substr(0, 10))) container = {};
  }
  bool whole = body && body->whole;
  std::error_code ignored;
  const bool file = container.empty() && fs::is_regular_file(large, ignored);
  if (container.empty() && !file) return {};
  // An empty digest means that no leaf or record tells it.
  if (file) whole = digest == Digest{} || digest_of(large) == digest;
  // The extension tells people whether age will open it completely.
  const std::string name = "lost/" + message.hex() + (whole ? ".age" : ".damaged");
  fs::create_directory(folder, ignored);
  fs::permissions(folder, fs::perms::owner_all, ignored);
  std::optional<Error> failed;
  bool taken = true;
  if (file) {
    const auto copied = link_or_copy(large, vault + "/" + name);
    if (copied) {
      taken = *copied;
    } else {
      failed = copied.error();
    }
  } else if (const auto created = create_file(vault + "/" + name, container, 0600); !created) {
    failed = created.error();
  }
  if (failed) {
    log::warning("message not set aside", {{"file", name}, {"reason", failed->text()}});
    return {};
  }
  // It was readable when its digest was computed, and no longer.
  const std::string damaged = "lost/" + message.hex() + ".damaged";
  if (whole && !taken && ::rename((vault + "/" + name).c_str(), (vault + "/" + damaged).c_str()) == 0)
    return damaged;
  return name;
}

std::vector<std::string> files_without(const std::string& folder, const std::vector<std::string>& others) {
  std::set<std::string> known;
  const auto listed = [](const std::string& path) {
    auto names = names_in(path);
    if (!names && names.error().code() != Code::NotFound)
      log::warning("directory not listed", {{"directory", path}, {"reason", names.error().text()}});
    return names ? std::move(*names) : std::vector<std::string>();
  };
  for (const std::string& other : others) {
    for (const std::string& name : listed(other)) known.insert(fs::path(name).stem());
  }
  std::vector<std::string> names;
  for (const std::string& name : listed(folder)) {
    std::error_code gone;
    if (fs::is_regular_file(folder + "/" + name, gone) && !known.contains(name)) names.push_back(name);
  }
  return names;
}

void copy_other_files(const std::string& from, const std::string& to) {
  for (const std::string name : {"history.key", "tls", "lost"}) {
    std::error_code failed;
    if (!fs::exists(from + "/" + name, failed)) continue;
    fs::copy(from + "/" + name, to + "/" + name,
             fs::copy_options::recursive | fs::copy_options::skip_existing, failed);
    if (failed) log::warning("file not copied", {{"file", name}, {"reason", failed.message()}});
  }
}

}  // namespace gw::store
