// How a client knows, without asking, whether what it had looked up still holds: a number in memory that the
// keeper shares with its clients, and that grows with every change of a record before the change is answered.
//
//   keeper:  auto count = ChangeCount::make();  send(count->descriptor());  ...  count->grow();
//   client:  auto seen = ChangeView::map(fd);   const std::uint64_t before = seen->now();
//
// The memory is sealed: a client can read it, and neither write to it nor change its size.
#pragma once

#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"

namespace gw::keeper {

// One page of shared memory.
class SharedPage {
 public:
  SharedPage() = default;
  explicit SharedPage(void* at) : at_(at) {}
  SharedPage(SharedPage&& other) noexcept : at_(std::exchange(other.at_, nullptr)) {}
  SharedPage& operator=(SharedPage&& other) noexcept {
    std::swap(at_, other.at_);
    return *this;
  }
  SharedPage(const SharedPage&) = delete;
  SharedPage& operator=(const SharedPage&) = delete;
  ~SharedPage();
  void* at() const { return at_; }

 private:
  void* at_ = nullptr;
};

class ChangeCount {
 public:
  static Result<ChangeCount> make();
  void grow();
  int descriptor() const { return memory_.get(); }

 private:
  Fd memory_;
  SharedPage page_;
};

class ChangeView {
 public:
  static Result<std::shared_ptr<const ChangeView>> map(const Fd& memory);
  std::uint64_t now() const;

 private:
  SharedPage page_;
};

}  // namespace gw::keeper
