// Runs a function as a program: a child process with its own standard descriptors, observed from outside.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <vector>

#include "support/temp_folder.h"

namespace gw::test {

struct Outcome {
  int status = -1;  // exit status; 128 + N where a signal ended it
  std::string out;
  std::string err;
};

inline std::string contents(const std::string& path) {
  std::string text(1 << 20, '\0');
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = ::read(fd, text.data(), text.size());
  ::close(fd);
  text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return text;
}

// `out`: where standard output goes, a file of the test's by default.
inline Outcome run_child(std::vector<std::string> arguments, const std::function<int(int, char**)>& main,
                         const std::string& out = {}) {
  const TempFolder folder;
  const std::string out_path = out.empty() ? folder.path() + "/out" : out;
  const std::string err_path = folder.path() + "/err";
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(20);
    ::dup2(::open("/dev/null", O_RDONLY), 0);
    ::dup2(::open(out_path.c_str(), O_WRONLY | O_CREAT, 0600), 1);
    ::dup2(::open(err_path.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    std::vector<char*> argv;
    for (std::string& each : arguments) argv.push_back(each.data());
    argv.push_back(nullptr);
    ::_exit(main(static_cast<int>(arguments.size()), argv.data()));
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  Outcome outcome;
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (out.empty()) outcome.out = contents(out_path);
  outcome.err = contents(err_path);
  return outcome;
}

}  // namespace gw::test
