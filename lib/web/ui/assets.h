// The static files of the pages: style sheet, script and icon, compiled into the program from
// lib/web/assets (embed_assets.cmake).
//
// The path of a file contains a hash of its content. Browsers may therefore cache it for a year,
// and a new version of the program takes effect immediately because its pages name another path.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "web/http/http.h"

namespace gw::web {

// A file. The texts have static storage duration.
struct Asset {
  std::string_view name;  // `style.css`
  std::string_view type;  // for Content-Type
  std::string_view content;
};
// Returns all files. The build generates the definition.
std::span<const Asset> assets();

// Returns the path of a file by its name, for example `/assets/style.3f2a9c….css`; empty if there
// is no such file.
std::string asset_path(std::string_view name);
// Returns the file if the request reads such a path, or 304 if the browser has it already
// (If-None-Match); nullopt if the path is not one of a file.
std::optional<Response> asset_response(const Request& request);

}  // namespace gw::web
