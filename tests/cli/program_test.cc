#include "cli/program.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <new>
#include <stdexcept>

#include "cli/child.h"
#include "cli/vault_options.h"

namespace gw::cli {
namespace {

using test::Outcome;

// A small tool: an option, a repeatable one, and two commands.
Outcome tool(const std::vector<std::string>& arguments, const std::function<Result<int>()>& job = {}) {
  std::vector<std::string> words{"gw-tool"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return test::run_child(words, [&job](int argc, char** argv) {
    Program program("gw-tool", "Try things.");
    VaultOptions vault;
    std::vector<std::string> aliases;
    std::string name;
    vault.declare(program.options());
    CLI::App* mailbox = program.options().add_subcommand("mailbox", "Mailboxes");
    mailbox->require_subcommand(1);
    CLI::App* add = mailbox->add_subcommand("add", "Make one");
    add->add_option("NAME", name, "Its name")->required();
    repeatable(add->add_option("--alias", aliases, "An address"));
    program.options().add_subcommand("verify", "Check all");
    program.options().require_subcommand(1);
    return program.run(argc, argv, [&]() -> Result<int> {
      if (job) return job();
      std::string said = name + ":";
      for (const std::string& alias : aliases) said += " " + alias;
      said += " " + vault.vault.value_or("none") + "\n";
      (void)!::write(1, said.data(), said.size());
      return 0;
    });
  });
}

}  // namespace

TEST_CASE("The option --version prints the name and the version and nothing else") {
  const Outcome outcome = tool({"--version"});
  CHECK(outcome.status == 0);
  CHECK(outcome.out == "gw-tool 0.2.0\n");
  CHECK(outcome.err.empty());
}

TEST_CASE("The option --help goes to standard output, ends with exit statuses, and exits 0") {
  for (const auto& arguments : {std::vector<std::string>{"--help"}, {"mailbox", "add", "--help"}}) {
    const Outcome outcome = tool(arguments);
    CHECK(outcome.status == 0);
    CHECK(outcome.out.find("Exit status: 0 success") != std::string::npos);
    CHECK(outcome.err.empty());
  }
  CHECK(tool({"mailbox", "add", "--help"}).out.find("--alias") != std::string::npos);
}

TEST_CASE("an option of the program may also follow a command") {
  CHECK(tool({"mailbox", "add", "archive", "--vault", "/v"}).out == "archive: /v\n");
  CHECK(tool({"--vault", "/v", "mailbox", "add", "archive"}).out == "archive: /v\n");
}

TEST_CASE("a repeatable option takes one value each time and leaves the rest") {
  const Outcome outcome = tool({"mailbox", "add", "--alias", "a@x", "--alias", "b@x", "archive"});
  CHECK(outcome.err.empty());
  CHECK(outcome.out == "archive: a@x b@x none\n");
}

TEST_CASE("a mistake in the arguments is exit 64 and names what is nearest") {
  Outcome outcome = tool({"mailbox", "add", "archive", "--alais", "a@x"});
  CHECK(outcome.status == 64);
  CHECK(outcome.out.empty());
  CHECK(outcome.err == "gw-tool: unknown option `--alais`\nhint: did you mean `--alias`?\n");

  outcome = tool({"--vualt=/v", "verify"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: unknown option `--vualt`\nhint: did you mean `--vault`?\n");

  outcome = tool({"--alias", "a@x", "mailbox", "add", "archive"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err ==
        "gw-tool: unknown option `--alias`\nhint: write it after the command: gw-tool mailbox add --alias\n");

  outcome = tool({"verfiy"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: unknown command `verfiy`\nhint: did you mean `verify`?\n");

  outcome = tool({"mailbox", "ad"});
  CHECK(outcome.err == "gw-tool: unknown command `ad`\nhint: did you mean `add`?\n");

  outcome = tool({"mailbox", "add"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: NAME is required\nhint: see gw-tool mailbox add --help\n");

  outcome = tool({"mailbox"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: a command is required\nhint: see gw-tool mailbox --help\n");

  outcome = tool({"verify", "surplus"});
  CHECK(outcome.status == 64);
  CHECK(outcome.err == "gw-tool: unexpected argument `surplus`\nhint: see gw-tool verify --help\n");

  outcome = tool({"--quiet", "--verbose", "verify"});
  CHECK(outcome.status == 64);
}

TEST_CASE("every error code has its exit status") {
  const std::vector<std::pair<Code, int>> table{
      {Code::Usage, 64},       {Code::Corrupt, 65},   {Code::BadInput, 65}, {Code::NotFound, 66},
      {Code::Unavailable, 69}, {Code::Internal, 70},  {Code::Exists, 73},   {Code::Io, 74},
      {Code::Busy, 75},        {Code::Full, 75},      {Code::Unknown, 75},  {Code::LeaseLost, 75},
      {Code::Conflict, 75},    {Code::OverQuota, 75}, {Code::Timeout, 75},  {Code::Closed, 74},
      {Code::Denied, 77},      {Code::Version, 78},   {Code::Config, 78}};
  for (const auto& [code, status] : table) {
    CAPTURE(name(code));
    CHECK(exit_status(code) == status);
  }
  CHECK(tool({"verify"}, [] { return Error(Code::Denied, "no"); }).status == 77);
  CHECK(tool({"verify"}, [] { return Error(Code::NotFound, "no").with_exit_status(67); }).status == 67);
  CHECK(tool({"verify"}, [] { return 3; }).status == 3);
}

TEST_CASE("an error is printed with the tool's name and a hint, without control characters") {
  const Outcome outcome = tool({"verify"}, [] {
    return Error(Code::Unavailable, "no keeper at /r\x1b[2J").with_hint("systemctl start gw.target");
  });
  CHECK(outcome.status == 69);
  CHECK(outcome.err == "gw-tool: no keeper at /r\xef\xbf\xbd[2J\nhint: systemctl start gw.target\n");
  CHECK(outcome.out.empty());
}

TEST_CASE("a hint names the vault and the settings that the command line names") {
  const auto hint = [](const std::vector<std::string>& arguments, const std::string& text) {
    const Outcome outcome = tool(arguments, [&] { return Error(Code::Busy, "no").with_hint(text); });
    return outcome.err.substr(outcome.err.find("hint: ") + 6);
  };
  const std::string set = "gw-store mailbox set a --hold off";
  CHECK(hint({"verify"}, set) == set + "\n");
  CHECK(hint({"--vault", "/v", "verify"}, set) == "gw-store --vault /v mailbox set a --hold off\n");
  CHECK(hint({"verify", "--config=c.toml", "--vault=it's here"}, set) ==
        "gw-store --vault 'it'\\''s here' --config c.toml mailbox set a --hold off\n");
  CHECK(hint({"--vault", "/v", "verify"},
             "gw-store certificate install F K, or gw-store certificate self-sign") ==
        "gw-store --vault /v certificate install F K, or gw-store --vault /v certificate self-sign\n");
  // A hint that names a vault, and help, which is the same for every vault.
  for (const std::string text : {"gw-store --vault /w init", "see gw-store init --help",
                                 "gw-store restore B --to D", "systemctl start gw-store.service"})
    CHECK(hint({"--vault", "/v", "verify"}, text) == text + "\n");
}

TEST_CASE("an empty name of a vault is a mistake and not the system's vault") {
  for (const char* option : {"--vault", "--config"}) {
    const Outcome outcome = tool({"verify", option, ""});
    CHECK(outcome.status == 64);
    CHECK(outcome.err.find(": the name is empty\n") != std::string::npos);
  }
}

TEST_CASE("an exception from the job is exit status 70, or 71 if the system lacks a resource") {
  CHECK(tool({"verify"}, []() -> Result<int> { throw std::logic_error("odd"); }).status == 70);
  CHECK(tool({"verify"}, []() -> Result<int> { throw std::bad_alloc(); }).status == 71);
}

TEST_CASE("a tool leaves no core dump and creates files that only its user can read") {
  const Outcome outcome = tool({"verify"}, []() -> Result<int> {
    struct rlimit limit {};
    ::getrlimit(RLIMIT_CORE, &limit);
    return limit.rlim_cur == 0 && ::umask(0) == 077 ? 0 : 1;
  });
  CHECK(outcome.status == 0);
}

TEST_CASE("help that cannot be written is exit 74") {
  const Outcome outcome = test::run_child(
      {"gw-tool", "--help"},
      [](int argc, char** argv) {
        Program program("gw-tool", "Try things.");
        return program.run(argc, argv, []() -> Result<void> { return {}; });
      },
      "/dev/full");
  CHECK(outcome.status == 74);
  CHECK(outcome.err.find("standard output") != std::string::npos);
}

}  // namespace gw::cli
