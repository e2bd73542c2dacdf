// A chart of two series as bars side by side, drawn here as SVG: no script, no outside code.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "web/html.h"

namespace gw::web {

struct Bar {
  std::string label;  // of the axis, `14:00`; may be empty
  std::string said;   // what a pointer that rests on it is told
  std::uint64_t in = 0;
  std::uint64_t out = 0;
};

// `title` and `description` are what who does not see the picture gets; the numbers themselves belong into a
// table beside it. `scale` says how a value on the axis is written; `step` is 1000 for counts, 1024 for
// octets.
Html bar_chart(std::string_view id, std::string_view title, std::string_view description,
               const std::vector<Bar>& bars, const std::function<std::string(std::uint64_t)>& scale,
               std::uint64_t step);

// A round value that is at least as large: 1, 2 or 5 times a power of ten; for octets powers of two.
std::uint64_t round_up(std::uint64_t value, std::uint64_t step);

}  // namespace gw::web
