// One mail that passes through gw-proxy's SMTP half, to the upstream and into its archive copy.
//
//   ProxiedMail mail(parts, envelope);
//   reply = mail.begin(from);  mail.rcpt(to) ...;  mail.data();   // replies for the client
//   mail.body(data) ...;   // returns a reply only on failure
//   reply = mail.end();
//
// Each reply is the upstream's own, or a Refusal of gw-proxy if the upstream has not replied. The
// functions set `parts.upstream` to null when the upstream is lost, and also when a message must
// not be completed: the connection is then closed without the final dot, so that the upstream
// discards what it has received (RFC 5321, section 4.1.1.10).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/recipient_budget.h"
#include "daemon/session_stats.h"
#include "proxy/archive_copy.h"
#include "proxy/smtp_upstream.h"
#include "smtp/bare_dot.h"
#include "smtp/refusals.h"
#include "vault/envelope.h"

namespace gw::proxy {

// The parts of a connection that a mail uses. All of them must outlive the mail.
struct ProxyParts {
  std::unique_ptr<SmtpUpstream>& upstream;
  std::function<Result<store::Store*>()> store;
  const vault::Route& route;
  daemon::SessionStats& stats;
};

// Used by the thread of one connection; not thread safe. One object per MAIL command.
class ProxiedMail {
 public:
  // `envelope` holds all fields except the recipients; rcpt() adds those. `parts.upstream` is not
  // null.
  ProxiedMail(ProxyParts parts, vault::Envelope envelope)
      : parts_(std::move(parts)), envelope_(std::move(envelope)) {}

  // Passes MAIL on, after checking that the upstream supports what it needs and that a copy can be
  // kept. If the reply is negative, destroy this object.
  smtp::Reply begin(const smtp::MailArguments& from);
  // Passes RCPT on and records the recipient, with the upstream's refusal if there is one.
  smtp::Reply rcpt(const smtp::RcptArguments& to);
  // Begins the copy and passes DATA on. The message follows if the reply is 354.
  smtp::Reply data();
  // Passes bytes of the message on, given without dot stuffing. Returns nullopt if that succeeds.
  // Otherwise returns the reply for the client; the mail has failed, and the rest of it must be
  // dropped.
  std::optional<smtp::Reply> body(ByteView data);
  // Makes the copy durable, sends the final dot, and settles the copy by the upstream's reply.
  smtp::Reply end();

  // Sends the bytes that body() has collected. Call it before waiting for the client. A failure
  // shows in the next call of body() or end().
  void flush();
  // Ends the mail because the client has reset it or has gone. Nothing stays at the upstream or in
  // the vault.
  void abort();

  bool relayed() const { return relayed_; }  // the upstream has accepted the mail

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

  ProxyParts parts_;
  vault::Envelope envelope_;
  daemon::RecipientBudget budget_;
  std::size_t refused_ = 0;  // recipients that the upstream refused
  // The mailbox of the copy; nullopt if the mail passes without a copy.
  std::optional<store::Recipient> target_;
  std::optional<ArchiveCopy> copy_;  // from data() on
  smtp::BareDot lone_dot_;
  std::uint64_t size_ = 0;
  bool streaming_ = false;  // the upstream has replied 354 and has not got the final dot
  bool relayed_ = false;
  std::optional<smtp::Refusal> trouble_;  // the failure of flush(), for the next call
};

}  // namespace gw::proxy
