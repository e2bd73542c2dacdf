// The mails that a message of the vault is handed over as: itself, or the mails in a journal report,
// each with its envelope.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "mime/journal_report.h"
#include "push/connection.h"
#include "transfer/message_source.h"
#include "vault/drain.h"

namespace gw::push {

// To whom mail goes.
struct Addressing {
  std::string sender;                   // of all mails, without <>; empty for the null sender
  std::vector<std::string> recipients;  // of all mails; unused with `original`
  bool original = false;                // each mail goes to its own recipients, from its own sender
  // Hand over the mails in a message that is a journal report, instead of the report.
  bool unwrap = false;
};

class Outgoing {
 public:
  // Most recipients of one mail; a message with more becomes several mails (RFC 5321, section
  // 4.5.3.1.8).
  static constexpr std::size_t kMaxRecipients = 100;

  // Reads all of the message, and so finds damage before anything is sent. Fails with Corrupt if it
  // is damaged, otherwise as the store does.
  static Result<std::unique_ptr<Outgoing>> of(vault::Message message, const Addressing& addressing);

  // Valid as long as this object. Empty if unfit() is not.
  const std::vector<Mail>& mails() const { return mails_; }
  // Returns why the message cannot be handed over, as `no original envelope`; empty if it can.
  const std::string& unfit() const { return unfit_; }

 private:
  explicit Outgoing(vault::Message message) : message_(std::move(message)), source_(message_) {}
  Result<void> add_whole(const Addressing& addressing);
  Result<void> add_inner(const Addressing& addressing);
  // Adds one mail, or one for every kMaxRecipients recipients.
  void add(Mail mail);

  vault::Message message_;
  transfer::MessageSource source_;
  std::vector<Mail> mails_;
  std::string unfit_;
};

}  // namespace gw::push
