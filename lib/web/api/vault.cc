// The vault as a whole in the API: its state, histories, checkpoints, and the test delivery.
#include <algorithm>

#include "base/text.h"
#include "transfer/json.h"
#include "vault/mailbox.h"
#include "vault/maintenance_log.h"
#include "vault/totals.h"
#include "web/api/api_private.h"
#include "web/console.h"
#include "web/pages/history_page.h"
#include "web/pages/test_delivery.h"

namespace gw::web::api {
namespace {

using vault::Role;

constexpr std::uint64_t kPage = 100;
constexpr std::uint64_t kMaxListed = 1000;

Json json_of(const store::ServerStats& stats) {
  Json object;
  object["of"] = valid_text(stats.of);
  for (const store::ServerCount& each : store::kServerCounts)
    object[std::string(each.name)] = stats.*each.value;
  object["trouble"] = stats.trouble.empty() ? Json() : Json(valid_text(stats.trouble));
  object["trouble_time"] = json_time(stats.trouble_time);
  return object;
}

// A token that is limited to some mailboxes receives the sums over these and nothing about the
// others.
Result<Answer> status(Call& call) {
  const auto health = call.store().health();
  if (!health) return health.error();
  auto rows = vault::mailbox_rows(call.store());
  if (!rows) return rows.error();
  std::erase_if(*rows, [&](const auto& row) { return !call.context.may_see(row.record.name); });
  const vault::Totals total = vault::totals_of(*rows);
  Answer answer;
  Json& object = answer.json;
  object["vault"] = health->vault.hex();
  object["writable"] = health->writable;
  object["full"] = health->full;
  object["reason"] = health->reason.empty() ? Json() : Json(valid_text(health->reason));
  object["free_octets"] = health->free_bytes;
  object["free_inodes"] = health->free_inodes;
  object["commits"] = health->commits;
  object["mailboxes"] = rows->size();
  object["live"] = total.live;
  object["live_octets"] = total.live_bytes;
  object["unconfirmed"] = total.unconfirmed;
  object["drained"] = total.drained;
  object["quarantined"] = total.quarantined;
  object["accepted"] = total.accepted;
  std::optional<vault::BackupNote> backup;
  std::optional<vault::VerifyNote> verify;
  if (call.context.account().is_unrestricted()) {
    const auto last_backup = vault::last_backup(call.store());
    if (!last_backup) return last_backup.error();
    const auto last_verify = vault::last_verify(call.store());
    if (!last_verify) return last_verify.error();
    backup = *last_backup;
    verify = *last_verify;
  }
  object["checkpoint_key"] = health->verifier.empty() ? Json() : Json(health->verifier);
  object["last_backup"] = json_time(backup ? backup->time : 0);
  object["last_verify"] = json_time(verify ? verify->time : 0);
  object["last_verify_findings"] = verify ? Json(verify->findings) : Json();
  const auto server_stats = call.store().server_stats();
  if (!server_stats) return server_stats.error();
  constexpr std::string_view kRoute = "route ";
  Json& servers = object["servers"] = Json::array();
  for (const store::ServerStats& each : *server_stats) {
    // The statistics of gw-smtpd and gw-pop3d cover all mailboxes, those of a route belong to it.
    const bool his = each.of.starts_with(kRoute) && call.context.may_see(each.of.substr(kRoute.size()));
    if (his || call.context.account().is_unrestricted()) servers.push_back(json_of(each));
  }
  return answer;
}

Result<EventFilter> filter_of(const Call& call) {
  const Fields& query = call.request.query;
  EventFilter filter;
  if (query.has("mailbox")) {
    const auto mailbox = call.context.mailbox(query.get("mailbox"));
    if (!mailbox) return mailbox.error();
    filter.log = mailbox->id;
  } else if (!call.context.account().is_unrestricted()) {
    // The vault's own history names all mailboxes.
    return not_with_patterns("the vault's own history").with_hint("name a mailbox with `mailbox`");
  }
  filter.type = parse_leaf_type(query.get("type"));
  if (query.has("type") && !filter.type) return Error(Code::Usage, "`type` is not a type of event");
  filter.message = MessageId::parse(std::string(query.get("message")));
  if (query.has("message") && !filter.message) return Error(Code::Usage, "`message` is not a message id");
  const auto since = time_in(call, "since");
  const auto until = time_in(call, "until");
  if (!since || !until) return since ? until.error() : since.error();
  filter.from = *since;
  filter.to = *until;
  filter.actor = query.get("actor");
  return filter;
}

Result<Answer> events(Call& call) {
  const auto filter = filter_of(call);
  if (!filter) return filter.error();
  const auto limit = number_in(call, "limit", kPage, 1, kMaxListed);
  const auto before = number_in(call, "before", 0, 0, std::numeric_limits<std::int64_t>::max());
  if (!limit || !before) return limit ? before.error() : limit.error();
  const auto page = events_before(call.store(), *filter, *before, static_cast<std::size_t>(*limit));
  if (!page) return page.error();
  Json items = Json::array();
  for (const store::Leaf& leaf : page->leaves) items.push_back(transfer::leaf_json(leaf));
  return list_of(std::move(items), page->before);
}

Result<Answer> checkpoint(Call& call) {
  const auto health = call.store().health();
  if (!health) return health.error();
  // Each checkpoint appends an entry to the vault's history, hence a POST.
  const auto note = call.store().checkpoint(call.context.actor());
  if (!note) return note.error();
  Answer answer;
  answer.json["note"] = *note;
  answer.json["key"] = health->verifier.empty() ? Json() : Json(health->verifier);
  return answer;
}

Result<Answer> test_delivery(Call& call) {
  const auto mailbox = call.context.mailbox(call.body["mailbox"].get<std::string>());
  if (!mailbox) return mailbox.error();
  const auto servers = own_smtp_servers(call.context.console());
  const std::string server = call.body.value("server", servers.front());
  // Any other address would let a token connect to hosts inside the network (SSRF).
  if (std::ranges::find(servers, server) == servers.end())
    return Error(Code::Usage, "`server` is not an SMTP server of this host")
        .with_hint("use one of smtpd.listen in gw.toml");
  const auto done = run_test_delivery(call.context, *mailbox, server);
  if (!done) return done.error();
  Answer answer;
  Json& object = answer.json;
  object["delivered"] = done->sent.trouble.empty() && done->message.has_value();
  object["trouble"] = done->sent.trouble.empty() ? Json() : Json(valid_text(done->sent.trouble));
  object["message"] = done->message ? Json(done->message->hex()) : Json();
  object["took_ms"] = done->sent.took.count();
  Json& dialog = object["dialog"] = Json::array();
  for (const auto& line : done->sent.dialog)
    dialog.push_back({{"from", line.ours ? "client" : "server"}, {"text", line.text}});
  put_tls(object, done->sent.address, done->sent.tls, done->sent.certificate);
  return answer;
}

}  // namespace

void add_vault_operations(Operations& all) {
  all.push_back(
      {"GET", "/api/v1/status", "showStatus", "Show the state of the vault", Role::Viewer, status, "Status"});
  all.push_back({"GET", "/api/v1/events", "listEvents",
                 "List a history, newest first: of a mailbox or of the vault", Role::Viewer, events,
                 "[Event]"});
  all.back().query = {
      {"mailbox", "string", "Name, id or address of a mailbox; by default the vault's own history"},
      {"type", "string", "Only of this type: `accepted`, `drained`, …"},
      {"since", "string", "At this time or later (RFC 3339)"},
      {"until", "string", "Before this time (RFC 3339)"},
      {"message", "string", "Only about the message with this id"},
      {"actor", "string", "Only if `actor` contains this text"},
      {"before", "integer", "Only before this seq: `next` of the previous page"},
      {"limit", "integer", "Greatest number of items: 1 to 1000, by default 100"}};
  all.push_back({"POST", "/api/v1/checkpoint", "makeCheckpoint",
                 "Create a signed note on the current history of the vault (C2SP tlog-checkpoint)",
                 Role::Operator, checkpoint, "Checkpoint"});
  all.back().unlimited = true;
  all.push_back({"POST", "/api/v1/test-deliveries", "testDelivery",
                 "Deliver a small message to a mailbox through the SMTP server of this host", Role::Operator,
                 test_delivery, "TestDelivery", "NewTestDelivery"});
}

}  // namespace gw::web::api
