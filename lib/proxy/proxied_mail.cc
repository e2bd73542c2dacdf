#include "proxy/proxied_mail.h"

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace gw::proxy {
namespace {

using smtp::Refusal;
using smtp::Reply;

constexpr std::size_t kMaxRefused = 1000;     // recipients that the upstream refused
constexpr std::size_t kMaxRefusalText = 200;  // bytes of its reply in the envelope

// Returns the reply's code and enhanced code, such as `550 5.1.1`, for the log and the history.
std::string codes(const Reply& reply) {
  const std::string enhanced = smtp::enhanced_code(reply);
  return std::to_string(reply.code) + (enhanced.empty() ? "" : " " + enhanced);
}

bool accepted(const Result<Reply>& reply) {
  return reply && reply->code >= 200 && reply->code < 300;
}
bool refused(const Result<Reply>& reply) {
  return reply && reply->code >= 400;
}

}  // namespace

// The commands of the envelope: MAIL and RCPT.

Reply ProxiedMail::begin(const smtp::MailArguments& from) {
  if (const auto refusal = judge(from)) return smtp::reply(*refusal);
  const Result<Reply> reply = parts_.upstream->ask(smtp::mail_command(from, parts_.upstream->capabilities()));
  if (accepted(reply) || refused(reply)) return *reply;
  lose_upstream("MAIL", reply);
  return smtp::reply(Refusal::UpstreamDown);
}

// Checks before MAIL is passed on. Returns a refusal if the upstream has announced that it does not
// support what the mail needs, or if no copy can be kept and the route requires one. Returns
// nullopt otherwise, and sets target_.
std::optional<Refusal> ProxiedMail::judge(const smtp::MailArguments& from) {
  const smtp::Capabilities& able = parts_.upstream->capabilities();
  // gw-proxy does not convert mail, so it cannot pass BODY=8BITMIME or SMTPUTF8 on to a server
  // without it (RFC 6152, RFC 6531).
  if (from.eight_bit && !able.eight_bit) return Refusal::Upstream8bit;
  if (from.smtputf8 && !able.smtputf8) return Refusal::UpstreamUtf8;
  if (able.max_size != 0 && from.size > able.max_size) return Refusal::TooLarge;
  Result<store::Recipient> found = target(from.size);
  if (!found) return keep(found.error());
  target_ = std::move(*found);
  return std::nullopt;
}

// Returns the mailbox for the copy. Checks its state and quota now, because a refusal of MAIL costs
// the client less than a refusal after the message.
Result<store::Recipient> ProxiedMail::target(std::uint64_t size) {
  const auto mailbox = vault::mailbox_of(parts_.route, envelope_.login);
  if (!mailbox) return Error(Code::NotFound, "no mailbox for this login");
  const Result<store::Store*> store = parts_.store();
  if (!store) return store.error();
  Result<store::Recipient> found = vault::target(**store, *mailbox);
  if (!found) return found;
  if (found->mailbox.status == store::Status::Suspended)
    return Error(Code::Conflict, "the mailbox is suspended");
  if (found->room == 0 || size > found->room)
    return Error(Code::OverQuota, "the mailbox has reached its quota");
  return found;
}

Reply ProxiedMail::rcpt(const smtp::RcptArguments& to) {
  if (!parts_.upstream) return smtp::reply(Refusal::UpstreamDown);
  // Check the limits first. Once the upstream has accepted a recipient it cannot be withdrawn
  // alone, and the envelope of the copy must list every recipient.
  if (refused_ >= kMaxRefused || !budget_.take(to)) return smtp::reply(Refusal::TooManyRecipients);
  const Result<Reply> reply = parts_.upstream->ask(smtp::rcpt_command(to, parts_.upstream->capabilities()));
  if (!accepted(reply) && !refused(reply)) {
    lose_upstream("RCPT", reply);
    return smtp::reply(Refusal::UpstreamDown);
  }
  vault::EnvelopeRecipient recipient{to.address, to.parameters, ""};
  if (refused(reply)) {
    ++refused_;
    recipient.refusal = std::to_string(reply->code) + " " + printable(reply->lines.front());
    recipient.refusal.resize(std::min(recipient.refusal.size(), kMaxRefusalText));
  }
  envelope_.recipients.push_back(std::move(recipient));
  return *reply;
}

// The message: DATA, its bytes, and the final dot.

Reply ProxiedMail::data() {
  if (!parts_.upstream) return smtp::reply(Refusal::UpstreamDown);
  // Begin the copy before DATA is passed on. If it fails, the client gets a refusal and the
  // upstream keeps its connection; after 354 the only way to stop the mail is to close the
  // connection.
  if (target_) {
    const std::string actor = "smtp " + envelope_.peer + " " + envelope_.transaction;
    const Result<store::Store*> store = parts_.store();
    Result<ArchiveCopy> copy =
        store ? ArchiveCopy::begin(**store, *target_, envelope_, actor) : Result<ArchiveCopy>(store.error());
    if (copy)
      copy_ = std::move(*copy);
    else if (const auto refusal = keep(copy.error()))
      return smtp::reply(*refusal);
  }
  const Result<Reply> reply = parts_.upstream->ask_data();
  // Only 354 permits a message (RFC 5321, section 4.3.2). Any other positive reply is a protocol
  // violation.
  streaming_ = reply && reply->code == 354;
  if (streaming_) return *reply;
  copy_.reset();
  if (refused(reply)) return *reply;
  lose_upstream("DATA", reply);
  return smtp::reply(Refusal::UpstreamDown);
}

std::optional<Reply> ProxiedMail::body(ByteView data) {
  if (trouble_) return stop_upstream(*trouble_);
  size_ += data.size();
  // SMTP smuggling: a dot between bare line endings could end the message early at the upstream or
  // further on, and the rest would be executed as commands (CVE-2023-51764). gw-proxy passes bytes
  // unchanged, so it must refuse such a message.
  if (lone_dot_.find(data)) return stop_upstream(Refusal::BareDot);
  if (copy_)
    if (const auto refusal = keep(copy_->write(data))) return stop_upstream(*refusal);
  // Write to the copy first: the upstream must not get bytes that the copy lacks.
  if (const Result<void> sent = parts_.upstream->write(data); !sent) {
    lose_upstream("a message", sent.error());
    return stop_upstream(Refusal::UpstreamDown);
  }
  return std::nullopt;
}

// The upstream has timeouts too. Bytes that wait here while the client is slow could exceed them.
void ProxiedMail::flush() {
  if (!streaming_ || trouble_) return;
  if (const Result<void> sent = parts_.upstream->flush(); !sent) {
    lose_upstream("a message", sent.error());
    trouble_ = Refusal::UpstreamDown;
  }
}

Reply ProxiedMail::end() {
  flush();
  if (trouble_) return stop_upstream(*trouble_);
  // The order is the guarantee of gw-proxy: the copy is durable before the upstream can accept the
  // mail. If the process dies in between, the keeper makes the copy unconfirmed.
  if (copy_)
    if (const auto refusal = keep(copy_->make_pending())) return stop_upstream(*refusal);
  return conclude(parts_.upstream->finish());
}

// Settles the copy by the reply to the final dot and returns the reply for the client.
Reply ProxiedMail::conclude(const Result<Reply>& reply) {
  streaming_ = false;
  relayed_ = accepted(reply);
  if (relayed_) {
    store::ServerStats& counts = parts_.stats.counts();
    ++counts.messages;
    counts.size += size_;
    ++(copy_ ? counts.copies : counts.uncopied);
  }
  if (relayed_ || refused(reply)) {
    settle(relayed_ ? Outcome::Accepted : Outcome::Refused, codes(*reply));
    return *reply;
  }
  // No valid reply. If the dot was sent, the upstream may have accepted the mail: keep the copy as
  // unconfirmed. The client gets 451 and may send the mail twice. If the dot was not sent, the
  // upstream must discard the mail, and the copy is discarded too. dot_sent() must be read before
  // the upstream is closed.
  const bool perhaps = parts_.upstream->dot_sent();
  lose_upstream("the final dot", reply);
  settle(perhaps ? Outcome::Unknown : Outcome::Refused, perhaps ? "lost" : "lost before the end");
  return smtp::reply(perhaps ? Refusal::UpstreamSilent : Refusal::UpstreamDown);
}

void ProxiedMail::settle(Outcome outcome, const std::string& said) {
  const std::string_view event = outcome == Outcome::Accepted  ? "relayed"
                                 : outcome == Outcome::Refused ? "refused upstream"
                                                               : "upstream lost after the final dot";
  log::info(event, {{"transaction", envelope_.transaction},
                    {"peer", envelope_.peer},
                    {"route", parts_.route.name},
                    {"upstream", said},
                    {"mailbox", target_ ? target_->mailbox.name : "-"},
                    {"id", copy_ ? copy_->id().hex() : "-"},
                    {"bytes", size_}});
  // A failure changes nothing for the client: the upstream has decided. The keeper makes the copy
  // unconfirmed.
  if (!copy_) return;
  const Result<void> settled =
      copy_->settle(outcome, "smtp " + envelope_.peer + " " + envelope_.transaction + " upstream " + said);
  if (!settled) log_trouble("copy not settled", settled.error());
}

// The ways in which a mail ends early.

void ProxiedMail::abort() {
  if (streaming_) {
    // Within a message there is no command to cancel it. Sending the dot would deliver an
    // incomplete mail, so only closing the connection is left. An authenticated client must then
    // log in again.
    parts_.upstream.reset();
    streaming_ = false;
  } else if (parts_.upstream) {
    const Result<Reply> reply = parts_.upstream->ask("RSET\r\n");
    if (!accepted(reply)) lose_upstream("RSET", reply);
  }
  copy_.reset();
}

Reply ProxiedMail::stop_upstream(Refusal refusal) {
  log::warning("mail stopped", {{"transaction", envelope_.transaction},
                                {"peer", envelope_.peer},
                                {"route", parts_.route.name},
                                {"reason", smtp::row(refusal).name}});
  abort();
  return smtp::reply(refusal);
}

void ProxiedMail::lose_upstream(std::string_view command, const Result<Reply>& reply) {
  log_trouble("upstream lost", reply ? Error(Code::Closed, "unexpected reply to " + std::string(command) +
                                                               ": " + codes(*reply))
                                     : reply.error());
  parts_.upstream.reset();
}

// The copy, if one of its steps fails.

// Converts the result of a step of the copy. Returns nullopt if the step succeeded or the mail may
// pass without a copy, otherwise the refusal for the client.
std::optional<Refusal> ProxiedMail::keep(Result<void> done) {
  if (done || pass_without_copy(done.error())) return std::nullopt;
  const Code code = done.error().code();
  return code == Code::Full || code == Code::OverQuota ? smtp::refusal_for(code) : Refusal::CopyTrouble;
}

// Drops the copy after an error. Returns whether the mail may go on without it (--on-copy-failure
// pass).
bool ProxiedMail::pass_without_copy(const Error& error) {
  log_trouble("copy failed", error);
  copy_.reset();
  if (parts_.route.on_copy_failure == vault::OnCopyFailure::Refuse) return false;
  // Without a target no later step tries to make a copy again.
  target_.reset();
  log::warning(
      "mail passed without a copy",
      {{"transaction", envelope_.transaction}, {"peer", envelope_.peer}, {"route", parts_.route.name}});
  return true;
}

void ProxiedMail::log_trouble(std::string_view what, const Error& error) const {
  parts_.stats.trouble(what, error);
  log::error(what, {{"transaction", envelope_.transaction},
                    {"peer", envelope_.peer},
                    {"route", parts_.route.name},
                    {"code", name(error.code())},
                    {"reason", error.text()}});
}

}  // namespace gw::proxy
