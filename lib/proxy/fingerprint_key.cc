#include "proxy/fingerprint_key.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/encoding.h"
#include "base/file.h"
#include "base/log.h"
#include "seal/fingerprint.h"

namespace gw::proxy {
namespace {

constexpr std::string_view kName = "/fingerprint.key";

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Returns the home directory; empty if it is unknown. A service may run without $HOME, so the
// password database is the fallback.
std::string home() {
  if (std::string set = variable("HOME"); !set.empty()) return set;
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> texts;
  if (::getpwuid_r(::geteuid(), &entry, texts.data(), texts.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_dir;
}

// Reads the key. Fails with NotFound if there is no file; a damaged file is not replaced, because a
// new key would silently cause second copies of every mail.
Result<Secret> read_key(const std::string& file) {
  auto opened = open_for_reading(file);
  if (!opened) return opened.error();
  const auto line = read_secret(opened->get(), file);
  if (!line) return line.error();
  Secret key(seal::kFingerprintKey);
  if (!from_hex(line->text(), key.span()))
    return Error(Code::Config,
                 file + ": not 64 hexadecimal digits; with a new key, mail that comes again is copied again")
        .with_hint("mv " + file + " " + file + ".damaged");
  return key;
}

// Returns a random key as a line of hex.
Secret new_key_line() {
  Secret key(seal::kFingerprintKey);
  random_bytes(key.span());
  const Secret digits = to_hex_secret(key.view());
  Secret line(digits.size() + 1);
  std::ranges::copy(digits.view(), line.span().begin());
  line.span().back() = std::byte{'\n'};
  return line;
}

// Creates a directory and its missing parents with mode 0700. std::filesystem::create_directories()
// cannot be used, because it creates them with mode 0777 minus the umask.
Result<void> make_folders(const std::filesystem::path& folder) {
  if (folder.empty()) return {};
  std::error_code failed;
  if (std::filesystem::is_directory(folder, failed)) return {};
  if (auto above = make_folders(folder.parent_path()); !above) return above;
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return Error::from_errno(folder.string());
  return {};
}

// Creates the key file. The key is written to a temporary file that then gets the final name by
// link(2), so a process that finds the file always finds a complete key. If several processes do
// this at the same time, link(2) fails with EEXIST for all but one; they then read that one's key.
Result<void> make_key(const std::string& file) {
  if (auto made = make_folders(std::filesystem::path(file).parent_path()); !made) return made;
  std::array<std::byte, 8> unique;
  random_bytes(unique);
  const std::string beside = file + "." + to_hex(unique);
  const Secret line = new_key_line();
  if (auto written = create_file(beside, line.view(), 0600); !written) return written;
  const bool named = ::link(beside.c_str(), file.c_str()) == 0 || errno == EEXIST;
  // unlink() may change errno: keep the error of link() before it.
  const Error failed = Error::from_errno(file);
  ::unlink(beside.c_str());
  if (!named) return failed;
  const std::string folder = std::filesystem::path(file).parent_path().string();
  return sync_folder(folder.empty() ? "." : folder);
}

}  // namespace

Result<std::string> fingerprint_key_file(const std::string& chosen) {
  if (!chosen.empty()) return chosen;
  if (const std::string folder = variable("CREDENTIALS_DIRECTORY"); !folder.empty()) {
    const std::string file = folder + std::string(kName);
    if (::access(file.c_str(), F_OK) == 0) return file;
  }
  // systemd sets a list separated by colons if the unit has several state directories; use the
  // first.
  std::string state = variable("STATE_DIRECTORY");
  state.erase(std::min(state.find(':'), state.size()));
  if (!state.empty()) return state + std::string(kName);
  const std::string own = home();
  if (own.empty())
    return Error(Code::Config, "cannot find a directory for the fingerprint key: no home directory")
        .with_hint("use --fingerprint-key FILE");
  return own + "/.local/state/gw" + std::string(kName);
}

Result<Secret> fingerprint_key(const std::string& file) {
  constexpr std::string_view kWhat = "cannot use the fingerprint key";
  auto key = read_key(file);
  if (!key && key.error().code() == Code::NotFound) {
    if (auto made = make_key(file); !made) return made.error().within(kWhat);
    // Read the file again and do not return the key just made: another process may have won the
    // race.
    log::info("fingerprint key created", {{"file", file}});
    key = read_key(file);
  }
  if (!key) return key.error().within(kWhat);
  return key;
}

}  // namespace gw::proxy
