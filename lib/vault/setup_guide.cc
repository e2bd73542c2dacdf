#include "vault/setup_guide.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "base/text.h"
#include "vault/setup_guide_phrases.h"
#include "vault/setup_guide_texts.h"

namespace gw::vault {
namespace {

std::span<const RecipeText> texts_of(RecipeEnd end) {
  return end == RecipeEnd::Drain ? std::span<const RecipeText>(kDrainRecipes)
                                 : std::span<const RecipeText>(kSenderRecipes);
}

constexpr std::array<std::string_view, 3> kLanguages{"en", "it", "de"};

std::string_view in(const RecipePhrase& phrase, std::string_view language) {
  return language == "it" ? phrase.italian : language == "de" ? phrase.german : phrase.english;
}

// A recipe that has no text in the language is the same in all languages.
std::string_view in(const RecipeText& text, std::string_view language) {
  const std::string_view own = language == "it" ? text.italian : language == "de" ? text.german : text.text;
  return own.empty() ? text.text : own;
}

using Values = std::map<std::string, std::string, std::less<>>;

// Replaces `{name}` by its value. A line with `{?name}` stays, without that mark, only if the value
// is not empty. Braces around anything else are copied, because configuration files use them too.
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
  // split() returns an empty last line, which became a line of its own.
  if (text.ends_with("\n\n")) text.pop_back();
  return text;
}

std::string span_of(std::int64_t seconds, std::string_view language) {
  const auto word = [&](std::string_view id) {
    return std::string(in(*std::ranges::find(kRecipePhrases, id, &RecipePhrase::id), language));
  };
  const auto in_units = [&](std::int64_t unit, std::string_view one, std::string_view many) {
    const std::int64_t count = seconds / unit;
    return std::to_string(count) + " " + word(count == 1 ? one : many);
  };
  if (seconds % 86'400 == 0) return in_units(86'400, "day", "days");
  if (seconds % 3600 == 0) return in_units(3600, "hour", "hours");
  if (seconds % 60 == 0) return in_units(60, "minute", "minutes");
  return in_units(1, "second", "seconds");
}

// Adds each phrase under `:` and its id, with `{span}` filled in.
void put_phrases(std::int64_t grace, std::string_view language, Values& values) {
  const Values spans{{"span", span_of(grace, language)}};
  for (const RecipePhrase& phrase : kRecipePhrases) {
    std::string text = filled(in(phrase, language), spans);
    text.pop_back();  // filled() ends each line with a newline
    values[":" + std::string(phrase.id)] = std::move(text);
  }
  // Without a grace period drained mail is gone, and the recipe must say so.
  if (grace == 0) values[":kept"] = values[":kept-by"] = values[":lost"];
}

}  // namespace

std::span<const std::string_view> recipe_languages() {
  return kLanguages;
}

std::vector<std::string_view> recipe_programs(RecipeEnd end) {
  std::vector<std::string_view> programs;
  for (const RecipeText& each : texts_of(end)) programs.push_back(each.program);
  return programs;
}

std::optional<std::string> recipe(RecipeEnd end, std::string_view program,
                                  const store::MailboxRecord& mailbox, const Settings& settings,
                                  const Reach& reach, std::string_view language) {
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
  put_phrases(mailbox.grace, language, values);
  return filled(in(*found, language), values);
}

}  // namespace gw::vault
