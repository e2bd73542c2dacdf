#include "script.h"

#include <array>
#include <cerrno>
#include <sstream>

#include "threads.h"

namespace gw::simulation {
namespace {

constexpr std::array<std::uint64_t, 10> kSizes{0, 1, 900, 900, 3999, 4000, 4001, 9000, 20'000, 70'000};
constexpr std::array<std::uint64_t, 7> kErrors{EIO, EIO, EIO, ENOSPC, ENOSPC, EDQUOT, EMFILE};
constexpr std::uint64_t kLargest = 300'000;

// Returns one step that changes or reads the vault.
Step any_step(Random& random) {
  const std::uint64_t mailbox = random.below(3);
  const std::uint64_t which = random.below(1000);
  const std::uint64_t content = random.below(1'000'000);
  const std::uint64_t size = random.once_in(40) ? kLargest : kSizes[random.below(kSizes.size())];
  switch (random.below(40)) {
    default:
      return {"deliver", {mailbox, size, content}};
    case 12:
    case 13:
    case 14:
      return {"pend", {mailbox, size, content}};
    case 15:
      return {"settle", {mailbox, which, random.below(2)}};
    case 16:
      return {"discard", {mailbox, which}};
    case 17:
      return {"unconfirm", {mailbox, which}};
    case 18:
    case 19:
    case 20:
    case 21:
      return {"drain", {mailbox, which, 1 + random.below(8), random.below(6)}};
    case 22:
      return {"undelete", {mailbox, which}};
    case 23:
      return {"quarantine", {mailbox, which}};
    case 24:
      return {"release", {mailbox, which}};
    case 25:
      return {"remove", {mailbox, which, random.below(3)}};
    case 26:
    case 27:
      return {"sweep", {mailbox, 1 + random.below(10), random.below(3)}};
    case 28:
      return {"settings", {mailbox, content}};
    case 29:
      return {"rotate", {mailbox, content}};
    case 30:
      return {"record", {mailbox, content}};
    case 31:
      return {"note", {mailbox, which}};
    case 32:
      return {"checkpoint", {}};
    case 33:
      return {"again", {mailbox, which}};
    case 34:
      return {"pass", {random.below(3000)}};
    case 35:
      return {"jump", {random.below(15), random.below(3)}};
    case 36:
      return random.once_in(2) ? Step{"purge", {}} : Step{"snapshot", {}};
    case 37:
      return random.once_in(3) ? Step{"space", {random.below(4)}} : Step{"suspend", {mailbox, content}};
    case 38:
    case 39:
      return {"sleep", {random.below(1500)}};
  }
}

// Returns one step of a script with sessions. Half of the connections are cut somewhere.
Step any_session(Random& random) {
  const std::uint64_t mailbox = random.below(2);
  const std::uint64_t size = random.once_in(40) ? kLargest : kSizes[random.below(kSizes.size())];
  if (random.below(10) == 0) return {"sleep", {random.below(1500)}};
  if (random.below(3) == 0) {
    const std::uint64_t most = random.once_in(2) ? 20 + random.below(200) : 0;
    return {"fetch", {mailbox, 1 + random.below(8), most, random.once_in(8) ? 1U : 0U}};
  }
  const std::uint64_t most = random.once_in(3) ? 20 + random.below(size + 300) : 0;
  return {"send", {mailbox, size, random.below(1'000'000), most}};
}

// Returns the script of a vault that is created on a host that crashes.
Script creation_script(std::uint64_t seed, std::size_t cycles) {
  Random random(seed);
  Script script{{"creation", {seed}}};
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    // The calls of a creation and of the start that follows.
    const std::uint64_t calls = random.once_in(3) ? 180 + random.below(30) : random.below(300);
    switch (random.below(4)) {
      case 0:
        script.push_back({"cut", {calls}});
        break;
      case 1:
      case 2:
        script.push_back({"kill", {calls}});
        break;
      default:
        script.push_back(
            {"fail",
             {calls, kErrors[random.below(kErrors.size())], 1 + random.below(random.once_in(2) ? 1 : 40)}});
        break;
    }
    script.push_back({"create", {}});
    if (random.once_in(3)) script.push_back({"create", {}});
    if (random.once_in(2)) script.push_back({"deliver", {}});
    script.push_back({"restart", {random.below(4)}});
    if (random.once_in(2)) script.push_back({"forget", {}});
  }
  return script;
}

// Returns true for the seeds of such scripts. Another generator chooses, so that the scripts of all other
// seeds are what they were before these existed.
bool is_creation(std::uint64_t seed) {
  constexpr std::uint64_t kOther = 0x63726561'74696f6eU;
  return Random(seed ^ kOther).once_in(8);
}

}  // namespace

Script make_script(std::uint64_t seed, std::size_t cycles) {
  if (is_creation(seed)) return creation_script(seed, cycles);
  Random random(seed);
  const bool sessions = random.once_in(4);
  Script script{{sessions ? "sessions" : "seed", {seed}}};
  for (std::size_t cycle = 0; cycle < cycles; ++cycle) {
    const std::uint64_t calls = random.once_in(3) ? random.below(250) : random.below(50);
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        script.push_back({"cut", {calls}});
        break;
      case 3:
        script.push_back({"kill", {calls}});
        break;
      case 4:
      case 5:
        script.push_back(
            {"fail",
             {calls, kErrors[random.below(kErrors.size())], 1 + random.below(random.once_in(2) ? 1 : 40)}});
        break;
      default:
        break;
    }
    const std::uint64_t steps = 2 + random.below(10);
    for (std::uint64_t i = 0; i < steps; ++i) {
      if (sessions) {
        script.push_back(any_session(random));
        continue;
      }
      if (random.once_in(10)) script.push_back({"together", {2 + random.below(3)}});
      script.push_back(any_step(random));
    }
    script.push_back({"restart", {random.below(4)}});
  }
  return script;
}

std::string to_text(const Step& step) {
  std::string text = step.word;
  for (const std::uint64_t number : step.numbers) text += " " + std::to_string(number);
  return text;
}

std::string to_text(const Script& script) {
  std::string text;
  for (const Step& step : script) text += to_text(step) + "\n";
  return text;
}

std::optional<Script> parse_script(std::string_view text) {
  Script script;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    Step step;
    if (!(words >> step.word) || step.word.starts_with('#')) continue;
    for (std::uint64_t number = 0; words >> number;) step.numbers.push_back(number);
    if (!words.eof()) return std::nullopt;
    script.push_back(std::move(step));
  }
  return script;
}

}  // namespace gw::simulation
