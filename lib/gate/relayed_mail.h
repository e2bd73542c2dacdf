// One mail on its way through gw-proxy's SMTP half: to the upstream, and into its copy.
//
//   RelayedMail mail(parts, envelope);
//   reply = mail.begin(from);  mail.rcpt(to) ...;  mail.data();      // what the client hears
//   mail.body(octets) ...;                                           // a reply only where it ends here
//   reply = mail.end();
//
// Every reply is the upstream's own, or a Refusal of ours where it has not said anything. `parts.upstream` is
// emptied where the server is lost, or must not take what it has so far for a whole message: its connection
// is then closed without the final dot.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "gate/mail_copy.h"
#include "gate/session_tally.h"
#include "gate/smtp_upstream.h"
#include "smtp/lone_dot.h"
#include "smtp/refusals.h"
#include "vault/envelope.h"

namespace gw::gate {

// What a mail needs of its connection, which outlives it.
struct RelayParts {
  std::unique_ptr<SmtpUpstream>& upstream;
  std::function<Result<store::Store*>()> store;
  const vault::Route& route;
  SessionTally& tally;
};

class RelayedMail {
 public:
  // `envelope` has everything but the recipients.
  RelayedMail(RelayParts parts, vault::Envelope envelope)
      : parts_(std::move(parts)), envelope_(std::move(envelope)) {}

  smtp::Reply begin(const smtp::MailArguments& from);
  smtp::Reply rcpt(const smtp::RcptArguments& to);
  smtp::Reply data();
  // None: go on. A reply: the mail has failed, and what else comes of it is to be dropped.
  std::optional<smtp::Reply> body(ByteView octets);
  smtp::Reply end();

  // What was gathered is sent before the client is waited for. A failure shows at the next call.
  void flush();
  // The client thought better of it, or has gone.
  void abort();

  bool relayed() const { return relayed_; }  // upstream has taken it

 private:
  std::optional<smtp::Refusal> judge(const smtp::MailArguments& from);
  Result<store::Recipient> target(std::uint64_t size);
  std::optional<smtp::Refusal> keep(Result<void> done);
  smtp::Reply conclude(const Result<smtp::Reply>& reply);
  void settle(Outcome outcome, const std::string& said);
  smtp::Reply stop_upstream(smtp::Refusal refusal);
  void lose_upstream(std::string_view command, const Result<smtp::Reply>& reply);
  bool pass_without_copy(const Error& error);
  void log_trouble(std::string_view what, const Error& error) const;

  RelayParts parts_;
  vault::Envelope envelope_;
  std::size_t refused_ = 0;  // recipients
  std::size_t recipient_octets_ = 0;
  std::optional<store::Recipient> target_;  // where the copy goes; none: it passes without
  std::optional<MailCopy> copy_;            // from DATA on
  smtp::LoneDot lone_dot_;
  std::uint64_t octets_ = 0;
  bool streaming_ = false;  // upstream waits for its octets
  bool relayed_ = false;
  std::optional<smtp::Refusal> trouble_;  // of flush()
};

}  // namespace gw::gate
