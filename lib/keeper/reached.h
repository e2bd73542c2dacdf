// The type of a failure to reach the keeper, distinct from an error that the keeper replied with.
//
// Callers of a Store treat NotFound, Denied and Corrupt as the keeper's reply: an SMTP server then
// rejects the recipient with 5xx, a POP3 server reports a wrong password, the console ends the
// session. A vault that is not mounted, a socket without permission and a keeper that does not
// start fail with the same errno values. So every failure on the way to the keeper becomes an
// Unreached, which has no Code. When it is turned into an Error, the code is always Unavailable, so
// that clients are told to try again.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace gw::keeper {

// A text, a hint and an exit status, without a Code.
class Unreached {
 public:
  // `text` says what failed, `hint` what the user can do.
  explicit Unreached(std::string text, std::string hint = {},
                     int exit_status = gw::exit_status(Code::Unavailable))
      : text_(std::move(text)), hint_(std::move(hint)), status_(exit_status) {}
  // Keeps the text, the hint and the exit status of `cause`; a caller must not conclude anything
  // from them, and as_error() has its own code.
  explicit Unreached(const Error& cause);

  const std::string& text() const { return text_; }
  const std::string& hint() const { return hint_; }
  int exit_status() const { return status_; }
  // Returns an Error with code Unavailable and this text, hint and exit status.
  Error as_error() const;

 private:
  std::string text_;
  std::string hint_;
  int status_;
};

// A value or an Unreached. An Error or a failed Result that is returned as a Reached is converted
// implicitly, and its Code is dropped.
template <class T>
class [[nodiscard]] Reached : public tl::expected<T, Unreached> {
 public:
  using tl::expected<T, Unreached>::expected;
  Reached(Unreached why) : tl::expected<T, Unreached>(tl::unexpected<Unreached>(std::move(why))) {}  // NOLINT
  Reached(const Error& cause) : Reached(Unreached(cause)) {}                                         // NOLINT
  Reached(Result<T> result)                                                                          // NOLINT
      : Reached(result ? Reached(std::move(*result)) : Reached(Unreached(result.error()))) {}
};

template <>
class [[nodiscard]] Reached<void> : public tl::expected<void, Unreached> {
 public:
  using tl::expected<void, Unreached>::expected;
  Reached() = default;
  Reached(Unreached why)  // NOLINT
      : tl::expected<void, Unreached>(tl::unexpected<Unreached>(std::move(why))) {}
  Reached(const Error& cause) : Reached(Unreached(cause)) {}  // NOLINT
  Reached(const Result<void>& result) {                       // NOLINT
    if (!result) *this = Reached(result.error());
  }
};

}  // namespace gw::keeper
