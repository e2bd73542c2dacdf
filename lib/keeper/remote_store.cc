#include "keeper/remote_store.h"

#include "keeper/remote_private.h"

namespace gw::keeper {

Result<void> RemoteStore::open() {
  auto loan = pool_->borrow(Pool::Use::Any);
  if (!loan) return loan.error().as_error();
  const proto::Hello& hello = (*loan)->hello();
  vault_ = VaultId::from(as_bytes(hello.vault()));
  // A piece larger than a data frame would need several, so chunk is limited to one.
  limits_ = {hello.batch(), hello.record(), std::min<std::size_t>(hello.chunk(), kMaxData)};
  return {};
}

// Only a change that was sent completely may have been made. Unavailable promises the caller that
// nothing was done.
Error RemoteStore::lost(Effect effect, bool sent, const Unreached& why) {
  const bool perhaps = sent && effect == Effect::Changes;
  return Error(perhaps ? Code::Unknown : Code::Unavailable,
               "the request to the keeper failed: " + why.text());
}

Result<PooledConnection> RemoteStore::ask(Effect effect, const Request& request, Options options) {
  if (auto fits = check_size(request); !fits) return fits.error();
  for (int tries = 1;; ++tries) {
    auto loan = pool_->borrow(options.use);
    if (!loan) return loan.error().as_error();
    bool sent = false;
    auto asked = (*loan)->send(request, options.frames);
    if (asked) {
      sent = true;
      asked = (*loan)->receive(options.to, options.got);
    }
    if (asked) {
      if (auto refused = (*loan)->refusal(); !refused) return refused.error();
      return std::move(*loan);
    }
    loan->discard();
    if (tries == kTries || (sent && effect == Effect::Changes)) return lost(effect, sent, asked.error());
    options.use = Pool::Use::Fresh;
  }
}

Result<PooledConnection> RemoteStore::ask_on(const RemoteLease& lease, const Request& request,
                                             ByteView frames) {
  if (auto fits = check_size(request); !fits) return fits.error();
  auto loan = lease.connection().borrow();
  if (!loan) return Error(Code::LeaseLost, loan.error().text());
  if (auto sent = (*loan)->send(request, frames); !sent) {
    loan->discard();
    return Error(Code::LeaseLost, "the connection to the keeper was lost");
  }
  if (auto received = (*loan)->receive(); !received) {
    loan->discard();
    return lost(Effect::Changes, true, received.error());
  }
  if (auto refused = (*loan)->refusal(); !refused) return refused.error();
  return std::move(*loan);
}

Result<store::Health> RemoteStore::health() {
  Request request;
  request.mutable_health();
  auto reply = ask(Effect::Reads, request);
  if (!reply) return reply.error();
  return understood(from_proto((*reply)->reply().health()));
}

Result<void> RemoteStore::stats(const store::ServerStats& stats) {
  Request request;
  put(stats, *request.mutable_report_stats());
  return done(ask(Effect::Changes, request));
}

Result<std::vector<store::ServerStats>> RemoteStore::server_stats() {
  Request request;
  request.mutable_server_stats();
  std::vector<store::ServerStats> all;
  return pages(request, all, [&](const Reply& reply) -> Result<void> {
    for (const proto::ServerStats& stats : reply.server_stats().stats()) all.push_back(from_proto(stats));
    return {};
  });
}

Result<std::unique_ptr<store::Snapshot>> RemoteStore::snapshot() {
  Request request;
  request.mutable_snapshot();
  auto loan = ask(Effect::Reads, request, {.use = Pool::Use::Alone});
  if (!loan) return loan.error();
  const std::uint64_t commits = (*loan)->reply().snapshot().commits();
  return std::unique_ptr<store::Snapshot>(std::make_unique<RemoteSnapshot>(pool_, *loan, commits));
}

Result<std::unique_ptr<store::Suspension>> RemoteStore::suspend() {
  Request request;
  request.mutable_suspend();
  // Effect::Reads although it changes something: a suspension whose connection was lost has ended,
  // so repeating the request leaves nothing behind. Alone, because the hold lasts long and the
  // caller copies over other connections meanwhile.
  auto loan = ask(Effect::Reads, request, {.use = Pool::Use::Alone});
  if (!loan) return loan.error();
  return std::unique_ptr<store::Suspension>(std::make_unique<RemoteSuspension>(pool_, *loan));
}

Result<std::unique_ptr<store::Store>> make_remote_store(RemoteOptions options) {
  auto made = std::make_unique<RemoteStore>(std::move(options));
  // A caller learns now, and not at its first operation, that the vault cannot be reached.
  if (auto opened = made->open(); !opened) return opened.error();
  return made;
}

}  // namespace gw::keeper
