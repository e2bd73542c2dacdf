// Where a password comes from: a file, a descriptor, a systemd credential, or a prompt. Never from the
// arguments or the environment, which every process of the machine may read.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace CLI {
class App;
}

namespace gw::cli {

// The first line of a file, or of standard input for `-`. NotFound where there is no such file.
Result<Secret> read_secret_file(const std::string& path, bool whole = false);

struct PasswordOptions {
  std::optional<std::string> file;
  std::optional<int> fd;

  // --password-file FILE and --password-fd N. This must outlive the parsing.
  void declare(CLI::App& app);
  bool given() const { return file || fd; }

  // In this order: the file, the descriptor, the credential `gw.<mailbox>` in $CREDENTIALS_DIRECTORY, and a
  // prompt on the terminal where standard input is one. Usage where none of these is there.
  Result<Secret> read(std::string_view mailbox) const;
  // Only of the options: nothing is asked.
  Result<std::optional<Secret>> read_given() const;
};

}  // namespace gw::cli
