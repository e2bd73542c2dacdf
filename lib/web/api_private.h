// What the operations of the API have in common. Inside web's api files only.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "net/stream.h"
#include "seal/keypair.h"
#include "transfer/json.h"
#include "vault/account.h"
#include "web/context.h"
#include "web/http.h"

namespace gw::web::api {

using transfer::Json;

// Fields of a body that are secrets: taken out before anything else reads it, into locked memory.
inline constexpr std::string_view kSecretFields[] = {"password", "new_password", "token"};
using Secrets = std::map<std::string, Secret, std::less<>>;

struct Call {
  Context& context;
  const Request& request;
  Json body;  // checked against the operation's schema; secrets are blank in it
  Secrets secrets;

  store::Store& store() const { return context.store(); }
  // A secret that the schema requires, or an empty one.
  const Secret& secret(std::string_view name) const;
  std::optional<Secret> secret_if_any(std::string_view name) const;
  std::string_view parameter(std::string_view name) const { return request.parameter(name); }
};

struct Answer {
  Json json;
  bool secret = false;                 // wiped once it is sent
  std::optional<Response> other = {};  // instead: octets that are no JSON
};

struct Parameter {
  std::string_view name;
  std::string_view type;  // `string`, `integer`
  std::string_view what;
};

struct Operation {
  std::string_view method;
  std::string_view pattern;  // `/api/v1/mailboxes/:name`
  std::string_view id;       // of OpenAPI
  std::string_view summary;
  vault::Role scope = vault::Role::Viewer;
  Result<Answer> (*call)(Call&) = nullptr;
  std::string_view answer = {};   // name of its schema; `[Name]`: a list of these; empty: 204, nothing
  std::string_view request = {};  // name of the body's schema; empty: no body
  int status = 200;
  std::vector<Parameter> query = {};
  bool unlimited = false;  // only a token without patterns
  bool open = false;       // no token is asked for
};
using Operations = std::vector<Operation>;

// The keys of a mailbox, by the body's `password`. Denied: it is not the password. Busy: too many were wrong.
Result<seal::KeyRing> unlock(Call& call, const store::MailboxRecord& mailbox);

// One function for each area.
void add_mailbox_operations(Operations& all);
void add_message_operations(Operations& all);
void add_route_operations(Operations& all);
void add_vault_operations(Operations& all);
void add_access_operations(Operations& all);
const Operations& operations();

// components.schemas of the document.
const Json& schemas();
// The whole document (OpenAPI 3.1).
const Json& document();

// Why a body is not what the schema says, for people, with the field's name; none: it is.
std::optional<std::string> misfit(const Json& value, const Json& schema, const std::string& where);

// Takes secret fields out of the body, whose octets are blanked there, and reads the rest. BadInput.
Result<Json> read_body(Request& request, Secrets& secrets);

using transfer::json_digest;
using transfer::json_time;
// `address`, `tls` and `certificate` of a connection.
void put_tls(Json& object, const std::string& address, const std::optional<net::TlsFacts>& tls,
             const std::optional<net::ServerCertificate>& shown);
// A page of a list, and where the next one begins.
Answer list_of(Json items, std::uint64_t next);
Answer nothing();
// The whole number in the query; `otherwise` where it is not there. BadInput.
Result<std::uint64_t> number_in(const Call& call, std::string_view name, std::uint64_t otherwise,
                                std::uint64_t most);
Result<std::optional<Micros>> time_in(const Call& call, std::string_view name);
std::optional<std::string> text_in(const Json& body, std::string_view name);
std::optional<std::vector<std::string>> list_in(const Json& body, std::string_view name);
// Denied: `what` is not for a token that is limited to some mailboxes and routes.
Error not_with_patterns(std::string_view what);

}  // namespace gw::web::api
