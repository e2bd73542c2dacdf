#include "keeper/start.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "keeper/server/server.h"
#include "keeper/sockets.h"
#include "keeper/spawn.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"

namespace gw::keeper {
namespace {

namespace fs = std::filesystem;

// An environment variable for as long as a test needs it.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { ::setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { ::unsetenv(name_); }

 private:
  const char* name_;
};

// A program in gw-store's place that does what a script says; its descriptor 3 is the one to answer on.
Place place_with(const test::TempFolder& temp, const std::string& script) {
  Place place = place_of(temp.path() + "/vault", "");
  fs::create_directory(place.vault);
  std::ofstream(place.vault + "/format") << "gw-vault 1\nvault " << std::string(32, 'a') << "\nrequires\n";
  place.program = temp.path() + "/program";
  std::ofstream(place.program) << "#!/bin/sh\n" << script << '\n';
  fs::permissions(place.program, fs::perms::owner_all);
  return place;
}

Error failure_of(const Place& place, const Connect& how = {Role::Admin, "test", true}) {
  auto connected = connect(place, how);
  REQUIRE_FALSE(connected);
  return connected.error();
}

TEST_CASE("the sockets are in the directory of gw.toml, the environment or the vault") {
  ::unsetenv("GW_RUN");
  CHECK(place_of("/srv/vault", "").run == "/srv/vault/run");
  CHECK(place_of("/srv/vault/", "").vault == "/srv/vault");
  CHECK(place_of("/var/lib/gw", "").run == "/run/gw");
  CHECK(place_of("/var/lib/gw/", "").run == "/run/gw");
  CHECK(place_of("/srv/vault", "/run/mail").run == "/run/mail");
  CHECK(place_of("vault", "").vault == fs::current_path().string() + "/vault");
  const Variable run("GW_RUN", "/run/other");
  CHECK(place_of("/srv/vault", "").run == "/run/other");
  CHECK(place_of("/srv/vault", "/run/mail").run == "/run/mail");
}

TEST_CASE("no keeper is started if the client must not start one") {
  ::unsetenv("INVOCATION_ID");
  const test::TempFolder temp;
  const Place place = place_with(temp, "touch " + temp.path() + "/started");
  SECTION("for a client that does not want one") {
    const Error error = failure_of(place, {Role::Admin, "test", false});
    CHECK(error.code() == Code::Unavailable);
    CHECK(error.hint() == "gw-store --vault " + place.vault + " serve");
  }
  SECTION("under a service manager") {
    const Variable invocation("INVOCATION_ID", "1");
    const Error error = failure_of(place);
    CHECK(error.code() == Code::Unavailable);
    CHECK(error.hint() == "gw-store --vault " + place.vault + " serve");
  }
  SECTION("if there is a socket, even if its keeper is not running yet") {
    fs::create_directory(place.run);
    auto listening = listen_at(place.run, "admin", 0600);
    REQUIRE(listening);
    auto store = store::make_memory_store({});
    ServerOptions options;
    options.vault = random_id<VaultId>();
    Server server(*store, options);
    std::thread late([&] { server.adopt(Fd(::accept(listening->get(), nullptr, nullptr)), Role::Admin); });
    CHECK(connect(place, {Role::Admin, "test", true}));
    late.join();
  }
  SECTION("if there is no vault") {
    fs::remove_all(place.vault);
    const Error error = failure_of(place);
    CHECK(error.code() == Code::Unavailable);
    CHECK(error.exit_status() == 66);
    CHECK(error.hint() == "gw-store --vault " + place.vault + " init");
  }
  SECTION("if the directory has no vault, and nothing is written into it") {
    fs::remove(place.vault + "/format");
    const Error error = failure_of(place);
    CHECK(error.code() == Code::Unavailable);
    CHECK(error.exit_status() == 66);
    CHECK(error.text() == "there is no vault in " + place.vault);
    CHECK(error.hint() == "gw-store --vault " + place.vault + " init");
    CHECK(fs::is_empty(place.vault));
  }
  SECTION("if a vault lacks its format file, and nothing is written into it") {
    fs::remove(place.vault + "/format");
    fs::create_directories(place.vault + "/db");
    std::ofstream(place.vault + "/db/CURRENT") << "MANIFEST-000005\n";
    const Error error = failure_of(place);
    CHECK(error.code() == Code::Unavailable);
    CHECK(error.exit_status() == 65);
    CHECK(error.text().find("/format: is missing, but the directory is a vault") != std::string::npos);
    CHECK(error.hint().starts_with("gw-store salvage " + place.vault + " --to "));
    CHECK(std::distance(fs::directory_iterator(place.vault), fs::directory_iterator()) == 1);
  }
  CHECK_FALSE(fs::exists(temp.path() + "/started"));
}

TEST_CASE("the error of a keeper that did not start is passed on") {
  ::unsetenv("INVOCATION_ID");
  const test::TempFolder temp;
  const char status = static_cast<char>(exit_status(Code::Version));
  const std::string script = std::string("printf '%s\\n%s' '-") + status + "too new' 'get gw 9' >&3";
  const Error said = failure_of(place_with(temp, script));
  CHECK(said.code() == Code::Unavailable);
  CHECK(said.exit_status() == 78);
  CHECK(said.text().find("too new") != std::string::npos);
  CHECK(said.hint() == "get gw 9");
  const test::TempFolder silent;
  CHECK(failure_of(place_with(silent, "exit 1")).code() == Code::Unavailable);
  const test::TempFolder without;
  Place missing = place_with(without, "");
  missing.program = "/nowhere/gw-store";
  CHECK(failure_of(missing).code() == Code::Unavailable);
}

TEST_CASE("the hint for the system's vault starts its units") {
  ::unsetenv("INVOCATION_ID");
  const test::TempFolder temp;
  Place place = place_of("/var/lib/gw", "");
  place.vault = temp.path();
  const Error error = failure_of(place, {Role::Admin, "test", false});
  CHECK(error.code() == Code::Unavailable);
  CHECK(error.exit_status() == 69);
  CHECK(error.text() == "cannot reach the keeper: it is not running");
  CHECK(error.hint() == "systemctl start gw.target");
}

TEST_CASE("an error on the way to the keeper is Unavailable, and crosses a pipe as such") {
  for (int number = 0; number <= static_cast<int>(Code::Internal); ++number) {
    const auto code = static_cast<Code>(number);
    INFO(name(code));
    const Unreached why(Error(code, "because").with_hint("mend it"));
    CHECK(why.as_error().code() == Code::Unavailable);
    CHECK(why.as_error().exit_status() == exit_status(code));
    const Reached<void> back = from_line(to_line(why));
    REQUIRE_FALSE(back);
    CHECK(back.error().text() == "because");
    CHECK(back.error().hint() == "mend it");
    CHECK(back.error().exit_status() == why.exit_status());
    // A keeper that says it on its way up.
    const test::TempFolder temp;
    const std::string line = to_line(why);
    std::ofstream(temp.path() + "/said") << line;
    const Error said = failure_of(place_with(temp, "cat " + temp.path() + "/said >&3"));
    CHECK(said.code() == Code::Unavailable);
    CHECK(said.text() == "the keeper did not start: because");
  }
  CHECK(from_line(to_line({})));
}

TEST_CASE("a started program gets its arguments, the root directory and no descriptor of its starter") {
  ::unsetenv("INVOCATION_ID");
  const test::TempFolder temp;
  const Fd ours(::socket(AF_UNIX, SOCK_STREAM, 0));  // without CLOEXEC, as some library's might be
  const Variable listen("LISTEN_FDS", "1");
  const std::string out = temp.path() + "/out";
  const Place place =
      place_with(temp,
                 "{ echo \"$@\"; pwd; echo \"listen=$LISTEN_FDS\"; for fd in /proc/$$/fd/*; do "
                 "readlink $fd; done; } > " +
                     out + "; exit 1");
  CHECK(failure_of(place).code() == Code::Unavailable);
  std::ifstream file(out);
  std::string arguments;
  std::string folder;
  std::string environment;
  std::getline(file, arguments);
  std::getline(file, folder);
  std::getline(file, environment);
  CHECK(arguments == "--vault " + place.vault + " serve --run " + place.run + " --idle-exit 60 --ready-fd 3");
  CHECK(folder == "/");
  CHECK(environment == "listen=");
  for (std::string held; std::getline(file, held);) {
    INFO(held);
    CHECK(held.find("socket:") == std::string::npos);
  }
}

}  // namespace
}  // namespace gw::keeper
