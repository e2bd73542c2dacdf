#include "cli/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <new>
#include <system_error>

#include "base/exit_status.h"
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/completion.h"
#include "cli/vault_hint.h"

namespace gw::cli {
namespace {

// gw(7) has the whole list.
constexpr const char* kExitStatus =
    "Exit status: 0 success, 3 some failed, 64 usage error, 75 try again later; see gw(7).";

// Under inetd standard error is the connection as well, and a message there would reach the peer as
// part of the protocol.
bool standard_error_is_peer() {
  struct stat input {
  }, error{};
  return ::fstat(STDIN_FILENO, &input) == 0 && ::fstat(STDERR_FILENO, &error) == 0 &&
         S_ISSOCK(input.st_mode) && S_ISSOCK(error.st_mode) && input.st_ino == error.st_ino;
}

log::Target fitting_log() {
  if (standard_error_is_peer()) return log::Target::Syslog;
  return log::stderr_is_journal() ? log::Target::Journal : log::Target::Stderr;
}

// If the caller closed one of the descriptors 0 to 2, the next file opened would get its number,
// and error messages would be written into that file. A closed standard output is opened for
// reading only: a command whose output is lost then fails, instead of succeeding without effect.
void open_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    if (::open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY) != fd) ::_exit(kExitSystem);
  }
}

// Shortens the help so that it fits a screen: shows what an option takes, without the excluded
// options and the C++ type that CLI11 adds.
class Formatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_positional() || option->get_items_expected_max() == 0) return "";
    return value_of(option) + (option->get_required() ? " (required)" : "");
  }

  // Required options are in the usage line, as in "route add --tls implicit|starttls [OPTIONS] NAME".
  std::string make_usage(const CLI::App* app, std::string name) const override {
    std::string required;
    for (const CLI::Option* option : app->get_options())
      if (option->get_required() && !option->get_positional())
        required += " " + option->get_name() + value_of(option);
    return CLI::Formatter::make_usage(app, name + required);
  }

 private:
  static std::string value_of(const CLI::Option* option) {
    const std::string type = option->get_type_name();
    const std::size_t members = type.find('{');
    if (members == std::string::npos) {
      // CLI11 appends the rule for a number: `N:UINT in [1 - 64]`. Other colons belong to the name of
      // the type: `HOST:PORT`.
      const std::size_t rule = std::min(type.find(":UINT in ["), type.find(":NONNEGATIVE"));
      return type.empty() ? "" : " " + type.substr(0, rule);
    }
    std::string words = type.substr(members + 1, type.find('}') - members - 1);
    std::replace(words.begin(), words.end(), ',', '|');
    return " " + words;
  }
};

const CLI::App* chosen_command(const CLI::App* app) {
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

// Options of the parents are accepted after a command too, so they are candidates. Hidden ones are
// not.
std::vector<std::string> option_names(const CLI::App* command) {
  std::vector<std::string> names;
  for (; command != nullptr; command = command->get_parent()) {
    for (const CLI::Option* option : command->get_options()) {
      if (option->get_group().empty()) continue;
      for (const std::string& each : option->get_lnames()) names.push_back("--" + each);
      for (const std::string& each : option->get_snames()) names.push_back("-" + each);
    }
  }
  return names;
}

std::vector<std::string> command_names(const CLI::App* command) {
  std::vector<std::string> names;
  for (const CLI::App* each : command->get_subcommands([](const CLI::App*) { return true; })) {
    if (!each->get_name().empty() && !each->get_group().empty()) names.push_back(each->get_name());
  }
  return names;
}

Error unknown(std::string_view kind, const std::string& word, const std::vector<std::string>& known,
              const std::string& path) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  const std::string_view near = nearest(word, views);
  const Error error(Code::Usage, "unknown " + std::string(kind) + " `" + printable(word) + "`");
  if (near.empty()) return error.with_hint("see " + path + " --help");
  // The option exists, but was written before the command that has it.
  if (near == word) return error.with_hint("write it after the command: " + path + " " + word);
  return error.with_hint("did you mean `" + std::string(near) + "`?");
}

std::string command_path(const CLI::App* command) {
  std::string path = command->get_name();
  while ((command = command->get_parent()) != nullptr) path = command->get_name() + " " + path;
  return path;
}

// Returns `word` as one word of a shell's command line.
std::string shell_word(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+,=";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

// The --vault and --config of the command line, each with a space after it.
std::string vault_options;

std::string vault_options_of(const CLI::App& app) {
  std::string options;
  for (const char* name : {"--vault", "--config"}) {
    const CLI::Option* option = app.get_option_no_throw(name);
    if (option != nullptr && option->count() > 0)
      options += std::string(name) + " " + shell_word(option->results().back()) + " ";
  }
  return options;
}

// CLI11's own version covers only one level of subcommands.
std::string help_of_all(const CLI::App* command, const std::string& above) {
  std::string text = command->help(above) + "\n";
  const std::string path = above.empty() ? command->get_name() : above + " " + command->get_name();
  for (const CLI::App* each : command->get_subcommands([](const CLI::App*) { return true; })) {
    if (!each->get_name().empty()) text += help_of_all(each, path);
  }
  return text;
}

// CLI11 reports unknown words as "The following arguments were not expected". This names the first
// of them and the nearest known one instead.
Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = chosen_command(&app);
  const std::string path = command_path(command);
  for (const std::string& word : app.remaining(true)) {
    if (word.size() > 1 && word.front() == '-') {
      return unknown("option", word.substr(0, word.find('=')), option_names(command), path);
    }
    if (const auto commands = command_names(command); !commands.empty()) {
      return unknown("command", word, commands, path);
    }
    return Error(Code::Usage, "unexpected argument `" + printable(word) + "`")
        .with_hint("see " + path + " --help");
  }
  std::string text = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr && !command_names(command).empty()) {
    text = "a command is required";
  }
  // Error texts begin in lower case. A second capital means an acronym or an option's value, which
  // stays.
  if (text.size() > 1 && text[0] >= 'A' && text[0] <= 'Z' && lower(text[1]) == text[1]) {
    text[0] = lower(text[0]);
  }
  return Error(Code::Usage, text).with_hint("see " + path + " --help");
}

}  // namespace

std::string for_this_vault(std::string text) {
  // The help is the same for every vault.
  if (vault_options.empty() || text.starts_with("see ")) return text;
  for (const std::string_view program : {"gw-store ", "gw-export "}) {
    for (std::size_t at = 0; (at = text.find(program, at)) != std::string::npos;) {
      const bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == '`';
      at += program.size();
      // A command that names a vault already keeps it; salvage and restore name theirs as arguments.
      if (!begins || text.compare(at, 2, "--") == 0 || text.compare(at, 8, "salvage ") == 0 ||
          text.compare(at, 8, "restore ") == 0)
        continue;
      text.insert(at, vault_options);
      at += vault_options.size();
    }
  }
  return text;
}

Program::Program(std::string name, std::string description)
    : name_(std::move(name)), app_(std::make_unique<CLI::App>(std::move(description), name_)) {
  // First of all, before anything opens a file.
  open_standard_descriptors();
  forbid_core_dumps();
  ::umask(077);
  std::signal(SIGPIPE, SIG_IGN);
  // Exceeding the limit of the file size (setrlimit(2)) is an error of write(2), also of a log file,
  // and not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  log::open(name_, fitting_log());

  app_->footer(kExitStatus);
  // Options of the program are also accepted after a command.
  app_->fallthrough();
  app_->option_defaults()->group("Options");
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->set_help_all_flag("--help-all", "Print the help of all commands")->group("");
  app_->set_version_flag("-V,--version", name_ + " " + std::string(version()), "Print the version and exit");
  CLI::Option* loud = app_->add_flag("-v,--verbose", verbose_, "Log more, including addresses");
  app_->add_flag("-q,--quiet", quiet_, "Print only errors on standard error")->excludes(loud);
  auto formatter = std::make_shared<Formatter>();
  formatter->column_width(30);
  formatter->label("SUBCOMMAND", "COMMAND");
  app_->formatter(formatter);
}

Program::~Program() = default;

void Program::report(const Error& error) const {
  if (standard_error_is_peer()) {
    log::error(error.text());
    return;
  }
  std::string text = name_ + ": " + printable(error.text()) + "\n";
  if (!error.hint().empty()) text += "hint: " + printable(for_this_vault(error.hint())) + "\n";
  (void)write_all(STDERR_FILENO, as_bytes(text), "standard error");
}

// A full disk or a closed descriptor must not look like success, even for --help.
int Program::print(const std::string& text) const {
  if (auto done = write_all(STDOUT_FILENO, as_bytes(text), "standard output"); !done) {
    report(done.error());
    return kExitInputOutput;
  }
  return 0;
}

int Program::parse(int argc, char** argv) {
  // Handled before parsing, because required options and commands are missing here.
  if (argc == 3 && std::string_view(argv[1]) == "--completion") {
    auto script = completion(*app_, argv[2]);
    if (script) return print(*script);
    report(script.error());
    return script.error().exit_status();
  }
  try {
    app_->parse(argc, argv);
    vault_options = vault_options_of(*app_);
    return -1;
  } catch (const CLI::CallForHelp&) {
    return print(app_->help());
  } catch (const CLI::CallForAllHelp&) {
    return print(help_of_all(app_.get(), ""));
  } catch (const CLI::CallForVersion& version) {
    return print(std::string(version.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    report(usage_error(*app_, error));
    return kExitUsage;
  }
}

int Program::run_job(int argc, char** argv, const std::function<Result<int>()>& job) {
  try {
    if (const int status = parse(argc, argv); status >= 0) return status;
    log::set_verbose(verbose_);
    log::set_quiet(quiet_);
    const Result<int> done = job();
    // Before the error is printed: the log then shows what was suppressed until here.
    log::flush();
    if (done) return *done;
    report(done.error());
    return done.error().exit_status();
    // Resources that ran out are not bugs, and a supervisor may try again.
  } catch (const std::bad_alloc&) {
    report(Error(Code::Internal, "out of memory"));
    return kExitSystem;
  } catch (const std::system_error& error) {
    report(Error(Code::Internal, error.what()));
    return kExitSystem;
  } catch (const std::exception& error) {
    report(Error(Code::Internal, std::string("internal error: ") + error.what()));
    return kExitBug;
  }
}

Result<void> choose_log(std::string_view word) {
  if (word == "stderr") return log::redirect(log::Target::Stderr);
  if (word == "syslog") return log::redirect(log::Target::Syslog);
  if (word == "journal") return log::redirect(log::Target::Journal);
  return {};
}

CLI::Option* repeatable(CLI::Option* option) {
  return option->expected(1, 10'000)->allow_extra_args(false);
}

}  // namespace gw::cli
