#include "web/ui/assets.h"

#include <algorithm>
#include <vector>

#include "base/digest.h"

namespace gw::web {
namespace {

// A file, its path with the hash, and its entity tag.
struct Named {
  const Asset* asset;
  std::string path;
  std::string tag;
};

std::vector<Named> name_all() {
  std::vector<Named> all;
  for (const Asset& asset : assets()) {
    // 64 bits are enough to tell versions apart; this is no protection against an attacker.
    const std::string hash = to_hex(sha256(as_bytes(asset.content))).substr(0, 16);
    const std::size_t dot = asset.name.rfind('.');
    all.push_back({&asset,
                   "/assets/" + std::string(asset.name.substr(0, dot)) + "." + hash +
                       std::string(asset.name.substr(dot)),
                   "\"" + hash + "\""});
  }
  return all;
}

// Computed at the first use; the files never change while the program runs.
const std::vector<Named>& named() {
  static const std::vector<Named> all = name_all();
  return all;
}

}  // namespace

std::string asset_path(std::string_view name) {
  const auto found =
      std::ranges::find_if(named(), [&](const Named& each) { return each.asset->name == name; });
  return found != named().end() ? found->path : std::string();
}

std::optional<Response> asset_response(const Request& request) {
  const auto found =
      std::ranges::find_if(named(), [&](const Named& each) { return each.path == request.path; });
  if (found == named().end() || !request.reads()) return std::nullopt;
  Response response;
  response.content_type = found->asset->type;
  response.set("ETag", found->tag);
  // A year is the longest that caches honour. harden() would otherwise add `no-store`.
  response.set("Cache-Control", "public, max-age=31536000, immutable");
  if (request.headers.get("if-none-match") == found->tag)
    response.status = 304;
  else
    response.body = found->asset->content;
  return response;
}

}  // namespace gw::web
