#include "json/objects.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "seal/age.h"
#include "vault/change_note.h"

namespace gw::json {
namespace {

Json id_or_null(const auto& id) {
  return id.zero() ? Json() : Json(id.hex());
}

// Omits empty fields; most envelopes use few of them.
void put_if_any(Json& object, const std::string& name, std::string_view text) {
  if (!text.empty()) put_text(object, name, text);
}

std::string_view name(vault::Origin origin) {
  switch (origin) {
    case vault::Origin::Smtp:
      return "smtp";
    case vault::Origin::ProxySmtp:
      return "proxy-smtp";
    case vault::Origin::ProxyPop3:
      return "proxy-pop3";
    case vault::Origin::Import:
      return "import";
  }
  return "smtp";
}

Json stats_json(const std::vector<store::ServerStats>& all) {
  Json list = Json::array();
  for (const store::ServerStats& stats : all) {
    Json object;
    object["name"] = valid_text(stats.of);
    for (const store::ServerCount& count : store::kServerCounts)
      object[std::string(count.name)] = stats.*count.value;
    object["trouble"] = text_or_null(stats.trouble);
    object["trouble_at"] = json_time(stats.trouble_time);
    list.push_back(std::move(object));
  }
  return list;
}

// Sets the fields that every test of a connection to a server has.
void put_server(Json& object, const std::string& address, const std::optional<net::TlsFacts>& tls,
                const std::optional<net::ServerCertificate>& certificate) {
  object["address"] = text_or_null(address);
  object["tls"] = tls ? Json{{"version", tls->version}, {"cipher", tls->cipher}} : Json();
  object["certificate"] = certificate ? Json{{"subject", valid_text(certificate->subject)},
                                             {"issuer", valid_text(certificate->issuer)},
                                             {"names", certificate->names},
                                             {"not_before", json_time(certificate->not_before)},
                                             {"not_after", json_time(certificate->not_after)},
                                             {"sha256", json_digest(certificate->sha256)},
                                             {"verdict", text_or_null(certificate->verdict)}}
                                      : Json();
}

}  // namespace

Json mailbox_row_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                      const vault::Settings& settings) {
  Json object;
  object["id"] = record.id.hex();
  object["name"] = record.name;
  object["address"] = vault::address_of(record, settings);
  object["status"] = name(record.status);
  object["messages"] = stat.live;
  object["octets"] = stat.live_bytes;
  object["unconfirmed"] = stat.unconfirmed;
  object["pending"] = stat.pending;
  object["drained"] = stat.drained;
  object["quarantined"] = stat.quarantined;
  object["accepted"] = stat.accepted;
  object["oldest"] = json_time(stat.oldest);
  object["last_delivery"] = json_time(stat.last_delivery);
  object["last_drain"] = json_time(stat.last_drain);
  return object;
}

Json mailbox_json(const store::MailboxRecord& record, const store::MailboxStat& stat,
                  const vault::Settings& settings) {
  Json object = mailbox_row_json(record, stat, settings);
  put_text(object, "description", record.description);
  object["aliases"] = record.aliases;
  object["domains"] = record.domains;
  object["allow"] = record.allow;
  object["allow_miss"] = record.allow_reject ? "reject" : "defer";
  object["quota"] = record.quota;
  object["grace"] = record.grace;
  object["receipts"] = record.receipts;
  object["hold"] = record.hold;
  object["trace"] = name(record.trace);
  object["require_tls"] = record.require_tls;
  object["smtp_auth"] = record.token_hash.has_value();
  object["created"] = json_time(record.created);
  // Public keys only; the slots with the secret halves are never part of the JSON.
  Json& keys = object["keys"] = Json::array();
  for (const store::Generation& each : record.generations) {
    keys.push_back(generation_json(each.number, each.public_key));
    keys.back()["since"] = json_time(each.since);
  }
  return object;
}

Json created_mailbox_json(const store::MailboxRecord& record, const std::string& address) {
  Json object;
  object["id"] = record.id.hex();
  object["name"] = record.name;
  object["address"] = address;
  object["grace"] = record.grace;
  return object;
}

Json generation_json(std::uint32_t number, const seal::PublicKey& key) {
  return {{"generation", number}, {"recipient", seal::recipient(key)}};
}

Json message_json(const store::MessageRecord& record) {
  Json object;
  object["id"] = record.id.hex();
  object["received_at"] = json_time(record.received);
  object["octets"] = record.size;
  object["wire_octets"] = record.wire_size;
  object["state"] = name(record.state);
  object["digest"] = to_hex(record.container);
  object["seq"] = record.seq;
  object["generation"] = record.generation;
  object["container_octets"] = record.container_size;
  object["changed_at"] = json_time(record.changed);
  return object;
}

Json envelope_json(const vault::Envelope& envelope) {
  Json object = Json::object();
  put_text(object, "mail_from", envelope.reverse_path);
  put_if_any(object, "mail_parameters", envelope.parameters);
  Json& recipients = object["rcpt_to"] = Json::array();
  for (const vault::EnvelopeRecipient& each : envelope.recipients) {
    Json recipient = Json::object();
    put_text(recipient, "address", each.address);
    put_if_any(recipient, "parameters", each.parameters);
    put_if_any(recipient, "refusal", each.refusal);
    recipients.push_back(std::move(recipient));
  }
  object["received_at"] = rfc3339(envelope.received);
  object["origin"] = name(envelope.origin);
  put_if_any(object, "helo", envelope.helo);
  put_if_any(object, "host", envelope.host);
  put_if_any(object, "peer", envelope.peer);
  put_if_any(object, "tls", envelope.tls);
  put_if_any(object, "client_certificate", envelope.client_certificate);
  put_if_any(object, "auth", envelope.auth);
  put_if_any(object, "listener", envelope.listener);
  put_if_any(object, "transaction", envelope.transaction);
  put_if_any(object, "route", envelope.route);
  put_if_any(object, "login", envelope.login);
  put_if_any(object, "source", envelope.source);
  if (!envelope.trace.empty()) {
    Json& trace = object["trace"] = Json::array();
    for (const std::string& line : envelope.trace) trace.push_back(valid_text(line));
  }
  object["octets"] = envelope.size;
  object["sha256"] = to_hex(envelope.sha256);
  object["bare_newline"] = envelope.bare_newline;
  object["eight_bit"] = envelope.eight_bit;
  object["long_line"] = envelope.long_line;
  object["nul"] = envelope.nul;
  return object;
}

Json result_json(const MessageId& id, const Error* error) {
  return {{"id", id.hex()},
          {"result", error == nullptr ? "ok" : "failed"},
          {"reason", error == nullptr ? Json() : Json(valid_text(error->text()))}};
}

Json leaf_json(const store::Leaf& leaf) {
  Json object;
  object["seq"] = leaf.index;
  object["time"] = rfc3339(leaf.time);
  object["type"] = name(leaf.type);
  object["mailbox"] = id_or_null(leaf.mailbox);
  object["message"] = id_or_null(leaf.message);
  object["digest"] = json_digest(leaf.container);
  put_text(object, "actor", leaf.actor);
  const vault::Author author = vault::read_author(leaf.actor);
  object["user"] = text_or_null(author.user);
  object["object"] = text_or_null(author.object);
  object["change"] = text_or_null(author.change);
  object["value"] = leaf.value;
  object["envelope"] = json_digest(leaf.envelope);
  object["commitment"] = json_digest(leaf.commitment);
  return object;
}

std::string leaf_line(const store::Leaf& leaf) {
  return one_line(leaf_json(leaf));
}

// The hash is left out: no client needs it.
Json token_json(const vault::ApiToken& token) {
  Json object;
  object["name"] = token.name;
  object["scope"] = name(token.scope);
  object["only"] = token.only;
  object["created"] = json_time(token.created);
  object["expires"] = json_time(token.expires);
  object["made_by"] = valid_text(token.made_by);
  return object;
}

Json account_json(const vault::Account& account) {
  Json object;
  object["name"] = account.name;
  object["role"] = name(account.role);
  object["only"] = account.only;
  object["language"] = account.language;
  object["disabled"] = account.disabled;
  object["totp"] = account.has_totp();
  object["created"] = json_time(account.created);
  object["password_since"] = json_time(account.password_since);
  return object;
}

Json route_json(const vault::Route& route, const std::function<std::string(const MailboxId&)>& named) {
  Json object;
  object["name"] = route.name;
  object["protocol"] = name(route.protocol);
  object["upstream"] = route.upstream();
  object["tls"] = name(route.tls);
  object["ca"] = text_or_null(route.ca_file);
  object["pin"] = route.pin ? Json(to_hex(*route.pin)) : Json();
  object["mailbox"] = route.mailbox.zero() ? Json() : Json(named(route.mailbox));
  Json& map = object["map"] = Json::array();
  for (const vault::LoginRule& rule : route.map)
    map.push_back({{"login", valid_text(rule.pattern)}, {"mailbox", named(rule.mailbox)}});
  Json& logins = object["logins"] = Json::array();
  for (const std::string& pattern : route.logins) logins.push_back(valid_text(pattern));
  object["clients"] = route.clients;
  object["allow_private"] = route.allow_private;
  object["on_copy_failure"] = name(route.on_copy_failure);
  object["uncopied_delete"] = name(route.uncopied_delete);
  object["description"] = valid_text(route.description);
  return object;
}

Json status_json(const vault::VaultStatus& status, const std::optional<std::string>& path) {
  const store::Health& health = status.health;
  Json object;
  object["vault"] = health.vault.hex();
  if (path) object["path"] = *path;
  object["writable"] = health.writable;
  object["full"] = health.full;
  object["reason"] = text_or_null(health.reason);
  object["free_octets"] = health.free_bytes;
  object["free_inodes"] = health.free_inodes;
  object["commits"] = health.commits;
  object["mailboxes"] = status.mailboxes;
  object["live"] = status.total.live;
  object["live_octets"] = status.total.live_bytes;
  object["unconfirmed"] = status.total.unconfirmed;
  object["drained"] = status.total.drained;
  object["quarantined"] = status.total.quarantined;
  object["accepted"] = status.total.accepted;
  object["checkpoint_key"] = text_or_null(health.verifier);
  object["last_backup"] = json_time(status.backup ? status.backup->time : 0);
  object["last_verify"] = json_time(status.verify ? status.verify->time : 0);
  object["last_verify_findings"] = status.verify ? Json(status.verify->findings) : Json();
  object["servers"] = stats_json(status.servers);
  object["routes"] = stats_json(status.routes);
  return object;
}

Json route_check_json(const proxy::RouteCheck& check) {
  Json object;
  object["works"] = check.trouble.empty();
  object["trouble"] = text_or_null(check.trouble);
  object["took_ms"] = check.took.count();
  object["capabilities"] = check.capabilities;
  put_server(object, check.address, check.tls, check.certificate);
  return object;
}

Json delivery_test_json(const smtpd::MailboxTest& test) {
  const std::string trouble = test.trouble();
  Json object;
  object["delivered"] = trouble.empty();
  object["trouble"] = text_or_null(trouble);
  object["message"] = test.message ? Json(test.message->hex()) : Json();
  object["took_ms"] = test.sent.took.count();
  Json& dialog = object["dialog"] = Json::array();
  for (const auto& line : test.sent.dialog)
    dialog.push_back({{"from", line.ours ? "client" : "server"}, {"text", valid_text(line.text)}});
  put_server(object, test.sent.address, test.sent.tls, test.sent.certificate);
  return object;
}

}  // namespace gw::json
