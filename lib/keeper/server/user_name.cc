#include "keeper/server/user_name.h"

#include <pwd.h>

#include <array>
#include <cstdio>
#include <memory>

namespace gw::keeper {
namespace {

constexpr std::size_t kMaxName = 32;

bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= kMaxName &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string::npos;
}

}  // namespace

std::string user_name(uid_t uid, const std::string& passwd_file) {
  const auto close = [](std::FILE* file) { (void)std::fclose(file); };
  // `e`: the keeper starts no program, but its descriptors must not leak into one either.
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(passwd_file.c_str(), "re"), close);
  if (!file) return {};
  passwd entry{};
  passwd* found = nullptr;
  // Longer lines end the search; passwd(5) knows none.
  std::array<char, 4096> text{};
  while (::fgetpwent_r(file.get(), &entry, text.data(), text.size(), &found) == 0) {
    if (found->pw_uid != uid) continue;
    const std::string name = found->pw_name;
    return is_plain(name) ? name : std::string();
  }
  return {};
}

}  // namespace gw::keeper
