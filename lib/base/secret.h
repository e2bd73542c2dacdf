// Bytes that must not leave the memory of this process: keys and passwords.
//
// Secret keeps them in memory that is locked against swapping, excluded from core dumps, surrounded
// by inaccessible pages, and wiped before it is freed. It moves and does not copy, and nothing
// prints it.
//
//   auto password = read_secret(fd, path);        // base/file.h
//   if (!equal_secrets(password->view(), …)) …
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

#include "base/bytes.h"

namespace gw {

// Each non-empty Secret costs several pages and system calls. The constructors throw std::bad_alloc
// if the memory cannot be allocated. For keys that live only during one operation, use StackSecret.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::size_t size);  // zeros
  explicit Secret(ByteView data);     // a copy; the caller wipes the source
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  // Copies the bytes; a copy constructor would do that unnoticed.
  Secret clone() const { return Secret(view()); }
  // Views, valid until the Secret is moved or destroyed.
  std::span<std::byte> span() { return {data_, size_}; }
  ByteView view() const { return {data_, size_}; }
  std::string_view text() const { return as_text(view()); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // Keeps only the first `size` bytes and wipes the rest. Does nothing if there are not more.
  void shorten(std::size_t size);

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// Initialises libsodium; further calls do nothing. Secret calls it. Code that uses libsodium
// without a Secret must call it first. Aborts the process on failure.
void start_sodium();

// Compares two byte strings of the same size in constant time. Returns false immediately if the
// sizes differ.
bool equal_secrets(ByteView a, ByteView b);

// Overwrites the bytes with zeros. The compiler cannot remove this call.
void wipe(std::span<std::byte> data);

// A key of N bytes that lives only during one operation: it lies on the stack and is wiped by the
// destructor. It costs no system calls, but it is neither locked nor guarded. Keep anything that
// lives longer in a Secret.
template <std::size_t N>
class StackSecret {
 public:
  StackSecret() = default;
  StackSecret(StackSecret&& other) noexcept : data_(other.data_) { wipe(other.data_); }
  StackSecret& operator=(StackSecret&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  StackSecret(const StackSecret&) = delete;
  StackSecret& operator=(const StackSecret&) = delete;
  ~StackSecret() { wipe(data_); }

  std::span<std::byte, N> span() { return data_; }
  ByteView view() const { return data_; }
  static constexpr std::size_t size() { return N; }

 private:
  std::array<std::byte, N> data_{};
};

// Prevents core dumps of this process, and ptrace(2) by other processes of the same user. Call it
// first in main().
void forbid_core_dumps();

// Fills `to` with random bytes from the kernel (getrandom(2)). Aborts the process if the kernel has
// none.
void random_bytes(std::span<std::byte> to);

}  // namespace gw
