// The path of the sources, for tests that read files of the tree.
#pragma once

#include <string>

namespace gw::test {

// Returns the absolute path of the checkout, without a slash at its end.
std::string source_dir();

}  // namespace gw::test
