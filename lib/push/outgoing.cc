#include "push/outgoing.h"

#include <algorithm>

#include "base/text.h"
#include "mime/unwrap.h"

namespace gw::push {
namespace {

constexpr std::string_view kNoEnvelope = "no original envelope";

Feed feed_of(vault::Message& message) {
  return [&message](const Sink& sink) -> Result<void> {
    message.rewind();
    for (;;) {
      const Result<ByteView> piece = message.next();
      if (!piece) return piece.error();
      if (piece->empty()) return {};
      if (auto taken = sink(*piece); !taken) return taken;
    }
  };
}

bool with_smtputf8(const vault::Envelope& envelope) {
  return std::ranges::any_of(split(envelope.parameters, ' '),
                             [](std::string_view each) { return iequals(each, "SMTPUTF8"); });
}

// Returns whether the address can be a recipient of another server. The envelope of an imported mail
// has only the mailbox's own local part.
bool deliverable(std::string_view address) {
  return address.find('@') != std::string_view::npos && valid_address(address);
}

// Sets the envelope with which the message came. Returns false if it has none.
bool address(Mail& mail, const vault::Envelope& envelope) {
  mail.own_envelope = true;
  mail.sender = envelope.reverse_path;
  for (const vault::EnvelopeRecipient& each : envelope.recipients)
    if (each.refusal.empty()) mail.recipients.push_back(each.address);
  return (mail.sender.empty() || valid_address(mail.sender)) && !mail.recipients.empty() &&
         std::ranges::all_of(mail.recipients, deliverable);
}

// The same for a mail in a journal report. A sender that is no address, such as a name of Exchange,
// becomes the null sender.
bool address(Mail& mail, const mime::JournalReport& report) {
  mail.own_envelope = true;
  mail.sender = deliverable(report.sender) ? report.sender : "";
  for (const mime::Recipient& each : report.recipients) mail.recipients.push_back(each.address);
  return !mail.recipients.empty() && std::ranges::all_of(mail.recipients, deliverable);
}

}  // namespace

Result<std::unique_ptr<Outgoing>> Outgoing::of(vault::Message message, const Addressing& addressing) {
  std::unique_ptr<Outgoing> outgoing(new Outgoing(std::move(message)));
  auto added = addressing.unwrap ? outgoing->add_inner(addressing) : outgoing->add_whole(addressing);
  if (!added) return added.error();
  if (!outgoing->unfit_.empty()) outgoing->mails_.clear();
  return outgoing;
}

Result<void> Outgoing::add_whole(const Addressing& addressing) {
  Mail mail;
  mail.feed = feed_of(message_);
  auto form = examine(mail.feed);
  if (!form) return form.error();
  mail.form = *form;
  mail.smtputf8 = with_smtputf8(message_.envelope());
  if (!addressing.original) {
    mail.sender = addressing.sender;
    mail.recipients = addressing.recipients;
  } else if (!address(mail, message_.envelope())) {
    unfit_ = kNoEnvelope;
  }
  add(std::move(mail));
  return {};
}

Result<void> Outgoing::add_inner(const Addressing& addressing) {
  const auto report = mime::read_journal_report(source_);
  if (!report) return report.error();
  // A report that was not found would be handed over as a mail, and drained.
  if (report->limit_reached) {
    unfit_ = "too large to be searched for journal reports";
    return {};
  }
  // A mail that only has a report attached goes as a whole: what its author wrote is in no other
  // mail.
  if (!report->is_journal_report || report->within != mime::Within::Nothing) return add_whole(addressing);
  // The digest of the whole message is only compared when all of it is read in order.
  if (auto whole = feed_of(message_)([](ByteView) { return Result<void>(); }); !whole) return whole;
  for (const mime::JournalReport* each : mime::all_reports(*report)) {
    for (const mime::InnerMail& inner : each->inner) {
      Mail mail;
      mail.feed = [this, content = inner.content](const Sink& sink) {
        return mime::unwrap(source_, content, sink);
      };
      auto form = examine(mail.feed);
      if (!form) return form.error();
      mail.form = *form;
      if (!addressing.original) {
        mail.sender = addressing.sender;
        mail.recipients = addressing.recipients;
      } else if (!address(mail, *each)) {
        unfit_ = kNoEnvelope;
      }
      add(std::move(mail));
    }
  }
  return {};
}

void Outgoing::add(Mail mail) {
  std::vector<std::string> all = std::move(mail.recipients);
  for (std::size_t at = 0; at < all.size(); at += kMaxRecipients) {
    Mail part = mail;
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
    part.recipients.assign(first,
                           first + static_cast<std::ptrdiff_t>(std::min(kMaxRecipients, all.size() - at)));
    mails_.push_back(std::move(part));
  }
}

}  // namespace gw::push
