#include <algorithm>
#include <array>
#include <ctime>
#include <utility>

#include "store/librados/operations_private.h"
#include "store/librados/outcomes.h"

namespace gw::store {
namespace {

// The buffer for the whole content of an object, which is at most this long as a rule. A longer one
// is read a second time.
constexpr std::uint64_t kUsualContent = (4 << 20) + (64 << 10);

// Strings in the form that librados takes.
struct CStrings {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;

  void add(const std::string& text) {
    texts.push_back(text.data());
    lengths.push_back(text.size());
  }
};

// The end of an operation that runs. Its destruction waits for it.
class Completion {
 public:
  Completion() { rados_aio_create_completion2(nullptr, nullptr, &handle_); }
  ~Completion() {
    wait();
    rados_aio_release(handle_);
  }
  Completion(const Completion&) = delete;
  Completion& operator=(const Completion&) = delete;

  rados_completion_t handle() const { return handle_; }
  // To be called with what the start of the operation returned.
  void started(int result) { not_started_ = result; }
  int wait() {
    if (not_started_ < 0) return not_started_;
    rados_aio_wait_for_complete(handle_);
    return rados_aio_get_return_value(handle_);
  }

 private:
  rados_completion_t handle_ = nullptr;
  int not_started_ = -ECANCELED;
};

class StartedOperation : public Started {
 protected:
  StartedOperation(std::shared_ptr<Session> session, Pool pool, std::string object)
      : session_(std::move(session)), pool_(pool), object_(std::move(object)) {}

  rados_ioctx_t context() const { return session_->context(pool_); }
  const char* object() const { return object_.c_str(); }
  Reply failed(std::string_view verb, int result) const {
    return failed_reply(std::string(verb)
                            .append(" object ")
                            .append(object_)
                            .append(" of pool ")
                            .append(session_->pool_name(pool_)),
                        result);
  }

 private:
  const std::shared_ptr<Session> session_;
  const Pool pool_;
  const std::string object_;
};

class StartedWrite : public StartedOperation {
 public:
  StartedWrite(std::shared_ptr<Session> session, Pool pool, const std::string& object, const WriteOp& op)
      : StartedOperation(std::move(session), pool, object) {
    const rados_write_op_t steps = rados_create_write_op();
    add_conditions(steps, op);
    add_changes(steps, op);
    // librados has copied what `op` holds.
    completion_.started(rados_aio_write_op_operate(steps, context(), completion_.handle(), this->object(),
                                                   nullptr, op.although_full ? kWriteAlthoughFull : kWrite));
    rados_release_write_op(steps);
  }

  Reply wait() override {
    const int result = completion_.wait();
    return result < 0 ? failed("cannot write", result) : Reply{};
  }

 private:
  static void add_conditions(rados_write_op_t steps, const WriteOp& op);
  static void add_changes(rados_write_op_t steps, const WriteOp& op);

  Completion completion_;
};

void StartedWrite::add_conditions(rados_write_op_t steps, const WriteOp& op) {
  if (op.create) rados_write_op_create(steps, LIBRADOS_CREATE_EXCLUSIVE, nullptr);
  if (op.must_exist) rados_write_op_assert_exists(steps);
  for (const auto& [name, value] : op.attribute_is)
    rados_write_op_cmpxattr(steps, name.c_str(), LIBRADOS_CMPXATTR_OP_EQ, value.data(), value.size());
  for (const auto& [key, value] : op.key_is)
    rados_write_op_omap_cmp2(steps, key.data(), LIBRADOS_CMPXATTR_OP_EQ, value.data(), key.size(),
                             value.size(), nullptr);
}

void StartedWrite::add_changes(rados_write_op_t steps, const WriteOp& op) {
  const bool erases = !op.erase.empty() || !op.erase_ranges.empty();
  // An OSD does not create an object to erase keys from it.
  if (erases && !op.create) rados_write_op_create(steps, LIBRADOS_CREATE_IDEMPOTENT, nullptr);
  if (!op.erase.empty()) {
    CStrings keys;
    for (const std::string& key : op.erase) keys.add(key);
    rados_write_op_omap_rm_keys2(steps, keys.texts.data(), keys.lengths.data(), keys.texts.size());
  }
  for (const auto& [first, end] : op.erase_ranges)
    rados_write_op_omap_rm_range2(steps, first.data(), first.size(), end.data(), end.size());
  if (!op.set.empty()) {
    CStrings keys;
    CStrings values;
    for (const auto& [key, value] : op.set) {
      keys.add(key);
      values.add(value);
    }
    rados_write_op_omap_set2(steps, keys.texts.data(), values.texts.data(), keys.lengths.data(),
                             values.lengths.data(), keys.texts.size());
  }
  for (const auto& [name, value] : op.set_attributes)
    rados_write_op_setxattr(steps, name.c_str(), value.data(), value.size());
  if (op.data) rados_write_op_write_full(steps, op.data->data(), op.data->size());
  if (op.remove) rados_write_op_remove(steps);
}

class StartedRead : public StartedOperation {
 public:
  StartedRead(std::shared_ptr<Session> session, Pool pool, const std::string& object, ReadOp op)
      : StartedOperation(std::move(session), pool, object), op_(std::move(op)) {
    const std::uint64_t length = op_.range ? op_.range->length : 0;
    attempt_ = start(length == 0 ? kUsualContent : length);
  }

  Reply wait() override;

 private:
  // What librados fills while the operation runs.
  struct Attempt {
    ~Attempt() {
      completion.wait();
      if (keys != nullptr) rados_omap_get_end(keys);
      if (page != nullptr) rados_omap_get_end(page);
      if (attributes != nullptr) rados_getxattrs_end(attributes);
      rados_release_read_op(steps);
    }

    Completion completion;
    rados_read_op_t steps = rados_create_read_op();
    std::uint64_t size = 0;
    std::time_t changed = 0;
    rados_xattrs_iter_t attributes = nullptr;
    rados_omap_iter_t keys = nullptr;
    rados_omap_iter_t page = nullptr;
    unsigned char more = 0;
    std::unique_ptr<char[]> content;
    std::uint64_t room = 0;  // bytes of `content`
    std::size_t length = 0;
    // of the steps, in the order of their addition
    std::array<int, 5> results{};
  };

  std::unique_ptr<Attempt> start(std::uint64_t room) const;
  Reply reply(Attempt& ended) const;

  const ReadOp op_;
  std::unique_ptr<Attempt> attempt_;
};

std::unique_ptr<StartedRead::Attempt> StartedRead::start(std::uint64_t room) const {
  auto made = std::make_unique<Attempt>();
  const rados_read_op_t steps = made->steps;
  rados_read_op_stat(steps, &made->size, &made->changed, &made->results[0]);
  if (!op_.attributes.empty()) rados_read_op_getxattrs(steps, &made->attributes, &made->results[1]);
  if (!op_.keys.empty()) {
    CStrings keys;
    for (const std::string& key : op_.keys) keys.add(key);
    rados_read_op_omap_get_vals_by_keys2(steps, keys.texts.data(), keys.texts.size(), keys.lengths.data(),
                                         &made->keys, &made->results[2]);
  }
  if (op_.page)
    rados_read_op_omap_get_vals2(steps, op_.page->after.c_str(), op_.page->prefix.c_str(), op_.page->most,
                                 &made->page, &made->more, &made->results[3]);
  if (op_.range) {
    made->room = room;
    made->content = std::make_unique_for_overwrite<char[]>(room);
    rados_read_op_read(steps, op_.range->offset, room, made->content.get(), &made->length, &made->results[4]);
  }
  made->completion.started(
      rados_aio_read_op_operate(steps, context(), made->completion.handle(), object(), 0));
  return made;
}

Reply StartedRead::wait() {
  for (;;) {
    Attempt& ended = *attempt_;
    int result = ended.completion.wait();
    for (const int one : ended.results)
      if (result >= 0 && one < 0) result = one;
    if (result < 0) return failed("cannot read", result);
    const bool all = op_.range && op_.range->length == 0;
    if (!all || ended.size <= op_.range->offset + ended.room) return reply(ended);
    attempt_ = start(ended.size - op_.range->offset);
  }
}

void take(rados_omap_iter_t from, Pairs& pairs) {
  for (;;) {
    char* key = nullptr;
    char* value = nullptr;
    std::size_t key_length = 0;
    std::size_t value_length = 0;
    if (rados_omap_get_next2(from, &key, &value, &key_length, &value_length) < 0 || key == nullptr) return;
    pairs.insert_or_assign(std::string(key, key_length), std::string(value, value_length));
  }
}

Reply StartedRead::reply(Attempt& ended) const {
  Reply reply;
  if (ended.attributes != nullptr) {
    for (;;) {
      const char* name = nullptr;
      const char* value = nullptr;
      std::size_t length = 0;
      const int result = rados_getxattrs_next(ended.attributes, &name, &value, &length);
      if (result < 0) return failed("cannot read", result);
      if (name == nullptr) break;
      if (std::find(op_.attributes.begin(), op_.attributes.end(), name) != op_.attributes.end())
        reply.attributes.insert_or_assign(name, std::string(value, length));
    }
    for (const std::string& name : op_.attributes)
      if (!reply.attributes.contains(name)) return failed("cannot read", -ENODATA);
  }
  if (ended.keys != nullptr) take(ended.keys, reply.pairs);
  if (ended.page != nullptr) take(ended.page, reply.pairs);
  reply.more = ended.more != 0;
  if (op_.range) reply.data.assign(ended.content.get(), ended.length);
  return reply;
}

}  // namespace

std::unique_ptr<Started> start_write(std::shared_ptr<Session> session, Pool pool, const std::string& object,
                                     const WriteOp& op) {
  return std::make_unique<StartedWrite>(std::move(session), pool, object, op);
}

std::unique_ptr<Started> start_read(std::shared_ptr<Session> session, Pool pool, const std::string& object,
                                    ReadOp op) {
  return std::make_unique<StartedRead>(std::move(session), pool, object, std::move(op));
}

}  // namespace gw::store
