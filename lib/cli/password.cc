#include "cli/password.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include "base/file.h"
#include "base/text.h"

namespace gw::cli {
namespace {

constexpr std::size_t kMaxTyped = 1024;

// Sets the terminal to show nothing and to return each key immediately; the destructor restores it.
// Signal keys are read like other keys, because ^C would otherwise end the process and leave the
// terminal without echo.
class SilentTerminal {
 public:
  explicit SilentTerminal(int fd) : fd_(fd) {
    ok_ = ::tcgetattr(fd, &before_) == 0;
    struct termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO | ICANON | ISIG);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    ok_ = ok_ && ::tcsetattr(fd, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (ok_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;
  bool ok() const { return ok_; }

 private:
  int fd_;
  bool ok_ = false;
  struct termios before_ {};
};

// Returns the length of `text` without its last character, which may have several bytes in UTF-8.
std::size_t without_last(std::string_view text) {
  std::size_t length = text.size();
  while (length > 0 && (static_cast<unsigned char>(text[--length]) & 0xC0U) == 0x80U) {
  }
  return length;
}

// Reads key by key into a Secret: a line read by the C library would leave copies in its buffers.
// /dev/tty is used because standard output may be redirected.
Result<Secret> prompt(std::string_view mailbox) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal) return Error::from_errno("cannot prompt for the password: /dev/tty");
  const SilentTerminal silent(terminal.get());
  if (!silent.ok()) return Error::from_errno("cannot prompt for the password: /dev/tty");
  const std::string question = "Password for " + printable(mailbox) + ": ";
  if (auto asked = write_all(terminal.get(), as_bytes(question), "/dev/tty"); !asked) return asked.error();

  Secret typed(kMaxTyped);
  std::size_t length = 0;
  bool too_long = false;
  for (;;) {
    char key = 0;
    const ssize_t got = ::read(terminal.get(), &key, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || key == '\x03' || key == '\x04') {
      (void)write_all(terminal.get(), as_bytes("\n"), "/dev/tty");
      return Error(Code::Usage, "no password given");
    }
    if (key == '\n' || key == '\r') break;
    if (key == '\x7f' || key == '\b') {
      length = without_last(typed.text().substr(0, length));
    } else if (key == '\x15') {  // ^U: erases the line
      length = 0;
      too_long = false;
    } else if (length < kMaxTyped) {
      typed.span()[length++] = static_cast<std::byte>(key);
    } else {
      too_long = true;
    }
  }
  (void)write_all(terminal.get(), as_bytes("\n"), "/dev/tty");
  // A password that is cut would be another one.
  if (too_long)
    return Error(Code::Usage, "the password is longer than " + std::to_string(kMaxTyped) + " bytes");
  if (length == 0) return Error(Code::Usage, "no password given");
  typed.shorten(length);
  return typed;
}

Result<std::optional<Secret>> stored_credential(std::string_view name) {
  // The name becomes part of a path, so a name with a slash has no credential.
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (folder == nullptr || name.find('/') != std::string_view::npos) return std::optional<Secret>();
  const std::string path = std::string(folder) + "/" + std::string(name);
  if (::access(path.c_str(), F_OK) != 0) return std::optional<Secret>();
  auto secret = read_secret_file(path);
  if (!secret) return secret.error();
  return std::optional<Secret>(std::move(*secret));
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path, bool whole) {
  if (path == "-") return read_secret(STDIN_FILENO, "standard input", 4096, whole);
  auto fd = open_for_reading(path);
  if (!fd) return fd.error();
  return read_secret(fd->get(), path, 4096, whole);
}

void PasswordOptions::declare(CLI::App& app) {
  CLI::Option* by_file = app.add_option("--" + prefix + "password-file", file,
                                        "Read the password from the first line of FILE (- is stdin)");
  by_file->type_name("FILE");
  app.add_option("--" + prefix + "password-fd", fd, "Read the password from this file descriptor")
      ->type_name("N")
      ->check([](const std::string& text) {
        constexpr std::uint64_t kMost = std::numeric_limits<int>::max();
        const auto number = parse_number(text);
        return number && *number <= kMost ? ""
                                          : "`" + printable(text) + "` is not the number of a descriptor";
      })
      ->excludes(by_file);
}

Result<std::optional<Secret>> PasswordOptions::read_given() const {
  if (!given()) return std::optional<Secret>();
  auto secret = file ? read_secret_file(*file) : read_secret(*fd, "descriptor " + std::to_string(*fd));
  if (!secret) return secret.error().within("cannot read the password");
  return std::optional<Secret>(std::move(*secret));
}

Result<Secret> PasswordOptions::read(std::string_view mailbox) const {
  return read("gw." + std::string(mailbox), mailbox);
}

Result<Secret> PasswordOptions::read(std::string_view credential, std::string_view shown) const {
  auto chosen = read_given();
  if (!chosen) return chosen.error();
  if (*chosen) return std::move(**chosen);
  auto stored = stored_credential(credential);
  if (!stored) return stored.error().within("cannot read the password");
  if (*stored) return std::move(**stored);
  if (::isatty(STDIN_FILENO) != 0) return prompt(shown);
  return Error(Code::Usage, "no password given").with_hint("use --" + prefix + "password-file FILE");
}

}  // namespace gw::cli
