// The pieces that pages are built from, so that all pages look and behave alike: with a keyboard,
// on a phone, without JavaScript, with a screen reader, and for readers who do not distinguish
// colours.
//
//   parts.content = section(w("mailbox.about"), facts({{w("mailbox.name"), escaped(name)}})) +
//                   form(context, path + "/change", field({.name = "q", .label = w("mailbox.q")}) +
//                        button(w("do.save"), Tone::Good));
//
// Each function returns markup and has no other effect. The style sheet is assets/style.css; copy
// buttons and confirmations come from assets/console.js, without which every page still works.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "web/context.h"
#include "web/strings/strings.h"
#include "web/ui/html.h"

namespace gw::web {

// The colour of a piece. It never carries the meaning alone: the text says the same.
enum class Tone : unsigned char { Plain, Good, Warning, Bad };

// Returns a state, such as "active", as a coloured word.
Html pill(const Html& word, Tone tone);
// Returns a message in a box. Screen readers announce a Bad or Warning one immediately (role
// `alert`).
Html notice(const Html& text, Tone tone);
// Returns a number or time with its label, and `note` in smaller type below it.
Html card(const Html& label, const Html& value, const Html& note = {}, Tone tone = Tone::Plain);
// Returns cards in a row that wraps; each element of `all` comes from card().
Html cards(const std::vector<Html>& all);
// Returns a section of the page under a heading of the second level.
Html section(const Html& heading, const Html& inside);
// Returns a list of names and values.
Html facts(const std::vector<std::pair<Html, Html>>& all);
// Returns a bar that shows how full something is. `share` is between 0 and 1; `label` says the same
// in text, for readers who do not see the bar.
Html meter(double share, const std::string& label);

// One column of a table.
struct Column {
  Html heading;
  bool number = false;  // aligned to the right
};
// Returns a table. Screen readers read `caption` aloud; it is not visible. If there are no rows,
// `empty` replaces the table and says what to do next. Cells beyond the columns are dropped.
Html table(const Html& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<Html>>& rows, const Html& empty);

// Returns a link to a path of the console; as a button with link_button(), of which a page has at
// most one `primary`.
Html link(std::string_view to, const Html& inside);
Html link_button(std::string_view to, const Html& inside, bool primary = false);

// Returns a form that posts to `action`, with the CSRF token of the session.
Html form(const Context& context, std::string_view action, const Html& inside);
// Returns the button that submits the form around it. Tone::Good marks the main button of a page,
// Tone::Bad one that destroys something.
Html button(const Html& inside, Tone tone = Tone::Plain);
// Returns a form that consists of one button, for a change that needs no input.
Html action_button(const Context& context, std::string_view action, const Html& inside,
                   Tone tone = Tone::Plain);

// One input of a form.
struct Field {
  std::string name;
  Html label;
  std::string value = {};
  // The `type` of the input; also `textarea`, and `code` for a one-time code. A password field
  // never shows `value`.
  std::string type = "text";
  // A text below the input.
  Html help = {};
  // What is wrong with the value, shown below the input; empty if nothing is.
  std::string wrong = {};
  // The `autocomplete` attribute, from which password managers recognise the field.
  std::string autocomplete = "off";
  bool required = false;
  bool focus = false;  // whether the cursor starts here
};
// Returns the input with its label.
Html field(const Field& field);

// Returns the form of a list's filter. On a narrow screen it is folded under a button, without
// JavaScript, unless `active` says that it limits the list.
Html filter_form(const Context& context, std::string_view action, bool active, const Html& inside);

// One option of a select().
struct Choice {
  std::string value;
  Html label;
};
// Returns a list of options, of which `chosen` is preselected.
Html select(std::string_view name, const Html& label, const std::vector<Choice>& choices,
            std::string_view chosen, const Html& help = {});
// Returns a checkbox, which sends `yes` under `name` if it is ticked and nothing if it is not. With
// `required`, the browser does not submit the form without the tick.
Html checkbox(std::string_view name, const Html& label, bool checked, bool required = false);
// Returns an invisible input. The client can change its value like any other, so the server checks
// it.
Html hidden(std::string_view name, std::string_view value);

// Returns a text to be pasted elsewhere, with a button that copies it. The button is visible only
// if JavaScript runs.
Html copyable(const Context& context, std::string_view text);
// Returns the same for a text of several lines.
Html copyable_block(const Context& context, std::string_view text);
// Returns a new secret as a part of a form: the secret with a warning, a hidden input that sends it
// back under `name`, and a checkbox by which the user confirms that it is stored (`required`: the
// browser insists on it). The secret takes effect only when the form is posted, so a connection
// that breaks can never leave a secret in force that the user has not seen. A form may contain several.
// The page must set PageParts::secret.
Html proposed_secret(const Context& context, const std::string& name, const Html& label, const Secret& secret,
                     bool required = true);
// Returns the secret of such a form; nullopt if it is missing or was not confirmed as stored.
std::optional<Secret> kept_secret(const Request& request, const std::string& name);

}  // namespace gw::web
