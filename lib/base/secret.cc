#include "base/secret.h"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <utility>

namespace gw {

void start_sodium() {
  static const int started = sodium_init();
  if (started < 0) std::abort();
}

Secret::Secret(std::size_t size) : size_(size) {
  if (size == 0) return;
  start_sodium();
  // sodium_malloc() locks the pages, excludes them from core dumps and surrounds them with guard
  // pages. sodium_free() wipes them.
  data_ = static_cast<std::byte*>(sodium_malloc(size));
  if (data_ == nullptr) throw std::bad_alloc();
  // sodium_malloc() fills the memory with 0xdb.
  std::fill_n(data_, size, std::byte{0});
}

Secret::Secret(ByteView data) : Secret(data.size()) {
  std::copy(data.begin(), data.end(), data_);
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Secret::~Secret() {
  sodium_free(data_);
}

void Secret::shorten(std::size_t size) {
  if (size >= size_) return;
  wipe(span().subspan(size));
  size_ = size;
}

bool equal_secrets(ByteView a, ByteView b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

void wipe(std::span<std::byte> data) {
  sodium_memzero(data.data(), data.size());
}

void forbid_core_dumps() {
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);
  // RLIMIT_CORE does not stop a core dump to a pipe (core_pattern with `|`), and ptrace(2) needs
  // this flag as well.
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

void random_bytes(std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t got = ::getrandom(to.data(), to.size(), 0);
    // A request above 256 bytes, or one before the kernel has collected entropy, can be
    // interrupted.
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();
    }
    to = to.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace gw
