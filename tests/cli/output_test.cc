#include "cli/output.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/child.h"

using namespace std::literals;

namespace gw::cli {
namespace {

using test::Outcome;

Outcome print(const std::function<int(Output&)>& job, const std::string& to = {}) {
  return test::run_child(
      {"x"},
      [&job](int, char**) {
        Output output;
        return job(output);
      },
      to);
}

int status_of(const Result<int>& done) {
  return done ? *done : done.error().exit_status();
}

}  // namespace

TEST_CASE("a table is as wide as its cells and has no spaces at the ends of lines") {
  const Outcome outcome = print([](Output& output) {
    Table table({{"NAME"}, {"SIZE", Table::Right}, {"NOTE"}});
    table.row({"archive", "12 B", ""});
    table.row({"b\xc3\xbcro", "4.0 KiB", "caf\xc3\xa9"});
    table.print(output);
    return status_of(output.close());
  });
  CHECK(outcome.out ==
        "NAME        SIZE  NOTE\n"
        "archive     12 B\n"
        "b\xc3\xbcro     4.0 KiB  caf\xc3\xa9\n");
  CHECK(outcome.status == 0);
}

TEST_CASE("JSON is one object a line, in the order of its fields") {
  const Outcome outcome = print([](Output& output) {
    Json object;
    object["id"] = "b";
    object["a"] = 1;
    object["text"] = "line\nend \x1b[2J";
    output.json(object);
    return status_of(output.close());
  });
  CHECK(outcome.out == "{\"id\":\"b\",\"a\":1,\"text\":\"line\\nend \\u001b[2J\"}\n");
}

TEST_CASE("bytes are written to a file unchanged") {
  const std::string data = "\0\r\n\x1b[2J\xff"s;
  const Outcome outcome = print([&](Output& output) {
    output.data(as_bytes(data));
    return status_of(output.close());
  });
  CHECK(outcome.out == data);
}

TEST_CASE("a full disk behind standard output is exit 74 at close") {
  const Outcome outcome = print(
      [](Output& output) {
        output.line("text");
        return status_of(output.close());
      },
      "/dev/full");
  CHECK(outcome.status == 74);
}

TEST_CASE("the status is passed on if nothing failed") {
  CHECK(print([](Output& output) { return status_of(output.close(3)); }).status == 3);
}

TEST_CASE("a closed pipe ends the process as SIGPIPE does") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  const Outcome outcome = test::run_child({"x"}, [&](int, char**) {
    ::signal(SIGPIPE, SIG_IGN);
    Output output(ends[1]);
    output.line("text");
    return status_of(output.close());
  });
  ::close(ends[1]);
  CHECK(outcome.status == 128 + SIGPIPE);
}

}  // namespace gw::cli
