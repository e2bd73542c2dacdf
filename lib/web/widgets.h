// The pieces that pages are made of, so that all look and behave alike: with a keyboard, on a phone, without
// JavaScript, and for who cannot see colours.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "web/context.h"
#include "web/html.h"
#include "web/words.h"

namespace gw::web {

enum class Tone : unsigned char { Plain, Good, Warning, Bad };

// A state, by colour and by its word.
Html pill(const Html& word, Tone tone);
// A message in a box of its own. Of a Bad or Warning one screen readers hear at once.
Html notice(const Html& text, Tone tone);
// A number and what it is. `note` stands below it, smaller.
Html card(const Html& label, const Html& value, const Html& note = {}, Tone tone = Tone::Plain);
Html cards(const std::vector<Html>& all);
// A section with a heading.
Html section(const Html& heading, const Html& inside);
// Names and values below each other.
Html facts(const std::vector<std::pair<Html, Html>>& all);
// How full something is, of 1: a bar, and the number for who does not see it.
Html meter(double share, const std::string& label);

struct Column {
  Html heading;
  bool number = false;  // to the right
};
// `caption` is read out, and not shown. Where there are no rows, `empty` stands instead: what to do next.
Html table(const Html& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<Html>>& rows, const Html& empty);

Html link(std::string_view to, const Html& inside);
Html link_button(std::string_view to, const Html& inside, bool primary = false);

// A form that changes something: a POST to `action` with the session's token in it.
Html form(const Context& context, std::string_view action, const Html& inside);
Html button(const Html& inside, Tone tone = Tone::Plain);  // sends its form; Good: the page's main one
// A form that is one button.
Html action_button(const Context& context, std::string_view action, const Html& inside,
                   Tone tone = Tone::Plain);

struct Field {
  std::string name;
  Html label;
  std::string value = {};
  std::string type = "text";  // `password`, `number`, `search`, `textarea`; `code` is a one-time code
  Html help = {};             // below it
  std::string wrong = {};     // what is wrong with it, as the vault said; empty: nothing
  std::string autocomplete = "off";
  bool required = false;
  bool focus = false;
};
Html field(const Field& field);

struct Choice {
  std::string value;
  Html label;
};
Html select(std::string_view name, const Html& label, const std::vector<Choice>& choices,
            std::string_view chosen, const Html& help = {});
Html checkbox(std::string_view name, const Html& label, bool checked, bool required = false);
Html hidden(std::string_view name, std::string_view value);

// Text to be taken elsewhere, with a button that copies it (shown where JavaScript runs).
Html copyable(const Context& context, std::string_view text);
// Several lines of such text.
Html copyable_block(const Context& context, std::string_view text);
// A new secret as a part of a form: shown with its warning, sent along under `name`, and with the tick that
// says it was kept (which the browser insists on if `required`). It takes effect only when this form is sent,
// so that what is in force is never a secret that nobody has seen. More than one may stand in a form.
Html proposed_secret(const Context& context, const std::string& name, const Html& label, const Secret& secret,
                     bool required = true);
// The secret of such a form; none if it is not there or was not ticked as kept.
std::optional<Secret> kept_secret(const Request& request, const std::string& name);

}  // namespace gw::web
