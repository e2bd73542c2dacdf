#include "keeper/change_counter.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <atomic>

namespace gw::keeper {
namespace {

using Number = std::atomic<std::uint64_t>;
static_assert(Number::is_always_lock_free, "the number is shared between processes");

constexpr std::size_t kPage = 4096;

}  // namespace

SharedPage::~SharedPage() {
  if (at_ != nullptr) ::munmap(at_, kPage);
}

Result<ChangeCounter> ChangeCounter::make() {
  ChangeCounter count;
  count.memory_ = Fd(::memfd_create("gw-changes", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!count.memory_ || ::ftruncate(count.memory_.get(), kPage) != 0)
    return Error::from_errno("cannot create the keeper's shared memory");
  void* const at = ::mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, count.memory_.get(), 0);
  if (at == MAP_FAILED) return Error::from_errno("cannot create the keeper's shared memory");
  count.page_ = SharedPage(at);
  // F_SEAL_FUTURE_WRITE forbids new writable mappings but keeps the keeper's own, which was made
  // above. So the order is mmap, then seal. F_SEAL_SEAL keeps a client from adding seals of its
  // own, and F_SEAL_SHRINK is what ChangeCounterView::map() relies on.
  constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL;
  if (::fcntl(count.memory_.get(), F_ADD_SEALS, kSeals) != 0)
    return Error::from_errno("cannot map the keeper's shared memory");
  return count;
}

void ChangeCounter::grow() {
  // Sequentially consistent on both sides: a client that has received the reply to a change must
  // see the new number, also if it was another client that made the change.
  if (page_.at() != nullptr) static_cast<Number*>(page_.at())->fetch_add(1, std::memory_order_seq_cst);
}

Result<std::shared_ptr<const ChangeCounterView>> ChangeCounterView::map(const Fd& memory) {
  // Read access beyond the end of a file raises SIGBUS, so a descriptor that could still be
  // truncated is refused.
  const int seals = ::fcntl(memory.get(), F_GET_SEALS);
  struct stat found {};
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(memory.get(), &found) != 0 ||
      found.st_size < static_cast<off_t>(kPage))
    return Error(Code::BadInput, "not the keeper's shared memory");
  void* const at = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, memory.get(), 0);
  if (at == MAP_FAILED) return Error::from_errno("cannot map the keeper's shared memory");
  auto view = std::make_shared<ChangeCounterView>();
  view->page_ = SharedPage(at);
  return std::shared_ptr<const ChangeCounterView>(std::move(view));
}

std::uint64_t ChangeCounterView::now() const {
  return static_cast<const Number*>(page_.at())->load(std::memory_order_seq_cst);
}

}  // namespace gw::keeper
