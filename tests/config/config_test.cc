#include "config/config.h"

#include "config/default_certificate.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "base/bytes.h"
#include "base/file.h"
#include "support/temp_folder.h"

namespace gw::config {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse(text, "/etc/gw/gw.toml");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code() == Code::Config);
  return parsed.error().text();
}

// A temporary directory, and the environment variables that find() reads, which are restored afterwards.
struct Place {
  Place() { clear(); }
  ~Place() { clear(); }
  static void clear() {
    ::unsetenv("GW_CONFIG");
    ::unsetenv("GW_VAULT");
  }
  std::string write(const std::string& name, std::string_view text) const {
    REQUIRE(create_file(directory + "/" + name, as_bytes(text), 0600));
    return directory + "/" + name;
  }
  test::TempFolder temp;
  const std::string& directory = temp.path();
};

constexpr std::string_view kWhole = R"(
host  = "gateway.example.com"
vault = "/var/lib/mail"
run   = "sockets"

[tls]
certificate = "tls/fullchain.pem"
key         = "/etc/gw/tls/privkey.pem"

[[tls.certificates]]
certificate = "/etc/gw/tls/second.pem"
key         = "/etc/gw/tls/second.key"

[smtpd]
listen         = ["[::]:25", "[::]:465,tls"]
max-size       = "200 MiB"
max-recipients = 50
require-tls    = true
idle-timeout   = "5m"
data-timeout   = 60
bare-newline   = "reject"

[pop3d]
listen               = ["[::]:110"]
max-connections      = 7
exempt = ["192.0.2.0/24"]
max-per-source       = 3
proxy-protocol       = ["10.0.0.0/8", "2001:db8::/32"]
allow-plaintext-auth = true
login-timeout        = "30s"

[proxy]
login-timeout = 20

[webd]
listen         = ["127.0.0.1:8450"]
hosts          = ["console.example.com"]
session-idle   = "5m"
session-length = "1d"
)";

}  // namespace

TEST_CASE("every documented key is read") {
  const auto config = parse(kWhole, "/etc/gw/gw.toml");
  REQUIRE(config);
  CHECK(config->host == "gateway.example.com");
  CHECK(config->vault == "/var/lib/mail");
  CHECK(config->run == "/etc/gw/sockets");
  REQUIRE(config->certificates.size() == 2);
  CHECK(config->certificates[0].certificate == "/etc/gw/tls/fullchain.pem");
  CHECK(config->certificates[1].key == "/etc/gw/tls/second.key");
  CHECK(config->smtpd.listen == std::vector<std::string>{"[::]:25", "[::]:465,tls"});
  CHECK(config->smtpd.max_size == 200u << 20);
  CHECK(config->smtpd.max_recipients == 50);
  CHECK(config->smtpd.require_tls);
  CHECK(config->smtpd.idle_timeout == std::chrono::minutes(5));
  CHECK(config->smtpd.data_timeout == std::chrono::seconds(60));
  CHECK(config->smtpd.reject_bare_newline);
  CHECK(config->pop3d.max_connections == 7);
  CHECK(config->pop3d.max_per_source == 3);
  CHECK(config->pop3d.exempt == std::vector<std::string>{"192.0.2.0/24"});
  CHECK(config->pop3d.proxy_protocol == std::vector<std::string>{"10.0.0.0/8", "2001:db8::/32"});
  CHECK(config->smtpd.proxy_protocol.empty());
  CHECK(config->pop3d.allow_plaintext_auth);
  CHECK(config->pop3d.idle_timeout == std::chrono::seconds(600));
  CHECK(config->pop3d.login_timeout == std::chrono::seconds(30));
  CHECK(config->proxy.login_timeout == std::chrono::seconds(20));
  CHECK(config->webd.listen == std::vector<std::string>{"127.0.0.1:8450"});
  CHECK(config->webd.hosts == std::vector<std::string>{"console.example.com"});
  CHECK(config->webd.session_idle == std::chrono::minutes(5));
  CHECK(config->webd.session_length == std::chrono::hours(24));
  CHECK(config->webd.idle_timeout == std::chrono::seconds(30));
}

TEST_CASE("the console has no keys of mail servers") {
  for (const char* key : {"require-tls = true", "allow-plaintext-auth = true", "session-length = \"8d\""}) {
    CAPTURE(key);
    CHECK_FALSE(parse("[webd]\n" + std::string(key) + "\n", "gw.toml"));
  }
}

TEST_CASE("an empty file gives the defaults") {
  const auto config = parse("", "gw.toml");
  REQUIRE(config);
  CHECK(config->smtpd.max_size == 512ull << 20);
  CHECK(config->certificates.empty());
  CHECK(dump(*config) == dump(Config{}));
}

TEST_CASE("an unknown key is reported with its place and the nearest known key") {
  CHECK(error_of("\n\nhsot = \"a\"\n") == "/etc/gw/gw.toml:3:1: unknown key `hsot`; did you mean `host`?");
  CHECK(error_of("[smtpd]\n  max-sise = 1\n") ==
        "/etc/gw/gw.toml:2:3: unknown key `smtpd.max-sise`; did you mean `max-size`?");
  CHECK(error_of("[pop3d]\nmax-size = 1\n").find("unknown key `pop3d.max-size`") != std::string::npos);
  CHECK(error_of("zzzzzzzzzzzz = 1") == "/etc/gw/gw.toml:1:1: unknown key `zzzzzzzzzzzz`");
}

TEST_CASE("a value of the wrong type is reported with its place and the type that it must have") {
  CHECK(error_of("host = 5") == "/etc/gw/gw.toml:1:8: `host` must be a string");
  CHECK(error_of("[smtpd]\nlisten = \"x:1\"").find("must be an array of strings") != std::string::npos);
  CHECK(error_of("[smtpd]\nmax-size = \"12 parsecs\"").find("must be a size") != std::string::npos);
  CHECK(error_of("[smtpd]\nmax-size = -1").find("must be a size") != std::string::npos);
  CHECK(error_of("[smtpd]\nmax-recipients = 0").find("must be from 1 to") != std::string::npos);
  CHECK(error_of("[smtpd]\nidle-timeout = \"2d\"").find("must be from 1 to 86400 seconds") !=
        std::string::npos);
  CHECK(error_of("[smtpd]\nbare-newline = \"eat\"").find("\"keep\" or \"reject\"") != std::string::npos);
  CHECK(error_of("[smtpd]\nrequire-tls = 1").find("must be true or false") != std::string::npos);
  CHECK(error_of("tls = 1").find("must be a table") != std::string::npos);
  CHECK(error_of("host = \"a\\u0007b\"").find("control characters") != std::string::npos);
}

TEST_CASE("a certificate without its key is refused") {
  CHECK(error_of("[tls]\ncertificate = \"/a\"").find("needs both `certificate` and `key`") !=
        std::string::npos);
  CHECK(error_of("[[tls.certificates]]\nkey = \"/a\"").find("needs both") != std::string::npos);
}

TEST_CASE("a syntax error is reported with line and column") {
  CHECK(error_of("host = \"a\"\nvault = \n").starts_with("/etc/gw/gw.toml:2:"));
  CHECK(error_of("host = \"\xff\"").starts_with("/etc/gw/gw.toml:1:"));
}

TEST_CASE("a dump parses to the same values") {
  const auto config = parse(kWhole, "/etc/gw/gw.toml");
  REQUIRE(config);
  const std::string once = dump(*config);
  const auto again = parse(once, "/elsewhere/gw.toml");
  REQUIRE(again);
  CHECK(dump(*again) == once);
  CHECK(again->certificates.size() == 2);
  CHECK(again->smtpd.max_size == config->smtpd.max_size);
}

TEST_CASE("a missing configuration file that was named explicitly is an error of the configuration") {
  const auto config = load("/nonexistent/gw.toml");
  REQUIRE_FALSE(config);
  CHECK(config.error().code() == Code::Config);
  CHECK(config.error().text() ==
        "cannot read the configuration: /nonexistent/gw.toml: No such file or directory");
}

TEST_CASE("the option precedes the environment, which precedes the file") {
  const Place place;
  const std::string file = place.write("gw.toml", "vault = \"from-file\"\n");
  const std::string other = place.write("other.toml", "vault = \"/from/other\"\n");

  ::setenv("GW_CONFIG", other.c_str(), 1);
  CHECK(find(file, {})->vault == place.directory + "/from-file");
  CHECK(find({}, {})->vault == "/from/other");
  ::setenv("GW_VAULT", "/from/environment", 1);
  CHECK(find(file, {})->vault == "/from/environment");
  CHECK(find(file, "/from/option/")->vault == "/from/option");
}

TEST_CASE("a relative vault is made absolute") {
  const Place place;
  const std::string file = place.write("gw.toml", "");
  CHECK(find(file, "some/vault")->vault == std::filesystem::current_path().string() + "/some/vault");
}

TEST_CASE("the vault's own certificate is used if none is configured") {
  const Place place;
  REQUIRE(::mkdir((place.directory + "/tls").c_str(), 0700) == 0);
  place.write("tls/certificate.pem", "x");
  const std::string plain = place.write("plain.toml", "");
  const std::string configured = place.write("tls.toml", "[tls]\ncertificate = \"/a\"\nkey = \"/b\"\n");

  REQUIRE(find(plain, place.directory)->certificates.size() == 1);
  CHECK(find(plain, place.directory)->certificates[0].key == place.directory + "/tls/key.pem");
  REQUIRE(find(configured, place.directory)->certificates.size() == 1);
  CHECK(find(configured, place.directory)->certificates[0].key == "/b");
}

TEST_CASE("the default certificate of the system's vault is where its servers can read it") {
  Config config;
  config.vault = "/var/lib/gw";
  CHECK(default_certificate(config).key == "/etc/gw/tls/key.pem");
  config.vault = "/srv/gw";
  CHECK(default_certificate(config).certificate == "/srv/gw/tls/certificate.pem");
  config.run = "/run/gw";
  CHECK(default_certificate(config).certificate == "/etc/gw/tls/certificate.pem");
}

TEST_CASE("POP3 with TLS from the start listens where a listener says so, otherwise on its own port") {
  CHECK(pop3s_port(Config()) == "995");
  CHECK(pop3s_port(*parse("[pop3d]\nlisten = [\"[::]:110\"]\n", "x")) == "995");
  CHECK(pop3s_port(*parse("[pop3d]\nlisten = [\"[::]:110\", \"[::1]:1995,tls\"]\n", "x")) == "1995");
}

}  // namespace gw::config
