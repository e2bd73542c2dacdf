#include "base/version.h"

namespace gw {

std::string_view version() {
  return GW_VERSION;
}

}  // namespace gw
