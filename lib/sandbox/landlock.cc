// Landlock (landlock(7)) through its system calls: the C library has no functions for it, and the
// kernel headers of Debian 12 lack the newer versions, so the constants are repeated here.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "base/fd.h"
#include "sandbox/sandbox_private.h"

namespace gw::sandbox {
namespace {

// From linux/landlock.h, as of version 6.
struct RulesetAttributes {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};
struct __attribute__((packed)) BeneathAttributes {
  std::uint64_t allowed;
  std::int32_t parent;
};
constexpr unsigned kVersionFlag = 1;
constexpr int kRulePathBeneath = 1;
constexpr std::uint64_t kWriteFile = 1 << 1;
constexpr std::uint64_t kReadFile = 1 << 2;
constexpr std::uint64_t kReadFolder = 1 << 3;
constexpr std::uint64_t kFiles1 = (1 << 13) - 1;    // execute … make_sym
constexpr std::uint64_t kRefer = 1 << 13;           // version 2
constexpr std::uint64_t kTruncate = 1 << 14;        // version 3
constexpr std::uint64_t kBindTcp = 1 << 0;          // version 4
constexpr std::uint64_t kConnectTcp = 1 << 1;       // version 4
constexpr std::uint64_t kDeviceControl = 1 << 15;   // version 5
constexpr std::uint64_t kAbstractSockets = 1 << 0;  // version 6
constexpr std::uint64_t kSignals = 1 << 1;          // version 6

// Files of the C library and OpenSSL: libraries that are loaded when needed (NSS, locale data,
// providers), and openssl.cnf.
constexpr const char* kLibraries[] = {"/usr", "/lib", "/lib64", "/etc/ssl/openssl.cnf", "/etc/localtime"};
// Environment variables that name other files of OpenSSL.
constexpr const char* kNamed[] = {"OPENSSL_CONF", "OPENSSL_MODULES", "SSL_CERT_FILE", "SSL_CERT_DIR"};
// For name lookups. The directories are listed, not single files: resolv.conf is replaced when the
// network changes, and a rule on a file does not cover its successor.
constexpr const char* kNames[] = {"/etc", "/usr/local/etc"};
constexpr const char* kResolver = "/etc/resolv.conf";

long create(const RulesetAttributes* attributes, std::size_t size, unsigned flags) {
  return ::syscall(SYS_landlock_create_ruleset, attributes, size, flags);
}

// Grants `access` to `path` and everything below it. A path that does not exist is skipped.
Result<void> allow(const Fd& ruleset, const std::string& path, std::uint64_t access) {
  const Fd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!place) return {};
  struct stat found {};
  if (::fstat(place.get(), &found) != 0) return Error::from_errno(path);
  // The kernel rejects rights for directories in a rule on a file.
  if (!S_ISDIR(found.st_mode)) access &= ~kReadFolder;
  const BeneathAttributes rule{access, place.get()};
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), kRulePathBeneath, &rule, 0) != 0)
    return Error::from_errno("landlock: " + path);
  return {};
}

// Returns whether the service manager's socket has an abstract name. A sandbox that blocks abstract
// sockets would cut off notify() for STOPPING=1.
bool notifies_by_name() {
  const char* socket = std::getenv("NOTIFY_SOCKET");
  return socket != nullptr && socket[0] == '@';
}

}  // namespace

int landlock_version() {
  const long version = create(nullptr, 0, kVersionFlag);
  return version > 0 ? static_cast<int>(version) : 0;
}

Result<void> restrict_files(int version, const Needs& needs) {
  // Everything that is listed here is denied unless a rule allows it. A kernel rejects rights that
  // it does not know, hence the version checks.
  RulesetAttributes wall{kFiles1, 0, 0};
  if (version >= 2) wall.files |= kRefer;
  if (version >= 3) wall.files |= kTruncate;
  if (version >= 4) wall.network = kBindTcp | (needs.outgoing ? 0 : kConnectTcp);
  if (version >= 5) wall.files |= kDeviceControl;
  if (version >= 6) wall.scoped = kSignals | (notifies_by_name() ? 0 : kAbstractSockets);
  // The structure grew with the versions; an older kernel rejects a longer one with nonzero fields.
  const std::size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
  const Fd ruleset(static_cast<int>(create(&wall, size, 0)));
  if (!ruleset) return Error::from_errno("landlock");

  constexpr std::uint64_t kRead = kReadFile | kReadFolder;
  std::vector<std::string> readable = needs.readable;
  readable.insert(readable.end(), std::begin(kLibraries), std::end(kLibraries));
  for (const char* variable : kNamed)
    if (const char* path = std::getenv(variable); path != nullptr) readable.emplace_back(path);
  if (needs.outgoing) {
    readable.insert(readable.end(), std::begin(kNames), std::end(kNames));
    for (std::string& folder : folders_of(kResolver)) readable.push_back(std::move(folder));
  }
  for (const std::string& path : readable)
    if (auto done = allow(ruleset, path, kRead); !done) return done;
  // Devices without state that libraries open on their own; /dev/urandom only if getrandom(2)
  // fails.
  if (auto done = allow(ruleset, "/dev/null", kReadFile | kWriteFile); !done) return done;
  if (auto done = allow(ruleset, "/dev/urandom", kReadFile); !done) return done;
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return Error::from_errno("landlock");
  return {};
}

}  // namespace gw::sandbox
