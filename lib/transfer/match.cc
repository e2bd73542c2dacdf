#include "transfer/match.h"

#include <algorithm>

#include "base/text.h"

namespace gw::transfer {
namespace {

// What may stand in an address without quotes, UTF-8 included.
bool of_address(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.@";
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80 ||
         kMarks.find(c) != std::string_view::npos;
}

// Whether the text holds the address, as a whole and not as part of a longer one.
bool holds(std::string_view text, std::string_view wanted) {
  const bool domain = wanted.starts_with('@');
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    const bool begins = domain ? at > 0 : at == 0 || !of_address(text[at - 1]);
    if (begins && (end == text.size() || !of_address(text[end]))) return true;
  }
  return false;
}

}  // namespace

Result<Match> Match::of(const std::vector<std::string>& addresses) {
  Match match;
  for (const std::string& each : addresses) {
    const std::size_t at = each.rfind('@');
    if (at == std::string::npos || at + 1 == each.size()) {
      return Error(Code::Usage, "`" + each + "` is not an address")
          .with_hint("someone@example.com, or @example.com for everyone there");
    }
    match.wanted_.push_back(lower(each));
  }
  return match;
}

std::vector<std::string> Match::fields() {
  return {"From",      "Sender",       "Reply-To",      "To",
          "Cc",        "Bcc",          "Resent-From",   "Resent-To",
          "Resent-Cc", "Delivered-To", "X-Original-To", "X-Gm-Original-To"};
}

bool Match::any(std::string_view text) const {
  const std::string low = lower(text);
  return std::ranges::any_of(wanted_, [&](const std::string& wanted) { return holds(low, wanted); });
}

bool Match::envelope(const vault::Envelope& envelope) const {
  return any(envelope.reverse_path) || any(envelope.login) ||
         std::ranges::any_of(envelope.recipients,
                             [&](const vault::EnvelopeRecipient& each) { return any(each.address); });
}

bool Match::header(const mail::HeaderWalker& header) const {
  for (const std::string& name : fields()) {
    const std::string* value = header.field(name);
    if (value != nullptr && any(*value)) return true;
  }
  return false;
}

bool Match::report(const mime::JournalReport& report) const {
  if (!report.is_journal_report) return false;
  return any(report.sender) || (report.on_behalf_of && any(*report.on_behalf_of)) ||
         std::ranges::any_of(report.recipients, [&](const mime::Recipient& each) {
           return any(each.address) || (each.expanded && any(*each.expanded)) ||
                  (each.forwarded && any(*each.forwarded));
         });
}

}  // namespace gw::transfer
