// One try of a password by a user or a token that has signed in already. Such tries are limited, so
// that taking over a session or a token is not enough to guess passwords.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "base/result.h"
#include "net/login_throttle.h"

namespace gw::web {

// What came of a try. An Error of code Busy alone would not do: it also means that the host has no
// memory for Argon2id or that the keeper is busy, which is no fault of the client. A client that has
// to wait gets 429, the other errors get 503.
template <class T>
struct Attempt {
  Result<T> result;  // fails with Denied if the password is wrong, with Busy if there is a `wait`
  // How long to wait after too many wrong passwords; nothing was tried. nullopt: it was tried.
  std::optional<std::chrono::milliseconds> wait = std::nullopt;

  explicit operator bool() const { return result.has_value(); }
  T& operator*() { return *result; }
  const T& operator*() const { return *result; }
  const Error& error() const { return result.error(); }
  bool is_wrong() const { return !result && result.error().code() == Code::Denied; }
};

// Calls `work`, which checks a password and returns a Result, unless `key` has to wait because of
// wrong ones before. `key` names who tries what.
template <class Work>
auto attempt(net::LoginThrottle& tries, const std::string& key, const Work& work)
    -> Attempt<typename decltype(work())::value_type> {
  if (const auto wait = tries.left(key); wait.count() > 0)
    return {Error(Code::Busy, "too many wrong passwords; try again later"), wait};
  // Counts the try before the slow work, so that concurrent tries are all counted. An error that is
  // no wrong password takes only this try back: otherwise a guesser who provokes one, such as Busy,
  // would be rid of all wrong passwords before.
  tries.failed(key);
  auto done = work();
  if (done)
    tries.succeeded(key);
  else if (done.error().code() != Code::Denied)
    tries.take_back(key);
  return {std::move(done)};
}

// Returns the value of a Retry-After field: whole seconds, rounded up.
inline std::string retry_after(std::chrono::milliseconds wait) {
  return std::to_string((wait.count() + 999) / 1000);
}

}  // namespace gw::web
