// Scripts: what one simulated vault goes through, as steps that can be printed, shortened and run
// again.
//
//   deliver 0 4000 17     a word, and numbers whose meaning vault.cc has
//
// A step names mailboxes and messages by numbers that are taken modulo what there is, so that a
// script means something whatever steps are left out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gw::simulation {

struct Step {
  std::string word;
  std::vector<std::uint64_t> numbers;

  // Returns the number at this position, 0 if the step has fewer.
  std::uint64_t at(std::size_t position) const { return position < numbers.size() ? numbers[position] : 0; }
};
using Script = std::vector<Step>;

// Returns the script of a seed, with this many crashes, stops and failures.
Script make_script(std::uint64_t seed, std::size_t cycles);

// Convert to text, one step on a line, and back. Lines that begin with `#` are comments. Returns
// nullopt if a line is not a step.
std::string to_text(const Script& script);
std::string to_text(const Step& step);
std::optional<Script> parse_script(std::string_view text);

}  // namespace gw::simulation
