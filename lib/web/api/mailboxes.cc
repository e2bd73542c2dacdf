// Mailboxes in the API. The fields are those of `gw-store mailbox … --json`.
#include <algorithm>

#include "base/text.h"
#include "vault/mailbox.h"
#include "vault/mailbox_settings.h"
#include "vault/setup_guide.h"
#include "vault/totals.h"
#include "web/api/api_private.h"
#include "web/console.h"

namespace gw::web::api {
namespace {

using vault::Role;

Result<Answer> shown_mailbox(Call& call, const store::MailboxRecord& record) {
  const auto stat = call.store().stat(record.id);
  if (!stat) return stat.error();
  const auto settings = vault::read_settings(call.store());
  if (!settings) return settings.error();
  return Answer{json::mailbox_json(record, *stat, *settings)};
}

Result<Answer> list_mailboxes(Call& call) {
  const auto rows = vault::mailbox_rows(call.store());
  if (!rows) return rows.error();
  const auto settings = vault::read_settings(call.store());
  if (!settings) return settings.error();
  Json items = Json::array();
  for (const auto& [record, stat] : *rows)
    if (call.context.may_see(record.name)) items.push_back(json::mailbox_row_json(record, stat, *settings));
  return list_of(std::move(items), 0);
}

Result<Answer> show_mailbox(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  return mailbox ? shown_mailbox(call, *mailbox) : Result<Answer>(mailbox.error());
}

// Returns the settings that the body describes. The schema has checked enums, so that parsing them
// succeeds.
//
// Only a token that sees everything may set addresses. Otherwise a token for some mailboxes could
// divert mail to itself by an alias or a domain that no mailbox has yet.
Result<vault::MailboxSettings> settings_of(const Call& call) {
  const Json& body = call.body;
  vault::MailboxSettings settings;
  settings.name = text_in(body, "name");
  // A token must not rename a mailbox out of its own reach or to a name that belongs to others.
  if (settings.name && !call.context.may_see(*settings.name))
    return Error(Code::Denied, "the token does not permit a mailbox of this name");
  settings.description = text_in(body, "description");
  settings.aliases = list_in(body, "aliases");
  settings.domains = list_in(body, "domains");
  if ((settings.aliases || settings.domains) && !call.context.account().is_unrestricted())
    return not_with_patterns("setting addresses");
  settings.allow = list_in(body, "allow");
  if (body.contains("quota")) settings.quota = body["quota"].get<std::uint64_t>();
  if (body.contains("grace")) settings.grace = body["grace"].get<std::int64_t>();
  if (body.contains("receipts")) settings.receipts = body["receipts"].get<std::int64_t>();
  if (body.contains("trace")) settings.trace = store::parse_trace(body["trace"].get<std::string>());
  if (body.contains("status")) settings.status = store::parse_status(body["status"].get<std::string>());
  if (body.contains("hold")) settings.hold = body["hold"].get<bool>();
  if (body.contains("allow_miss")) settings.allow_reject = body["allow_miss"] == "reject";
  if (body.contains("require_tls")) settings.require_tls = body["require_tls"].get<bool>();
  // Checked after the rights, so that a token without them does not learn more.
  if (const auto wrong = vault::first_wrong(settings)) return vault::refusal(*wrong);
  return settings;
}

Result<Answer> create_mailbox(Call& call) {
  auto settings = settings_of(call);
  if (!settings) return settings.error();
  const vault::NewMailbox wanted{std::move(*settings), call.body.value("recovery", true)};
  // The caller already has both secrets (createSecret). The response therefore need not show them,
  // and it does not matter if it gets lost.
  const auto made = vault::add_mailbox(call.store(), wanted, call.secret("password").clone(),
                                       call.context.actor(), call.secret_if_any("token"));
  if (!made) return made.error();
  return Answer{json::created_mailbox_json(made->record, made->address)};
}

Result<Answer> change_mailbox(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto change = settings_of(call);
  if (!change) return change.error();
  const auto now = vault::change_mailbox(call.store(), *mailbox, *change, call.context.actor());
  return now ? shown_mailbox(call, *now) : Result<Answer>(now.error());
}

Result<Answer> remove_mailbox(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  if (const auto gone = vault::remove_mailbox(call.store(), *mailbox, call.context.actor()); !gone) {
    if (gone.error().code() != Code::Conflict) return gone.error();
    return gone.error().with_hint(mailbox->status != store::Status::Suspended
                                      ? "first change `status` of the mailbox to `suspended`"
                                      : "first remove its messages, also drained and quarantined ones");
  }
  call.context.console().close_mailbox(mailbox->id);
  return nothing();
}

Result<Answer> rotate_mailbox(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  auto ring = unlock(call, *mailbox);
  if (!ring) return not_unlocked(ring);
  const auto record =
      vault::rotate(call.store(), *mailbox, std::move(*ring), call.secret("password"), call.context.actor());
  call.context.console().close_mailbox(mailbox->id);
  if (!record) return record.error();
  return Answer{json::generation_json(record->newest().number, record->newest().public_key)};
}

Result<Answer> change_mailbox_password(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  const Secret& fresh = call.secret("new_password");
  // Before the mailbox is opened, which costs an Argon2id computation.
  if (const auto good = vault::check_password(fresh); !good) return good.error();
  const auto ring = unlock(call, *mailbox);
  if (!ring) return not_unlocked(ring);
  const auto changed = vault::change_password(call.store(), *mailbox, *ring, fresh, call.context.actor());
  if (changed || changed.error().code() == Code::Unknown) call.context.console().close_mailbox(mailbox->id);
  if (changed) return nothing();
  if (changed.error().code() != Code::Unknown) return changed.error();
  // Unknown: the keeper did not answer, so the change may or may not have been stored.
  return changed.error().with_hint(
      "either password may be in force: repeat the request with the new one as `password`");
}

// Returns a parameter that is inserted into configuration files and scripts. It refuses everything
// that could end a line or a quotation there.
Result<std::string> word_in(const Call& call, std::string_view name, std::string otherwise) {
  const std::string_view value = call.request.query.get(name);
  if (value.empty()) return otherwise;
  constexpr std::size_t kMaxLength = 255;
  const auto odd = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
           std::string_view("\"'`$\\;{}").find(c) != std::string_view::npos;
  };
  if (value.size() > kMaxLength || std::ranges::any_of(value, odd) || !valid_utf8(value))
    return Error(Code::Usage,
                 "`" + std::string(name) + "` is not a word of at most 255 bytes without special characters");
  return std::string(value);
}

Result<Answer> list_recipes(Call& call) {
  const auto mailbox = call.context.mailbox(call.parameter("name"));
  if (!mailbox) return mailbox.error();
  const auto settings = vault::read_settings(call.store());
  if (!settings) return settings.error();
  const ConsoleOptions& options = call.context.console().options();
  const std::string_view kind = call.request.query.get("kind");
  if (!kind.empty() && kind != "profile" && kind != "sender")
    return Error(Code::Usage, "`kind` is not one of profile, sender");
  const std::string_view program = call.request.query.get("for");
  const std::string_view language = call.request.query.get("language");
  if (!language.empty() && std::ranges::count(vault::recipe_languages(), language) == 0)
    return Error(Code::Usage, "`language` is not one of en, it, de");
  Json items = Json::array();
  for (const auto end : {vault::RecipeEnd::Drain, vault::RecipeEnd::Sender}) {
    const bool drain = end == vault::RecipeEnd::Drain;
    if (!kind.empty() && (kind == "profile") != drain) continue;
    const auto host = word_in(call, "host", options.host);
    const auto port = word_in(call, "port", drain ? options.pop3s_port : "25");
    const auto ca_file = word_in(call, "ca_file", {});
    if (!host || !port) return host ? port.error() : host.error();
    if (!ca_file) return ca_file.error();
    for (const std::string_view each : vault::recipe_programs(end)) {
      if (!program.empty() && program != each) continue;
      const auto text = vault::recipe(end, each, *mailbox, *settings, {*host, *port, *ca_file}, language);
      items.push_back({{"kind", drain ? "profile" : "sender"}, {"for", each}, {"text", text.value_or("")}});
    }
  }
  if (items.empty()) return Error(Code::NotFound, "no settings for `" + printable(program) + "`");
  return list_of(std::move(items), 0);
}

}  // namespace

// The limit is per token and mailbox. Guessing by the API is not faster than by POP3, and a token
// that guesses does not keep other clients away from the mailbox.
Attempt<seal::KeyRing> unlock(Call& call, const store::MailboxRecord& mailbox) {
  // Unambiguous: a name has no space.
  const std::string key = call.context.account().name + " " + mailbox.id.hex();
  return attempt(call.context.console().api_tries(), key,
                 [&] { return vault::unlock(call.store(), mailbox, call.secret("password")); });
}

Result<Answer> not_unlocked(const Attempt<seal::KeyRing>& tried) {
  if (!tried.wait) return tried.error();
  Answer answer;
  answer.other = too_many(*tried.wait, "too many wrong passwords for this mailbox");
  return answer;
}

void add_mailbox_operations(Operations& all) {
  all.push_back({"GET", "/api/v1/mailboxes", "listMailboxes", "List the mailboxes and what waits in them",
                 Role::Viewer, list_mailboxes, "[MailboxRow]"});
  all.push_back({"POST", "/api/v1/mailboxes", "createMailbox",
                 "Create a mailbox with a password, and a token for its senders, from createSecret",
                 Role::Administrator, create_mailbox, "MadeMailbox", "NewMailbox", 201});
  all.push_back({"GET", "/api/v1/mailboxes/:name", "showMailbox", "Show one mailbox", Role::Viewer,
                 show_mailbox, "Mailbox"});
  all.push_back({"PATCH", "/api/v1/mailboxes/:name", "changeMailbox",
                 "Change the given fields; lists are replaced. Also suspends and resumes the mailbox",
                 Role::Operator, change_mailbox, "Mailbox", "MailboxChange"});
  all.push_back({"DELETE", "/api/v1/mailboxes/:name", "removeMailbox",
                 "Remove a mailbox that is suspended and empty", Role::Administrator, remove_mailbox});
  all.push_back({"GET", "/api/v1/mailboxes/:name/recipes", "listRecipes",
                 "List settings for the programs that drain the mailbox and for those that send to it",
                 Role::Viewer, list_recipes, "[Recipe]"});
  all.back().query = {
      {"kind", "string", "Only `profile` (programs that drain it) or `sender`"},
      {"for", "string", "Only for this program: `getmail`, `microsoft365`, …"},
      {"language", "string", "Language of the explanations: `en`, `it` or `de`"},
      {"host", "string", "Host name by which that program reaches this gateway"},
      {"port", "string", "Port on that host"},
      {"ca_file", "string", "File with the private CA that signed this gateway's certificate"}};
  all.push_back({"POST", "/api/v1/mailboxes/:name/rotate", "rotateMailbox",
                 "Create a new key; new messages are sealed to it", Role::Administrator, rotate_mailbox,
                 "Generation", "Unlock"});
  all.push_back({"POST", "/api/v1/mailboxes/:name/password", "changeMailboxPassword",
                 "Change the password to one that the caller has, such as from createSecret",
                 Role::Administrator, change_mailbox_password, "", "PasswordChange"});
}

}  // namespace gw::web::api
