#include "cli/password.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/child.h"
#include "cli/program.h"

namespace gw::cli {
namespace {

using test::Outcome;

// Prints the password's length and last character, so that the test sees which one it was.
Outcome ask(
    std::vector<std::string> arguments, const std::function<void()>& before = [] {}) {
  arguments.insert(arguments.begin(), "gw-tool");
  return test::run_child(arguments, [&before](int argc, char** argv) {
    before();
    Program program("gw-tool", "Try things.");
    PasswordOptions password;
    password.declare(program.options());
    return program.run(argc, argv, [&]() -> Result<void> {
      auto secret = password.read("archive");
      if (!secret) return secret.error();
      const std::string said =
          std::to_string(secret->size()) + std::string(secret->text().substr(secret->size() - 1));
      return write_all(1, as_bytes(said), "stdout");
    });
  });
}

void redirect_input(const std::string& path) {
  ::dup2(::open(path.c_str(), O_RDONLY), 0);
}

}  // namespace

TEST_CASE("a password is the first line of a file, without the line ending") {
  const test::TempFolder folder;
  const std::string path = folder.path() + "/p";
  REQUIRE(create_file(path, as_bytes("correct horse\r\nsecond line\n"), 0600));
  CHECK(ask({"--password-file", path}).out == "13e");
  CHECK(ask({"--password-file", "-"}, [&] { redirect_input(path); }).out == "13e");
  CHECK(ask({"--password-fd", "9"}, [&] { ::dup2(::open(path.c_str(), O_RDONLY), 9); }).out == "13e");
}

TEST_CASE("a password file with an empty first line, or in UTF-16, is refused with the reason") {
  const test::TempFolder folder;
  const auto refused = [&](std::string_view content) {
    const std::string path = folder.path() + "/p";
    ::unlink(path.c_str());
    REQUIRE(create_file(path, as_bytes(content), 0600));
    const Outcome outcome = ask({"--password-file", path});
    CHECK(outcome.status == 65);
    return outcome.err.substr(outcome.err.rfind("/p: ") + 4);
  };
  CHECK(refused("\ncorrect horse\n") == "the first line is empty\n");
  CHECK(refused("") == "empty\n");
  CHECK(refused(std::string_view("\xff\xfe"
                                 "c\0o\0",
                                 6)) == "is UTF-16; save it as UTF-8\n");
  CHECK(refused(std::string_view("\xfe\xff\0c\0o", 6)) == "is UTF-16; save it as UTF-8\n");
}

TEST_CASE("a systemd credential with the mailbox's name is used if no option is given") {
  const test::TempFolder folder;
  REQUIRE(create_file(folder.path() + "/gw.archive", as_bytes("credential"), 0600));
  const auto in_unit = [&] { ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1); };
  CHECK(ask({}, in_unit).out == "10l");
}

TEST_CASE("without a terminal there is no prompt, but exit status 64 and a hint") {
  const Outcome outcome = ask({});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: no password given\nhint: use --password-file FILE\n");
}

TEST_CASE("a password file that is missing is exit 66, an empty one 65, and two sources are 64") {
  const test::TempFolder folder;
  CHECK(ask({"--password-file", folder.path() + "/none"}).status == 66);
  REQUIRE(create_file(folder.path() + "/empty", as_bytes("\n"), 0600));
  CHECK(ask({"--password-file", folder.path() + "/empty"}).status == 65);
  CHECK(ask({"--password-file", "-", "--password-fd", "0"}).status == 64);
  for (const char* number : {"x", "-1", "99999999999"}) {
    const Outcome outcome = ask({"--password-fd", number});
    CHECK(outcome.status == 64);
    CHECK(outcome.err.find("` is not the number of a descriptor\n") != std::string::npos);
  }
}

namespace {

// Types `keys` at the prompt. `shown` is whether the screen has the question and nothing else.
Outcome type(const std::string& keys, bool& shown) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  REQUIRE(master >= 0);
  REQUIRE(::grantpt(master) == 0);
  REQUIRE(::unlockpt(master) == 0);
  const std::string name = ::ptsname(master);
  std::string screen;
  bool typed = false;
  // Types once the question is there: by then the terminal is silent.
  const pid_t typist = ::fork();
  REQUIRE(typist >= 0);
  if (typist == 0) {
    char byte = 0;
    while (::read(master, &byte, 1) == 1) {
      screen += byte;
      if (!typed && screen.ends_with("archive: ")) {
        typed = true;
        (void)!::write(master, keys.data(), keys.size());
      }
      if (typed && screen.ends_with("\n")) ::_exit(screen == "Password for archive: \r\n" ? 0 : 1);
    }
    ::_exit(2);
  }
  Outcome outcome = ask({}, [&] {
    ::setsid();
    const int terminal = ::open(name.c_str(), O_RDWR);
    ::ioctl(terminal, TIOCSCTTY, 0);
    ::dup2(terminal, 0);
  });
  int status = 0;
  ::waitpid(typist, &status, 0);
  ::close(master);
  shown = WEXITSTATUS(status) == 0;
  return outcome;
}

}  // namespace

TEST_CASE("a prompt on the terminal does not show what is typed") {
  bool shown = false;
  CHECK(type("wrong\x15hidden wordz\x7fs\n", shown).out == "12s");
  CHECK(shown);
}

TEST_CASE("Backspace at a prompt removes a character of several bytes as a whole") {
  bool shown = false;
  CHECK(type("\x7f"
             "a\xc3\xa9\xe2\x82\xac\x7f\x7f"
             "b\n",
             shown)
            .out == "2b");
  CHECK(shown);
}

TEST_CASE("A password that is too long for a prompt is refused, not cut") {
  bool shown = false;
  const std::string most(1024, 'x');
  CHECK(type(most + "\n", shown).out == "1024x");
  const Outcome outcome = type(most + "y\n", shown);
  CHECK(outcome.status == 64);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("gw-tool: the password is longer than 1024 bytes"));
  CHECK(type(most + "y\x15short\n", shown).out == "5t");
}

}  // namespace gw::cli
