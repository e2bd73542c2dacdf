// Renaming without replacing.
#pragma once

#include <string>

namespace gw {

// Renames a file or a directory and replaces nothing; relative names begin at the directories
// `from_folder` and `to_folder` (or AT_FDCWD). Returns false, with errno, if it fails: EEXIST if the
// new name is taken. Where the file system cannot rename without replacing in one step (NFS and
// some others), a file gets the new name as a second link before it loses the old one, so that a
// crash may leave both. A directory, which cannot have two links, is renamed after a look: the
// caller must hold a lock that keeps other writers away from its new name.
bool rename_new(int from_folder, const std::string& from, int to_folder, const std::string& to);

namespace detail {
// Does the same without the step that some file systems lack.
bool rename_new_by_link(int from_folder, const std::string& from, int to_folder, const std::string& to);
}  // namespace detail

}  // namespace gw
