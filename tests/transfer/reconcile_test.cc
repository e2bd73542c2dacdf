#include "transfer/reconcile.h"

#include <catch2/catch.hpp>

using namespace gw;
using namespace gw::transfer;

TEST_CASE("a message that cannot be compared is at most one mail, and one of its time") {
  constexpr Micros kDay = Micros{86'400} * 1'000'000;
  using Times = std::vector<std::optional<Micros>>;
  const std::vector<Micros> messages(9, kDay);
  CHECK(count_unmatched(Times(9, kDay), messages) == 0);
  CHECK(count_unmatched(Times(10, kDay), messages) == 1);
  // Mails of another day are not among these.
  std::vector<Micros> later = messages;
  later.push_back(5 * kDay);
  CHECK(count_unmatched(Times(10, 5 * kDay), later) == 9);
  // A mail without a time may be any message that is left.
  CHECK(count_unmatched(Times{5 * kDay, std::nullopt, std::nullopt}, {kDay, 5 * kDay}) == 1);
  // The mail that has only one choice gets it.
  CHECK(count_unmatched(Times{3 * kDay, 2 * kDay}, {2 * kDay + 1, 3 * kDay + 1}) == 0);
  CHECK(count_unmatched({}, messages) == 0);
  CHECK(count_unmatched(Times{kDay}, {}) == 1);
}
