// A counter in shared memory by which a client can tell, without a round trip, whether a cached
// lookup is still valid. The keeper owns the counter, and increments it for every change of a
// mailbox or other record before it replies to the request that made the change.
//
//   keeper:  auto count = ChangeCounter::make();  send(count->descriptor());  ...  count->grow();
//   client:  auto seen = ChangeCounterView::map(fd);   const std::uint64_t before = seen->now();
//
// The memory is a memfd with seals: a client can map it for reading only, and can neither write to
// it nor change its size. The value itself has no meaning; only equality with an earlier value
// counts. It says nothing after its keeper has ended, because another keeper counts in another page
// (recipient_cache.h).
#pragma once

#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"

namespace gw::keeper {

// Owns the mapping of one page (4096 bytes) and unmaps it at destruction.
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
  // Returns the start of the page, or null if nothing is mapped.
  void* at() const { return at_; }

 private:
  void* at_ = nullptr;
};

// The keeper's end. Thread-safe after make().
class ChangeCounter {
 public:
  // Creates the page and seals it. Fails with the system's error, e.g. if no memory or descriptor
  // is left.
  static Result<ChangeCounter> make();
  // Increments the counter. Call it after the change is visible to readers and before the client
  // receives its reply.
  void grow();
  // Returns the descriptor to pass to clients (SCM_RIGHTS); it stays owned by this object.
  int descriptor() const { return memory_.get(); }

 private:
  Fd memory_;
  SharedPage page_;
};

// A client's end. Thread-safe.
class ChangeCounterView {
 public:
  // Maps the page that came with the keeper's hello; `memory` may be closed afterwards. Fails with
  // BadInput unless the memory is at least one page long and sealed against shrinking: otherwise
  // the peer could truncate it, and now() would raise SIGBUS.
  static Result<std::shared_ptr<const ChangeCounterView>> map(const Fd& memory);
  // Returns the current value.
  std::uint64_t now() const;

 private:
  SharedPage page_;
};

}  // namespace gw::keeper
