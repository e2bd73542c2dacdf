// The report for auditors as JSON.
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/text.h"
#include "json/json.h"
#include "store/audit.h"

namespace gw::cmd {
namespace {

using Json = nlohmann::ordered_json;

Json numbers(const vault::AuditCounts& counts) {
  Json object;
  for (const vault::AuditCount& each : vault::kAuditCounts) object[each.name] = counts.*each.value;
  return object;
}

Json events(const vault::AuditList& list) {
  Json all = Json::array();
  for (const vault::AuditEvent& event : list.events) {
    Json object;
    object["time"] = rfc3339(event.time);
    object["entry"] = event.index;
    object["type"] = event.type;
    object["value"] = event.value;
    object["root"] = json::json_digest(event.root);
    object["actor"] = event.actor;
    all.push_back(std::move(object));
  }
  return Json{{"total", list.total}, {"entries", std::move(all)}};
}

Json inclusion(const vault::Inclusion& proof) {
  Json object;
  object["leaf"] = to_hex(proof.leaf);
  object["leaf_index"] = proof.index;
  object["tree_size"] = proof.size;
  object["path"] = Json::array();
  for (const Digest& hash : proof.path) object["path"].push_back(to_hex(hash));
  object["root"] = to_hex(proof.root);
  return object;
}

}  // namespace

Json audit_json(const AuditDocument& document) {
  const vault::AuditReport& report = document.report;
  Json object;
  object["report"] = 1;  // version of this form
  object["vault"] = report.vault.hex();
  object["mailbox"] = report.name;
  object["mailbox_id"] = report.mailbox.hex();
  object["period"] = report.period.name;
  object["begin"] = rfc3339(report.period.begin);
  object["end"] = rfc3339(report.period.end);
  object["made"] = rfc3339(report.made);
  object["first_entry"] = report.first;
  object["entries"] = report.entries;
  object["covered"] = report.covered;
  object["stored_before"] = report.before.remaining();
  object["stored_after"] = report.before.remaining() + report.counts.remaining();
  object["counts"] = numbers(report.counts);
  Json& days = object["days"] = Json::array();
  for (std::size_t day = 0; day < report.days.size(); ++day) {
    Json each = numbers(report.days[day]);
    each["day"] = report.period.name + (day < 9 ? "-0" : "-") + std::to_string(day + 1);
    days.push_back(std::move(each));
  }
  Json& actors = object["actors"] = Json::array();
  for (const vault::AuditActor& actor : report.actors) {
    Json each = numbers(actor.counts);
    each["actor"] = actor.who;
    actors.push_back(std::move(each));
  }
  object["changes"] = events(report.changes);
  object["gaps"] = events(report.gaps);
  object["verifications"] = events(report.verifications);
  object["checkpoints"] = events(report.checkpoints);
  object["intact"] = report.findings.empty();
  object["findings"] = Json::array();
  for (const std::string& finding : report.findings) object["findings"].push_back(valid_text(finding));
  object["tree_size"] = report.size;
  object["root"] = report.head ? Json(to_hex(report.root)) : Json();
  object["head"] = report.head ? inclusion(*report.head) : Json();
  object["checkpoint"] = report.note.empty() ? Json() : Json(report.note);
  object["verifier"] = report.verifier.empty() ? Json() : Json(report.verifier);
  object["timestamp"] = Json();
  if (document.timestamp)
    object["timestamp"] = {{"time", rfc3339(document.timestamp->says.time)},
                           {"response", to_base64(document.timestamp->response)}};
  return object;
}

}  // namespace gw::cmd
