// Octets that must not leave this process's memory: keys and passwords.
//
// The memory is locked, left out of core dumps, guarded by unreadable pages, and wiped when given back. A
// Secret moves and does not copy, and nothing prints it.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace gw {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);  // zeros
  explicit Secret(ByteView octets);   // a copy; wiping the source is the caller's business
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  Secret clone() const { return Secret(view()); }
  std::span<std::byte> span() { return {data_, size_}; }
  ByteView view() const { return {data_, size_}; }
  std::string_view text() const { return as_text(view()); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Gives up all but the first `size` octets and wipes the rest.
  void shorten(std::size_t size);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Lets libsodium choose its fast code, once. Secret does it; who uses libsodium without one calls it.
void start_sodium();

// Compares in constant time; different sizes are unequal at once.
bool equal_secrets(ByteView a, ByteView b);

// Overwrites with zeros in a way that no optimiser drops.
void wipe(std::span<std::byte> octets);

// A key that lives as long as one piece of work: on the stack, wiped when it goes. Making one costs nothing,
// where a Secret costs system calls; what stays in memory for longer belongs into a Secret.
template <std::size_t N>
class BriefSecret {
 public:
  BriefSecret() = default;
  BriefSecret(BriefSecret&& other) noexcept : octets_(other.octets_) { wipe(other.octets_); }
  BriefSecret& operator=(BriefSecret&& other) noexcept {
    std::swap(octets_, other.octets_);
    return *this;
  }
  BriefSecret(const BriefSecret&) = delete;
  BriefSecret& operator=(const BriefSecret&) = delete;
  ~BriefSecret() { wipe(octets_); }

  std::span<std::byte, N> span() { return octets_; }
  ByteView view() const { return octets_; }
  static constexpr std::size_t size() { return N; }

 private:
  std::array<std::byte, N> octets_{};
};

// Keeps this process out of core dumps and away from ptrace of the same user. Call first in main.
void forbid_core_dumps();

// Octets from the kernel. There is no failure: a system without randomness ends the process.
void random_octets(std::span<std::byte> to);

}  // namespace gw
