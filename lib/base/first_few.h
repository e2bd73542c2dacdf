// A list of which only the first items are kept, because it could become as long as a mailbox.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace gw {

// Keeps at most `Max` items and counts all of them.
template <class T, std::size_t Max>
class FirstFew {
 public:
  void add(T item) {
    ++count_;
    if (kept_.size() < Max) kept_.push_back(std::move(item));
  }
  // Adds the items of another list, including those that it has not kept.
  void add_all(const FirstFew& other) {
    const std::uint64_t count = count_ + other.count_;
    for (const T& item : other) add(item);
    count_ = count;
  }

  // Returns the number of items that were added.
  std::uint64_t count() const { return count_; }
  // Returns how many of them were not kept.
  std::uint64_t omitted() const { return count_ - kept_.size(); }

  // These are about the items that were kept, in the order in which they were added.
  bool empty() const { return kept_.empty(); }
  std::size_t size() const { return kept_.size(); }
  const T& operator[](std::size_t index) const { return kept_[index]; }
  const T& front() const { return kept_.front(); }
  auto begin() const { return kept_.begin(); }
  auto end() const { return kept_.end(); }

 private:
  std::vector<T> kept_;
  std::uint64_t count_ = 0;
};

}  // namespace gw
