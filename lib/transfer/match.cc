#include "transfer/match.h"

#include <algorithm>

#include "base/text.h"
#include "mail/address.h"
#include "mime/charset.h"

namespace gw::transfer {
namespace {

// Fields that name a sender or recipient: those of RFC 5322, and those that mail systems add for
// the envelope.
constexpr std::string_view kFields[] = {"From",
                                        "Sender",
                                        "Reply-To",
                                        "To",
                                        "Cc",
                                        "Bcc",
                                        "Resent-From",
                                        "Resent-Sender",
                                        "Resent-To",
                                        "Resent-Cc",
                                        "Resent-Bcc",
                                        "Return-Path",
                                        "Delivered-To",
                                        "Envelope-To",
                                        "Apparently-To",
                                        "X-Envelope-To",
                                        "X-Envelope-From",
                                        "X-Original-To",
                                        "X-Delivered-To",
                                        "X-Forwarded-To",
                                        "X-Forwarded-For",
                                        "X-Gm-Original-To",
                                        "X-Rcpt-To",
                                        "X-Receiver",
                                        "X-Sender"};

// Checks whether the character may occur in an address without quotes (RFC 5322 atext, `.` and
// `@`), including UTF-8 (RFC 6532).
bool of_address(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.@";
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80 ||
         kMarks.find(c) != std::string_view::npos;
}

// Checks whether the text contains the address as a whole and not as part of a longer one.
bool holds(std::string_view text, std::string_view wanted) {
  const bool domain = wanted.starts_with('@');
  for (std::size_t at = text.find(wanted); at != std::string_view::npos; at = text.find(wanted, at + 1)) {
    const std::size_t end = at + wanted.size();
    // A domain needs a local part before it; an address must not continue to the left.
    const bool begins = domain ? at > 0 : at == 0 || !of_address(text[at - 1]);
    if (begins && (end == text.size() || !of_address(text[end]))) return true;
  }
  return false;
}

}  // namespace

Result<Match> Match::of(const std::vector<std::string>& addresses) {
  Match match;
  for (const std::string& each : addresses) {
    const bool domain = each.starts_with('@');
    std::string form = domain ? mail::comparable_domain(each.substr(1)) : mail::comparable(each);
    if (form.empty() || (!domain && form.find('@') == std::string::npos)) {
      return Error(Code::Usage, "`" + each + "` is not an address")
          .with_hint("use someone@example.com, or @example.com for a domain");
    }
    match.wanted_.push_back(domain ? "@" + form : std::move(form));
  }
  return match;
}

bool Match::is_wanted(const std::string& comparable) const {
  const std::size_t at = comparable.rfind('@');
  if (at == std::string::npos) return false;
  const std::string untagged = mail::without_tag(comparable);
  const std::string_view domain = std::string_view(comparable).substr(at);
  return std::ranges::any_of(wanted_, [&](const std::string& wanted) {
    return wanted == comparable || wanted == untagged || wanted == domain;
  });
}

// Finds addresses in any spelling, and then also the plain text of an address in unusual places
// such as a display name or a comment.
bool Match::any(std::string_view text) const {
  bool found = false;
  mail::each_address(text, [&](const std::string& address) { found = found || is_wanted(address); });
  if (found || is_wanted(mail::comparable(text))) return true;
  const std::string low = lower(text);
  return std::ranges::any_of(wanted_, [&](const std::string& wanted) { return holds(low, wanted); });
}

bool Match::envelope(const vault::Envelope& envelope) const {
  return any(envelope.reverse_path) || any(envelope.login) ||
         std::ranges::any_of(envelope.recipients,
                             [&](const vault::EnvelopeRecipient& each) { return any(each.address); });
}

// Encoded words (RFC 2047) may hide an address in a display name.
bool Match::field(std::string_view name, std::string_view value) const {
  if (!std::ranges::any_of(kFields, [&](std::string_view each) { return iequals(each, name); })) return false;
  return any(value) || (value.find("=?") != std::string_view::npos && any(mime::decode_words(value)));
}

bool Match::report(const mime::JournalReport& report) const {
  if (!report.is_journal_report) return false;
  return any(report.sender) || (report.on_behalf_of && any(*report.on_behalf_of)) ||
         std::ranges::any_of(report.recipients,
                             [&](const mime::Recipient& each) {
                               return any(each.address) || (each.expanded && any(*each.expanded)) ||
                                      (each.forwarded && any(*each.forwarded));
                             }) ||
         std::ranges::any_of(report.further,
                             [&](const mime::JournalReport& each) { return this->report(each); });
}

}  // namespace gw::transfer
