// Draws a bar chart of two series as SVG, without a script or an image.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "web/ui/html.h"

namespace gw::web {

// A pair of bars.
struct Bar {
  // The text on the axis, for example `14:00`; may be empty.
  std::string label;
  // The tooltip: what the bars mean, in full.
  std::string said;
  std::uint64_t in = 0;
  std::uint64_t out = 0;
};

// Returns the chart. `id` must be unique on the page. Screen readers read `title` and `description`
// instead of the picture; the page shows the numbers in a table beside it. `scale` formats a value
// on the axis. `step` is 1000 for counts and 1024 for bytes, and decides which values are round.
Html bar_chart(std::string_view id, std::string_view title, std::string_view description,
               const std::vector<Bar>& bars, const std::function<std::string(std::uint64_t)>& scale,
               std::uint64_t step);

// Returns the top of the axis: a round value that is not less than `value` and at least 4, and that
// the four lines of the grid divide. For step 1000 it is 1, 2, 4 or 8 times a power of ten; for
// 1024 it is a power of two.
std::uint64_t round_up(std::uint64_t value, std::uint64_t step);

}  // namespace gw::web
