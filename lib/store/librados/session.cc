#include "store/librados/outcomes.h"
#include "store/librados/session_private.h"

namespace gw::store {
namespace {

// An object of this name never exists.
constexpr const char* kProbe = ".probe";

}  // namespace

Session::~Session() {
  for (rados_ioctx_t context : contexts_)
    if (context != nullptr) rados_ioctx_destroy(context);
  if (rados_ != nullptr) rados_shutdown(rados_);
}

Error Session::without_rights(std::string text) const {
  std::string rights = "allow rwx pool=" + options_.meta_pool + " namespace=" + options_.vault;
  if (options_.data_pool != options_.meta_pool)
    rights += ", allow rwx pool=" + options_.data_pool + " namespace=" + options_.vault;
  return config_error(std::move(text))
      .with_hint("ceph auth caps client." + options_.user + " mon 'allow r' osd '" + rights + "'");
}

Result<void> Session::read_configuration() {
  if (const int result = rados_create2(&rados_, "ceph", ("client." + options_.user).c_str(), 0); result < 0) {
    rados_ = nullptr;
    return Error(Code::Internal, Error::from_errno("cannot start librados", -result).text());
  }
  if (const int result = rados_conf_read_file(rados_, options_.conf.c_str()); result < 0)
    return config_error(Error::from_errno("cannot read " + options_.conf, -result).text());

  const std::string osd = std::to_string(options_.osd_timeout.count());
  const std::string monitor = std::to_string(options_.monitor_timeout.count());
  const std::pair<const char*, std::string> settings[] = {
      {"rados_osd_op_timeout", osd},
      {"rados_mon_op_timeout", monitor},
      {"client_mount_timeout", monitor},
      // With the defaults, 5 and 10, an operation waits up to 11 seconds after an OSD has come back.
      {"objecter_tick_interval", "1"},
      {"objecter_timeout", "2"},
      {"ms_client_mode", options_.encrypt ? "secure" : "crc"},
  };
  for (const auto& [name, value] : settings) {
    if (const int result = rados_conf_set(rados_, name, value.c_str()); result < 0)
      return config_error(
          Error::from_errno("cannot set " + std::string(name) + " of librados", -result).text());
  }
  return {};
}

Result<void> Session::connect() {
  const int result = rados_connect(rados_);
  if (result >= 0) return {};
  const std::string what =
      "cannot connect to the Ceph cluster of " + options_.conf + " as client." + options_.user;
  switch (-result) {
    case EPERM:
    case EACCES:
      return config_error(what + ": a monitor refuses its key");
    case ENOENT:
      return config_error(what + ": the file does not name a monitor, or the user has no key file");
    case EINVAL:
      return config_error(Error::from_errno(what, EINVAL).text());
    default:
      return Error(Code::Unavailable, failed_reply(what, result).text);
  }
}

Result<void> Session::open_pool(Pool pool) {
  const std::string& name = pool_name(pool);
  rados_ioctx_t& context = contexts_[static_cast<std::size_t>(pool)];
  if (const int result = rados_ioctx_create(rados_, name.c_str(), &context); result < 0) {
    context = nullptr;
    if (result == -ENOENT)
      return config_error("the Ceph cluster has no pool " + name).with_hint("ceph osd pool create " + name);
    const std::string what = "cannot open the pool " + name;
    return Error(outcome_of(result) == Outcome::Refused ? Code::Config : Code::Unavailable,
                 failed_reply(what, result).text);
  }
  rados_ioctx_set_namespace(context, options_.vault.c_str());
  // The functions for locks take no flags: on a full pool they would wait until there is space.
  rados_set_pool_full_try(context);
  return {};
}

// Checks the rights by an operation that fails because its object is missing.
Result<void> Session::try_rights(Pool pool) {
  const std::string what = "client." + options_.user + " cannot use the pool " + pool_name(pool);
  int result = 0;
  if (pool == Pool::Meta) {
    result = rados_unlock(context(pool), kProbe, kProbe, kProbe);  // needs r, w and x
  } else {
    const rados_write_op_t op = rados_create_write_op();
    rados_write_op_remove(op);
    result = rados_write_op_operate2(op, context(pool), kProbe, nullptr, kWriteAlthoughFull);
    rados_release_write_op(op);
  }
  if (outcome_of(result) == Outcome::Missing || result >= 0) return {};
  const std::string text = failed_reply(what, result).text;
  return outcome_of(result) == Outcome::Refused ? without_rights(text) : Error(Code::Unavailable, text);
}

Result<void> Session::open() {
  if (auto done = read_configuration(); !done) return done;
  if (auto done = connect(); !done) return done;
  for (const Pool pool : {Pool::Meta, Pool::Data})
    if (auto done = open_pool(pool); !done) return done;
  for (const Pool pool : {Pool::Meta, Pool::Data})
    if (auto done = try_rights(pool); !done) return done;
  return {};
}

}  // namespace gw::store
