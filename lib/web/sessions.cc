#include "web/sessions.h"

#include <algorithm>
#include <cstring>

namespace gw::web {
namespace {

constexpr std::size_t kIdOctets = 32;

// Returns 256 random bits as 64 hexadecimal digits.
std::string random_text() {
  std::array<std::byte, kIdOctets> data{};
  random_bytes(data);
  std::string text = to_hex(data);
  wipe(data);
  return text;
}

// Returns the key of the table for an id. SHA-256 without a salt is enough for 256 random bits.
Digest key_of(std::string_view id) {
  return sha256(as_bytes(id));
}

}  // namespace

std::size_t Sessions::Hash::operator()(const Digest& digest) const {
  std::size_t value = 0;
  // A SHA-256 is uniformly distributed, so any of its bytes are a good hash.
  std::memcpy(&value, digest.data(), sizeof value);
  return value;
}

bool Sessions::ended(const Entry& entry, BootClock::time_point now) const {
  return now - entry.used > policy_.idle || now - entry.begun > policy_.absolute;
}

// Removes sessions that have ended and then, as long as there are too many, those that were unused
// the longest: first of this account, then of all. An account that signs in again and again
// therefore displaces its own sessions before those of others.
void Sessions::make_room(std::string_view account, BootClock::time_point now) {
  std::erase_if(table_, [&](const auto& item) { return ended(item.second, now); });
  // One pass for each removed session; a sign-in removes at most one or two.
  const auto drop_oldest = [&](const auto& counts, std::size_t most) {
    for (;;) {
      std::size_t count = 0;
      auto oldest = table_.end();
      for (auto at = table_.begin(); at != table_.end(); ++at) {
        if (!counts(at->second)) continue;
        ++count;
        if (oldest == table_.end() || at->second.used < oldest->second.used) oldest = at;
      }
      if (count < most) return;
      table_.erase(oldest);
    }
  };
  drop_oldest([&](const Entry& entry) { return entry.session.account == account; }, policy_.most_of_account);
  drop_oldest([](const Entry&) { return true; }, policy_.most);
}

std::string Sessions::begin(const vault::Account& account) {
  std::string id = random_text();
  const std::lock_guard lock(mutex_);
  const BootClock::time_point now = policy_.clock();
  // Before the insertion, so that the new session is not the one that is removed.
  make_room(account.name, now);
  Entry& entry = table_[key_of(id)];
  entry.session = {account.name, account.role, account.password_generation, random_text()};
  entry.begun = entry.used = now;
  return id;
}

std::optional<Session> Sessions::find(std::string_view id, bool use) {
  const std::lock_guard lock(mutex_);
  const auto found = table_.find(key_of(id));
  if (found == table_.end()) return std::nullopt;
  const BootClock::time_point now = policy_.clock();
  if (ended(found->second, now)) {
    table_.erase(found);
    return std::nullopt;
  }
  if (use) found->second.used = now;
  return found->second.session;
}

std::string Sessions::renew(std::string_view id, const vault::Account& account) {
  std::string fresh = random_text();
  const std::lock_guard lock(mutex_);
  // Moves the entry under its new key, so that no request finds both ids or neither.
  auto node = table_.extract(key_of(id));
  if (node.empty()) return {};
  node.key() = key_of(fresh);
  node.mapped().session.role = account.role;
  node.mapped().session.password_generation = account.password_generation;
  node.mapped().session.csrf = random_text();
  table_.insert(std::move(node));
  return fresh;
}

void Sessions::end(std::string_view id) {
  const std::lock_guard lock(mutex_);
  table_.erase(key_of(id));
}

void Sessions::end_all(std::string_view account) {
  const std::lock_guard lock(mutex_);
  std::erase_if(table_, [&](const auto& item) { return item.second.session.account == account; });
}

std::size_t Sessions::count() const {
  const std::lock_guard lock(mutex_);
  return table_.size();
}

void Sessions::keep(std::string_view id, Secret secret) {
  const std::lock_guard lock(mutex_);
  const auto found = table_.find(key_of(id));
  if (found != table_.end()) found->second.kept = std::move(secret);
}

std::optional<Secret> Sessions::kept(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto found = table_.find(key_of(id));
  if (found == table_.end() || found->second.kept.empty()) return std::nullopt;
  return found->second.kept.clone();
}

void Sessions::drop_kept(std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto found = table_.find(key_of(id));
  if (found != table_.end()) found->second.kept = Secret();
}

}  // namespace gw::web
