#include "store/librados/librados_cluster.h"

#include <algorithm>
#include <array>
#include <utility>

#include "store/librados/operations_private.h"
#include "store/librados/outcomes.h"
#include "store/librados/session_private.h"

namespace gw::store {
namespace {

class LibradosCluster : public Cluster {
 public:
  explicit LibradosCluster(std::shared_ptr<Session> session) : session_(std::move(session)) {}

  std::unique_ptr<Started> start(Pool pool, const std::string& object, WriteOp op) override {
    return start_write(session_, pool, object, op);
  }
  std::unique_ptr<Started> start(Pool pool, const std::string& object, ReadOp op) override {
    return start_read(session_, pool, object, std::move(op));
  }

  Reply lock(const std::string& object, const std::string& name, const std::string& cookie,
             const std::string& description, std::chrono::seconds duration) override {
    timeval time{};
    // A lock with the time 0 would never end.
    time.tv_sec = std::max<std::chrono::seconds::rep>(duration.count(), 1);
    return reply("cannot lock", object,
                 rados_lock_exclusive(meta(), object.c_str(), name.c_str(), cookie.c_str(),
                                      description.c_str(), &time, LIBRADOS_LOCK_FLAG_MAY_RENEW));
  }
  Reply unlock(const std::string& object, const std::string& name, const std::string& cookie) override {
    return reply("cannot unlock", object, rados_unlock(meta(), object.c_str(), name.c_str(), cookie.c_str()));
  }
  Reply lock_holder(const std::string& object, const std::string& name,
                    std::optional<LockHolder>& holder) override;
  Reply break_lock(const std::string& object, const std::string& name, const LockHolder& holder) override {
    return reply(
        "cannot break the lock of", object,
        rados_break_lock(meta(), object.c_str(), name.c_str(), holder.client.c_str(), holder.cookie.c_str()));
  }

  Reply objects(Pool pool, const std::string& prefix, std::vector<std::string>& names) override;
  Reply space(ClusterSpace& space) override;

 private:
  rados_ioctx_t meta() const { return session_->context(Pool::Meta); }
  Reply reply(std::string_view verb, const std::string& object, int result) const {
    if (result >= 0) return {};
    return failed_reply(std::string(verb)
                            .append(" object ")
                            .append(object)
                            .append(" of pool ")
                            .append(session_->pool_name(Pool::Meta)),
                        result);
  }

  const std::shared_ptr<Session> session_;
};

Reply LibradosCluster::lock_holder(const std::string& object, const std::string& name,
                                   std::optional<LockHolder>& holder) {
  holder.reset();
  // librados ends each text with NUL, and says how long the buffers must be.
  std::array<std::string, 4> texts;  // tag, clients, cookies, addresses
  std::array<std::size_t, 4> lengths;
  lengths.fill(256);
  for (;;) {
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i].assign(lengths[i] + 1, '\0');
    int exclusive = 0;
    const auto result = rados_list_lockers(meta(), object.c_str(), name.c_str(), &exclusive, texts[0].data(),
                                           &lengths[0], texts[1].data(), &lengths[1], texts[2].data(),
                                           &lengths[2], texts[3].data(), &lengths[3]);
    if (result == -ERANGE) continue;
    if (result < 0) return reply("cannot read the lock of", object, static_cast<int>(result));
    if (result > 0) holder = LockHolder{texts[1].c_str(), texts[2].c_str(), texts[3].c_str()};
    return {};
  }
}

Reply LibradosCluster::objects(Pool pool, const std::string& prefix, std::vector<std::string>& names) {
  const std::string what = "cannot list the objects of pool " + session_->pool_name(pool);
  rados_list_ctx_t list = nullptr;
  if (const int result = rados_nobjects_list_open(session_->context(pool), &list); result < 0)
    return failed_reply(what, result);
  Reply reply;
  for (;;) {
    const char* name = nullptr;
    const int result = rados_nobjects_list_next(list, &name, nullptr, nullptr);
    if (result == -ENOENT) break;  // the end
    if (result < 0) {
      reply = failed_reply(what, result);
      break;
    }
    if (std::string_view(name).starts_with(prefix)) names.emplace_back(name);
  }
  rados_nobjects_list_close(list);
  return reply;
}

Reply LibradosCluster::space(ClusterSpace& space) {
  const std::string what = "cannot read how full the cluster is";
  rados_cluster_stat_t stat{};
  if (const int result = rados_cluster_stat(session_->rados(), &stat); result < 0)
    return failed_reply(what, result);
  if (stat.kb == 0) {
    Reply reply;
    reply.outcome = Outcome::Failed;
    reply.text = what + ": it has no manager that counts";
    return reply;
  }
  space = {stat.kb * 1024, stat.kb_avail * 1024};
  return {};
}

}  // namespace

Result<std::unique_ptr<Cluster>> open_cluster(const LibradosOptions& options) {
  auto session = std::make_shared<Session>(options);
  if (auto opened = session->open(); !opened) return opened.error();
  return std::make_unique<LibradosCluster>(std::move(session));
}

}  // namespace gw::store
