#include "smtp/command.h"

#include <catch2/catch.hpp>
#include <string>

using namespace gw::smtp;

namespace {

std::string mail(std::string_view argument) {
  const auto parsed = parse_mail(argument);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return "!" + std::string(row(*refusal).name);
  const auto& arguments = std::get<MailArguments>(parsed);
  return arguments.address + "|" + arguments.parameters;
}

std::string rcpt(std::string_view argument, bool smtputf8 = false) {
  const auto parsed = parse_rcpt(argument, smtputf8);
  if (const auto* refusal = std::get_if<Refusal>(&parsed)) return "!" + std::string(row(*refusal).name);
  const auto& arguments = std::get<RcptArguments>(parsed);
  return arguments.address + "|" + arguments.parameters;
}

}  // namespace

TEST_CASE("Verbs are recognised in any case, and those not offered are distinguished from unknown ones") {
  CHECK(parse_command("ehlo  a ").verb == Verb::Ehlo);
  CHECK(parse_command("ehlo  a ").argument == "a");
  CHECK(parse_command("StartTLS").verb == Verb::StartTls);
  CHECK(parse_command("ETRN x").verb == Verb::NotOffered);
  CHECK(parse_command("EXPN x").verb == Verb::NotOffered);
  CHECK(parse_command("TURN").verb == Verb::NotOffered);
  for (const char* line : {"", "FROB", "DATAX", " DATA", "MAILFROM:<a@b>", "XCLIENT a"})
    CHECK(parse_command(line).verb == Verb::Unknown);
}

TEST_CASE("Other protocols are recognised by their first bytes") {
  CHECK(looks_like_http("GET / HTTP/1.1"));
  CHECK(looks_like_http("POST / HTTP/1.0"));
  CHECK(looks_like_http("OPTIONS * HTTP/1.1"));
  CHECK_FALSE(looks_like_http("GETX"));
  CHECK_FALSE(looks_like_http("HELP"));
  CHECK(looks_like_tls("\x16\x03\x01"));
  CHECK_FALSE(looks_like_tls("EHLO a"));
}

TEST_CASE("EHLO accepts any name without control characters") {
  for (const char* name : {"host.example", "[192.0.2.1]", "[IPv6:2001:db8::1]", "my_host",
                           "b\xfc"
                           "ro",
                           "a b", "-", "1"})
    CHECK(valid_helo(name));
  CHECK_FALSE(valid_helo(""));
  CHECK_FALSE(
      valid_helo("a\x01"
                 "b"));
}

TEST_CASE("A reverse-path is returned as it was sent") {
  CHECK(mail("FROM:<a@b>") == "a@b|");
  CHECK(mail("from:<a@b>") == "a@b|");
  CHECK(mail("FROM:<>") == "|");
  CHECK(mail("FROM: <a@b>") == "a@b|");
  CHECK(mail("FROM:  a@b") == "a@b|");
  CHECK(mail("FROM:a@b SIZE=10") == "a@b|SIZE=10");
  CHECK(mail("FROM:<a..b.@c>") == "a..b.@c|");
  CHECK(mail("FROM:<.a@c>") == ".a@c|");
  CHECK(mail("FROM:<nodomain>") == "nodomain|");
  CHECK(mail("FROM:<\"a b>c\"@d> SIZE=1") == "\"a b>c\"@d|SIZE=1");
  CHECK(mail("FROM:<\"a\\\"> b\"@d>") == "\"a\\\"> b\"@d|");
  CHECK(mail("FROM:<\"a@d>") == "\"a@d|");
  CHECK(mail("FROM:<a>b@d>") == "a>b@d|");
  CHECK(mail("FROM:<user name@d>") == "user name@d|");
  CHECK(mail("FROM:<@one,@two:a@b>") == "a@b|");
  CHECK(mail("FROM:<@[IPv6:::1]:a@b>") == "a@b|");
  CHECK(mail("FROM:<a@[IPv6:2001:db8::1]>") == "a@[IPv6:2001:db8::1]|");
  CHECK(mail("FROM:<" + std::string(1000, 'a') + ">") == std::string(1000, 'a') + "|");
}

TEST_CASE("A MAIL without an address, or with an address without an end, is malformed") {
  for (const char* argument : {"", "FROM", "FROM:", "FROM: ", "FROM:<a@b", "FROM:<", "TO:<a@b>", "<a@b>",
                               "FROM <a@b>", "FROM:<a@b>SIZE=1", "FROM:<a\x01@b>", "FROM:<a\t@b>"}) {
    CAPTURE(argument);
    CHECK(mail(argument) == "!malformed");
  }
  CHECK(mail("FROM:<" + std::string(1001, 'a') + ">") == "!malformed");
}

TEST_CASE("MAIL's parameters are checked by name and syntax") {
  CHECK(mail("FROM:<> SIZE=5  BODY=8BITMIME") == "|SIZE=5 BODY=8BITMIME");
  CHECK(mail("FROM:<> body=7bit smtputf8") == "|body=7bit smtputf8");
  CHECK(mail("FROM:<> AUTH=<> ENVID=x+3D RET=HDRS") == "|AUTH=<> ENVID=x+3D RET=HDRS");
  CHECK(mail("FROM:<> ENVID=a=b AUTH=c=d") == "|ENVID=a=b AUTH=c=d");
  for (const char* argument :
       {"FROM:<> SIZE", "FROM:<> SIZE=", "FROM:<> SIZE=x", "FROM:<> SIZE=-1", "FROM:<> SIZE=1 SIZE=1",
        "FROM:<> BODY=X", "FROM:<> BODY=BINARYMIME", "FROM:<> SMTPUTF8=1", "FROM:<> =1", "FROM:<> A=1=2",
        "FROM:<> SIZE=1=2", "FROM:<> A_B=1", "FROM:<> -A=1"}) {
    CAPTURE(argument);
    CHECK(mail(argument) == "!malformed");
  }
  CHECK(mail("FROM:<> FROB=1") == "!unknown-parameter");
  CHECK(mail("FROM:<> REQUIRETLS") == "!unknown-parameter");
  CHECK(std::get<MailArguments>(parse_mail("FROM:<> SIZE=123")).size == 123);
  CHECK(std::get<MailArguments>(parse_mail("FROM:<> SIZE=99999999999999999999999")).size == UINT64_MAX);
}

TEST_CASE("An 8-bit address needs SMTPUTF8 and must be UTF-8") {
  CHECK(mail("FROM:<b\xc3\xbc@d>") == "!needs-smtputf8");
  CHECK(mail("FROM:<b\xc3\xbc@d> SMTPUTF8") == "b\xc3\xbc@d|SMTPUTF8");
  CHECK(mail("FROM:<b\xfc@d> SMTPUTF8") == "!bad-sender");
  CHECK(rcpt("TO:<b\xc3\xbc@d>") == "!needs-smtputf8");
  CHECK(rcpt("TO:<b\xc3\xbc@d>", true) == "b\xc3\xbc@d|");
  CHECK(rcpt("TO:<b\xfc@d>", true) == "!bad-recipient");
}

TEST_CASE("RCPT accepts a forward-path and DSN's parameters") {
  CHECK(rcpt("TO:<a@b>") == "a@b|");
  CHECK(rcpt("TO: a@b") == "a@b|");
  CHECK(rcpt("TO:<@x:a@b> NOTIFY=NEVER ORCPT=rfc822;a+40b") == "a@b|NOTIFY=NEVER ORCPT=rfc822;a+40b");
  // Not xtext, but Postfix and Exim accept it: SRS and X.400 addresses contain it.
  CHECK(rcpt("TO:<a@b> ORCPT=rfc822;SRS0=ab=cd=x.example=y@example.com") ==
        "a@b|ORCPT=rfc822;SRS0=ab=cd=x.example=y@example.com");
  CHECK(rcpt("TO:<a@b> ORCPT=x400;/C=DE/A=T/") == "a@b|ORCPT=x400;/C=DE/A=T/");
  CHECK(rcpt("TO:<a@b> NOTIFY=NEVER=x") == "!malformed");
  CHECK(rcpt("TO:<>") == "!malformed");
  CHECK(rcpt("TO:") == "!malformed");
  CHECK(rcpt("TO:<a@b") == "!malformed");
  CHECK(rcpt("FROM:<a@b>") == "!malformed");
  CHECK(rcpt("TO:<a@b> SIZE=1") == "!unknown-parameter");
}

TEST_CASE("BDAT has a size and perhaps LAST") {
  CHECK(parse_bdat("0")->size == 0);
  CHECK(parse_bdat("17 last")->last);
  CHECK(parse_bdat("18446744073709551615")->size == UINT64_MAX);
  for (const char* argument :
       {"", "x", "-1", "+1", "1x", "1 LASTX", "1 LAST LAST", "LAST", "18446744073709551616"})
    CHECK_FALSE(parse_bdat(argument));
}

TEST_CASE("AUTH has a mechanism and perhaps an initial response") {
  CHECK(parse_auth("PLAIN")->mechanism == "PLAIN");
  CHECK_FALSE(parse_auth("PLAIN")->initial);
  CHECK(parse_auth("PLAIN AGEAYg==")->initial == "AGEAYg==");
  CHECK_FALSE(parse_auth(""));
  CHECK_FALSE(parse_auth("PLAIN a b"));
}
