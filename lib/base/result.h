// The return type of functions that can fail: a value or an Error. gw's own functions throw no
// exceptions for expected failures.
//
//   Result<Fd> opened = open_for_reading(path);
//   if (!opened) return opened.error().within("cannot read the key");
//   use(*opened);
//
// It is a tl::expected with an implicit conversion from Error. [[nodiscard]] makes the compiler
// report an ignored result.
#pragma once

#include <tl/expected.hpp>

#include "base/error.h"

namespace gw {

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpected<Error>(std::move(error))) {}  // NOLINT
};

template <>
class [[nodiscard]] Result<void> : public tl::expected<void, Error> {
 public:
  using tl::expected<void, Error>::expected;
  Result() = default;
  Result(Error error) : tl::expected<void, Error>(tl::unexpected<Error>(std::move(error))) {}  // NOLINT
};

}  // namespace gw
