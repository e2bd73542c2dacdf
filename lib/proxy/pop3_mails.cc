#include "proxy/pop3_mails.h"

#include "base/log.h"
#include "base/text.h"
#include "pop3/list_lines.h"

namespace gw::proxy {
namespace {

using pop3::Due;
using pop3::Verb;
using Ask = pop3::ProxySession::Ask;
using Made = Pop3Copies::Made;

// Bytes of a UIDL listing. UidlList keeps a fraction of it, so a longer one is an attack or an
// error.
constexpr std::uint64_t kMaxUidls = 64 << 20;
// Bytes of a mail that are read and dropped after its copy has failed, so that the session can go
// on. If more of the mail follows, closing the connection is cheaper.
constexpr std::uint64_t kDropped = 16 << 20;
constexpr std::string_view kNoCopy = "[SYS/TEMP] Cannot store the archive copy, try again later";
constexpr std::string_view kNoCopyKnown = "[SYS/TEMP] Cannot look up the archive copy, try again later";
constexpr std::string_view kNoServer = "[SYS/TEMP] Upstream server is unavailable, try again later";

}  // namespace

Pop3ProxyMails::Pop3ProxyMails(pop3::ProxySession& session, Pop3ProxyLogin& login, net::Stream& client,
                               std::chrono::milliseconds grace, std::function<bool()> flush)
    : session_(session),
      login_(login),
      client_(client),
      grace_(grace),
      flush_(std::move(flush)),
      copies_(login.copies()) {
  login_.stats().of_route(login_.route_name());
}

void Pop3ProxyMails::answer(const Result<Pop3Upstream::Reply>& reply) {
  if (!reply) return server_lost(reply.error());
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

void Pop3ProxyMails::pass(const Ask& asked) {
  if (asked.text) return pass_text(asked);
  answer(server().ask(asked.command));
}

// Passes LIST, UIDL and TOP on, with a reply of several lines. TOP makes no copy, even if it asks
// for all lines: the copy must hold the mail exactly as RETR returns it.
void Pop3ProxyMails::pass_text(const Ask& asked) {
  // Most clients send UIDL before their first RETR. Read the list from its reply, so that
  // learn_uidls() needs no second one.
  std::optional<UidlList> uidls;
  if (asked.verb == Verb::Uidl && !copies_.listed()) uidls.emplace();
  const auto reply = server().ask(asked.command, Due::Text);
  if (!reply || !reply->ok()) return answer(reply);
  session_.ok(reply->text);
  for (;;) {
    const auto part = server().part();
    if (!part) return server_lost(part.error());
    if (!*part) break;
    if (uidls) uidls->write((*part)->data, copies_.fingerprints());
    session_.text((*part)->data, (*part)->dot);
    if (session_.output_full() && !flush_()) return;
  }
  if (uidls) {
    uidls->finish();
    copies_.set_listed(std::move(*uidls));
  }
  session_.text_end();
}

// Asks the upstream for its UIDLs, once per session, before the first RETR or DELE. UIDL is
// optional (RFC 1939, section 7): if the upstream refuses it, no mail has a UIDL. Returns false if
// the upstream is lost; the session has then ended.
bool Pop3ProxyMails::learn_uidls() {
  if (copies_.listed()) return true;
  UidlList uidls;
  const auto reply = server().ask("UIDL", Due::Text);
  if (!reply) {
    server_lost(reply.error());
    return false;
  }
  if (reply->ok()) {
    const auto listed =
        server().listing(kMaxUidls, [&](ByteView piece) { uidls.write(piece, copies_.fingerprints()); });
    if (!listed) {
      server_lost(listed.error());
      return false;
    }
  }
  uidls.finish();
  copies_.set_listed(std::move(uidls));
  return true;
}

// Logs and counts a copy that cannot be made. Returns whether the client gets its mail without a
// copy (--on-copy-failure pass).
bool Pop3ProxyMails::copy_failed(const Error& error) {
  const bool pass = login_.route().on_copy_failure == vault::OnCopyFailure::Pass;
  log::error(
      pass ? "copy failed, mail passed" : "copy failed",
      {{"transaction", login_.transaction()}, {"route", login_.route_name()}, {"reason", error.text()}});
  login_.stats().trouble("copy failed", error);
  ++counts_.uncopied;
  if (pass) ++login_.stats().counts().uncopied;
  return pass;
}

void Pop3ProxyMails::server_lost(const Error& error) {
  log::warning(
      "upstream lost",
      {{"transaction", login_.transaction()}, {"route", login_.route_name()}, {"reason", error.text()}});
  login_.stats().trouble("upstream lost", error);
  end_ = error.text();
  login_.close();
  // Within a mail no error line may follow, because the client would take it for a line of the
  // mail. It learns from the missing final dot that the mail is incomplete.
  session_.close(session_.in_text() ? "" : kNoServer);
}

// Ends the session within a mail because its copy has failed. Without the final dot the client
// discards what it has, does not send DELE, and fetches the mail again later.
void Pop3ProxyMails::end_without_dot() {
  end_ = "copy failed";
  session_.close();
}

void Pop3ProxyMails::retrieve(const Ask& asked) {
  if (!learn_uidls()) return;
  const std::uint64_t number = asked.number;
  std::optional<Pop3Copies::Copy> copy;
  if (auto begun = copies_.begin(number))
    copy.emplace(std::move(*begun));
  else if (!copy_failed(begun.error()))
    return session_.refuse(kNoCopy);
  // If the process is asked to stop from here on, this mail is still transferred to its end.
  client_.finish(grace_);
  server().finish(grace_);
  const auto reply = server().ask(asked.command, Due::Text);
  if (!reply || !reply->ok()) return answer(reply);
  session_.ok(reply->text);
  for (;;) {
    const auto part = server().part();
    if (!part) return server_lost(part.error());
    if (!*part) break;
    const pop3::TextPart& text = **part;
    counts_.size += text.data.size();
    login_.stats().counts().size += text.data.size();
    if (copy) copy->write(text.data);
    // Do not wait for the end of a mail whose copy has failed already.
    if (copy && copy->failed()) {
      const bool pass = copy_failed(copy->finish().error());
      copy.reset();
      if (!pass) return end_without_dot();
    }
    session_.text(text.data, text.dot);
    if (session_.output_full() && !flush_()) return;
  }
  // The order is the guarantee: commit the copy, then send the final dot. After the dot the client
  // may delete the mail at any time.
  if (copy) {
    Result<Made> made = copy->finish();
    std::optional<std::string> refusal;
    // The bytes were not sealed because the UIDL was known, but they are those of another mail.
    // They have gone to the client, so fetch them again for the copy while the client waits for the
    // dot.
    if (made && *made == Made::DiffersNow) made = fetch_for_copy(number, refusal);
    if (lost()) return;
    count(made);
    if (!made && !copy_failed(made.error())) return end_without_dot();
  }
  ++counts_.retrieved;
  ++login_.stats().counts().messages;
  login_.stats().report_if_due();
  session_.text_end();
}

void Pop3ProxyMails::count(const Result<Made>& made) {
  if (made && *made == Made::Stored) ++login_.stats().counts().copies;
}

// Fetches a message for its copy only; the client does not get it. If the upstream refuses RETR,
// `refusal` is set to its text. If the upstream is lost, the session has ended when this returns.
Result<Made> Pop3ProxyMails::fetch_for_copy(std::uint64_t number, std::optional<std::string>& refusal) {
  auto copy = copies_.begin(number, true);
  if (!copy) return copy.error();
  const auto reply = server().ask("RETR " + std::to_string(number), Due::Text);
  if (!reply) {
    server_lost(reply.error());
    return reply.error();
  }
  if (!reply->ok()) {
    refusal = reply->text;
    return Error(Code::Unavailable, "the server refused to send the message");
  }
  for (std::uint64_t dropped = 0;;) {
    const auto part = server().part();
    if (!part) {
      server_lost(part.error());
      return part.error();
    }
    if (!*part) return copy->finish();
    // A failed copy does not end the loop: the rest of the reply must be read before the next
    // command.
    copy->write((*part)->data);
    if (copy->failed() && (dropped += (*part)->data.size()) > kDropped) {
      server_lost(copy->finish().error());
      return Error(Code::Unavailable, "the archive copy failed");
    }
  }
}

void Pop3ProxyMails::remove(const Ask& asked) {
  if (learn_uidls() && may_delete(asked.number)) answer(server().ask(asked.command));
}

// Returns whether the message certainly has a durable copy. If this session has not fetched it, the
// upstream is asked for its size, since the UIDL alone proves nothing.
Result<bool> Pop3ProxyMails::has_copy(std::uint64_t number) {
  if (copies_.has(number)) return true;
  const auto listed = server().ask("LIST " + std::to_string(number));
  if (!listed) {
    server_lost(listed.error());
    return listed.error();
  }
  if (!listed->ok()) return false;
  // A reply to LIST has the same form as a line of UIDL: a number and one more word.
  const auto fields = pop3::parse_uidl_line(listed->text);
  const auto size = fields && fields->number == number ? parse_number(fields->uidl) : std::nullopt;
  return size ? copies_.had(number, *size) : Result<bool>(false);
}

// Returns whether DELE may pass. If it may not, the client has got its reply, or the session has
// ended.
bool Pop3ProxyMails::may_delete(std::uint64_t number) {
  const vault::UncopiedDelete uncopied = login_.route().uncopied_delete;
  const Result<bool> has = has_copy(number);
  if (lost()) return false;
  if (has && *has) return true;
  if (has && uncopied == vault::UncopiedDelete::Pass) {
    ++counts_.uncopied;
    ++login_.stats().counts().uncopied;
    log::warning("mail deleted without a copy",
                 {{"transaction", login_.transaction()}, {"route", login_.route_name()}});
    return true;
  }
  if (uncopied == vault::UncopiedDelete::Refuse) {
    // A copy that cannot be proved is no copy. --on-copy-failure must not decide here: it is about
    // copies that are attempted, and this route attempts none at DELE.
    session_.refuse(has ? "[SYS/TEMP] Message has no archive copy yet, retrieve it first" : kNoCopyKnown);
    if (!has) login_.stats().trouble("copy lookup failed", has.error());
    return false;
  }
  std::optional<std::string> refusal;
  // If the keeper could not be asked whether a copy exists, a fetch cannot make one either.
  const Result<Made> made = has ? fetch_for_copy(number, refusal) : Result<Made>(has.error());
  count(made);
  if (made) return true;
  if (lost()) return false;
  if (refusal) {
    session_.refuse(*refusal);
    return false;
  }
  if (copy_failed(made.error())) return true;
  session_.refuse(kNoCopy);
  return false;
}

}  // namespace gw::proxy
