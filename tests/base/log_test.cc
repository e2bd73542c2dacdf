#include "base/log.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>

#include "base/fd.h"
#include "base/systemd_journal.h"
#include "base/text.h"

using namespace gw;

namespace {

// Returns what `act` writes to standard error.
std::string said(const std::function<void()>& act) {
  const Fd file(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  const Fd before(::dup(STDERR_FILENO));
  REQUIRE((file && before));
  ::dup2(file.get(), STDERR_FILENO);
  act();
  ::dup2(before.get(), STDERR_FILENO);
  std::string text(1 << 20, '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::string head() {
  return "base_tests[" + std::to_string(::getpid()) + "]: ";
}

}  // namespace

TEST_CASE("a line is an event and its values, quoted if they contain spaces") {
  log::open("base_tests", log::Target::Stderr);
  CHECK(said([] {
          log::info("accepted", {{"id", "0193"}, {"bytes", 4711}, {"reason", "a b"}, {"none", ""}});
        }) == head() + "accepted id=0193 bytes=4711 reason=\"a b\" none=\"\"\n");
  CHECK(said([] {
          log::warning("login failed", {{"rhost", "192.0.2.7"}});
        }) == head() + "warning: login failed rhost=192.0.2.7\n");
  CHECK(said([] {
          log::info("x", {{"k", "a\nb\"c\\d"}});
        }) == head() +
                  "x k=\"a\xef\xbf\xbd"
                  "b\\\"c\\\\d\"\n");
  CHECK(said([] {
          log::info("x", {{"k", std::string(5000, 'y')}});
        }) == head() + "x k=" + std::string(1024, 'y') + "\n");
}

TEST_CASE("warnings of one event are limited and counted, and other events are still logged") {
  log::open("base_tests", log::Target::Stderr);
  const std::string text = said([] {
    for (int n = 0; n < 200; ++n) log::warning("a flood", {{"n", n}});
    log::warning("something else");
    for (int n = 0; n < 100; ++n) log::info("a thing done");
    log::flush();
  });
  std::size_t floods = 0;
  std::size_t done = 0;
  for (const std::string_view line : split(text, '\n')) {
    floods += line.find("warning: a flood n=") != std::string_view::npos ? 1 : 0;
    done += line.find("a thing done") != std::string_view::npos ? 1 : 0;
  }
  CHECK(floods == log::kMaxOfAKind);
  CHECK(done == 100);
  CHECK(text.find("warning: something else") != std::string::npos);
  CHECK(text.find("warning: suppressed event=\"a flood\" times=150\n") != std::string::npos);
  CHECK(said([] { log::flush(); }).empty());
}

TEST_CASE("a flood of lines about one source does not hide another source") {
  log::open("base_tests", log::Target::Stderr);
  const auto lines_with = [](const std::string& text, std::string_view part) {
    std::size_t count = 0;
    for (const std::string_view line : split(text, '\n'))
      count += line.find(part) != std::string_view::npos ? 1 : 0;
    return count;
  };
  const auto attempt = [](const std::string& source) { log::warning("an attempt", {{"rhost", source}}); };
  const std::string text = said([&] {
    for (int n = 0; n < 1000; ++n) attempt("192.0.2.1");
    // One host has a complete /64.
    for (int n = 1; n <= 1000; ++n) attempt("2001:db8::" + std::to_string(n));
    attempt("198.51.100.7");
    attempt("2001:db8:0:1::7");
    log::flush();
  });
  CHECK(lines_with(text, "an attempt rhost=192.0.2.1") == log::kMaxOfASource);
  CHECK(lines_with(text, "an attempt rhost=2001:db8::") == log::kMaxOfASource);
  CHECK(lines_with(text, "an attempt rhost=198.51.100.7") == 1);
  CHECK(lines_with(text, "an attempt rhost=2001:db8:0:1::7") == 1);
  CHECK(text.find("suppressed event=\"an attempt\" times=1980\n") != std::string::npos);
  // The number of sources that are counted separately is bounded too.
  const std::string many = said([&] {
    for (std::size_t n = 0; n < 2 * log::kMaxSources; ++n)
      for (int times = 0; times < 2; ++times)
        log::warning("a swarm",
                     {{"rhost", "203.0." + std::to_string(n / 250) + "." + std::to_string(n % 250)}});
    log::flush();
  });
  CHECK(lines_with(many, "a swarm rhost=") == 2 * log::kMaxSources + log::kMaxOfAKind);
}

TEST_CASE("without a journal it is not chosen") {
  log::open("base_tests", log::Target::Stderr);
  if (::access("/run/systemd/journal/socket", F_OK) == 0) return;
  const auto chosen = log::redirect(log::Target::Journal);
  REQUIRE(!chosen);
  CHECK(chosen.error().code() == Code::Config);
  CHECK(said([] { log::info("still here"); }) == head() + "still here\n");
}

TEST_CASE("standard error is the journal only if it is the same file") {
  ::setenv("JOURNAL_STREAM", "1:2", 1);
  CHECK(!log::stderr_is_journal());
  ::unsetenv("JOURNAL_STREAM");
  CHECK(!log::stderr_is_journal());
}

TEST_CASE("a field's name is in capitals, without special characters") {
  std::string datagram;
  log::Journal::put(datagram, "GW_", "upstream-tls", "TLSv1.3");
  CHECK(datagram == "GW_UPSTREAM_TLS=TLSv1.3\n");
}
