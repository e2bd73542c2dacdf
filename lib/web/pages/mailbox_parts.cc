#include "web/pages/mailbox_parts.h"

#include <array>

#include "base/text.h"
#include "vault/setup_guide.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

// Returns the name of a program as its makers write it.
std::string program_name(std::string_view program) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames{{
      {"mailstore", "MailStore Server"},
      {"openarchiver", "OpenArchiver"},
      {"microsoft365", "Microsoft 365"},
      {"google", "Google Workspace"},
      {"exchange", "Exchange Server"},
      {"postfix", "Postfix"},
      {"exim", "Exim"},
  }};
  for (const auto& [id, name] : kNames)
    if (id == program) return std::string(name);
  return std::string(program);
}

// Returns a guide that explains steps, as elements that fit any screen: `1. ` begins a step, `   - ` one of
// its values and `   ` another paragraph of it. Other indented lines are commands, to be copied.
Html explained(const Context& context, std::string_view guide) {
  Html all, steps, step, values;
  std::string commands;
  const auto end_values = [&] {
    if (!values.empty()) step += tag("ul", {}, values);
    values = {};
  };
  const auto end_step = [&] {
    end_values();
    if (!step.empty()) steps += tag("li", {}, step);
    step = {};
  };
  const auto end_block = [&] {
    end_step();
    if (!steps.empty()) all += tag("ol", {}, steps);
    steps = {};
    if (!commands.empty()) all += copyable_block(context, commands);
    commands.clear();
  };
  for (const std::string_view line : split(guide, '\n')) {
    if (line.size() > 3 && line[0] >= '1' && line[0] <= '9' && line.substr(1, 2) == ". ") {
      end_step();
      step = escaped(line.substr(3));
    } else if (line.starts_with("   - ")) {
      values += tag("li", {}, escaped(line.substr(5)));
    } else if (line.starts_with("   ") && line.size() > 3 && line[3] != ' ') {
      end_values();
      step += tag("p", {}, escaped(line.substr(3)));
    } else if (line.starts_with("  ")) {
      commands += std::string(line.substr(2)) + "\n";
    } else {
      end_block();
      if (!line.empty()) all += tag("p", {}, escaped(line));
    }
  }
  end_block();
  return all;
}

Html recipes(const Context& context, vault::RecipeEnd end, const store::MailboxRecord& record,
             const vault::Settings& settings) {
  vault::Reach reach;
  reach.host = context.console().options().host;
  // A sender delivers by SMTP on port 25; the archive fetches by POP3S.
  reach.port = end == vault::RecipeEnd::Drain ? context.console().options().pop3s_port : "25";
  Html all;
  for (const std::string_view program : vault::recipe_programs(end)) {
    const auto text = vault::recipe(end, program, record, settings, reach, code(context.w.language()));
    if (!text) continue;
    all += tag("details", {{"class", "recipe"}},
               tag("summary", {}, escaped(program_name(program))) +
                   // Scripts and configuration files begin with a comment, guides with a sentence.
                   (text->starts_with('#') ? copyable_block(context, *text) : explained(context, *text)));
  }
  return all;
}

}  // namespace

std::string mailbox_path(std::string_view name) {
  return "/mailboxes/" + url_part(name);
}

Response mailbox_page(const Context& context, const Request& request, PageParts parts) {
  parts.section = "/mailboxes";
  return page(context, request, parts);
}

Html status_pills(const Context& context, const store::MailboxRecord& record) {
  const Words& w = context.w;
  Html pills = record.status == store::Status::Active ? pill(w("status.active"), Tone::Good)
                                                      : pill(w("status.suspended"), Tone::Warning);
  if (record.hold) pills += escaped(" ") + pill(w("mailbox.held"), Tone::Warning);
  return pills;
}

Html change_button(const Context& context, std::string_view action, std::string_view what, const Html& word,
                   const std::string& sure) {
  Attributes attributes{{"method", "post"}, {"action", action}, {"class", "inline"}};
  if (!sure.empty()) attributes.emplace_back("data-confirm", sure);
  return tag("form", attributes, hidden("csrf", context.csrf()) + hidden("change", what) + button(word));
}

Html quota_meter(const Context& context, const store::MailboxRecord& record, const store::MailboxStat& stat) {
  const Words& w = context.w;
  const double share = static_cast<double>(stat.live_bytes) / static_cast<double>(record.quota);
  return meter(share,
               w.plain("mailbox.quota.of", {{"share", w.percent(share)}, {"quota", w.size(record.quota)}}));
}

Html quota_text(const Context& context, const store::MailboxRecord& record, const store::MailboxStat& stat) {
  const Words& w = context.w;
  const double share = static_cast<double>(stat.live_bytes) / static_cast<double>(record.quota);
  return w("mailbox.quota.of", {{"share", w.percent(share)}, {"quota", w.size(record.quota)}});
}

Html setup_sections(const Context& context, const store::MailboxRecord& record,
                    const vault::Settings& settings) {
  const Words& w = context.w;
  return section(w("mailbox.setup.drain"), tag("p", {{"class", "quiet"}}, w("mailbox.setup.drain.help")) +
                                               recipes(context, vault::RecipeEnd::Drain, record, settings)) +
         section(w("mailbox.setup.sender"), tag("p", {{"class", "quiet"}}, w("mailbox.setup.sender.help")) +
                                                recipes(context, vault::RecipeEnd::Sender, record, settings));
}

}  // namespace gw::web
