#include "mime/message_ids.h"

#include <algorithm>

#include "base/text.h"
#include "mime/journal_report.h"

namespace gw::mime {

std::string comparable_message_id(std::string_view text) {
  const std::size_t open = text.find('<');
  const std::size_t close = open == std::string_view::npos ? open : text.find('>', open);
  if (close != std::string_view::npos) text = text.substr(open + 1, close - open - 1);
  std::string id;
  for (const char c : text)
    if (static_cast<unsigned char>(c) > ' ' && c != '<' && c != '>' && c != '\x7f') id += c;
  return valid_text(id);
}

Result<MessageIds> read_message_ids(Source& source, bool whole, const Limits& limits) {
  MessageIds found;
  std::vector<std::string> names = report_marks();
  names.emplace_back("Message-ID");
  const auto header = read_header(source, {0, source.size()}, std::move(names), limits);
  if (!header) return header.error();
  found.complete = !header->truncated() && (whole || header->ended());
  const auto add = [&](std::string_view text) {
    std::string id = comparable_message_id(text);
    if (id.empty() || std::ranges::find(found.ids, id) != found.ids.end()) return;
    if (found.ids.size() == kMaxMessageIds)
      found.complete = false;
    else
      found.ids.push_back(std::move(id));
  };
  if (const std::string* id = header->field("Message-ID")) add(*id);
  if (!may_hold_report(*header)) return found;

  const auto report = read_journal_report(source, limits);
  if (!report) return report.error();
  found.complete = found.complete && !report->limit_reached;
  for (const JournalReport* each : all_reports(*report))
    if (each->message_id) add(*each->message_id);
  for (const InnerMail* inner : all_inner(*report)) {
    // A start of the mail may end within this header.
    if (!whole && (!inner->message_id || inner->message_id->find('>') == std::string::npos))
      found.complete = false;
    if (inner->message_id) add(*inner->message_id);
  }
  // Either no report was found in this start of a mail that is marked, or the report is attached to the
  // mail, and others may follow it.
  if (!whole && (!report->is_journal_report || report->within != Within::Nothing)) found.complete = false;
  return found;
}

}  // namespace gw::mime
