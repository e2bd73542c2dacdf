#include "store/rados/place.h"

#include <algorithm>

#include "base/text.h"

namespace gw::store {
namespace {

constexpr std::string_view kScheme = "rados:";

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !text.empty() && text.find_first_not_of(kAllowed) == std::string_view::npos;
}

Error invalid(std::string_view text, const std::string& why) {
  return Error(Code::Usage, "cannot use the store `" + printable(text) + "`: " + why)
      .with_hint("use rados:META[,DATA]@/etc/ceph/ceph.conf[?user=USER&vault=VAULT]");
}

}  // namespace

bool is_rados_place(std::string_view text) {
  return text.starts_with(kScheme);
}

Result<RadosPlace> parse_rados_place(std::string_view text) {
  if (!is_rados_place(text)) return invalid(text, "it does not begin with `rados:`");
  const std::string_view rest = text.substr(kScheme.size());
  const std::size_t at = rest.find('@');
  if (at == std::string_view::npos) return invalid(text, "`@` and the path of a ceph.conf are missing");

  RadosPlace place;
  const std::vector<std::string_view> pools = split(rest.substr(0, at), ',');
  if (pools.size() > 2 || !std::all_of(pools.begin(), pools.end(), is_name))
    return invalid(text, "before `@` it needs the name of a pool, or of two with a comma between them");
  place.meta_pool = pools.front();
  place.data_pool = pools.back();

  const std::string_view after = rest.substr(at + 1);
  const std::size_t mark = std::min(after.find('?'), after.size());
  place.conf = after.substr(0, mark);
  if (!place.conf.starts_with('/') || has_control(place.conf))
    return invalid(text, "after `@` it needs the absolute path of a ceph.conf");
  if (mark == after.size()) return place;

  bool user_named = false;
  for (const std::string_view setting : split(after.substr(mark + 1), '&')) {
    const std::size_t equals = std::min(setting.find('='), setting.size());
    const std::string_view name = setting.substr(0, equals);
    const std::string_view value = setting.substr(std::min(equals + 1, setting.size()));
    if (name == "user") {
      if (user_named || !is_name(value))
        return invalid(text, "`user` needs the name of one user, without `client.`");
      user_named = true;
      place.user = value;
    } else if (name == "vault") {
      const auto id = VaultId::parse(value);
      if (place.vault || !id) return invalid(text, "`vault` needs one id of 32 hex digits");
      place.vault = id;
    } else {
      return invalid(text, "`" + printable(name) + "` is not `user` or `vault`");
    }
  }
  return place;
}

std::string print(const RadosPlace& place) {
  std::string text(kScheme);
  text += place.meta_pool;
  if (place.data_pool != place.meta_pool) text += "," + place.data_pool;
  text += "@" + place.conf;
  char separator = '?';
  const auto add = [&](const std::string& setting) {
    text += separator + setting;
    separator = '&';
  };
  if (place.user != RadosPlace().user) add("user=" + place.user);
  if (place.vault) add("vault=" + place.vault->hex());
  return text;
}

}  // namespace gw::store
