#include "store/format.h"

namespace gw::cmd {

Json json_time(Micros time) {
  return time == 0 ? Json() : Json(rfc3339(time));
}

Json json_digest(const Digest& digest) {
  return digest == Digest{} ? Json() : Json(to_hex(digest));
}

}  // namespace gw::cmd
