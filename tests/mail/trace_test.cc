#include "mail/trace.h"

#include <catch2/catch.hpp>

namespace gw::mail {
namespace {

using Lines = std::vector<std::string>;

TraceFacts facts() {
  TraceFacts facts;
  facts.reverse_path = "sender@example.org";
  facts.helo = "mail.example.org";
  facts.peer = "192.0.2.1";
  facts.host = "gateway.example.net";
  facts.protocol = "ESMTPS";
  facts.transaction = "t1";
  facts.received = 1'764'040'354'000'000;
  return facts;
}

TEST_CASE("Journal mail gets no trace lines by default") {
  CHECK(trace_lines(TraceMode::Auto, facts(), {}).empty());
}

TEST_CASE("Mail to foreign recipients gets its envelope by default") {
  CHECK(trace_lines(TraceMode::Auto, facts(), Lines{"a@x.example", "b@y.example"}) ==
        Lines{"X-Envelope-From: <sender@example.org>", "X-Envelope-To: <a@x.example>",
              "X-Envelope-To: <b@y.example>"});
}

TEST_CASE("A POP3 copy gets the login if it is an address") {
  TraceFacts copy;
  copy.login = "user@example.org";
  CHECK(trace_lines(TraceMode::Auto, copy, {}) == Lines{"X-Envelope-To: <user@example.org>"});
  copy.login = "user";
  CHECK(trace_lines(TraceMode::Auto, copy, {}).empty());
}

TEST_CASE("On adds Return-Path and a folded Received; the null sender is <>") {
  TraceFacts report = facts();
  report.reverse_path = "";
  report.peer = "2001:db8::1";
  CHECK(trace_lines(TraceMode::On, report, {}) ==
        Lines{"Return-Path: <>", "Received: from mail.example.org ([IPv6:2001:db8::1])",
              "\tby gateway.example.net with ESMTPS id t1;", "\tTue, 25 Nov 2025 03:12:34 +0000",
              "X-Envelope-From: <>"});
}

TEST_CASE("Off writes nothing") {
  CHECK(trace_lines(TraceMode::Off, facts(), Lines{"a@x.example"}).empty());
}

TEST_CASE("Text from a peer cannot add a line") {
  TraceFacts hostile = facts();
  const std::string helo = GENERATE(std::string("x\r\nSubject: forged"), std::string(2000, 'x'));
  hostile.helo = helo;
  hostile.reverse_path = "a\nb@c";
  for (const std::string& line : trace_lines(TraceMode::On, hostile, Lines{"x\r\n\r\n@y"})) {
    CHECK(line.find_first_of("\r\n") == std::string::npos);
    CHECK(line.size() <= 998);
  }
}

TracePlace place(std::string_view mail) {
  TracePlacer placer;
  placer.write(as_bytes(mail));
  placer.finish();
  REQUIRE(placer.done());
  return placer.place();
}

TEST_CASE("A message with a field before its first empty line gets its trace lines without an empty line") {
  for (const std::string odd :
       {"", "Subject : red\r\n", "X-\xe4: 1\r\n", "X Spam: no\r\n", "odd\r\n folded\r\n"}) {
    CAPTURE(odd);
    const TracePlace found = place(odd + "From: ann@example.com\r\n\r\nbody\r\n");
    CHECK(found.offset == 0);
    CHECK_FALSE(found.apart);
  }
  CHECK_FALSE(place("A: 1").apart);
  CHECK_FALSE(place("A: " + std::string(100'000, 'x')).apart);
}

TEST_CASE("A line that would continue a trace line stays before it") {
  const std::string folded = " , <other@example.org>\r\n";
  const TracePlace found = place(folded + "From: ann@example.com\r\n\r\n");
  CHECK(found.offset == folded.size());
  CHECK_FALSE(found.apart);
}

TEST_CASE("A message without a header is separated from its trace lines by an empty line") {
  for (const std::string_view body :
       {"", "text", "\r\nA: b\r\n", "text\r\n\r\nA: b\r\n", " text", "From x\r\n"}) {
    CAPTURE(body);
    CHECK(place(body).apart);
    CHECK(place(body).offset == 0);
  }
}

}  // namespace
}  // namespace gw::mail
