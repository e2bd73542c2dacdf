// Listing directories. An error is always told apart from the end of a directory: a list that breaks
// off unnoticed would leave files out of a snapshot or a salvage.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::store {

// Calls `visit` with each name in a directory except `.` and `..`, until it fails. `what` names the
// directory in errors.
Result<void> for_each_name(int directory, std::string_view what,
                           const std::function<Result<void>(const char* name)>& visit);
// Returns all names, in no order, except `.` and `..`. Loops that remove entries need it: POSIX
// leaves it open whether readdir(3) then sees the rest.
Result<std::vector<std::string>> names_in(int directory, std::string_view what);
// The same for a path. Fails with NotFound if there is no such directory.
Result<std::vector<std::string>> names_in(const std::string& path);

// Returns the number in the name of one of RocksDB's files (`000012.log`, `MANIFEST-000012`); 0 if it
// has none. Names must be ordered by it: from 1,000,000 on a number has more than six digits.
std::uint64_t file_number(std::string_view name);
// Returns true if the first file is the older one.
bool is_older_file(const std::string& one, const std::string& other);

}  // namespace gw::store
