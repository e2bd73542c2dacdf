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

TEST_CASE("A POP3 copy gets the login where that is an address") {
  TraceFacts copy;
  copy.login = "user@example.org";
  CHECK(trace_lines(TraceMode::Auto, copy, {}) == Lines{"X-Envelope-To: <user@example.org>"});
  copy.login = "user";
  CHECK(trace_lines(TraceMode::Auto, copy, {}).empty());
}

TEST_CASE("On adds Return-Path and a folded Received, the null sender as <>") {
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

TEST_CASE("What a peer said cannot make a line of its own") {
  TraceFacts hostile = facts();
  hostile.helo = "x\r\nSubject: forged";
  hostile.reverse_path = "a\nb@c";
  for (const std::string& line : trace_lines(TraceMode::On, hostile, Lines{"x\r\n\r\n@y"})) {
    CHECK(line.find_first_of("\r\n") == std::string::npos);
  }
}

}  // namespace
}  // namespace gw::mail
