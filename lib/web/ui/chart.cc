#include "web/ui/chart.h"

#include <algorithm>
#include <cstdio>

namespace gw::web {
namespace {

// The drawing in units of its viewBox; the browser scales it to the page.
constexpr double kWidth = 440;
constexpr double kHeight = 200;
constexpr double kLeft = 72;
constexpr double kRight = 24;
constexpr double kTop = 12;
constexpr double kBottom = 28;
constexpr int kLines = 4;  // of the grid above the axis

// Formats a coordinate. std::to_string() would write six decimals, and a stream would use the
// locale.
std::string at(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Html rectangle(std::string_view series, double x, double width, double share) {
  const double height = share * (kHeight - kTop - kBottom);
  return tag("rect", {{"class", series},
                      {"x", at(x)},
                      {"y", at(kHeight - kBottom - height)},
                      {"width", at(width)},
                      {"height", at(height)},
                      {"rx", "1"}});
}

}  // namespace

std::uint64_t round_up(std::uint64_t value, std::uint64_t step) {
  // At least one per line of the grid, so that all labels are different whole numbers.
  if (value <= kLines) return kLines;
  if (step == 1024) {
    std::uint64_t power = 4;
    while (power < value && power < (1ULL << 62)) power *= 2;
    return power;
  }
  for (std::uint64_t power = 1; power < 1'000'000'000'000'000'000; power *= 10)
    for (const std::uint64_t factor : {1, 2, 4, 8})
      // Only values that the lines of the grid divide, so that the labels are exact.
      if (power * factor >= value && power * factor % kLines == 0) return power * factor;
  return value;
}

Html bar_chart(std::string_view id, std::string_view title, std::string_view description,
               const std::vector<Bar>& bars, const std::function<std::string(std::uint64_t)>& scale,
               std::uint64_t step) {
  std::uint64_t highest = 0;
  for (const Bar& bar : bars) highest = std::max({highest, bar.in, bar.out});
  const std::uint64_t top = round_up(highest, step);
  const std::string title_id = std::string(id) + "-title";
  const std::string description_id = std::string(id) + "-description";

  Html inside = tag("title", {{"id", title_id}}, escaped(title)) +
                tag("desc", {{"id", description_id}}, escaped(description));
  for (int line = 0; line <= kLines; ++line) {
    const double y = kHeight - kBottom - (kHeight - kTop - kBottom) * line / kLines;
    inside += tag(
        "line",
        {{"class", "grid"}, {"x1", at(kLeft)}, {"x2", at(kWidth - kRight)}, {"y1", at(y)}, {"y2", at(y)}});
    inside += tag("text", {{"x", at(kLeft - 8)}, {"y", at(y + 4)}, {"text-anchor", "end"}},
                  escaped(scale(top / kLines * static_cast<std::uint64_t>(line))));
  }
  const double width = (kWidth - kLeft - kRight) / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double x = kLeft + width * static_cast<double>(i);
    const double bar = width * 0.38;
    Html pair = tag("title", {}, escaped(bars[i].said));
    // An invisible area over the full height, so that the tooltip also appears above low bars.
    pair += tag("rect", {{"fill", "transparent"},
                         {"x", at(x)},
                         {"y", at(kTop)},
                         {"width", at(width)},
                         {"height", at(kHeight - kTop - kBottom)}});
    const auto share = [&](std::uint64_t value) {
      return static_cast<double>(value) / static_cast<double>(top);
    };
    pair += rectangle("in", x + width * 0.1, bar, share(bars[i].in));
    pair += rectangle("out", x + width * 0.1 + bar + 1, bar, share(bars[i].out));
    inside += tag("g", {}, pair);
    if (!bars[i].label.empty())
      inside += tag("text", {{"x", at(x + width / 2)}, {"y", at(kHeight - 8)}, {"text-anchor", "middle"}},
                    escaped(bars[i].label));
  }
  return tag("svg",
             {{"class", "chart"},
              {"viewBox", "0 0 " + at(kWidth) + " " + at(kHeight)},
              {"role", "img"},
              {"aria-labelledby", title_id + " " + description_id}},
             inside);
}

}  // namespace gw::web
