#include "gate/pop3_relay_mails.h"

#include "base/log.h"
#include "base/text.h"
#include "pop3/list_lines.h"

namespace gw::gate {
namespace {

using pop3::Due;
using pop3::Verb;
using Ask = pop3::RelaySession::Ask;
using Made = Pop3Copies::Made;

constexpr std::uint64_t kLongestUidls = 64 << 20;  // several times what UidlList keeps
constexpr std::uint64_t kDropped = 16 << 20;       // of a mail whose copy has failed, to keep the session
constexpr std::string_view kNoCopy = "[SYS/TEMP] no copy can be kept now, try again later";
constexpr std::string_view kNoServer = "[SYS/TEMP] the server cannot be reached now";

}  // namespace

Pop3RelayMails::Pop3RelayMails(pop3::RelaySession& session, Pop3RelayLogin& login, net::Stream& client,
                               std::chrono::milliseconds grace, std::function<bool()> flush)
    : session_(session),
      login_(login),
      client_(client),
      grace_(grace),
      flush_(std::move(flush)),
      copies_(login.copies()) {
  login_.tally().of_route(login_.route_name());
}

void Pop3RelayMails::answer(const Result<Pop3Upstream::Reply>& reply) {
  if (!reply) return server_lost(reply.error());
  reply->ok() ? session_.ok(reply->text) : session_.refuse(reply->text);
}

void Pop3RelayMails::pass(const Ask& asked) {
  if (asked.text) return pass_text(asked);
  answer(server().ask(asked.command));
}

// LIST, UIDL and TOP: passed on as they come. TOP is no copy, however many lines it asks for.
void Pop3RelayMails::pass_text(const Ask& asked) {
  // The client's own question spares us ours.
  std::optional<UidlList> uidls;
  if (asked.verb == Verb::Uidl && !copies_.listed()) uidls.emplace();
  const auto reply = server().ask(asked.command, Due::Text);
  if (!reply || !reply->ok()) return answer(reply);
  session_.ok(reply->text);
  for (;;) {
    const auto part = server().part();
    if (!part) return server_lost(part.error());
    if (!*part) break;
    if (uidls) uidls->write((*part)->octets, copies_.fingerprints());
    session_.text((*part)->octets, (*part)->dot);
    if (session_.output_full() && !flush_()) return;
  }
  if (uidls) {
    uidls->finish();
    copies_.set_listed(std::move(*uidls));
  }
  session_.text_end();
}

// Once, before the first RETR or DELE. A server without UIDL refuses, and then its mails have no names.
bool Pop3RelayMails::learn_uidls() {
  if (copies_.listed()) return true;
  UidlList uidls;
  const auto reply = server().ask("UIDL", Due::Text);
  if (!reply) {
    server_lost(reply.error());
    return false;
  }
  if (reply->ok()) {
    const auto listed =
        server().listing(kLongestUidls, [&](ByteView piece) { uidls.write(piece, copies_.fingerprints()); });
    if (!listed) {
      server_lost(listed.error());
      return false;
    }
  }
  uidls.finish();
  copies_.set_listed(std::move(uidls));
  return true;
}

// A copy that cannot be made. True: the route says that the client gets its mail all the same.
bool Pop3RelayMails::copy_failed(const Error& error) {
  const bool pass = login_.route().on_copy_failure == vault::OnCopyFailure::Pass;
  log::error(
      pass ? "no copy, passed on" : "no copy",
      {{"transaction", login_.transaction()}, {"route", login_.route_name()}, {"reason", error.text()}});
  login_.tally().trouble("no copy", error);
  ++counts_.uncopied;
  if (pass) ++login_.tally().counts().uncopied;
  return pass;
}

void Pop3RelayMails::server_lost(const Error& error) {
  log::warning(
      "server lost",
      {{"transaction", login_.transaction()}, {"route", login_.route_name()}, {"reason", error.text()}});
  login_.tally().trouble("server lost", error);
  end_ = error.text();
  login_.close();
  // Within a text nothing may follow: without the dot the client knows that it has not all of it.
  session_.close(session_.in_text() ? "" : kNoServer);
}

void Pop3RelayMails::end_without_dot() {
  end_ = "no copy";
  session_.close();
}

void Pop3RelayMails::retrieve(const Ask& asked) {
  if (!learn_uidls()) return;
  const std::uint64_t number = asked.number;
  std::optional<Pop3Copies::Copy> copy;
  if (auto begun = copies_.begin(number))
    copy.emplace(std::move(*begun));
  else if (!copy_failed(begun.error()))
    return session_.refuse(kNoCopy);
  // A mail that is on its way may end.
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
    counts_.octets += text.octets.size();
    login_.tally().counts().octets += text.octets.size();
    if (copy) copy->write(text.octets);
    if (copy && copy->failed()) {
      const bool pass = copy_failed(copy->finish().error());
      copy.reset();
      if (!pass) return end_without_dot();
    }
    session_.text(text.octets, text.dot);
    if (session_.output_full() && !flush_()) return;
  }
  if (copy) {
    Result<Made> made = copy->finish();
    std::optional<std::string> refusal;
    if (made && *made == Made::DiffersNow) made = fetch_for_copy(number, refusal);
    if (lost()) return;
    count(made);
    if (!made && !copy_failed(made.error())) return end_without_dot();
  }
  ++counts_.retrieved;
  ++login_.tally().counts().messages;
  login_.tally().now_and_then();
  session_.text_end();
}

void Pop3RelayMails::count(const Result<Made>& made) {
  if (made && *made == Made::Stored) ++login_.tally().counts().copies;
}

// A message that the client is not given (again), for its copy only. `refusal`: the server's, where it does
// not give it.
Result<Made> Pop3RelayMails::fetch_for_copy(std::uint64_t number, std::optional<std::string>& refusal) {
  auto copy = copies_.begin(number, true);
  if (!copy) return copy.error();
  const auto reply = server().ask("RETR " + std::to_string(number), Due::Text);
  if (!reply) {
    server_lost(reply.error());
    return reply.error();
  }
  if (!reply->ok()) {
    refusal = reply->text;
    return Error(Code::Unavailable, "the server does not give the message");
  }
  for (std::uint64_t dropped = 0;;) {
    const auto part = server().part();
    if (!part) {
      server_lost(part.error());
      return part.error();
    }
    if (!*part) return copy->finish();
    copy->write((*part)->octets);
    if (copy->failed() && (dropped += (*part)->octets.size()) > kDropped) {
      server_lost(copy->finish().error());
      return Error(Code::Unavailable, "the copy failed");
    }
  }
}

void Pop3RelayMails::remove(const Ask& asked) {
  if (learn_uidls() && may_delete(asked.number)) answer(server().ask(asked.command));
}

// Whether the message surely has a durable copy. Upstream is asked for its size if this session has not
// fetched it.
Result<bool> Pop3RelayMails::has_copy(std::uint64_t number) {
  if (copies_.has(number)) return true;
  const auto listed = server().ask("LIST " + std::to_string(number));
  if (!listed) {
    server_lost(listed.error());
    return listed.error();
  }
  if (!listed->ok()) return false;
  const auto fields = pop3::parse_uidl_line(listed->text);
  const auto size = fields && fields->number == number ? parse_number(fields->uidl) : std::nullopt;
  return size ? copies_.had(number, *size) : Result<bool>(false);
}

// Whether DELE may pass; where it may not the client has its answer.
bool Pop3RelayMails::may_delete(std::uint64_t number) {
  const vault::UncopiedDelete uncopied = login_.route().uncopied_delete;
  const Result<bool> has = has_copy(number);
  if (lost()) return false;
  if (has && *has) return true;
  if (has && uncopied == vault::UncopiedDelete::Pass) {
    ++counts_.uncopied;
    ++login_.tally().counts().uncopied;
    log::warning("deleted without a copy",
                 {{"transaction", login_.transaction()}, {"route", login_.route_name()}});
    return true;
  }
  if (has && uncopied == vault::UncopiedDelete::Refuse) {
    session_.refuse("[SYS/TEMP] the message has no copy yet, fetch it first");
    return false;
  }
  std::optional<std::string> refusal;
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

}  // namespace gw::gate
