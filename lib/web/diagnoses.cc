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
  const std::string id = "diagnosis." + std::string(name(diagnosis.cause));
  auto text = Text::find(id);
  if (!text) text = Text::find(id + (facts.count == 1 ? ".one" : ".many"));
  // Findings without a cause, such as those about the host, have no row: their English text.
  return text ? w(*text, fills) : escaped(diagnosis.text);
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
