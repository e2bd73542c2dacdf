#include "store/mailbox.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/values.h"
#include "mail/address.h"
#include "store/format.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

// What can be said of a mailbox when it is made and later. Not said: as it is.
struct Properties {
  std::optional<std::string> description, trace, hold, allow_miss, require_tls, status;
  std::optional<std::vector<std::string>> aliases, domains, allow;
  std::optional<std::uint64_t> quota;
  std::optional<std::int64_t> grace;
};

void declare(CLI::App& app, Properties& to) {
  app.add_option("--description", to.description, "Free text")->type_name("TEXT");
  cli::list_option(app, "--alias", to.aliases, "ADDR", "Another address of it (repeatable)");
  cli::list_option(app, "--domain", to.domains, "DOMAIN", "All mail of this domain (repeatable)");
  cli::list_option(app, "--allow", to.allow, "CIDR", "Only senders in this block (repeatable)");
  cli::size_option(app, "--quota", to.quota, "Most octets of mail waiting; 0 is none");
  app.add_option_function<std::string>(
         "--grace",
         [&to](const std::string& text) {
           const auto days = parse_number(text);
           const auto span =
               days ? std::optional(std::chrono::seconds(*days * 86'400)) : parse_duration(text);
           if (!span || (days && *days > 36'500))
             throw CLI::ValidationError("--grace", "`" + text + "` is not a number of days");
           to.grace = span->count();
         },
         "How long drained mail can be brought back; 0 is not at all")
      ->type_name("DAYS");
  app.add_option("--trace", to.trace, "Lines that POP3 puts in front of mail")
      ->check(CLI::IsMember({"auto", "on", "off"}));
}

void declare_more(CLI::App& app, Properties& to) {
  app.add_option("--status", to.status, "Suspended: nothing new comes in")
      ->check(CLI::IsMember({"active", "suspended"}));
  app.add_option("--hold", to.hold, "Nothing drained is swept")->check(CLI::IsMember({"on", "off"}));
  app.add_option("--allow-miss", to.allow_miss, "What senders outside --allow hear")
      ->check(CLI::IsMember({"defer", "reject"}));
  app.add_option("--require-tls", to.require_tls, "No mail without TLS")->check(CLI::IsMember({"on", "off"}));
}

Result<void> check(const Properties& properties) {
  const auto wrong = [](const char* option, const std::string& value, const char* what) {
    return Error(Code::Usage, std::string(option) + ": `" + value + "` is not " + what);
  };
  for (const std::string& each : properties.aliases.value_or(std::vector<std::string>())) {
    if (!mail::valid_alias(each)) return wrong("--alias", each, "a plain address");
  }
  for (const std::string& each : properties.domains.value_or(std::vector<std::string>())) {
    if (!mail::valid_domain(each)) return wrong("--domain", each, "a domain");
  }
  for (const std::string& each : properties.allow.value_or(std::vector<std::string>())) {
    if (!mail::valid_block(each)) return wrong("--allow", each, "an address or a CIDR block");
  }
  if (properties.description && !valid_utf8(*properties.description)) {
    return wrong("--description", *properties.description, "UTF-8");
  }
  return {};
}

std::vector<std::string> lowered(std::vector<std::string> texts) {
  for (std::string& each : texts) each = lower(each);
  return texts;
}

store::Trace trace_of(const std::string& word) {
  return word == "on" ? store::Trace::On : word == "off" ? store::Trace::Off : store::Trace::Auto;
}

// An alias can be guessed, an id cannot.
void warn_of_aliases(const Commands& commands, const store::MailboxRecord& record) {
  if (record.aliases.empty() && record.domains.empty()) return;
  if (!record.allow.empty() || commands.program().quiet()) return;
  const std::string text = "gw-store: warning: an alias can be guessed, and " + record.name +
                           " takes mail from everybody\n" + "hint: --allow CIDR names the senders\n";
  (void)write_all(STDERR_FILENO, as_bytes(text), "standard error");
}

// --- add

struct AddOptions {
  std::string name;
  Properties properties;
  bool smtp_auth = false;
  bool no_recovery = false;
  bool json = false;
  cli::PasswordOptions password;
};

Result<int> print_made(const vault::MadeMailbox& made, bool given, bool json) {
  cli::Output output;
  if (json) {
    Json object;
    object["id"] = made.record.id.hex();
    object["name"] = made.record.name;
    object["address"] = made.address;
    object["grace"] = made.record.grace;
    std::string text = object.dump();
    text.pop_back();
    output.octets(as_bytes(text));
    if (given) {
      output.octets(as_bytes(std::string_view(",\"password\":null")));
    } else {
      output.secret(",\"password\":\"", made.password, "\"");
    }
    if (made.token) output.secret(",\"token\":\"", *made.token, "\"");
    output.octets(as_bytes(std::string_view("}\n")));
    return output.close();
  }
  output.line("name      " + made.record.name);
  output.line("id        " + made.record.id.hex());
  output.line("address   " + made.address);
  if (given) {
    output.line("password  as given");
  } else {
    output.secret("password  ", made.password, "\n");
  }
  if (made.token) output.secret("token     ", *made.token, "\n");
  output.line("grace     " + shown_span(made.record.grace));
  if (!given || made.token) output.line("          Shown once: the vault does not know it.");
  return output.close();
}

Result<int> add(const Commands& commands, const AddOptions& options) {
  if (!mail::valid_name(options.name)) {
    return Error(Code::Usage, "`" + options.name + "` is not a mailbox name")
        .with_hint("a-z 0-9 . _ -, at most 64");
  }
  const Properties& said = options.properties;
  if (auto good = check(said); !good) return good.error();
  auto password = options.password.read_given();
  if (!password) return password.error();
  const bool given = password->has_value();
  auto store = commands.connect();
  if (!store) return store.error();

  vault::NewMailbox wanted;
  wanted.name = options.name;
  wanted.description = said.description.value_or("");
  wanted.aliases = lowered(said.aliases.value_or(std::vector<std::string>()));
  wanted.domains = lowered(said.domains.value_or(std::vector<std::string>()));
  wanted.allow = said.allow.value_or(std::vector<std::string>());
  wanted.quota = said.quota.value_or(0);
  wanted.grace = said.grace.value_or(wanted.grace);
  wanted.trace = trace_of(said.trace.value_or("auto"));
  wanted.smtp_auth = options.smtp_auth;
  wanted.recovery = !options.no_recovery;
  const auto made = vault::add_mailbox(**store, wanted, std::move(*password), kActor);
  if (!made) return made.error();
  warn_of_aliases(commands, made->record);
  return print_made(*made, given, options.json);
}

// --- set

struct SetOptions {
  std::string name;
  std::optional<std::string> rename;
  Properties properties;
};

void apply(const Properties& said, store::MailboxRecord& record) {
  if (said.description) record.description = *said.description;
  if (said.aliases) record.aliases = lowered(*said.aliases);
  if (said.domains) record.domains = lowered(*said.domains);
  if (said.allow) record.allow = *said.allow;
  if (said.quota) record.quota = *said.quota;
  if (said.grace) record.grace = *said.grace;
  if (said.trace) record.trace = trace_of(*said.trace);
  if (said.status)
    record.status = *said.status == "suspended" ? store::Status::Suspended : store::Status::Active;
  if (said.hold) record.hold = *said.hold == "on";
  if (said.allow_miss) record.allow_reject = *said.allow_miss == "reject";
  if (said.require_tls) record.require_tls = *said.require_tls == "on";
}

Result<int> set(const Commands& commands, const SetOptions& options) {
  if (auto good = check(options.properties); !good) return good.error();
  if (options.rename && !mail::valid_name(*options.rename)) {
    return Error(Code::Usage, "`" + *options.rename + "` is not a mailbox name")
        .with_hint("a-z 0-9 . _ -, at most 64");
  }
  auto store = commands.connect();
  if (!store) return store.error();
  const auto before = mailbox_named(**store, options.name);
  if (!before) return before.error();
  store::MailboxRecord record = *before;
  apply(options.properties, record);
  if (options.rename) record.name = *options.rename;
  if (store::encode(record) == store::encode(*before)) return 0;
  const auto type = record.status != before->status ? store::LeafType::Status : store::LeafType::Setting;
  auto put = (*store)->put_mailbox(record, {}, {type, std::string(kActor), 0});
  if (!put) return put.error();
  warn_of_aliases(commands, record);
  return 0;
}

Result<int> remove(const Commands& commands, const std::string& name) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, name);
  if (!mailbox) return mailbox.error();
  auto dropped = (*store)->drop_mailbox(mailbox->id, kActor);
  if (dropped) return 0;
  if (dropped.error().code() != Code::Conflict) return dropped.error();
  return dropped.error().with_hint("only a suspended mailbox that holds no message can be removed");
}

}  // namespace

void add_mailbox_add(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* command = commands.add(family, "add", "Make a mailbox; print its address and password once",
                                   [&commands, options] { return add(commands, *options); });
  command->add_option("NAME", options->name, "a-z 0-9 . _ -, at most 64")->required();
  declare(*command, options->properties);
  command->add_flag("--smtp-auth", options->smtp_auth, "Senders need a token, printed once");
  command->add_flag("--no-recovery", options->no_recovery, "The vault's recovery key does not open it");
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print a JSON line");
}

void add_mailbox_set(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<SetOptions>();
  CLI::App* command = commands.add(family, "set", "Change what is said of a mailbox; lists are replaced",
                                   [&commands, options] { return set(commands, *options); });
  command->add_option("NAME", options->name, "Name, id or address")->required();
  command->add_option("--name", options->rename, "Another name")->type_name("NAME");
  declare(*command, options->properties);
  declare_more(*command, options->properties);
}

void add_mailbox_remove(Commands& commands, CLI::App& family) {
  auto name = std::make_shared<std::string>();
  CLI::App* command = commands.add(family, "remove", "Remove a mailbox that is suspended and empty",
                                   [&commands, name] { return remove(commands, *name); });
  command->add_option("NAME", *name, "Name, id or address")->required();
}

void add_mailbox(Commands& commands) {
  CLI::App& family =
      *commands.add_family("mailbox", "Make mailboxes, look at them, their passwords and keys");
  add_mailbox_add(commands, family);
  add_mailbox_list(commands, family);
  add_mailbox_show(commands, family);
  add_mailbox_set(commands, family);
  add_mailbox_passwd(commands, family);
  add_mailbox_key(commands, family);
  add_mailbox_rotate(commands, family);
  add_mailbox_profile(commands, family);
  add_mailbox_sender(commands, family);
  add_mailbox_remove(commands, family);
}

}  // namespace gw::cmd
