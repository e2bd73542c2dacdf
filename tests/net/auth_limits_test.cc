#include "net/login_throttle.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace gw;
using namespace std::literals;

namespace {

struct Clock {
  BootClock::time_point now{1h};
  net::ThrottlePolicy policy() {
    net::ThrottlePolicy policy;
    policy.clock = [this] { return now; };
    return policy;
  }
};

TEST_CASE("A source with failures waits longer each time, up to a limit") {
  Clock clock;
  net::LoginThrottle limits(clock.policy());
  std::vector<std::chrono::milliseconds> waits;
  for (int i = 0; i < 10; ++i) {
    waits.push_back(limits.wait("192.0.2.1"));
    limits.failed("192.0.2.1");
  }
  CHECK(waits == std::vector<std::chrono::milliseconds>{0ms, 0ms, 0ms, 500ms, 1s, 2s, 4s, 8s, 8s, 8s});
  CHECK(limits.wait("192.0.2.2") == 0ms);
}

TEST_CASE("A success clears a source, and so does time") {
  Clock clock;
  net::LoginThrottle limits(clock.policy());
  for (int i = 0; i < 5; ++i) limits.failed("a");
  for (int i = 0; i < 5; ++i) limits.failed("b");
  CHECK(limits.wait("a") > 0ms);
  limits.succeeded("a");
  CHECK(limits.wait("a") == 0ms);
  clock.now += 601s;
  CHECK(limits.wait("b") == 0ms);
  limits.failed("b");
  CHECK(limits.wait("b") == 0ms);
}

TEST_CASE("A failure that is withdrawn leaves the failures before it") {
  Clock clock;
  net::LoginThrottle limits(clock.policy());
  limits.take_back("a");
  for (int i = 0; i < 3; ++i) limits.failed("a");
  CHECK(limits.wait("a") == 500ms);
  limits.failed("a");
  limits.take_back("a");
  CHECK(limits.wait("a") == 500ms);
  for (int i = 0; i < 3; ++i) limits.take_back("a");
  CHECK(limits.wait("a") == 0ms);
  CHECK(limits.sources() == 0);
}

TEST_CASE("The number of remembered sources is bounded, and the latest are among them") {
  Clock clock;
  net::ThrottlePolicy policy = clock.policy();
  policy.sources = 100;
  net::LoginThrottle limits(policy);
  for (int i = 0; i < 1000; ++i) {
    for (int n = 0; n < 4; ++n) limits.failed(std::to_string(i));
    clock.now += 1ms;
    REQUIRE(limits.sources() <= 100);
  }
  CHECK(limits.wait("999") > 0ms);
  CHECK(limits.wait("0") == 0ms);
}

TEST_CASE("Sources that all failed at the same time make room too") {
  Clock clock;
  net::ThrottlePolicy policy = clock.policy();
  policy.sources = 100;
  net::LoginThrottle limits(policy);
  for (int i = 0; i < 1000; ++i) limits.failed(std::to_string(i));
  CHECK(limits.sources() <= 100);
}

}  // namespace
