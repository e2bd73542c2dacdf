#include "web/pages/message_parts.h"

#include <algorithm>
#include <span>

#include "base/text.h"
#include "web/ui/widgets.h"

namespace gw::web {
namespace {

constexpr std::size_t kMaxListed = 1000;  // recipients and inner mails that are shown

// Returns a value of the mail, cut to a length that people read, because a page may hold thousands
// of them. It does not cut within a UTF-8 sequence.
std::string short_text(std::string_view text) {
  constexpr std::size_t kMaxLength = 1000;
  if (text.size() <= kMaxLength) return std::string(text);
  std::size_t end = kMaxLength;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

Html shown(std::string_view text) {
  return escaped(short_text(text));
}

Html or_dash(const std::string& text) {
  return text.empty() ? escaped("–") : shown(text);
}

Text kind_word(mime::Recipient::Kind kind) {
  switch (kind) {
    case mime::Recipient::Kind::To:
      return "message.to";
    case mime::Recipient::Kind::Cc:
      return "message.cc";
    case mime::Recipient::Kind::Bcc:
      return "message.bcc";
    case mime::Recipient::Kind::Recipient:
      break;
  }
  return "message.recipient";
}

// Shows the fields that people look for first, in this order; all_fields() shows the rest.
Html main_fields(const Context& context, const std::vector<mime::Field>& fields) {
  const Words& w = context.w;
  std::vector<std::pair<Html, Html>> rows;
  for (const char* name : {"From", "To", "Cc", "Subject", "Date", "Message-ID"}) {
    const std::string* value = mime::find_field(fields, name);
    if (value != nullptr) rows.emplace_back(escaped(name), escaped(*value));
  }
  if (rows.empty()) return tag("p", {{"class", "quiet"}}, w("message.no-header"));
  return facts(rows);
}

Html all_fields(const Context& context, Text heading, const std::vector<mime::Field>& fields) {
  if (fields.empty()) return {};
  std::vector<std::pair<Html, Html>> rows;
  for (const mime::Field& each : fields) rows.emplace_back(escaped(each.name), escaped(each.value));
  return tag("details", {}, tag("summary", {}, context.w(heading)) + facts(rows));
}

Html attachments_section(const Context& context, const mime::Reading& reading) {
  const Words& w = context.w;
  if (reading.attachments.empty()) return {};
  std::vector<std::vector<Html>> rows;
  for (const mime::Attachment& each : reading.attachments) {
    rows.push_back(
        {each.name.empty() ? tag("span", {{"class", "quiet"}}, w("message.unnamed")) : shown(each.name),
         shown(each.type), escaped(w.size(each.size))});
  }
  Html inside = table(w("message.attachments"),
                      {{w("message.file-name")}, {w("message.type")}, {w("message.size"), true}}, rows, {});
  if (reading.more_attachments > 0)
    inside += notice(
        w.counted("message.more-attachments.one", "message.more-attachments.many", reading.more_attachments),
        Tone::Plain);
  return section(w("message.attachments"), inside);
}

}  // namespace

mime::ReadingLimits reading_limits() {
  mime::ReadingLimits limits;
  limits.text = kShownText;
  return limits;
}

Html state_pill(const Context& context, store::State state) {
  const auto word = Text::find("state." + std::string(name(state)));
  const Tone tone = state == store::State::Live          ? Tone::Good
                    : state == store::State::Drained     ? Tone::Plain
                    : state == store::State::Quarantined ? Tone::Bad
                                                         : Tone::Warning;
  return pill(word ? context.w(*word) : escaped(name(state)), tone);
}

Html envelope_section(const Context& context, const vault::Envelope& envelope) {
  const Words& w = context.w;
  Html recipients;
  std::size_t left = kMaxListed;
  for (const vault::EnvelopeRecipient& each : envelope.recipients) {
    if (left-- == 0) {
      recipients += tag("div", {},
                        w.counted("message.more-recipients.one", "message.more-recipients.many",
                                  envelope.recipients.size() - kMaxListed));
      break;
    }
    Html line = tag("code", {}, shown("<" + each.address + ">"));
    if (!each.parameters.empty()) line += shown(" " + each.parameters);
    if (!each.refusal.empty())
      line += tag("small", {}, w("message.refused", {{"reply", printable(short_text(each.refusal))}}));
    recipients += tag("div", {}, line);
  }
  std::vector<std::pair<Html, Html>> rows{
      {w("message.sender"), tag("code", {}, shown("<" + envelope.reverse_path + ">")) +
                                (envelope.parameters.empty() ? Html() : shown(" " + envelope.parameters))},
      {w("message.recipients"), recipients},
      {w("message.received"), w.at(envelope.received)}};
  for (const auto& [word, value] : std::initializer_list<std::pair<Text, const std::string&>>{
           {Text("message.peer"), envelope.peer},
           {Text("message.helo"), envelope.helo},
           {Text("message.tls"), envelope.tls},
           {Text("message.certificate"), envelope.client_certificate},
           {Text("message.auth"), envelope.auth},
           {Text("message.listener"), envelope.listener},
           {Text("message.route"), envelope.route},
           {Text("message.login"), envelope.login},
           {Text("message.source"), envelope.source},
           {Text("message.transaction"), envelope.transaction}}) {
    if (!value.empty()) rows.emplace_back(w(word), shown(value));
  }
  rows.emplace_back(w("message.octets"), escaped(w.number(envelope.size)));
  rows.emplace_back(w("message.sha256"), tag("code", {}, escaped(to_hex(envelope.sha256))));
  return section(w("message.envelope"), facts(rows));
}

Html journal_section(const Context& context, const mime::JournalReport& report) {
  const Words& w = context.w;
  if (!report.is_journal_report) return {};
  std::vector<std::pair<Html, Html>> rows{{w("message.sender"), tag("code", {}, shown(report.sender))}};
  if (report.on_behalf_of) rows.emplace_back(w("message.on-behalf-of"), shown(*report.on_behalf_of));
  if (report.subject) rows.emplace_back(w("message.subject"), or_dash(*report.subject));
  if (report.message_id)
    rows.emplace_back(w("message.message-id"), tag("code", {}, shown(*report.message_id)));
  for (const mime::InnerMail& inner :
       std::span(report.inner).first(std::min(report.inner.size(), kMaxListed))) {
    Html line = inner.message_id ? tag("code", {}, shown(*inner.message_id)) : w("message.no-message-id");
    if (inner.is_protected) line += escaped(" ") + pill(w("message.protected"), Tone::Warning);
    rows.emplace_back(w("message.inner"), line);
  }
  std::vector<std::vector<Html>> recipients;
  for (const mime::Recipient& each : report.recipients) {
    if (recipients.size() == kMaxListed) break;
    Html how;
    if (each.expanded)
      how += tag("div", {}, w("message.expanded", {{"list", printable(short_text(*each.expanded))}}));
    if (each.forwarded)
      how += tag("div", {}, w("message.forwarded", {{"address", printable(short_text(*each.forwarded))}}));
    // Blind recipients are the reason why many organisations keep journals; the page highlights
    // them.
    const bool blind = each.kind == mime::Recipient::Kind::Bcc;
    recipients.push_back({blind ? pill(w("message.bcc"), Tone::Warning) : w(kind_word(each.kind)),
                          tag("code", {}, shown(each.address)), how});
  }
  Html inside =
      facts(rows) + tag("h3", {}, w("message.recipients")) +
      table(w("message.recipients"), {{w("message.kind")}, {w("message.address")}, {w("message.how")}},
            recipients, tag("p", {}, w("none")));
  if (report.recipients.size() > kMaxListed)
    inside += notice(w.counted("message.more-recipients.one", "message.more-recipients.many",
                               report.recipients.size() - kMaxListed),
                     Tone::Plain);
  if (report.within == mime::Within::DeliveryReport) inside += notice(w("message.within-ndr"), Tone::Plain);
  if (report.within == mime::Within::Mail) inside += notice(w("message.within-mail"), Tone::Plain);
  if (!report.further.empty())
    inside += notice(w("message.further-reports", {{"count", w.number(report.further.size())}}), Tone::Plain);
  return section(w("message.journal"), inside);
}

Html content_sections(const Context& context, const mime::Reading& reading, const std::string& html_path) {
  const Words& w = context.w;
  // A journal report contains the mail that it reports on. Readers want its fields, not those of
  // the report.
  const bool has_inner = !reading.inner.empty();
  Html header = main_fields(context, has_inner ? reading.inner : reading.fields) +
                all_fields(context, "message.all-fields", has_inner ? reading.inner : reading.fields);
  if (has_inner) header += all_fields(context, "message.report-fields", reading.fields);
  if (reading.fields_cut) header += notice(w("message.fields-cut"), Tone::Plain);
  Html all = section(has_inner ? w("message.header-inner") : w("message.header"), header);

  Html text;
  if (reading.text) {
    text += tag("pre", {{"class", "mail"}, {"tabindex", "0"}}, escaped(reading.text->text));
    if (reading.text->cut) text += notice(w("message.text-cut", {{"size", w.size(kShownText)}}), Tone::Plain);
  } else {
    text += tag("p", {{"class", "quiet"}}, w("message.no-text"));
  }
  all += section(w("message.text"), text);
  if (reading.html) {
    all += section(w("message.html"), tag("p", {{"class", "quiet"}}, w("message.html.help")) +
                                          tag("iframe",
                                              {{"class", "mail"},
                                               {"src", html_path},
                                               // An empty value forbids scripts, forms, links to
                                               // the top window and the origin of the console. The
                                               // document has a policy of its own too
                                               // (message.cc).
                                               {"sandbox", ""},
                                               {"referrerpolicy", "no-referrer"},
                                               {"title", w.plain("message.html")}},
                                              Html()));
  }
  all += attachments_section(context, reading);
  if (reading.limit_reached) all += notice(w("message.limit"), Tone::Warning);
  return all;
}

}  // namespace gw::web
