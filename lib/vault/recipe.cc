#include "vault/recipe.h"

#include <algorithm>
#include <map>
#include <span>

#include "base/clock.h"
#include "base/text.h"
#include "vault/recipe_texts.h"

namespace gw::vault {
namespace {

std::span<const RecipeText> texts_of(RecipeEnd end) {
  return end == RecipeEnd::Drain ? std::span<const RecipeText>(kDrainRecipes)
                                 : std::span<const RecipeText>(kSenderRecipes);
}

using Values = std::map<std::string, std::string, std::less<>>;

// `{name}` becomes its value. A line with `{?name}` stays, without that mark, only where the value is not
// empty.
std::string filled(std::string_view recipe, const Values& values) {
  std::string text;
  for (std::string_view line : split(recipe, '\n')) {
    std::string out;
    bool wanted = true;
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = line[at] == '{' ? line.find('}', at) : std::string_view::npos;
      const bool optional = end != std::string_view::npos && line[at + 1] == '?';
      const auto value =
          end == std::string_view::npos
              ? values.end()
              : values.find(line.substr(at + (optional ? 2 : 1), end - at - (optional ? 2 : 1)));
      if (value == values.end()) {
        out += line[at++];
        continue;
      }
      if (optional && value->second.empty()) wanted = false;
      if (!optional) out += value->second;
      at = end + 1;
    }
    if (wanted) text += out + "\n";
  }
  if (text.ends_with("\n\n")) text.pop_back();
  return text;
}

}  // namespace

std::vector<std::string_view> recipe_programs(RecipeEnd end) {
  std::vector<std::string_view> programs;
  for (const RecipeText& each : texts_of(end)) programs.push_back(each.program);
  return programs;
}

std::optional<std::string> recipe(RecipeEnd end, std::string_view program,
                                  const store::MailboxRecord& mailbox, const Settings& settings,
                                  const Reach& reach) {
  const auto texts = texts_of(end);
  const auto found = std::ranges::find(texts, program, &RecipeText::program);
  if (found == texts.end()) return std::nullopt;
  Values values;
  values["name"] = mailbox.name;
  values["id"] = mailbox.id.hex();
  values["user"] = mailbox.local_part();
  values["host"] = reach.host;
  values["domain"] = settings.host;
  values["address"] = address_of(mailbox, settings);
  values["port"] = reach.port;
  values["ca"] = reach.ca_file;
  values["grace"] = mailbox.grace == 0 ? "not at all" : "for " + shown_span(mailbox.grace);
  return filled(found->text, values);
}

}  // namespace gw::vault
