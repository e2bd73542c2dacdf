// Plays data into a Session, cut as requested, and records what happens: a driver with a simple policy.
//
// RCPT: `no@` is refused permanently, `later@` temporarily, others are accepted. A body of `fail` is refused
// while it streams, one of `later` at its end. AUTH: the initial response or first line `eWVz` is right.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "smtp/session.h"

namespace gw::smtp::test {

struct Transcript {
  std::string events;  // one event a line; a body is one event, in whatever pieces it arrived
  std::string output;
  bool closed = false;

  friend bool operator==(const Transcript&, const Transcript&) = default;
};

class Conversation {
 public:
  explicit Conversation(Options options) : session_(std::move(options)) {
    session_.greet();
    pump();
  }

  void send(std::string_view data) {
    // A copy in a buffer of its own size, so that the sanitizer detects a view that is used too long.
    const Bytes piece = to_bytes(data);
    session_.receive(piece);
    pump();
  }
  void end() {
    session_.receive_eof();
    pump();
  }

  Session& session() { return session_; }
  const Transcript& seen() const { return seen_; }

 private:
  void note(std::string_view event) { seen_.events += std::string(event) + "\n"; }

  void answer(const RcptTo& rcpt) {
    note("rcpt " + rcpt.address + (rcpt.parameters.empty() ? "" : " " + rcpt.parameters));
    if (rcpt.address.starts_with("no@")) return session_.refuse(Refusal::UnknownMailbox);
    if (rcpt.address.starts_with("later@")) return session_.refuse(Refusal::StoreTrouble);
    session_.accept();
  }

  bool helo_offers() const { return session_.helo() != "nobody"; }

  void authenticate(std::string_view line) {
    if (line.empty()) return session_.challenge("");
    line == "eWVz" ? session_.accept() : session_.refuse(Refusal::WrongCredentials);
  }

  void pump() {
    while (!seen_.closed) {
      const Event& event = session_.next_event();
      if (std::holds_alternative<NeedInput>(event)) break;
      if (std::holds_alternative<StartTls>(event)) {
        note("starttls");
        session_.accept();
        seen_.output += session_.take_output();
        session_.tls_started();
      } else if (std::holds_alternative<AuthOffer>(event)) {
        note("auth-offer");
        session_.offer_auth(helo_offers());
      } else if (const auto* auth = std::get_if<AuthStart>(&event)) {
        note("auth " + std::string(auth->mechanism));
        authenticate(auth->initial.value_or(""));
      } else if (const auto* line = std::get_if<AuthLine>(&event)) {
        note("auth-line " + std::string(line->line));
        authenticate(line->line);
      } else if (const auto* mail = std::get_if<MailFrom>(&event)) {
        note("mail " + mail->address + (mail->parameters.empty() ? "" : " " + mail->parameters));
        session_.accept();
      } else if (std::holds_alternative<DataStart>(event)) {
        note("data");
        helo_offers() ? session_.accept(Reply(354, "", "upstream waits"))
                      : session_.refuse(Refusal::UpstreamDown);
      } else if (const auto* rcpt = std::get_if<RcptTo>(&event)) {
        answer(*rcpt);
      } else if (const auto* bytes = std::get_if<BodyBytes>(&event)) {
        body_ += as_text(bytes->bytes);
        if (body_.starts_with("fail")) {
          session_.refuse(Refusal::DiskLow);
          note("failed");
          body_.clear();
        }
      } else if (std::holds_alternative<BodyEnd>(event)) {
        note("body " + body_);
        body_.starts_with("later") ? session_.refuse(Refusal::StoreTrouble)
                                   : session_.accept("OK: stored as id");
        body_.clear();
      } else if (std::holds_alternative<Aborted>(event)) {
        note("aborted");
        body_.clear();
      } else {
        seen_.closed = true;
      }
    }
    seen_.output += session_.take_output();
  }

  Session session_;
  Transcript seen_;
  std::string body_;
};

// Plays all of `data` in pieces; `next_cut` returns the size of each (at least 1). Then the input ends.
inline Transcript play(const Options& options, std::string_view data,
                       const std::function<std::size_t()>& next_cut) {
  Conversation conversation(options);
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, next_cut());
    conversation.send(piece);
    data.remove_prefix(piece.size());
  }
  conversation.end();
  return conversation.seen();
}

}  // namespace gw::smtp::test
