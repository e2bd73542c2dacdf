#include "store/migration_paths.h"

#include <algorithm>

#include "backup/backup.h"
#include "base/text.h"

namespace gw::cmd {

namespace fs = std::filesystem;

Result<std::string> folder_named(const std::string& to) {
  std::string path = to;
  const std::size_t colon = to.find("://");
  const auto of_scheme = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '-' || c == '.';
  };
  if (colon != std::string::npos && colon != 0 &&
      std::all_of(to.begin(), to.begin() + static_cast<std::ptrdiff_t>(colon), of_scheme)) {
    const std::string scheme = lower(std::string_view(to).substr(0, colon));
    path = to.substr(colon + 3);
    if (scheme != "file")
      return Error(Code::Usage, "--to " + printable(to) + ": unsupported URL scheme `" + scheme + "`")
          .with_hint("use a directory, or file:///DIR");
    if (!path.starts_with('/')) return Error(Code::Usage, "--to " + printable(to) + ": not an absolute path");
  }
  if (path.empty() || has_control(path)) return Error(Code::Usage, "--to: not the name of a directory");
  std::error_code error;
  // Resolved and absolute, because it is stored in the format files and compared with them in a
  // later run, perhaps from another working directory.
  fs::path whole = fs::weakly_canonical(fs::absolute(path, error), error);
  if (error) return Error::from_errno(path, error.value());
  // A trailing slash.
  if (!whole.has_filename() && whole.has_parent_path()) whole = whole.parent_path();
  return whole.string();
}

bool is_within(const fs::path& inner, const fs::path& outer) {
  const fs::path relative = inner.lexically_relative(outer);
  return !relative.empty() && *relative.begin() != "..";
}

std::uint64_t bytes_in(const std::string& folder) {
  std::uint64_t size = 0;
  std::error_code gone;
  for (fs::recursive_directory_iterator at(folder, gone), end; !gone && at != end; at.increment(gone)) {
    std::error_code ignored;
    if (at->is_regular_file(ignored)) size += at->file_size(ignored);
  }
  return size;
}

std::vector<std::string> secrets_of(const std::string& vault) {
  std::vector<std::string> names;
  std::error_code gone;
  if (fs::is_regular_file(vault + "/history.key", gone)) names.emplace_back("history.key");
  for (fs::directory_iterator at(vault + "/tls", gone), end; !gone && at != end; at.increment(gone)) {
    const std::string name = "tls/" + at->path().filename().string();
    if (fs::is_regular_file(at->path(), gone) && backup::valid_name(name)) names.push_back(name);
  }
  return names;
}

}  // namespace gw::cmd
