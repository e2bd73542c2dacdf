#include "web/ui/widgets.h"

#include <algorithm>
#include <cmath>

namespace gw::web {
namespace {

std::string tone_class(std::string_view base, Tone tone) {
  const std::string_view word = tone == Tone::Good      ? " good"
                                : tone == Tone::Warning ? " warning"
                                : tone == Tone::Bad     ? " bad"
                                                        : "";
  return std::string(base) + std::string(word);
}

// Returns the heading of a cell, which the style sheet shows on narrow screens, where each row
// becomes a list. A heading with markup is one for screen readers only (class `unseen`) and needs
// no label.
Html label_of(const Html& heading) {
  if (heading.markup().find('<') != std::string::npos) return {};
  return tag("span", {{"class", "label"}, {"aria-hidden", "true"}}, heading);
}

}  // namespace

Html pill(const Html& word, Tone tone) {
  return tag("span", {{"class", tone_class("pill", tone)}}, word);
}

Html notice(const Html& text, Tone tone) {
  const bool urgent = tone == Tone::Bad || tone == Tone::Warning;
  // An alert interrupts a screen reader; good news waits for a pause.
  return tag("div", {{"class", tone_class("notice", tone)}, {"role", urgent ? "alert" : "status"}}, text);
}

Html card(const Html& label, const Html& value, const Html& note, Tone tone) {
  Html inside = tag("dt", {}, label) + tag("dd", {{"class", "value"}}, value);
  if (!note.empty()) inside += tag("dd", {{"class", "note"}}, note);
  return tag("div", {{"class", tone_class("card", tone)}}, inside);
}

Html cards(const std::vector<Html>& all) {
  Html inside;
  for (const Html& each : all) inside += each;
  return tag("dl", {{"class", "cards"}}, inside);
}

Html section(const Html& heading, const Html& inside) {
  return tag("section", {{"class", "panel"}}, tag("h2", {}, heading) + inside);
}

Html facts(const std::vector<std::pair<Html, Html>>& all) {
  Html inside;
  for (const auto& [name, value] : all) inside += tag("div", {}, tag("dt", {}, name) + tag("dd", {}, value));
  return tag("dl", {{"class", "facts"}}, inside);
}

Html meter(double share, const std::string& label) {
  // A quota can be lowered below what a mailbox already holds, so `share` may exceed 1.
  const std::string value = std::to_string(std::clamp(share, 0.0, 1.0)).substr(0, 5);
  return tag("meter",
             {{"min", "0"},
              {"max", "1"},
              {"low", "0.8"},
              {"high", "0.95"},
              {"optimum", "0"},
              {"value", value},
              {"aria-label", label},
              {"title", label}},
             escaped(label));
}

Html table(const Html& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<Html>>& rows, const Html& empty) {
  if (rows.empty()) return tag("div", {{"class", "empty"}}, empty);
  const auto class_of = [&](std::size_t column) {
    return Attributes{{"class", columns[column].number ? Value("number") : Value(false)}};
  };
  Html head;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    Attributes attributes = class_of(at);
    attributes.emplace_back("scope", "col");
    head += tag("th", attributes, columns[at].heading);
  }
  Html body;
  for (const auto& row : rows) {
    Html cells;
    for (std::size_t at = 0; at < row.size() && at < columns.size(); ++at)
      cells += tag("td", class_of(at), label_of(columns[at].heading) + tag("div", {}, row[at]));
    body += tag("tr", {}, cells);
  }
  // A wide table scrolls by itself; the tabindex lets the keyboard scroll it (WCAG 2.1.1).
  return tag("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "group"}},
             tag("table", {},
                 tag("caption", {{"class", "unseen"}}, caption) + tag("thead", {}, tag("tr", {}, head)) +
                     tag("tbody", {}, body)));
}

Html link(std::string_view to, const Html& inside) {
  return tag("a", {{"href", to}}, inside);
}

Html link_button(std::string_view to, const Html& inside, bool primary) {
  return tag("a", {{"href", to}, {"class", primary ? "button primary" : "button"}}, inside);
}

Html form(const Context& context, std::string_view action, const Html& inside) {
  return tag("form", {{"method", "post"}, {"action", action}}, hidden("csrf", context.csrf()) + inside);
}

Html button(const Html& inside, Tone tone) {
  const std::string_view look = tone == Tone::Good  ? "button primary"
                                : tone == Tone::Bad ? "button danger"
                                                    : "button";
  return tag("button", {{"type", "submit"}, {"class", look}}, inside);
}

Html action_button(const Context& context, std::string_view action, const Html& inside, Tone tone) {
  return tag("form", {{"method", "post"}, {"action", action}, {"class", "inline"}},
             hidden("csrf", context.csrf()) + button(inside, tone));
}

Html field(const Field& field) {
  const std::string id = "field-" + field.name;
  const std::string help = field.help.empty() ? "" : id + "-help";
  const std::string wrong = field.wrong.empty() ? "" : id + "-wrong";
  // Screen readers read these texts together with the label.
  const std::string described = help + (help.empty() || wrong.empty() ? "" : " ") + wrong;
  const bool code = field.type == "code";
  Attributes attributes{{"id", id},
                        {"name", field.name},
                        {"autocomplete", code ? std::string("one-time-code") : field.autocomplete},
                        {"required", field.required},
                        {"autofocus", field.focus}};
  if (!described.empty()) attributes.emplace_back("aria-describedby", described);
  if (!wrong.empty()) attributes.emplace_back("aria-invalid", "true");
  Html input;
  if (field.type == "textarea") {
    attributes.emplace_back("rows", "4");
    input = tag("textarea", attributes, escaped(field.value));
  } else {
    attributes.emplace_back("type", code ? std::string("text") : field.type);
    if (code) attributes.emplace_back("inputmode", "numeric");
    if (field.type == "text" || code) attributes.emplace_back("spellcheck", "false");
    // A password that was typed is never sent back to the browser, which might store the page.
    if (field.type != "password" && !field.value.empty()) attributes.emplace_back("value", field.value);
    input = tag("input", attributes);
  }
  Html inside = tag("label", {{"for", id}}, field.label) + input;
  if (!field.help.empty()) inside += tag("p", {{"class", "help"}, {"id", help}}, field.help);
  if (!field.wrong.empty()) inside += tag("p", {{"class", "wrong"}, {"id", wrong}}, escaped(field.wrong));
  return tag("div", {{"class", "field"}}, inside);
}

Html filter_form(const Context& context, std::string_view action, bool active, const Html& inside) {
  // A checkbox rather than <details>, which a style sheet cannot open on wide screens.
  return tag("input", {{"type", "checkbox"},
                       {"id", "filter-open"},
                       {"class", "fold unseen"},
                       {"checked", active},
                       {"autocomplete", "off"}}) +
         tag("label", {{"for", "filter-open"}, {"class", "button fold"}}, context.w("filter.show")) +
         tag("form", {{"method", "get"}, {"action", action}, {"class", "filters folded"}, {"role", "search"}},
             inside + button(context.w("do.filter")));
}

Html select(std::string_view name, const Html& label, const std::vector<Choice>& choices,
            std::string_view chosen, const Html& help) {
  const std::string id = "field-" + std::string(name);
  Html options;
  for (const Choice& choice : choices)
    options += tag("option", {{"value", choice.value}, {"selected", choice.value == chosen}}, choice.label);
  Html inside = tag("label", {{"for", id}}, label) + tag("select", {{"id", id}, {"name", name}}, options);
  if (!help.empty()) inside += tag("p", {{"class", "help"}}, help);
  return tag("div", {{"class", "field"}}, inside);
}

Html checkbox(std::string_view name, const Html& label, bool checked, bool required) {
  return tag("label", {{"class", "check"}},
             tag("input", {{"type", "checkbox"},
                           {"name", name},
                           {"value", "yes"},
                           {"checked", checked},
                           {"required", required}}) +
                 tag("span", {}, label));
}

Html hidden(std::string_view name, std::string_view value) {
  return tag("input", {{"type", "hidden"}, {"name", name}, {"value", value}});
}

Html copyable(const Context& context, std::string_view text) {
  return tag("span", {{"class", "copyable"}},
             // The button is hidden until console.js shows it, because it does nothing without
             // JavaScript.
             tag("code", {}, escaped(text)) + tag("button",
                                                  {{"type", "button"},
                                                   {"class", "copy"},
                                                   {"hidden", true},
                                                   {"data-done", context.w.plain("do.copied")}},
                                                  context.w("do.copy")));
}

Html copyable_block(const Context& context, std::string_view text) {
  return tag("div", {{"class", "copyable block"}},
             tag("pre", {{"tabindex", "0"}}, tag("code", {}, escaped(text))) +
                 tag("button",
                     {{"type", "button"},
                      {"class", "copy"},
                      {"hidden", true},
                      {"data-done", context.w.plain("do.copied")}},
                     context.w("do.copy")));
}

// The secret is in the form twice: visible, and as a hidden input. If the form is refused, for
// example without the tick, the next page shows the same secret, which the user may already have
// stored.
Html proposed_secret(const Context& context, const std::string& name, const Html& label, const Secret& secret,
                     bool required) {
  return tag("section", {{"class", "panel once"}},
             tag("h2", {}, label) + notice(context.w("once.warning"), Tone::Warning) +
                 tag("p", {{"class", "secret"}}, copyable(context, secret.text())) +
                 hidden(name, secret.text()) +
                 tag("p", {}, checkbox(name + "-kept", context.w("once.kept"), false, required)));
}

std::optional<Secret> kept_secret(const Request& request, const std::string& name) {
  if (request.form.get(name).empty() || request.form.get(name + "-kept") != "yes") return std::nullopt;
  return request.form.secret(name);
}

}  // namespace gw::web
