// Waits for a condition; the failure says which one was not met.
#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>

namespace gw::test {

template <class Condition>
void await(const std::string& what, Condition condition,
           std::chrono::seconds most = std::chrono::seconds(10)) {
  const auto until = std::chrono::steady_clock::now() + most;
  while (!condition()) {
    INFO("waited for " << what);
    REQUIRE(std::chrono::steady_clock::now() < until);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace gw::test
