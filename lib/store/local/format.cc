#include "store/local/format.h"

#include <optional>

#include "base/file.h"
#include "base/text.h"

namespace gw::store {

Result<void> write_format(const std::string& vault, const VaultId& id) {
  const std::string text = "gw-vault 1\nvault " + id.hex() + "\nrequires\n";
  return create_file(vault + "/format", as_bytes(text), 0600);
}

Result<VaultId> read_format(const std::string& vault) {
  auto text = read_file(vault + "/format", 4096);
  if (!text) {
    if (text.error().code() == Code::NotFound) return Error(Code::NotFound, vault + ": there is no vault");
    return text.error();
  }
  std::optional<int> version;
  std::optional<VaultId> id;
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t blank = line.find(' ');
    const std::string_view key = line.substr(0, blank);
    const std::string_view value = blank == std::string_view::npos ? "" : trim(line.substr(blank));
    if (key == "gw-vault") {
      if (value != "1")
        return Error(Code::Version, vault + ": a vault of format " + printable(value) + ", this gw knows 1");
      version = 1;
    } else if (key == "vault") {
      id = VaultId::parse(value);
    } else if (key == "requires") {
      if (!value.empty()) return Error(Code::Version, vault + ": needs a gw that knows " + printable(value));
    } else if (!key.empty()) {
      return Error(Code::Version, vault + "/format: unknown line: " + printable(key));
    }
  }
  if (!version || !id) return Error(Code::Corrupt, vault + "/format: not the format of a vault");
  return *id;
}

}  // namespace gw::store
