#include "pop3/client.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "pop3/list_lines.h"
#include "support/cuts.h"

namespace gw::pop3 {
namespace {

using namespace std::literals;

// Takes events until input is needed or no reply is due, and writes them as text.
struct Seen {
  std::string events;
  std::string content;
  std::string sent;  // the text as the server sent it, joined again

  void take(Client& client) {
    for (;;) {
      const Client::Event& event = client.next_event();
      if (std::holds_alternative<NeedInput>(event) || std::holds_alternative<Idle>(event)) return;
      if (const auto* answer = std::get_if<Answer>(&event)) {
        constexpr const char* kKinds[] = {"ok", "refused", "challenge"};
        events += kKinds[static_cast<int>(answer->kind)] + "("s + std::string(answer->text) + ")";
      } else if (const auto* part = std::get_if<TextPart>(&event)) {
        content += as_text(part->data);
        if (part->dot) sent += '.';
        sent += as_text(part->data);
      } else if (std::holds_alternative<TextEnd>(event)) {
        events += "end";
      } else if (const auto* broken = std::get_if<Broken>(&event)) {
        events += "broken: " + broken->reason;
        return;
      }
    }
  }
};

// Plays greeting and one command with the reply `input`, for every cut. `finished`: the server closes.
Seen play(Due due, std::string_view input, bool finished = false) {
  std::optional<Seen> first;
  for (std::size_t cut = 1; cut <= input.size() + 1; cut += 1 + cut / 8) {
    Client client;
    Seen seen;
    client.receive(as_bytes("+OK ready\r\n"));
    seen.take(client);
    REQUIRE(seen.events == "ok(ready)");
    seen.events.clear();
    client.expect(due);
    // Each piece is a buffer of its own, so that a read beyond its end is detected.
    for (std::size_t at = 0; at < input.size(); at += cut) {
      const Bytes piece = to_bytes(input.substr(at, cut));
      client.receive(piece);
      seen.take(client);
      if (seen.events.find("broken") != std::string::npos) break;
    }
    if (finished && seen.events.find("broken") == std::string::npos) {
      client.receive_eof();
      seen.take(client);
    }
    if (!first) first = seen;
    CAPTURE(cut, std::string(input), seen.events, first->events);
    REQUIRE(seen.events == first->events);
    REQUIRE(seen.sent == first->sent);
    REQUIRE(seen.content == first->content);
  }
  return *first;
}

TEST_CASE("A status line is +OK or -ERR, in any case, with its text") {
  CHECK(play(Due::Line, "+OK\r\n").events == "ok()");
  CHECK(play(Due::Line, "+ok 2 320\r\n").events == "ok(2 320)");
  CHECK(play(Due::Line, "-ERR [IN-USE] busy\r\n").events == "refused([IN-USE] busy)");
  CHECK(play(Due::Text, "-ERR no such message\r\n").events == "refused(no such message)");
  CHECK(play(Due::Line, "+OK  \xff\x01\r\n").events == "ok( \xff\x01)");
}

TEST_CASE("A text ends at CRLF, dot, CRLF and nowhere else; the pieces joined are what was sent") {
  const std::string sent =
      "Subject: x\r\n\r\n..\r\n...a\r\n.b\n.\r\n\r.\r\n" + std::string(20'000, 'x') + "\r\n";
  const Seen seen = play(Due::Text, "+OK 120 octets\r\n" + sent + ".\r\n");
  CHECK(seen.events == "ok(120 octets)end");
  CHECK(seen.sent == sent);
  CHECK(seen.content == "Subject: x\r\n\r\n.\r\n..a\r\nb\n.\r\n\r.\r\n" + std::string(20'000, 'x') + "\r\n");
  CHECK(play(Due::Text, "+OK\r\n.\r\n").events == "ok()end");
}

TEST_CASE("An exchange has challenges, each of which is answered, and ends with +OK or -ERR") {
  CHECK(play(Due::Exchange, "+ \r\n").events == "challenge()");
  CHECK(play(Due::Exchange, "+\r\n").events == "challenge()");
  CHECK(play(Due::Exchange, "+ VXNlcm5hbWU6\r\n").events == "challenge(VXNlcm5hbWU6)");
  CHECK(play(Due::Exchange, "-ERR [AUTH] no\r\n").events == "refused([AUTH] no)");
  CHECK(play(Due::Line, "+ \r\n").events == "broken: not a POP3 reply");

  Client client;
  Seen seen;
  client.receive(as_bytes("+OK\r\n"));
  seen.take(client);
  client.expect(Due::Exchange);
  client.receive(as_bytes("+ \r\n"));
  seen.take(client);
  client.expect(Due::Exchange);
  client.receive(as_bytes("+OK in\r\n"));
  seen.take(client);
  CHECK(seen.events == "ok()challenge()ok(in)");
}

TEST_CASE("A reply before its command ends the session") {
  const std::string unasked = "broken: unexpected data from the server";
  CHECK(play(Due::Line, "+OK\r\n+OK\r\n").events == "ok()" + unasked);
  CHECK(play(Due::Line, "+OK\r\n\r\n").events == "ok()" + unasked);
  CHECK(play(Due::Text, "+OK\r\nmail\r\n.\r\n+OK\r\n").events == "ok()end" + unasked);
  CHECK(play(Due::Text, "-ERR\r\nmail\r\n.\r\n").events == "refused()" + unasked);
  // The same after STLS, whatever the bytes would mean within TLS (NO STARTTLS).
  CHECK(play(Due::Line, "+OK begin TLS\r\n+OK logged in\r\n").events == "ok(begin TLS)" + unasked);

  Client client;
  Seen seen;
  client.receive(as_bytes("+OK ready\r\n"));
  seen.take(client);
  client.receive(as_bytes("+OK logged in\r\n"));
  client.expect(Due::Line);
  seen.take(client);
  CHECK(seen.events == "ok(ready)" + unasked);
}

TEST_CASE("A malformed or endless reply ends the session") {
  CHECK(play(Due::Line, "220 mail.example ESMTP\r\n").events == "broken: not a POP3 reply");
  CHECK(play(Due::Line, "+OKAY\r\n").events == "broken: not a POP3 reply");
  CHECK(play(Due::Line, "\r\n").events == "broken: not a POP3 reply");
  CHECK(play(Due::Line, "+OK a\nb\r\n").events == "broken: the reply does not end with CRLF");
  CHECK(play(Due::Line, "+OK a\rb\r\n").events == "broken: the reply does not end with CRLF");
  CHECK(play(Due::Line, "+OK \0\r\n"sv).events == "broken: the reply contains NUL");
  const std::string endless = "+OK " + std::string(Client::kMaxReply, 'x');
  CHECK(play(Due::Line, endless).events == "broken: the reply line is too long");
  CHECK(play(Due::Line, endless.substr(0, Client::kMaxReply) + "\r\n").events.starts_with("ok(xxx"));
}

TEST_CASE("A server that closes is noticed at any point") {
  CHECK(play(Due::Line, "", true).events == "broken: the server closed the connection");
  CHECK(play(Due::Line, "+O", true).events == "broken: the server closed the connection");
  CHECK(play(Due::Line, "+OK\r\n", true).events == "ok()broken: the server closed the connection");
  CHECK(play(Due::Text, "+OK\r\nmail\r\n.", true).events ==
        "ok()broken: the server closed the connection within a multi-line reply");
  CHECK(play(Due::Text, "+OK\r\nmail\r\n.\r\n", true).events ==
        "ok()endbroken: the server closed the connection");
}

TEST_CASE("Two commands are never in progress at the same time") {
  Client client;
  client.expect(Due::Line);  // the greeting is due
  CHECK(std::holds_alternative<Broken>(client.next_event()));
}

TEST_CASE("A text that is passed on is printable ASCII in one line of at most 512 bytes") {
  CHECK(passed_text("[SYS/TEMP] try later ~") == "[SYS/TEMP] try later ~");
  CHECK(passed_text("\x1b[2J \xc3\xa4 \x7f\t") == "?[2J ?? ??");
  CHECK(("-ERR " + passed_text(std::string(2000, 'x')) + "\r\n").size() == 512);
}

TEST_CASE("Lines of a listing are complete however they are cut, and too long ones are left out") {
  const std::string text = "1 a\r\n2 b\n" + std::string(600, 'x') + "\r\n3 c\r\nno end";
  for (std::size_t cut = 1; cut <= text.size(); cut += 1 + cut / 8) {
    ListLines lines;
    std::string all;
    test::in_pieces(text, cut, [&](ByteView piece) {
      lines.write(piece, [&](std::string_view line) { all += std::string(line) + "|"; });
    });
    CHECK(all == "1 a|2 b|3 c|");
  }
}

TEST_CASE("A line of UIDL is a number and a name of graphic ASCII characters") {
  const auto read = [](std::string_view line) {
    const auto found = parse_uidl_line(line);
    return found ? std::to_string(found->number) + "=" + std::string(found->uidl) : "none"s;
  };
  CHECK(read("1 whqtswO00WBw418f9t5JxYwZ") == "1=whqtswO00WBw418f9t5JxYwZ");
  CHECK(read("20  <a@b>=!~ ") == "20=<a@b>=!~");
  for (const std::string& line : {""s, "1"s, "1 "s, "x a"s, "0 a"s, "-1 a"s, "1 a b"s, "1 \xc3\xa4"s,
                                  "1 a\x01"s, "99999999999999999999 a"s, "1 " + std::string(256, 'a')})
    CHECK(read(line) == "none");
}

}  // namespace
}  // namespace gw::pop3
