// Where a password comes from: a file, a descriptor, a systemd credential, or a prompt on the
// terminal. Never from the arguments or the environment, which other processes can read.
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

// Reads the first line of a file without its line ending, or with `whole` all of the file. `-` is
// standard input. At most 4096 bytes. Fails with NotFound if there is no such file, and with
// BadInput if the secret is empty or too long.
Result<Secret> read_secret_file(const std::string& path, bool whole = false);

// The options --password-file and --password-fd.
struct PasswordOptions {
  std::optional<std::string> file;
  std::optional<int> fd;
  // Begins the names of both options, as `user-` for --user-password-file.
  std::string prefix;

  // Adds both options to `app`. This object must outlive the parsing.
  void declare(CLI::App& app);
  // Returns whether one of the options was used.
  bool given() const { return file || fd; }

  // Reads the password of `mailbox` from the first of these sources that exists: the file, the
  // descriptor, the credential `gw.<mailbox>` in $CREDENTIALS_DIRECTORY (systemd.exec(5)), a prompt
  // on /dev/tty if standard input is a terminal. Fails with Usage if there is no source, or if the
  // user enters nothing.
  Result<Secret> read(std::string_view mailbox) const;
  // Does the same for another password: `credential` is the whole name of the credential, and
  // `shown` names the password's owner in the prompt.
  Result<Secret> read(std::string_view credential, std::string_view shown) const;
  // Reads the password that the options name; nullopt if none was given. Never prompts.
  Result<std::optional<Secret>> read_given() const;
};

}  // namespace gw::cli
