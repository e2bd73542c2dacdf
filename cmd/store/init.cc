// gw-store init: creates a vault. This process opens the store itself, since a new vault has no
// keeper.
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>

#include "base/file.h"
#include "cli/output.h"
#include "cli/program.h"
#include "cli/vault_hint.h"
#include "config/default_certificate.h"
#include "net/tls.h"
#include "seal/keypair.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/open/open_store.h"
#include "store/vault_format.h"
#include "vault/checkpoint.h"
#include "vault/mailbox.h"
#include "vault/new_vault.h"
#include "vault/recovery.h"

namespace gw::cmd {
namespace {

namespace fs = std::filesystem;

struct InitOptions {
  std::string host;
  std::vector<std::string> recipients;
  std::string key_file;
  bool no_recovery = false;
  bool self_signed = false;
  bool cheap_passwords = false;
  bool json = false;
};

// The means by which mail stays readable if the password of a mailbox is lost.
struct Recovery {
  std::string recipient;  // age recipient of the first recovery key; empty: lost passwords are lost mail
  std::vector<seal::PublicKey> others;  // further recipients
  std::optional<Secret> printed;        // the recovery key, if it is stored nowhere and has to be printed
};

// Returns one command that goes on when the file of a new recovery key exists. An interrupted run of
// this command may have written it, and its key is as good as a new one.
std::string hint_for(const std::string& path, const std::string& vault) {
  const auto file = open_for_reading(path);
  const auto text = file ? read_secret(file->get(), path, 4096, true) : Result<Secret>(file.error());
  const auto key = text ? seal::read_identity_file(text->text()) : Result<seal::SecretKey>(text.error());
  if (!key) return "mv " + path + " " + path + ".old";
  return "gw-store --vault " + vault + " init --recovery-recipient " +
         seal::recipient(seal::public_key(*key));
}

Result<void> write_key_file(const std::string& path, const std::string& vault, const std::string& recipient,
                            const Secret& identity) {
  const std::string head =
      "# created: " + rfc3339(now() / 1'000'000 * 1'000'000) + "\n# public key: " + recipient + "\n";
  // Composed in a Secret, which is wiped, and not in a std::string. The form is that of
  // age-keygen(1), whole seconds included.
  Secret text(head.size() + identity.size() + 1);
  std::span<std::byte> to = text.span();
  const auto put = [&to](ByteView data) {
    std::copy(data.begin(), data.end(), to.begin());
    to = to.subspan(data.size());
  };
  put(as_bytes(head));
  put(identity.view());
  put(as_bytes("\n"));
  // Fails if the file exists: it could be the recovery key of another vault.
  auto made = create_file(path, text.view(), 0600);
  if (made) return {};
  const Error failed =
      made.error().within("cannot write the recovery key").with_exit_status(kExitCannotCreate);
  return made.error().code() == Code::Exists ? failed.with_hint(hint_for(path, vault)) : failed;
}

Result<Recovery> recovery_of(const InitOptions& options, const std::string& vault) {
  Recovery recovery;
  if (options.no_recovery) return recovery;
  for (const std::string& text : options.recipients) {
    const auto parsed = seal::parse_recipient(text);
    if (!parsed) return Error(Code::Usage, "--recovery-recipient: " + parsed.error().text());
    recovery.others.push_back(*parsed);
  }
  const std::size_t generated = options.key_file.empty() ? 0 : 1;
  if (options.recipients.size() + generated > vault::kMaxRecoveryRecipients)
    return Error(Code::Usage, "there are too many recovery recipients");
  // The first one is the one that the history begins with.
  if (options.key_file.empty() && !recovery.others.empty()) {
    recovery.recipient = seal::recipient(recovery.others.front());
    recovery.others.erase(recovery.others.begin());
    return recovery;
  }
  // A script would write the key to a log file, so it has to say what it wants.
  if (options.key_file.empty() && ::isatty(STDOUT_FILENO) == 0) {
    return Error(Code::Usage, "no recovery option was given")
        .with_hint("use --recovery-key-file FILE, --recovery-recipient age1… or --no-recovery");
  }
  const seal::SecretKey key = seal::generate_key();
  recovery.recipient = seal::recipient(seal::public_key(key));
  Secret identity = seal::identity(key);
  if (options.key_file.empty()) {
    recovery.printed = std::move(identity);
  } else if (auto written = write_key_file(options.key_file, vault, recovery.recipient, identity); !written) {
    return written.error();
  }
  return recovery;
}

std::string host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

std::string certificate_of(const std::string& folder, const InitOptions& options) {
  return options.self_signed ? folder + "/tls/certificate.pem" : "";
}

void print_json(cli::Output& output, const std::string& folder, const VaultId& id, const Recovery& recovery,
                const InitOptions& options) {
  const std::string certificate = certificate_of(folder, options);
  Json object;
  object["vault"] = id.hex();
  object["path"] = folder;
  object["recovery_recipient"] = json::text_or_null(recovery.recipient);
  object["certificate"] = json::text_or_null(certificate);
  if (!recovery.printed) return output.json(object);
  output.secret({}, json::with_secrets(object, {{"recovery_key", &*recovery.printed}}), "\n");
}

// Prints the recovery key if it is stored nowhere else, and waits until it has been written. Only
// then is the vault created: a vault whose recovery key was lost with the output would seem
// recoverable although it is not.
Result<void> print_key(cli::Output& output, const std::string& folder, const VaultId& id,
                       const Recovery& recovery, const InitOptions& options) {
  if (!recovery.printed) return {};
  if (options.json) {
    print_json(output, folder, id, recovery, options);
  } else {
    output.secret("recovery key  ", *recovery.printed, "\n");
    output.line("              Shown once. Store it on another host: it opens every mailbox.");
  }
  return output.sync();
}

Result<int> print(cli::Output& output, const std::string& folder, const VaultId& id, const Recovery& recovery,
                  const InitOptions& options) {
  if (options.json) {
    if (!recovery.printed) print_json(output, folder, id, recovery, options);
    return output.close();
  }
  const std::string certificate = certificate_of(folder, options);
  output.line("vault         " + folder);
  if (!certificate.empty()) output.line("certificate   " + certificate);
  if (recovery.recipient.empty()) {
    output.line("recovery      none: if a password is lost, its mail is lost");
  } else {
    output.line("recovery      " + recovery.recipient);
    for (const seal::PublicKey& each : recovery.others) output.line("              " + seal::recipient(each));
  }
  output.line("next          " + cli::for_this_vault("gw-store mailbox add NAME"));
  return output.close();
}

Result<int> init(const Commands& commands, const InitOptions& options) {
  const auto config = commands.config();
  if (!config) return config.error();
  const std::string& folder = config->vault;
  const std::string host = !options.host.empty()   ? options.host
                           : !config->host.empty() ? config->host
                                                   : host_name();

  std::error_code ignored;
  // The usual mistake, found before a recovery key is generated. create_store() checks again,
  // under the lock.
  const auto there = store::openable_vault(folder);
  if (!there && (there.error().code() == Code::Corrupt || there.error().code() == Code::Config))
    return there.error().within("cannot create a vault").with_exit_status(kExitCannotCreate);
  if (there || fs::exists(folder + "/format", ignored))
    return Error(Code::Exists, folder + ": a vault already exists").with_exit_status(kExitCannotCreate);
  if (options.self_signed && !config::default_certificate(*config).key.starts_with(folder + "/"))
    return Error(Code::Usage, "--self-signed is not for the vault of the system, which no server can read")
        .with_hint("gw-store certificate self-sign");
  auto recovery = recovery_of(options, folder);
  if (!recovery) return recovery.error();
  // After the key file: it may go to a directory that only root can write to.
  if (auto became = become_owner(folder); !became) return became.error();
  const ByteView recipient = as_bytes(recovery->recipient);
  const VaultId id = random_id<VaultId>();
  cli::Output output;
  if (auto shown = print_key(output, folder, id, *recovery, options); !shown)
    return shown.error().within("no vault was created");
  vault::NewVault wanted;
  wanted.settings.host = host;
  wanted.settings.recovery_recipient = recovery->recipient;
  // Recorded in the settings, and doctor warns about it.
  if (options.cheap_passwords) {
    wanted.settings.cheap_passwords = true;
    wanted.settings.argon2_memory = 8 << 10;
    wanted.settings.argon2_passes = 1;
  }
  wanted.other_recipients = recovery->others;
  wanted.history_key = vault::generate_history_key();
  const auto complete = [&](store::Store& store) -> Result<void> {
    if (auto done = vault::complete_vault(store, folder, wanted, kActor); !done) return done;
    if (!options.self_signed) return {};
    const std::string tls = folder + "/tls";
    if (::mkdir(tls.c_str(), 0700) != 0) return Error::from_errno(tls);
    return net::make_self_signed(host, {tls + "/certificate.pem", tls + "/key.pem"});
  };
  const auto made = store::create_store(store::kLocalKind, folder, id, recipient, complete);
  if (!made) {
    // Without a vault the key opens nothing, and would make the next attempt fail.
    if (!options.key_file.empty() && !fs::exists(folder + "/format", ignored))
      fs::remove(options.key_file, ignored);
    const Error failed = made.error().within("cannot create the vault");
    // Errors of the path get EX_CANTCREAT. Missing permission and a full disk keep their own exit
    // statuses.
    constexpr std::array kBadPath{ENOENT, ENOTDIR, EROFS, ENAMETOOLONG, ELOOP};
    const bool bad_path = std::ranges::find(kBadPath, failed.number()) != kBadPath.end();
    return bad_path ? failed.with_exit_status(kExitCannotCreate) : failed;
  }
  return print(output, folder, id, *recovery, options);
}

}  // namespace

void add_init(Commands& commands) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = commands.add(commands.root(), "init", "Create a vault",
                                   [&commands, options] { return init(commands, *options); });
  command->add_option("--host", options->host, "Use this domain in addresses (default: the host name)")
      ->type_name("NAME");
  CLI::Option* recipient = command
                               ->add_option("--recovery-recipient", options->recipients,
                                            "Also seal the keys to this age recipient (repeatable)")
                               ->type_name("AGE1");
  cli::repeatable(recipient);
  CLI::Option* file =
      command
          ->add_option("--recovery-key-file", options->key_file, "Create a recovery key and write it to FILE")
          ->type_name("FILE");
  command
      ->add_flag("--no-recovery", options->no_recovery,
                 "Create no recovery key: a lost password is lost mail")
      ->excludes(recipient)
      ->excludes(file);
  command->add_flag("--self-signed", options->self_signed, "Create a self-signed certificate");
  command->add_flag("--cheap-passwords", options->cheap_passwords, "Use weak password slots, for tests only")
      ->group("");
  command->add_flag("--json", options->json, "Print a JSON line");
}

}  // namespace gw::cmd
