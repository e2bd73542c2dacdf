// Admits requests to the API: checks token, rate, scope, query and body, and calls the operation.
#include "web/api/api.h"

#include <algorithm>
#include <variant>

#include "base/log.h"
#include "base/text.h"
#include "net/limits.h"
#include "vault/token.h"
#include "web/api/api_private.h"
#include "web/console.h"
#include "web/context.h"
#include "web/pages/pages.h"
#include "web/status.h"

namespace gw::web {

Response api::too_many(std::chrono::milliseconds wait, std::string_view why) {
  return problem(429, "rate_limited", std::string(why) + "; try again later")
      .set("Retry-After", retry_after(wait));
}

namespace {

using api::Answer;
using api::Call;
using api::Operation;
using json::Json;

Response json_response(int status, const Json& json) {
  Response response;
  response.status = status;
  response.content_type = "application/json";
  response.body = json::one_line(json) + "\n";
  return response;
}

// Returns the hint of an error without the commands of a shell, which are for a user of this host and
// may name its directories. A client of the API has no shell there.
std::string_view hint_for_client(std::string_view hint) {
  if (hint.starts_with("gw-store admin add "))
    return "first create another account with the role administrator";
  return hint.starts_with("gw-") || hint.starts_with("systemctl ") ? std::string_view() : hint;
}

Response failed(const Request& request, const Error& error) {
  const int status = status_of(error.code(), 422);
  std::string code(name(error.code()));
  // Codes are identifiers for programs: `not found` becomes `not_found`.
  std::ranges::replace(code, ' ', '_');
  if (status >= 500) log::warning("request failed", {{"path", request.path}, {"reason", error.text()}});
  // The text of an internal error may name files of the host: it goes to the log only.
  if (status == 500)
    return problem(500, "internal", "an internal error occurred; the log of gw-webd has the details");
  Response response = problem(status, code, error.text(), hint_for_client(error.hint()));
  if (status == 503) response.set("Retry-After", "10");
  return response;
}

Response unauthorized() {
  return problem(401, "unauthorized", "the token is missing, wrong or expired",
                 "send `Authorization: Bearer gw_…` with a token of the console")
      .set("WWW-Authenticate", "Bearer realm=\"gw\"");
}

std::optional<std::string_view> bearer(const Request& request) {
  const std::string_view field = request.headers.get("authorization");
  if (!istarts_with(field, "bearer ")) return std::nullopt;
  return trim(field.substr(7));
}

// The operation that a request names, found as find_route() does. `allowed` as in Found.
struct Wanted {
  const Operation* operation = nullptr;
  Fields parameters;
  std::string allowed;
};

Wanted wanted_of(const Request& request) {
  // The routes have the same order as the operations, so an index into one is an index into the
  // other.
  static const Routes table = [] {
    Routes all;
    for (const Operation& each : api::operations())
      all.push_back({each.method, each.pattern, Access::Public, nullptr, Kind::Plain});
    return all;
  }();
  Found found = find_route(table, request.method, request.path);
  if (found.route == nullptr) return {nullptr, {}, std::move(found.allowed)};
  return {&api::operations()[static_cast<std::size_t>(found.route - table.data())],
          std::move(found.parameters),
          {}};
}

// Refuses parameters that the operation does not know: with a misspelt filter, the caller would
// otherwise receive everything.
std::optional<Response> unknown_query(const Operation& operation, const Request& request) {
  for (const auto& [name, value] : request.query.items())
    if (std::ranges::find(operation.query, name, &api::Parameter::name) == operation.query.end())
      return problem(400, "unknown_parameter", "unknown parameter `" + printable(name) + "`");
  return std::nullopt;
}

// Reads and checks the body, and moves it to `call`. Returns nullopt if that succeeds, else the
// response.
std::optional<Response> read_body(const Operation& operation, Request& request, Call& call) {
  if (operation.request.empty()) {
    if (request.body.empty()) return std::nullopt;
    return problem(400, "unexpected_body", "the operation accepts no body");
  }
  const std::string_view type = request.headers.get("content-type");
  // A foreign web page cannot send this type without a CORS preflight, which this server does not
  // answer: a second protection against CSRF.
  if (!iequals(trim(type.substr(0, type.find(';'))), "application/json"))
    return problem(415, "unsupported_media_type", "the body must be application/json");
  Result<Json> body = api::read_body(request, call.secrets);
  if (!body) return problem(400, "bad_json", body.error().text());
  const Json schema{{"$ref", "#/components/schemas/" + std::string(operation.request)}};
  if (const auto wrong = api::misfit(*body, schema, "")) return problem(400, "bad_request", *wrong);
  call.body = std::move(*body);
  return std::nullopt;
}

Response answer_of(const Operation& operation, const Request& request, Result<Answer> answer) {
  if (!answer) return failed(request, answer.error());
  if (answer->other) return std::move(*answer->other);
  if (operation.answer.empty()) {
    Response response;
    response.status = 204;
    return response;
  }
  if (answer->secret.empty()) return json_response(operation.status, answer->json);
  Response response = json_response(operation.status, {});
  // Into memory that is large enough: to grow a string frees a copy of the secret that is not wiped.
  const std::string_view text = answer->secret.text();
  response.body.clear();
  response.body.reserve(text.size() + 1);
  response.body.append(text).push_back('\n');
  response.secret = true;
  return response;
}

struct Admitted {
  vault::ApiToken token;
  store::Store* store = nullptr;
};

// Returns the token of the request, or the response that refuses it.
std::variant<Admitted, Response> admit(Console& console, const Request& request) {
  const auto shown = bearer(request);
  if (!shown) return unauthorized();
  const Result<store::Store*> store = console.store();
  if (!store) return failed(request, store.error());
  const auto token = vault::check_api_token(**store, as_bytes(*shown), console.now());
  if (!token && token.error().code() != Code::Denied) return failed(request, token.error());
  if (!token) {
    // The limit is applied only after the token turned out to be wrong. A valid token is never
    // delayed by another client that guesses from the same address, for example behind one NAT.
    const std::string source = net::source_of(request.peer.address);
    if (const auto wait = console.api_tries().left(source); wait.count() > 0)
      return api::too_many(wait, "too many wrong tokens");
    console.api_tries().failed(source);
    log::warning("token refused", {{"path", request.path}, {"rhost", request.peer.address}});
    return unauthorized();
  }
  // After the check, so that only the owner of a token can use up its rate.
  if (const auto wait = console.api_pace().take(token->name); wait.count() > 0)
    return api::too_many(wait, "too many requests");
  return Admitted{*token, *store};
}

// Returns a Context without a session: there is no CSRF token and no session id.
Context context_of(Console& console, const Request& request, const Admitted& admitted) {
  Context context(console, admitted.store, Language::English);
  context.sign_in(vault::account_of(admitted.token), {}, "",
                  "api " + admitted.token.name + " from " + request.peer.address);
  return context;
}

Response forbidden(std::string_view scope, bool unlimited) {
  const std::string hint =
      unlimited ? "use a token of scope " + std::string(scope) + " that is not limited to some names"
                : "use a token of scope " + std::string(scope);
  return problem(403, "forbidden", "the token does not permit this operation", hint);
}

Response call_with_token(Console& console, const Operation& operation, Request& request) {
  auto in = admit(console, request);
  if (auto* refused = std::get_if<Response>(&in)) return std::move(*refused);
  const vault::ApiToken& token = std::get<Admitted>(in).token;
  Context context = context_of(console, request, std::get<Admitted>(in));
  // The account of a `metrics` token has the role of a viewer, so that it can read the numbers; it
  // is excluded from all operations here.
  if (token.scope == vault::Scope::Metrics || !context.may(operation.scope) ||
      (operation.unlimited && !context.account().is_unrestricted()))
    return forbidden(name(vault::scope_of(operation.scope)), operation.unlimited);
  // The scope is checked before query and body: a token without the right does not learn whether
  // its request was well formed.
  if (auto refused = unknown_query(operation, request)) return std::move(*refused);
  Call call{context, request, {}, {}};
  if (auto refused = read_body(operation, request, call)) return std::move(*refused);
  // The history records successful changes; the log also records the ones that fail.
  if (operation.method != "GET")
    log::info(
        "api request",
        {{"operation", std::string(operation.id)}, {"token", token.name}, {"rhost", request.peer.address}});
  return answer_of(operation, request, operation.call(call));
}

}  // namespace

Response problem(int status, std::string_view code, std::string_view message, std::string_view hint) {
  Json error;
  error["code"] = code;
  error["message"] = valid_text(message);
  error["hint"] = hint.empty() ? Json() : Json(valid_text(hint));
  return json_response(status, {{"error", error}});
}

bool is_api(std::string_view target) {
  return target.starts_with("/api/");
}

Response answer_api(Console& console, Request& request) {
  Wanted wanted = wanted_of(request);
  if (wanted.operation == nullptr) {
    if (wanted.allowed.empty()) return problem(404, "not_found", "no such operation");
    return problem(405, "method_not_allowed", "the path does not support this method")
        .set("Allow", wanted.allowed);
  }
  request.parameters = std::move(wanted.parameters);
  // Only the document is open. It is the same in all installations of one version.
  if (wanted.operation->open) {
    Context context(console, nullptr, Language::English);
    Call call{context, request, {}, {}};
    return answer_of(*wanted.operation, request, wanted.operation->call(call));
  }
  return call_with_token(console, *wanted.operation, request);
}

bool shows_token(Console& console, const Request& request) {
  const auto shown = bearer(request);
  const Result<store::Store*> store = console.store();
  return shown && store && vault::check_api_token(**store, as_bytes(*shown), console.now());
}

std::optional<Response> answer_metrics(Console& console, const Request& request) {
  if (!bearer(request)) return std::nullopt;
  auto in = admit(console, request);
  if (auto* refused = std::get_if<Response>(&in)) return std::move(*refused);
  const Context context = context_of(console, request, std::get<Admitted>(in));
  // The metrics cover all mailboxes and routes.
  if (!context.account().is_unrestricted()) return forbidden("metrics", true);
  return metrics_of(context);
}

const api::Operations& api::operations() {
  static const Operations all = [] {
    Operations made;
    made.push_back({"GET", "/api/v1/openapi.json", "describe", "Return this document", vault::Role::Viewer,
                    [](Call&) { return Result<Answer>(Answer{document()}); }, "Document"});
    made.back().open = true;
    add_vault_operations(made);
    add_mailbox_operations(made);
    add_message_operations(made);
    add_route_operations(made);
    add_access_operations(made);
    return made;
  }();
  return all;
}

}  // namespace gw::web
