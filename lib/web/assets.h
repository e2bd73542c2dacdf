// What pages load beside themselves: style, script, icons. Built into the program; the name that a page uses
// has the hash of the content in it, so a browser keeps it for good and sees a new one at once.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "web/http.h"

namespace gw::web {

struct Asset {
  std::string_view name;  // `style.css`
  std::string_view type;
  std::string_view content;
};
// Made at build time of lib/web/assets.
std::span<const Asset> assets();

// `/assets/style.3f2a….css`.
std::string asset_path(std::string_view name);
// The asset of such a path; none: there is no such one. 304 where the browser has it already.
std::optional<Response> asset_response(const Request& request);

}  // namespace gw::web
