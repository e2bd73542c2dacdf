#include "support/source_dir.h"

namespace gw::test {

std::string source_dir() {
  return GW_SOURCE_DIR;
}

}  // namespace gw::test
