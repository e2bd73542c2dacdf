// Why the keeper could not be reached, as a type of its own.
//
// A caller of a Store takes NotFound, Denied and Corrupt for the keeper's answer: an SMTP server then refuses
// the recipient for good, a POP3 server says that the password is wrong, the console ends the session. A
// vault that is not mounted, a socket without permission and a keeper that does not start fail with the same
// errno values. So whatever happens on the way to the keeper becomes an Unreached, which has no Code: turned
// into an Error it is Unavailable, whatever its cause was.
#pragma once

#include <string>
#include <utility>

#include "base/result.h"

namespace gw::keeper {

class Unreached {
 public:
  explicit Unreached(std::string text, std::string hint = {},
                     int exit_status = gw::exit_status(Code::Unavailable))
      : text_(std::move(text)), hint_(std::move(hint)), status_(exit_status) {}
  // Keeps the text and the hint of `cause`, and its exit status unless that is 77, which would be a wrong
  // password.
  explicit Unreached(const Error& cause);

  const std::string& text() const { return text_; }
  const std::string& hint() const { return hint_; }
  int exit_status() const { return status_; }
  // Unavailable, with the text, the hint and the exit status.
  Error as_error() const;

 private:
  std::string text_;
  std::string hint_;
  int status_;
};

// A value, or why the keeper could not be reached. Any Error that is returned as one becomes an Unreached.
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
