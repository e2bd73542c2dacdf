// A file descriptor that its destructor closes.
//
//   Fd fd(::open(path, O_RDONLY | O_CLOEXEC));
//   if (!fd) return Error::from_errno(path);
//   ::read(fd.get(), …);
#pragma once

#include <utility>

namespace gw {

// Owns at most one descriptor; a negative number means none. Moves but does not copy.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int number) : number_(number) {}
  Fd(Fd&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  // Swaps: the descriptor that this object owned before is closed when `other` is destroyed.
  Fd& operator=(Fd&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return number_; }
  explicit operator bool() const { return number_ >= 0; }
  // Returns the descriptor and gives up ownership; the caller must close it.
  int release() { return std::exchange(number_, -1); }
  // Closes the descriptor, if there is one. Ignores the result of close(2): a caller that must know
  // whether data reached the disk calls fsync(2) before.
  void reset();

 private:
  int number_ = -1;
};

}  // namespace gw
