#include "store/rados/context.h"

namespace gw::store::rados {

Error Context::error(const Reply& reply, std::string_view what) {
  const std::string text = std::string(what) + ": " + reply.text;
  switch (reply.outcome) {
    case Outcome::Full:
      return Error(Code::Full, text);
    case Outcome::Shut: {
      const Error why(Code::Unavailable, text);
      fail(why);
      return why;
    }
    case Outcome::Refused:
      return Error(Code::Config, text);
    case Outcome::Busy:
      return Error(Code::Busy, text);
    default:
      return Error(Code::Unavailable, text);
  }
}

void Context::fail(const Error& why) {
  {
    const std::lock_guard lock(mutex_);
    if (has_failed_) return;
    has_failed_ = true;
    refusal_ = Error(Code::Unavailable, "the store has failed: " + why.text());
  }
  if (failed_) failed_(why);
}

std::optional<Error> Context::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

bool Context::has_failed() const {
  const std::lock_guard lock(mutex_);
  return has_failed_;
}

void Context::close() {
  const std::lock_guard lock(mutex_);
  if (!refusal_) refusal_ = Error(Code::Unavailable, "the store is closed");
}

void Context::count_sync(std::chrono::steady_clock::duration took) {
  const std::lock_guard lock(mutex_);
  syncs_.add(static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::microseconds>(took).count()));
}

SyncHistogram Context::syncs() const {
  const std::lock_guard lock(mutex_);
  return syncs_;
}

}  // namespace gw::store::rados
