#include "web/diagnoses.h"

#include <algorithm>

#include "base/text.h"
#include "vault/change_note.h"
#include "web/ui/widgets.h"

namespace gw::web {

Html diagnosis_text(const Context& context, const vault::Diagnosis& diagnosis) {
  const Words& w = context.w;
  const vault::Facts& facts = diagnosis.facts;
  // The client, without the user by whom the server runs.
  const std::string detail(diagnosis.cause == vault::Cause::Refused ? vault::read_author(facts.detail).by
                                                                    : std::string_view(facts.detail));
  // All placeholders, by the facts that hold them. A text uses those of its cause (vault::Cause).
  // For Refused, `size` holds the SMTP reply code, hence `code`.
  const Fills fills{{"count", w.number(facts.count)},
                    {"size", w.size(facts.size)},
                    {"limit", w.size(facts.limit)},
                    {"span", w.span(facts.seconds)},
                    {"age", w.dative_span(facts.seconds)},
                    {"time", w.time(facts.time)},
                    {"code", std::to_string(facts.size)},
                    {"detail", printable(detail)},
                    {"name", diagnosis.about}};
  const auto counted = [&](Text one, Text many) { return w(facts.count == 1 ? one : many, fills); };
  switch (diagnosis.cause) {
    case vault::Cause::None:
      break;
    case vault::Cause::ReadOnly:
      return w("diagnosis.read-only", fills);
    case vault::Cause::DiskFull:
      return w("diagnosis.disk-full", fills);
    case vault::Cause::LittleRoom:
      return w("diagnosis.little-room", fills);
    case vault::Cause::ClockBehind:
      return w("diagnosis.clock", fills);
    case vault::Cause::WeakPasswords:
      return w("diagnosis.weak-passwords", fills);
    case vault::Cause::NoRecovery:
      return w("diagnosis.no-recovery", fills);
    case vault::Cause::NoBackup:
      return w("diagnosis.no-backup", fills);
    case vault::Cause::OldBackup:
      return w("diagnosis.old-backup", fills);
    case vault::Cause::NoVerify:
      return w("diagnosis.no-verify", fills);
    case vault::Cause::OldVerify:
      return w("diagnosis.old-verify", fills);
    case vault::Cause::Findings:
      return counted("diagnosis.findings.one", "diagnosis.findings.many");
    case vault::Cause::Refused:
      return counted("diagnosis.refused.one", "diagnosis.refused.many");
    case vault::Cause::DrainBroken:
      return counted("diagnosis.drain-broken.one", "diagnosis.drain-broken.many");
    case vault::Cause::Unfetched:
      // vault::Facts marks "never" with a time of 0 here, and with 0 seconds below.
      return facts.time == 0 ? counted("diagnosis.never-drained.one", "diagnosis.never-drained.many")
                             : counted("diagnosis.unfetched.one", "diagnosis.unfetched.many");
    case vault::Cause::Silence:
      return facts.seconds == 0 ? w("diagnosis.never-delivered", fills) : w("diagnosis.silence", fills);
    case vault::Cause::Quota:
      return w("diagnosis.quota", fills);
    case vault::Cause::Quarantined:
      return w("diagnosis.quarantined", fills);
    case vault::Cause::Unconfirmed:
      return w("diagnosis.unconfirmed", fills);
    case vault::Cause::Suspended:
      return w("diagnosis.suspended", fills);
  }
  // Findings without a cause, such as those about the host: their English text.
  return escaped(diagnosis.text);
}

Html diagnosis_notices(const Context& context, std::vector<vault::Diagnosis> diagnoses) {
  // Stable: within one level the order of the examination remains.
  std::ranges::stable_sort(diagnoses, std::ranges::greater(), &vault::Diagnosis::level);
  Html items;
  for (const vault::Diagnosis& each : diagnoses) {
    if (each.level == vault::Level::Good) continue;
    const Tone tone = each.level == vault::Level::Trouble ? Tone::Bad : Tone::Warning;
    items += tag("li", {}, notice(diagnosis_text(context, each), tone));
  }
  return items.empty() ? Html() : tag("ul", {{"class", "alarms"}}, items);
}

}  // namespace gw::web
