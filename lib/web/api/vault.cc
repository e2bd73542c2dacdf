// The vault as a whole in the API: its state, histories, checkpoints, and the test delivery.
#include <algorithm>

#include "vault/mailbox.h"
#include "vault/vault_status.h"
#include "web/api/api_private.h"
#include "web/console.h"
#include "web/pages/history_page.h"
#include "web/pages/test_delivery.h"

namespace gw::web::api {
namespace {

using vault::Role;

constexpr std::uint64_t kPage = 100;
constexpr std::uint64_t kMaxListed = 1000;

// A token that is limited to some mailboxes receives the sums over these and nothing about the
// others. The path of the vault is left out: it is about the host.
Result<Answer> status(Call& call) {
  vault::MaySee may_see;
  if (!call.context.account().is_unrestricted())
    may_see = [&](std::string_view name) { return call.context.may_see(name); };
  const auto read = vault::read_status(call.store(), may_see);
  return read ? Answer{json::status_json(*read, std::nullopt)} : Result<Answer>(read.error());
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
  for (const store::Leaf& leaf : page->leaves) items.push_back(json::leaf_json(leaf));
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
  answer.json["key"] = json::text_or_null(health->verifier);
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
  return Answer{json::delivery_test_json(*done)};
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
