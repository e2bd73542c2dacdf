// What every tool does around its own job: options, --help, --version, errors, exit status.
//
//   cli::Program program("gw-smtpd", "Receive mail over SMTP into the vault.");
//   declare(program.options(), options);
//   return program.run(argc, argv, [&] { return serve(options); });
//
// The job gives Result<void>, or Result<int> where it chooses its exit status itself. An Error is
// printed as `NAME: text`, with `hint: …` where it has one, and becomes the status of its code
// (base/error.h; man/gw.7). A mistake in the arguments is 64 and names the nearest known option or
// command; an exception that escapes the job is 70, or 71 where the system ran out of something.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace gw::cli {

class Program {
 public:
  // Also hardens the process: no core dumps, umask 077, SIGPIPE ignored, descriptors 0 to 2 open.
  Program(std::string name, std::string description);
  ~Program();

  // Where the job's own options and commands go. --help, --version, --verbose and --quiet are there.
  CLI::App& options() { return *app_; }
  bool verbose() const { return verbose_; }
  bool quiet() const { return quiet_; }

  // Parses and does the job. Gives main's exit status.
  template <class Job>
  int run(int argc, char** argv, const Job& job) {
    return run_job(argc, argv, [&job]() -> Result<int> {
      if constexpr (std::is_same_v<std::invoke_result_t<const Job&>, Result<int>>) {
        return job();
      } else {
        Result<void> done = job();
        if (!done) return done.error();
        return 0;
      }
    });
  }

  // `NAME: text` and the hint, on standard error, or in the system log where that is the peer's socket.
  void report(const Error& error) const;

 private:
  int run_job(int argc, char** argv, const std::function<Result<int>()>& job);
  int parse(int argc, char** argv);  // -1: go on, else the exit status
  int print(const std::string& text) const;

  std::string name_;
  std::unique_ptr<CLI::App> app_;
  bool verbose_ = false;
  bool quiet_ = false;
};

// --log, and `log` of gw.toml: auto (the journal where standard error is its own, else standard error; the
// system log where standard error is the peer), stderr, syslog, journal. Before threads. Config where it
// cannot be.
Result<void> choose_log(std::string_view word);

// Takes one value each time it is given: `--alias A --alias B NAME`.
CLI::Option* repeatable(CLI::Option* option);

}  // namespace gw::cli
