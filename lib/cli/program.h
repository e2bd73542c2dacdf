// The frame of every tool: options, --help, --version, error messages, exit status.
//
//   cli::Program program("gw-smtpd", "Receive mail over SMTP into the vault.");
//   declare(program.options(), options);
//   return program.run(argc, argv, [&] { return serve(options); });
//
// The job returns Result<void>, or Result<int> if it chooses its exit status itself. An Error is
// printed as `NAME: text`, followed by `hint: …` if it has a hint, and determines the exit status
// (base/error.h; gw(7)). A mistake in the arguments is status 64, and the message names the nearest
// known option or command. An exception that escapes the job is 70, or 71 if the system ran out of
// a resource.
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

// Create one at the beginning of main, before any thread or file.
class Program {
 public:
  // Hardens the process: no core dumps, umask 077, SIGPIPE and SIGXFSZ ignored, descriptors 0 to 2
  // open. Opens the log. Declares --help, --version, --verbose and --quiet.
  Program(std::string name, std::string description);
  ~Program();

  // Returns the parser, to which the job adds its options and commands. Valid as long as this
  // object.
  CLI::App& options() { return *app_; }
  // Both return whether the option was given. Valid in the job, after parsing.
  bool verbose() const { return verbose_; }
  bool quiet() const { return quiet_; }

  // Parses the arguments, runs the job and returns the exit status for main. The job does not run
  // if the arguments are wrong or only ask for help.
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

  // Prints `NAME: text` and the hint to standard error; to the system log if standard error is the
  // connection to a peer (inetd).
  void report(const Error& error) const;

 private:
  int run_job(int argc, char** argv, const std::function<Result<int>()>& job);
  int parse(int argc, char** argv);  // -1: continue; otherwise the exit status
  int print(const std::string& text) const;

  std::string name_;
  std::unique_ptr<CLI::App> app_;
  bool verbose_ = false;
  bool quiet_ = false;
};

// Directs the log to the target of --log or `log` in gw.toml: `stderr`, `syslog` or `journal`.
// `auto` keeps the target that Program chose: the systemd journal if standard error is connected to
// it, the system log if standard error is the connection to a peer, otherwise standard error. Call
// before threads start. Fails with Config if the target is not available.
Result<void> choose_log(std::string_view word);

// Lets an option be given several times with one value each, `--alias A --alias B NAME`, so that it
// does not consume the positional argument that follows. Returns `option`.
CLI::Option* repeatable(CLI::Option* option);

}  // namespace gw::cli
