// What the operations of the API share: their table, the call that each receives, and the reading
// of bodies. For web/api*.cc and web/openapi*.cc only; api.h is the interface to the rest.
//
// An operation is one row of a table and one function:
//
//   Result<Answer> show(Call& call) {
//     const auto route = call.context.route(call.parameter("name"));
//     return route ? Answer{json_of(call.context, *route)} : Result<Answer>(route.error());
//   }
#pragma once

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "json/objects.h"
#include "net/stream.h"
#include "seal/keypair.h"
#include "vault/account.h"
#include "web/attempt.h"
#include "web/context.h"
#include "web/http/http.h"

namespace gw::web::api {

using json::Json;

// The fields of a body that hold secrets. read_body() moves their values to locked memory before
// the JSON library sees the body, which copies texts into ordinary memory.
inline constexpr std::string_view kSecretFields[] = {"password", "new_password", "token"};
using Secrets = std::map<std::string, Secret, std::less<>>;

// One call of an operation, after the token, the query and the body were checked. The references
// must outlive the Call.
struct Call {
  Context& context;
  const Request& request;
  // The body, which conforms to the operation's request schema. The values of secret fields are
  // spaces.
  Json body;
  Secrets secrets;

  store::Store& store() const { return context.store(); }
  // Returns a secret field of the body, or an empty secret if there is none. Valid as long as the
  // Call.
  const Secret& secret(std::string_view name) const;
  // Returns a copy of an optional secret field; nullopt if the body does not have it.
  std::optional<Secret> secret_if_any(std::string_view name) const;
  // Returns the segment of the path for `:name` in the operation's pattern.
  std::string_view parameter(std::string_view name) const { return request.parameter(name); }
};

// What an operation returns if it succeeds.
struct Answer {
  Json json;
  // JSON text with a secret, from json::with_secrets(), which replaces `json`. The response is wiped
  // from memory after it is sent.
  Secret secret = {};
  // A response with a body other than JSON, which replaces `json`.
  std::optional<Response> other = {};
};

// A parameter of the query. A request with any other parameter is refused with 400.
struct Parameter {
  std::string_view name;
  std::string_view type;  // `string`, `integer`
  std::string_view what;  // description in the document
};

// One row of the table of operations, from which requests are served and the OpenAPI document is
// generated. The texts must have static storage duration.
struct Operation {
  std::string_view method;
  std::string_view pattern;  // `/api/v1/mailboxes/:name`
  // The operationId of the document; log lines name it too.
  std::string_view id;
  std::string_view summary;
  // The role, and so the scope of the token, that the operation needs.
  vault::Role scope = vault::Role::Viewer;
  Result<Answer> (*call)(Call&) = nullptr;
  // The schema of the response: a name; `[Name]` for a list of such objects; empty for 204.
  std::string_view answer = {};
  // The schema of the body; empty if the operation takes no body.
  std::string_view request = {};
  int status = 200;
  std::vector<Parameter> query = {};
  // Whether a token that is limited to some mailboxes and routes is refused.
  bool unlimited = false;
  // Whether the operation needs no token. Its Call then has neither an account nor a store.
  bool open = false;
};
using Operations = std::vector<Operation>;

// Opens the mailbox with the `password` of the body. This token has to wait after too many wrong
// passwords for this mailbox.
Attempt<seal::KeyRing> unlock(Call& call, const store::MailboxRecord& mailbox);
// What an operation returns after unlock() has failed: 429 if the token has to wait.
Result<Answer> not_unlocked(const Attempt<seal::KeyRing>& tried);

// Returns the response 429, with Retry-After.
Response too_many(std::chrono::milliseconds wait, std::string_view why);

// Each function appends the operations of one area to the table.
void add_mailbox_operations(Operations& all);
void add_message_operations(Operations& all);
void add_route_operations(Operations& all);
void add_vault_operations(Operations& all);
void add_access_operations(Operations& all);
// Returns the whole table, which is built at the first call and never changes.
const Operations& operations();

// Returns the schemas, `components.schemas` of the document, by name.
const Json& schemas();
// Returns the OpenAPI 3.1 document.
const Json& document();

// Returns why `value` does not conform to `schema`, as English text that names the field; nullopt
// if it conforms. `where` is the path of `value` within the body, empty for the body itself. It
// supports the subset of JSON Schema that openapi_schemas.cc uses: $ref, type, enum, minimum,
// maximum, maxItems, items, properties and required; a property that the schema does not list is an
// error.
std::optional<std::string> misfit(const Json& value, const Json& schema, const std::string& where);

// Moves the secret fields of the body to `secrets`, overwrites them with spaces in request.body,
// and parses the rest. Fails with BadInput unless the body is JSON of at most 16 levels.
Result<Json> read_body(Request& request, Secrets& secrets);

// Returns one page of a list. `next` is what the client passes to receive the next page; 0, written
// as null, on the last page.
Answer list_of(Json items, std::uint64_t next);
// Returns the empty answer of an operation without a response body (204).
Answer nothing();
// Returns the whole number in a parameter of the query, or `otherwise` if it is missing. Fails with
// Usage if it is not a number, less than `least` or greater than `most`.
Result<std::uint64_t> number_in(const Call& call, std::string_view name, std::uint64_t otherwise,
                                std::uint64_t least, std::uint64_t most);
// Returns the time in a parameter of the query, in microseconds since the epoch; nullopt if it is
// missing. Fails with Usage unless it is in the form of RFC 3339.
Result<std::optional<Micros>> time_in(const Call& call, std::string_view name);
// Returns a text field of the body; empty if it is null; nullopt if it is missing.
std::optional<std::string> text_in(const Json& body, std::string_view name);
// Returns a field of the body that is a list of texts; nullopt if it is missing.
std::optional<std::vector<std::string>> list_in(const Json& body, std::string_view name);
// Returns the error for a token that is limited to some mailboxes and routes: Denied, with `what`
// as the subject of its text.
Error not_with_patterns(std::string_view what);

}  // namespace gw::web::api
