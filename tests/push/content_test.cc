#include "push/content.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::push;

namespace {

// The form of a mail that is fed in pieces of `cut` bytes, and the data that is sent.
struct Sent {
  Form form;
  std::string text;
};
Sent sent(std::string_view mail, std::size_t cut) {
  const Feed feed = [=](const Sink& sink) -> Result<void> {
    for (std::size_t at = 0; at < mail.size(); at += cut)
      if (auto taken = sink(as_bytes(mail.substr(at, cut))); !taken) return taken;
    return {};
  };
  Sent all{examine(feed).value(), {}};
  REQUIRE(push::send(feed, all.form, [&](ByteView piece) -> Result<void> {
    all.text += as_text(piece);
    return {};
  }));
  CHECK(all.text.size() == all.form.size);
  return all;
}

}  // namespace

TEST_CASE("text is sent with CRLF at the end of each line, however it is cut") {
  for (const std::size_t cut : {1U, 2U, 100U}) {
    CHECK(sent("a\r\n\r\nb\r\n", cut).text == "a\r\n\r\nb\r\n");
    CHECK(sent("a\n\nb\n", cut).text == "a\r\n\r\nb\r\n");
    CHECK(sent("a\r\nb", cut).text == "a\r\nb\r\n");
    CHECK(sent("a\nb", cut).text == "a\r\nb\r\n");
    CHECK(sent("", cut).text.empty());
    CHECK_FALSE(sent("a\nb", cut).form.binary);
  }
}

TEST_CASE("data that is not text is binary, and sent unchanged") {
  using namespace std::literals;
  for (const std::string_view mail :
       {"a\r\nb\n"sv, "a\nb\r\n"sv, "a\rb\r\n"sv, "a\r\r\n"sv, "a\r"sv, "\0\r\n"sv}) {
    for (const std::size_t cut : {1U, 2U, 100U}) {
      CHECK(sent(mail, cut).form.binary);
      CHECK(sent(mail, cut).text == mail);
    }
  }
}

TEST_CASE("a byte above 0x7f makes a mail 8-bit") {
  CHECK(sent("\xe4\r\n", 100).form.eight_bit);
  CHECK_FALSE(sent("a\x7f\r\n", 100).form.eight_bit);
}
