// gw-store certificate: installs, creates and shows the certificate of the servers.
#include "store/certificate.h"

#include <fcntl.h>
#include <grp.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "base/exit_status.h"
#include "base/file.h"
#include "cli/output.h"
#include "config/default_certificate.h"
#include "net/certificate.h"
#include "server_options.h"
#include "store/format.h"
#include "store/vault_format.h"

namespace gw::cmd {
namespace {

namespace fs = std::filesystem;

struct CertificateInstallOptions {
  std::string certificate, key;  // the files to install
  std::string host;              // for self-sign
  std::string to;
  bool replace = false;
  bool no_reload = false;
};

// The group of the users that the servers run as (scripts/systemd/sysusers.conf).
constexpr const char* kGroup = "gw-tls";
// Patterns, because systemctl fails for a name of a unit that is not installed. gw-pop3d runs once
// per connection and reads the certificate each time.
constexpr std::array kServices{"gw-smtpd*.service", "gw-proxy*.service", "gw-webd*.service"};

// Where a pair is installed.
struct Target {
  net::CertificateFiles files;
  bool in_vault = false;  // the files belong to the owner of the vault
};

struct Access {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0;
};

// A new file beside the one that it is going to replace. Removed if take_place() is not called.
class Replacement {
 public:
  static Result<Replacement> write(const std::string& path, ByteView data, const Access& access) {
    Replacement made;
    made.path_ = path;
    std::array<std::byte, 8> random{};
    random_bytes(random);
    const std::string fresh = path + "." + to_hex(random) + ".new";
    if (auto created = create_file(fresh, data, 0600); !created) return created.error();
    made.fresh_ = fresh;
    // The owner first: chown(2) may clear bits of the mode.
    if ((::geteuid() == 0 && ::chown(fresh.c_str(), access.uid, access.gid) != 0) ||
        ::chmod(fresh.c_str(), access.mode) != 0)
      return Error::from_errno(fresh);
    return made;
  }
  Replacement(Replacement&& other) noexcept
      : path_(std::move(other.path_)), fresh_(std::exchange(other.fresh_, {})) {}
  Replacement& operator=(Replacement&&) = delete;
  ~Replacement() {
    if (!fresh_.empty()) ::unlink(fresh_.c_str());
  }

  const std::string& fresh() const { return fresh_; }
  Result<void> take_place() {
    if (::rename(fresh_.c_str(), path_.c_str()) != 0) return Error::from_errno(path_);
    fresh_.clear();
    return sync_folder(fs::path(path_).parent_path().string());
  }

 private:
  Replacement() = default;
  std::string path_, fresh_;
};

Result<Target> target_of(const config::Config& config, const std::string& to) {
  Target target;
  if (!to.empty()) {
    const fs::path folder = fs::absolute(to);
    target.files = {folder / "certificate.pem", folder / "key.pem"};
  } else if (config.certificates.size() > 1) {
    return Error(Code::Usage, "gw.toml names more than one certificate")
        .with_hint("choose a directory with --to DIR: the files there are certificate.pem and key.pem");
  } else {
    const config::Certificate pair =
        config.certificates.empty() ? config::default_certificate(config) : config.certificates.front();
    target.files = {pair.certificate, pair.key};
  }
  for (const std::string& path : {target.files.certificate, target.files.key}) {
    std::error_code ignored;
    // Certbot's `live` directory, for example. A link that is replaced would never be renewed again.
    if (fs::is_symlink(path, ignored))
      return Error(Code::Config, path + ": is a symbolic link, which is not replaced")
          .with_hint("set [tls] in gw.toml to files in /etc/gw/tls");
  }
  target.in_vault = target.files.key.starts_with(config.vault + "/");
  if (!target.in_vault) return target;
  if (const auto vault = store::read_format(config.vault); !vault) {
    if (vault.error().code() == Code::NotFound)
      return Error(Code::NotFound, config.vault + ": there is no vault")
          .with_hint("gw-store init --host NAME");
    if (vault.error().code() == Code::Corrupt || vault.error().code() == Code::Config) return vault.error();
  }
  return target;
}

// Returns the owner and mode of the installed files, which only their owner and the servers may
// read.
Access access_of(const Target& target, const std::string& path) {
  Access access{::geteuid(), ::getegid(), 0640};
  if (target.in_vault) {
    access.mode = path == target.files.key ? 0600 : 0644;
  } else if (const group* servers = ::getgrnam(kGroup); servers != nullptr) {
    access.gid = servers->gr_gid;
  } else if (struct stat before{}; ::stat(path.c_str(), &before) == 0) {
    access.uid = before.st_uid;
    access.gid = before.st_gid;
  }
  return access;
}

// Creates the directory of the file if it is missing, and at most one above it.
Result<void> make_folder(const Target& target, const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  const fs::path above = folder.parent_path();
  // chmod(2), because the umask of the program would close /etc/gw to the servers.
  if (::mkdir(above.c_str(), 0755) == 0 && ::chmod(above.c_str(), 0755) != 0)
    return Error::from_errno(above.string());
  if (::mkdir(folder.c_str(), 0700) != 0) return Error::from_errno(folder.string());
  if (target.in_vault) return {};
  const Access access = access_of(target, path);
  if ((::geteuid() == 0 && ::chown(folder.c_str(), access.uid, access.gid) != 0) ||
      ::chmod(folder.c_str(), 0750) != 0)
    return Error::from_errno(folder.string());
  return {};
}

// Locks the directory of the file until the descriptor is closed, so that two runs at the same time
// do not leave the key of one and the certificate of the other.
Result<Fd> lock_folder(const std::string& path) {
  const std::string folder = fs::path(path).parent_path().string();
  Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return Error::from_errno(folder);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
  if (errno != EWOULDBLOCK) return Error::from_errno(folder);
  return Error(Code::Busy, folder + ": another process installs a certificate");
}

// Puts both files in place. Both are written, synced and loaded as the servers load them before
// the first rename, so that whatever can fail fails while the old pair is still there.
Result<std::shared_ptr<const net::ServerTls>> put(const Target& target, const net::CertificateText& text) {
  const net::CertificateFiles& files = target.files;
  for (const std::string& path : {files.certificate, files.key})
    if (auto made = make_folder(target, path); !made) return made.error();
  const auto locked = lock_folder(files.key);
  if (!locked) return locked.error();
  auto key = Replacement::write(files.key, text.key.view(), access_of(target, files.key));
  if (!key) return key.error();
  auto certificate =
      Replacement::write(files.certificate, as_bytes(text.certificate), access_of(target, files.certificate));
  if (!certificate) return certificate.error();
  auto loaded = net::ServerTls::load({{certificate->fresh(), key->fresh()}});
  if (!loaded) return Error(Code::BadInput, "no server could load it: " + loaded.error().text());
  // A server that reads between the two renames sees a pair that does not match. It then keeps its
  // old certificate, or refuses TLS with a temporary error.
  if (auto placed = key->take_place(); !placed) return placed.error();
  if (auto placed = certificate->take_place(); !placed)
    return placed.error().within("the new key is installed, but the certificate is not");
  return loaded;
}

// Runs a program to its end. Returns whether its exit status was 0.
bool run(std::vector<std::string> command) {
  std::vector<char*> argv;
  for (std::string& word : command) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  if (::posix_spawnp(&pid, argv[0], nullptr, nullptr, argv.data(), environ) != 0) return false;
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Makes the services of systemd use the new certificate. A server that started without a
// certificate knows no files to read again, so it is restarted after the first one.
Result<void> reload_services(bool first) {
  const std::string verb = first ? "try-restart" : "try-reload-or-restart";
  std::vector<std::string> command{"systemctl", verb};
  std::string names;
  for (const char* name : kServices) {
    command.emplace_back(name);
    names += std::string(" '") + name + "'";
  }
  if (run(std::move(command))) return {};
  return Error(Code::Unavailable, "the certificate is installed, but the services did not reload it")
      .with_hint("systemctl " + verb + names);
}

Result<int> install_text(const Commands& commands, const config::Config& config,
                         const CertificateInstallOptions& options, const Target& target,
                         const net::CertificateText& text, const net::CertificateFacts& facts) {
  std::error_code ignored;
  const bool first = !fs::exists(target.files.certificate, ignored);
  if (target.in_vault)
    if (auto became = become_owner(config.vault); !became) return became.error();
  const auto tls = put(target, text);
  if (!tls) return tls.error().within("cannot install the certificate");
  if (!config.host.empty() && !(*tls)->covers(config.host))
    commands.program().report(
        Error(Code::BadInput, "warning: the certificate is not valid for " + config.host)
            .with_hint("get a certificate for this host: senders that verify names do not deliver"));
  const bool systemd = ::geteuid() == 0 && !target.in_vault && fs::exists("/run/systemd/system", ignored);
  if (!options.no_reload && systemd)
    if (auto reloaded = reload_services(first); !reloaded) return reloaded.error();
  if (commands.program().quiet()) return 0;
  cli::Output output;
  output.line("certificate   " + target.files.certificate);
  output.line("key           " + target.files.key);
  output.line("expires       " + rfc3339(facts.own.not_after).substr(0, 10));
  if (!options.no_reload && !systemd) output.line("next          send SIGHUP to the servers that run");
  return output.close();
}

Result<int> install(const Commands& commands, const CertificateInstallOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  const net::CertificateFiles from{options.certificate, options.key};
  const auto text = net::read_certificate(from);
  if (!text) return text.error();
  const auto facts = net::inspect_certificate(*text, from);
  if (!facts) return facts.error();
  // The installed certificate may be readable by more users than the key.
  if (text->certificate.find("PRIVATE KEY-----") != std::string::npos)
    return Error(Code::BadInput, from.certificate + ": holds a private key beside the certificate")
        .with_hint("openssl crl2pkcs7 -nocrl -certfile " + from.certificate +
                   " | openssl pkcs7 -print_certs -out FULLCHAIN");
  if (!facts->chain_fault.empty())
    return Error(Code::BadInput, from.certificate + ": " + facts->chain_fault)
        .with_hint("put each certificate before the one that signed it, as in certbot's fullchain.pem");
  if (const std::string fault = net::validity_fault(*facts, now()); !fault.empty())
    return Error(Code::BadInput, from.certificate + ": " + fault);
  const auto target = target_of(*config, options.to);
  if (!target) return target.error();
  return install_text(commands, *config, options, *target, *text, *facts);
}

Result<int> self_sign(const Commands& commands, const CertificateInstallOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  const auto target = target_of(*config, options.to);
  if (!target) return target.error();
  std::error_code ignored;
  for (const std::string& path : {target->files.certificate, target->files.key})
    if (!options.replace && fs::exists(path, ignored))
      return Error(Code::Exists, path + ": exists already")
          .with_exit_status(kExitCannotCreate)
          .with_hint("gw-store certificate self-sign --replace");
  const auto text = net::self_signed_certificate(options.host.empty() ? own_host(*config) : options.host);
  if (!text) return text.error();
  const auto facts = net::inspect_certificate(*text, target->files);
  if (!facts) return facts.error();
  return install_text(commands, *config, options, *target, *text, *facts);
}

// Prints one pair. `fault` is what is wrong with it, or empty.
void print_pair(cli::Output& output, const net::CertificateFiles& files, const net::CertificateFacts& facts,
                const std::string& fault, bool json) {
  if (json) {
    Json object;
    object["certificate"] = files.certificate;
    object["key"] = files.key;
    object["subject"] = facts.own.subject;
    object["issuer"] = facts.own.issuer;
    object["names"] = facts.own.names;
    object["self_signed"] = facts.self_signed;
    object["not_before"] = json_time(facts.own.not_before);
    object["not_after"] = json_time(facts.own.not_after);
    object["sha256"] = json_digest(facts.own.sha256);
    object["certificates"] = facts.count;
    object["problem"] = fault.empty() ? Json() : Json(fault);
    return output.json(object);
  }
  output.line("certificate   " + files.certificate);
  output.line("key           " + files.key);
  output.line("subject       " + facts.own.subject);
  output.line("names         " + joined(facts.own.names, "none"));
  output.line("issuer        " + (facts.self_signed ? "self-signed" : facts.own.issuer));
  output.line("valid from    " + rfc3339(facts.own.not_before).substr(0, 10));
  output.line("expires       " + rfc3339(facts.own.not_after).substr(0, 10));
  output.line("sha256        " + to_hex(facts.own.sha256));
  output.line("in the file   " + std::to_string(facts.count) +
              (facts.count == 1 ? " certificate" : " certificates"));
  if (!fault.empty()) output.line("problem       " + fault);
}

Result<int> show(const Commands& commands, bool json) {
  const auto config = commands.config();
  if (!config) return config.error();
  if (config->certificates.empty())
    return Error(Code::NotFound,
                 "there is no certificate in " + config::default_certificate(*config).certificate)
        .with_hint("gw-store certificate install FULLCHAIN KEY");
  cli::Output output;
  int status = 0;
  for (const net::CertificateFiles& files : certificate_files(*config)) {
    const auto text = net::read_certificate(files);
    const auto facts =
        text ? net::inspect_certificate(*text, files) : Result<net::CertificateFacts>(text.error());
    if (!facts) {
      commands.program().report(facts.error());
      status = facts.error().exit_status();
      continue;
    }
    const std::string fault =
        facts->chain_fault.empty() ? net::validity_fault(*facts, now()) : facts->chain_fault;
    if (!fault.empty()) status = kExitBadData;
    print_pair(output, files, *facts, fault, json);
  }
  return output.close(status);
}

void declare_target(CLI::App& command, CertificateInstallOptions& options) {
  command.add_option("--to", options.to, "Write certificate.pem and key.pem to this directory")
      ->type_name("DIR");
  command.add_flag("--no-reload", options.no_reload, "Do not tell the services of systemd");
}

}  // namespace

void add_certificate(Commands& commands) {
  CLI::App* family = commands.add_family("certificate", "Install and show the servers' certificate");

  auto given = std::make_shared<CertificateInstallOptions>();
  CLI::App* command = commands.add(*family, "install", "Check a certificate and its key and install both",
                                   [&commands, given] { return install(commands, *given); });
  command->add_option("FULLCHAIN", given->certificate, "PEM file with the certificate and its chain")
      ->required();
  command->add_option("KEY", given->key, "PEM file with its private key")->required();
  declare_target(*command, *given);

  auto made = std::make_shared<CertificateInstallOptions>();
  command = commands.add(*family, "self-sign", "Create and install a self-signed certificate",
                         [&commands, made] { return self_sign(commands, *made); });
  command->add_option("--host", made->host, "Make it valid for this name (default: `host` in gw.toml)")
      ->type_name("NAME");
  command->add_flag("--replace", made->replace, "Replace the certificate that is there");
  declare_target(*command, *made);

  auto json = std::make_shared<bool>(false);
  command = commands.add(*family, "show", "Print the certificates and what is wrong with them",
                         [&commands, json] { return show(commands, *json); });
  command->add_flag("--json", *json, "Print JSON lines");
}

}  // namespace gw::cmd
