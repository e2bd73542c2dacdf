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

Html shown_text(std::string_view text) {
  return escaped(short_text(text));
}

Html or_dash(const std::string& text) {
  return text.empty() ? escaped("–") : shown_text(text);
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

Html all_fields(const std::vector<mime::Field>& fields) {
  if (fields.empty()) return {};
  std::vector<std::pair<Html, Html>> rows;
  for (const mime::Field& each : fields) rows.emplace_back(escaped(each.name), escaped(each.value));
  return facts(rows);
}

// Returns the text without the characters that change the order of those around them: `fdp.exe` must
// not look like `exe.pdf` (Unicode TR 36, section 2.4).
std::string without_direction(std::string_view text) {
  constexpr std::string_view kDirections[] = {"\u200e", "\u200f", "\u061c", "\u202a", "\u202b", "\u202c",
                                              "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  std::string out(text);
  for (const std::string_view each : kDirections)
    for (std::size_t at = 0; (at = out.find(each, at)) != std::string::npos;) out.erase(at, each.size());
  return out;
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
    Html line = tag("code", {}, shown_text("<" + each.address + ">"));
    if (!each.parameters.empty()) line += shown_text(" " + each.parameters);
    if (!each.refusal.empty())
      line += tag("small", {}, w("message.refused", {{"reply", printable(short_text(each.refusal))}}));
    recipients += tag("div", {}, line);
  }
  std::vector<std::pair<Html, Html>> rows{
      {w("message.sender"),
       tag("code", {}, shown_text("<" + envelope.reverse_path + ">")) +
           (envelope.parameters.empty() ? Html() : shown_text(" " + envelope.parameters))},
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
    if (!value.empty()) rows.emplace_back(w(word), shown_text(value));
  }
  rows.emplace_back(w("message.octets"), escaped(w.number(envelope.size)));
  rows.emplace_back(w("message.sha256"), tag("code", {}, escaped(to_hex(envelope.sha256))));
  return section(w("message.envelope"), facts(rows));
}

Html journal_section(const Context& context, const mime::JournalReport& report) {
  const Words& w = context.w;
  if (!report.is_journal_report) return {};
  std::vector<std::pair<Html, Html>> rows{{w("message.sender"), tag("code", {}, shown_text(report.sender))}};
  if (report.on_behalf_of) rows.emplace_back(w("message.on-behalf-of"), shown_text(*report.on_behalf_of));
  if (report.subject) rows.emplace_back(w("message.subject"), or_dash(*report.subject));
  if (report.message_id)
    rows.emplace_back(w("message.message-id"), tag("code", {}, shown_text(*report.message_id)));
  for (const mime::InnerMail& inner :
       std::span(report.inner).first(std::min(report.inner.size(), kMaxListed))) {
    Html line =
        inner.message_id ? tag("code", {}, shown_text(*inner.message_id)) : w("message.no-message-id");
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
                          tag("code", {}, shown_text(each.address)), how});
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

namespace {

// A journal report contains the mail that it reports on. Readers want its fields, not those of the
// report.
const std::vector<mime::Field>& shown_fields(const mime::Reading& reading) {
  return reading.inner.empty() ? reading.fields : reading.inner;
}

}  // namespace

Html summary_section(const Context& context, const mime::Reading& reading) {
  return main_fields(context, shown_fields(reading));
}

Html header_section(const Context& context, const mime::Reading& reading) {
  const Words& w = context.w;
  const bool has_inner = !reading.inner.empty();
  Html inside = all_fields(shown_fields(reading));
  if (inside.empty()) inside = tag("p", {{"class", "quiet"}}, w("message.no-header"));
  if (reading.fields_cut) inside += notice(w("message.fields-cut"), Tone::Plain);
  Html all = section(has_inner ? w("message.header-inner") : w("message.header"), inside);
  if (has_inner) all += section(w("message.report-fields"), all_fields(reading.fields));
  return all;
}

Html text_section(const Context& context, const mime::Reading& reading) {
  const Words& w = context.w;
  if (!reading.text) return tag("p", {{"class", "quiet"}}, w("message.no-text"));
  Html text = tag("pre", {{"class", "mail"}, {"tabindex", "0"}}, escaped(reading.text->text));
  if (reading.text->cut) text += notice(w("message.text-cut", {{"size", w.size(kShownText)}}), Tone::Plain);
  return text;
}

Html html_section(const Context& context, const std::string& html_path) {
  const Words& w = context.w;
  return tag("p", {{"class", "quiet"}}, w("message.html.help")) +
         tag("iframe",
             {{"class", "mail"},
              {"src", html_path},
              // An empty value forbids scripts, forms, links to the top window and the origin of the
              // console. The document has a policy of its own too (message.cc).
              {"sandbox", ""},
              {"referrerpolicy", "no-referrer"},
              {"title", w.plain("message.html")}},
             Html());
}

Result<Html> raw_section(const Context& context, mime::Source& source) {
  const Words& w = context.w;
  const std::uint64_t size = source.size();
  Bytes data(static_cast<std::size_t>(std::min<std::uint64_t>(size, kShownText)));
  if (const auto read = source.read(0, data); !read) return read.error();
  Html all = tag("pre", {{"class", "mail"}, {"tabindex", "0"}}, escaped(as_text(data)));
  if (size > data.size()) all += notice(w("message.text-cut", {{"size", w.size(kShownText)}}), Tone::Plain);
  return all;
}

Html attachments_section(const Context& context, const mime::Reading& reading, const std::string& path) {
  const Words& w = context.w;
  if (reading.attachments.empty()) return {};
  std::vector<std::vector<Html>> rows;
  for (std::size_t at = 0; at < reading.attachments.size(); ++at) {
    const mime::Attachment& each = reading.attachments[at];
    const std::string name = without_direction(each.name);
    rows.push_back({name.empty() ? tag("span", {{"class", "quiet"}}, w("message.unnamed")) : shown_text(name),
                    shown_text(each.type), escaped(w.size(each.size)),
                    tag("form", {{"method", "post"}, {"action", path}, {"class", "inline"}},
                        hidden("csrf", context.csrf()) + hidden("part", std::to_string(at)) +
                            button(w("message.attachment.download")))});
  }
  Html inside = table(w("message.attachments"),
                      {{w("message.file-name")},
                       {w("message.type")},
                       {w("message.size"), true},
                       {tag("span", {{"class", "unseen"}}, w("message.attachment.download"))}},
                      rows, {});
  if (reading.more_attachments > 0)
    inside += notice(
        w.counted("message.more-attachments.one", "message.more-attachments.many", reading.more_attachments),
        Tone::Plain);
  return section(w("message.attachments"), inside);
}

std::string attachment_disposition(std::string_view name, std::string_view otherwise) {
  std::string whole = without_direction(name);
  // A leading dot would hide the file.
  whole.erase(0, whole.find_first_not_of(". "));
  if (whole.empty()) whole = otherwise;
  std::string plain;
  for (const char c : whole) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '-' || c == '_' || c == ' ';
    plain += good ? c : '_';
  }
  return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + url_part(whole);
}

}  // namespace gw::web
