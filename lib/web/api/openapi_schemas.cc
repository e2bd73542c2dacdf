// The schemas of the API: what bodies must be, which misfit() checks, and what responses are.
#include "web/api/api_private.h"

namespace gw::web::api {
namespace {

// Groups of fields that several schemas share. A schema names its groups in `fields`, and
// resolved() merges them. JSON Schema's own `allOf` would not do: combined with
// additionalProperties false, each part refuses the fields of the other.
constexpr const char* kFields = R"({
"MailboxRow": {
  "id": {"type": "string"}, "name": {"type": "string"}, "address": {"type": "string"},
  "status": {"type": "string", "enum": ["active", "suspended"]},
  "messages": {"type": "integer", "description": "Waiting for the archive: live and unconfirmed"},
  "octets": {"type": "integer"}, "unconfirmed": {"type": "integer"}, "pending": {"type": "integer"},
  "drained": {"type": "integer"}, "quarantined": {"type": "integer"},
  "accepted": {"type": "integer", "description": "In total"},
  "oldest": {"type": ["string", "null"], "format": "date-time"},
  "last_delivery": {"type": ["string", "null"], "format": "date-time"},
  "last_drain": {"type": ["string", "null"], "format": "date-time"}
},
"MailboxWords": {
  "description": {"type": "string"},
  "aliases": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "domains": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "allow": {"type": "array", "maxItems": 1000, "items": {"type": "string"}, "description": "Addresses or CIDR blocks of senders, or `microsoft365`; empty: all"},
  "quota": {"type": "integer", "minimum": 0, "description": "Greatest number of bytes that may wait; 0: no quota"},
  "grace": {"type": "integer", "minimum": 0, "description": "Seconds during which drained mail can be brought back"},
  "receipts": {"type": "integer", "minimum": 0, "description": "Seconds during which the content of removed mail can still be proved"},
  "trace": {"type": "string", "enum": ["auto", "on", "off"]}
},
"MailboxSwitches": {
  "allow_miss": {"type": "string", "enum": ["defer", "reject"]},
  "hold": {"type": "boolean"}, "require_tls": {"type": "boolean"}
},
"RouteWords": {
  "upstream": {"type": "string", "description": "HOST:PORT"},
  "tls": {"type": "string", "enum": ["implicit", "starttls", "none"]},
  "ca": {"type": ["string", "null"], "description": "A file on the host of gw-proxy"},
  "pin": {"type": ["string", "null"], "description": "SHA-256 of the certificate, instead of checking name and chain"},
  "mailbox": {"type": ["string", "null"]},
  "map": {"type": "array", "maxItems": 1000, "items": {"type": "object", "required": ["login", "mailbox"],
    "additionalProperties": false,
    "properties": {"login": {"type": "string"}, "mailbox": {"type": "string"}}}},
  "logins": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "clients": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "allow_private": {"type": "boolean"},
  "on_copy_failure": {"type": "string", "enum": ["refuse", "pass"]},
  "uncopied_delete": {"type": "string", "enum": ["copy", "refuse", "pass"]},
  "description": {"type": "string"}
},
"Tls": {
  "address": {"type": ["string", "null"]},
  "tls": {"type": ["object", "null"], "required": ["version", "cipher"], "additionalProperties": false,
    "properties": {"version": {"type": "string"}, "cipher": {"type": "string"}}},
  "certificate": {"type": ["object", "null"], "additionalProperties": false,
    "required": ["subject", "issuer", "names", "not_before", "not_after", "sha256", "verdict"],
    "properties": {"subject": {"type": "string"}, "issuer": {"type": "string"},
      "names": {"type": "array", "items": {"type": "string"}},
      "not_before": {"type": ["string", "null"]}, "not_after": {"type": ["string", "null"]},
      "sha256": {"type": "string"},
      "verdict": {"type": ["string", "null"], "description": "Why name or chain is not accepted"}}}
},
"Account": {
  "name": {"type": "string"}, "role": {"type": "string", "enum": ["viewer", "operator", "administrator"]},
  "only": {"type": "array", "items": {"type": "string"}},
  "language": {"type": "string", "enum": ["", "en", "it", "de"]}, "disabled": {"type": "boolean"},
  "totp": {"type": "boolean"}, "created": {"type": ["string", "null"]},
  "password_since": {"type": ["string", "null"]}
},
"Token": {
  "name": {"type": "string"}, "scope": {"type": "string", "enum": ["metrics", "read", "operate", "administer"]},
  "only": {"type": "array", "items": {"type": "string"}}, "created": {"type": ["string", "null"]},
  "expires": {"type": ["string", "null"]}, "made_by": {"type": "string"}
}
})";

// The schemas by name. `fields` are groups of kFields, `properties` the schema's own fields.
// `required` is a list of names, or "all". A schema with a `type` is taken as it stands.
constexpr const char* kSchemas = R"({
"Document": {"type": "object"},
"Error": {"required": ["error"], "properties": {"error": {"type": "object", "required": ["code", "message", "hint"],
  "additionalProperties": false,
  "properties": {"code": {"type": "string", "description": "For programs"},
    "message": {"type": "string", "description": "For people, in English"},
    "hint": {"type": ["string", "null"], "description": "For people, in English"}}}}},
"Status": {"required": "all", "properties": {
  "vault": {"type": "string"}, "writable": {"type": "boolean"}, "full": {"type": "boolean"},
  "reason": {"type": ["string", "null"]}, "free_octets": {"type": "integer"}, "free_inodes": {"type": "integer"},
  "commits": {"type": "integer"}, "mailboxes": {"type": "integer"}, "live": {"type": "integer"},
  "live_octets": {"type": "integer"}, "unconfirmed": {"type": "integer"}, "drained": {"type": "integer"},
  "quarantined": {"type": "integer"}, "accepted": {"type": "integer"},
  "checkpoint_key": {"type": ["string", "null"], "description": "Public key that verifies the signatures of checkpoints"},
  "last_backup": {"type": ["string", "null"], "format": "date-time"},
  "last_verify": {"type": ["string", "null"], "format": "date-time"},
  "last_verify_findings": {"type": ["integer", "null"], "description": "0: everything is intact"},
  "servers": {"type": "array", "items": {"$ref": "#/components/schemas/ServerStats"}},
  "routes": {"type": "array", "items": {"$ref": "#/components/schemas/ServerStats"}}}},
"ServerStats": {"required": "all", "properties": {
  "name": {"type": "string", "description": "`smtp`, `pop3`, or the name of the route"}, "sessions": {"type": "integer"},
  "tls": {"type": "integer"}, "messages": {"type": "integer"}, "octets": {"type": "integer"},
  "copies": {"type": "integer"}, "uncopied": {"type": "integer"}, "completed": {"type": "integer"},
  "deferred": {"type": "integer"}, "refused": {"type": "integer"}, "failed_logins": {"type": "integer"},
  "trouble": {"type": ["string", "null"]}, "trouble_at": {"type": ["string", "null"]}}},
"MailboxRow": {"fields": ["MailboxRow"], "required": "all", "properties": {}},
"Mailbox": {"fields": ["MailboxRow", "MailboxWords", "MailboxSwitches"], "required": "all", "properties": {
  "smtp_auth": {"type": "boolean"}, "created": {"type": ["string", "null"]},
  "keys": {"type": "array", "items": {"type": "object", "required": ["generation", "recipient", "since"],
    "additionalProperties": false,
    "properties": {"generation": {"type": "integer"}, "recipient": {"type": "string"},
      "since": {"type": ["string", "null"]}}}}}},
"Recipe": {"required": "all", "properties": {
  "kind": {"type": "string", "enum": ["profile", "sender"], "description": "As `gw-store mailbox profile` and `sender`"},
  "for": {"type": "string"}, "text": {"type": "string"}}},
"NewSecret": {"required": ["kind"], "properties": {
  "kind": {"type": "string", "enum": ["password", "sender_token", "api_token"]},
  "name": {"type": "string", "description": "Name of the API token to create"}}},
"MadeSecret": {"required": "all", "properties": {
  "secret": {"type": "string", "description": "Takes effect only when it is sent to another operation"}}},
"NewMailbox": {"fields": ["MailboxWords"], "required": ["name", "password"], "properties": {
  "name": {"type": "string"}, "recovery": {"type": "boolean"},
  "password": {"type": "string", "description": "At least 16 characters, such as from createSecret"},
  "token": {"type": "string", "description": "From createSecret; senders then need it"}}},
"MailboxChange": {"fields": ["MailboxWords", "MailboxSwitches"], "required": [], "properties": {
  "name": {"type": "string"}, "status": {"type": "string", "enum": ["active", "suspended"]}}},
"MadeMailbox": {"required": ["id", "name", "address", "grace"], "properties": {
  "id": {"type": "string"}, "name": {"type": "string"}, "address": {"type": "string"},
  "grace": {"type": "integer"}}},
"Unlock": {"required": ["password"], "properties": {"password": {"type": "string"}}},
"PasswordChange": {"required": ["password", "new_password"], "properties": {
  "password": {"type": "string"},
  "new_password": {"type": "string", "description": "At least 16 characters, such as from createSecret"}}},
"Generation": {"required": "all", "properties": {
  "generation": {"type": "integer"}, "recipient": {"type": "string"}}},
"Message": {"required": "all", "properties": {
  "id": {"type": "string"}, "received_at": {"type": ["string", "null"]}, "octets": {"type": "integer"},
  "wire_octets": {"type": "integer"},
  "state": {"type": "string", "enum": ["pending", "live", "unconfirmed", "drained", "quarantined"]},
  "digest": {"type": "string"}, "seq": {"type": "integer"}, "generation": {"type": "integer"},
  "container_octets": {"type": "integer"}, "changed_at": {"type": ["string", "null"]}}},
"OpenMessage": {"required": ["password"], "properties": {
  "password": {"type": "string", "description": "Password of the mailbox"},
  "form": {"type": "string", "enum": ["text", "headers", "envelope", "journal", "eml"],
    "description": "By default `text`; the response to `eml` is message/rfc822"}}},
"OpenedMessage": {"type": "object", "description": "What `form` asked for",
  "properties": {"fields": {"type": "array"}, "inner_fields": {"type": "array"}, "text": {"type": ["string", "null"]},
    "cut": {"type": "boolean"}, "attachments": {"type": "array"}, "headers": {"type": "string"}}},
"MessagesChange": {"required": ["change", "ids"], "properties": {
  "change": {"type": "string", "enum": ["quarantine", "undelete", "remove"]},
  "ids": {"type": "array", "maxItems": 1000, "items": {"type": "string"}}, "dry_run": {"type": "boolean"}}},
"MessageResult": {"required": "all", "properties": {
  "id": {"type": "string"}, "result": {"type": "string", "enum": ["ok", "failed"]},
  "reason": {"type": ["string", "null"]}}},
"Route": {"fields": ["RouteWords"], "required": "all", "properties": {
  "name": {"type": "string"}, "protocol": {"type": "string", "enum": ["smtp", "pop3"]}}},
"NewRoute": {"fields": ["RouteWords"], "required": ["name", "protocol", "upstream", "tls"], "properties": {
  "name": {"type": "string"}, "protocol": {"type": "string", "enum": ["smtp", "pop3"]}}},
"RouteChange": {"fields": ["RouteWords"], "required": [], "properties": {}},
"RouteTest": {"fields": ["Tls"], "required": "all", "properties": {
  "works": {"type": "boolean"}, "trouble": {"type": ["string", "null"]}, "took_ms": {"type": "integer"},
  "capabilities": {"type": "array", "items": {"type": "string"}}}},
"Event": {"required": ["seq", "time", "type", "mailbox", "message", "digest", "actor", "user", "object", "change", "value", "envelope", "commitment"],
  "properties": {
  "seq": {"type": "integer"}, "time": {"type": "string"}, "type": {"type": "string"},
  "mailbox": {"type": ["string", "null"]}, "message": {"type": ["string", "null"]},
  "digest": {"type": ["string", "null"]}, "actor": {"type": "string"},
  "actor_b64": {"type": "string", "description": "Its bytes in Base64, if they are not UTF-8"},
  "user": {"type": ["string", "null"], "description": "User of the program in /etc/passwd at that time; part of `actor`"},
  "object": {"type": ["string", "null"], "description": "What was changed, such as `route out`; part of `actor`"},
  "change": {"type": ["string", "null"], "description": "What became of it, such as `tls starttls -> implicit`; part of `actor`"},
  "value": {"type": "integer"},
  "envelope": {"type": ["string", "null"]}, "commitment": {"type": ["string", "null"]}}},
"Checkpoint": {"required": "all", "properties": {"note": {"type": "string"},
  "key": {"type": ["string", "null"], "description": "Public key that verifies the note: `gw-store verify --public-key`"}}},
"NewTestDelivery": {"required": ["mailbox"], "properties": {
  "mailbox": {"type": "string"},
  "server": {"type": "string", "description": "One of smtpd.listen in gw.toml; by default the first"}}},
"TestDelivery": {"fields": ["Tls"], "required": "all", "properties": {
  "delivered": {"type": "boolean"}, "trouble": {"type": ["string", "null"]},
  "message": {"type": ["string", "null"]}, "took_ms": {"type": "integer"},
  "dialog": {"type": "array", "items": {"type": "object", "required": ["from", "text"], "additionalProperties": false,
    "properties": {"from": {"type": "string", "enum": ["client", "server"]}, "text": {"type": "string"}}}}}},
"Token": {"fields": ["Token"], "required": "all", "properties": {}},
"NewToken": {"required": ["name", "scope", "token"], "properties": {
  "name": {"type": "string"},
  "token": {"type": "string", "description": "From createSecret, for this name"}, "scope": {"type": "string", "enum": ["metrics", "read", "operate", "administer"]},
  "only": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "expires": {"type": ["string", "null"], "format": "date-time"}}},
"Account": {"fields": ["Account"], "required": "all", "properties": {}},
"NewAccount": {"required": ["name", "role", "password"], "properties": {
  "name": {"type": "string"}, "role": {"type": "string", "enum": ["viewer", "operator", "administrator"]},
  "only": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "language": {"type": "string", "enum": ["", "en", "it", "de"]}, "password": {"type": "string"}}},
"AccountChange": {"required": [], "properties": {
  "role": {"type": "string", "enum": ["viewer", "operator", "administrator"]},
  "only": {"type": "array", "maxItems": 1000, "items": {"type": "string"}},
  "language": {"type": "string", "enum": ["", "en", "it", "de"]}, "disabled": {"type": "boolean"}}},
"PasswordReset": {"required": ["new_password"], "properties": {
  "new_password": {"type": "string"},
  "drop_totp": {"type": "boolean", "description": "Remove the second factor, which does not outlive the password"}}}
})";

Json resolved() {
  const Json fields = Json::parse(kFields);
  Json all = Json::parse(kSchemas);
  for (auto& [name, schema] : all.items()) {
    if (schema.contains("type")) continue;
    Json made;
    made["type"] = "object";
    made["additionalProperties"] = false;
    Json& properties = made["properties"] = Json::object();
    if (schema.contains("fields"))
      for (const Json& set : schema["fields"]) properties.update(fields[set.get<std::string>()]);
    properties.update(schema["properties"]);
    Json& required = made["required"] = Json::array();
    if (schema["required"].is_array()) {
      required = schema["required"];
    } else {
      // "all": every response of this schema has every field.
      for (const auto& each : properties.items()) required.push_back(each.key());
    }
    schema = std::move(made);
  }
  return all;
}

}  // namespace

const Json& schemas() {
  static const Json all = resolved();
  return all;
}

}  // namespace gw::web::api
