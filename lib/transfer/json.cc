#include "transfer/json.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "seal/age.h"
#include "seal/base64.h"

namespace gw::transfer {

Json json_time(Micros time) {
  return time == 0 ? Json() : Json(rfc3339(time));
}

Json json_digest(const Digest& digest) {
  return digest == Digest{} ? Json() : Json(to_hex(digest));
}

// The text with replacement characters is for reading; a program that needs the exact bytes takes
// the base64.
void put_text(Json& object, const std::string& name, std::string_view text) {
  object[name] = valid_text(text);
  if (!valid_utf8(text)) object[name + "_b64"] = seal::to_base64(as_bytes(text), seal::Padding::Full);
}

// The order of the fields is part of the output: `ordered_json` keeps it.
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
  for (const store::Generation& each : record.generations)
    keys.push_back({{"generation", each.number},
                    {"recipient", seal::recipient(each.public_key)},
                    {"since", json_time(each.since)}});
  return object;
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

Json leaf_json(const store::Leaf& leaf) {
  Json object;
  object["seq"] = leaf.index;
  object["time"] = rfc3339(leaf.time);
  object["type"] = name(leaf.type);
  object["mailbox"] = leaf.mailbox.zero() ? Json() : Json(leaf.mailbox.hex());
  object["message"] = leaf.message.zero() ? Json() : Json(leaf.message.hex());
  object["digest"] = json_digest(leaf.container);
  put_text(object, "actor", leaf.actor);
  object["value"] = leaf.value;
  object["envelope"] = json_digest(leaf.envelope);
  object["commitment"] = json_digest(leaf.commitment);
  return object;
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

Json route_json(const vault::Route& route, const std::function<std::string(const MailboxId&)>& named) {
  Json object;
  object["name"] = route.name;
  object["protocol"] = name(route.protocol);
  object["upstream"] = route.upstream();
  object["tls"] = name(route.tls);
  object["ca"] = route.ca_file.empty() ? Json() : Json(valid_text(route.ca_file));
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

}  // namespace gw::transfer
