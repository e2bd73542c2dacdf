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

Result<store::Health> RemoteStore::health() {
  auto reply = ask(Effect::Reads, proto::OP_HEALTH, [](Request&) {});
  if (!reply) return reply.error();
  return understood(from_proto((*reply)->reply().health()));
}

Result<store::Purge> RemoteStore::purge(std::uint64_t number) {
  // Reads: a repeated purge only rewrites files a second time.
  auto reply = ask(Effect::Reads, proto::OP_PURGE, [&](Request& request) { request.set_number(number); });
  if (!reply) return reply.error();
  return store::Purge{(*reply)->reply().number(), (*reply)->reply().flag()};
}

Result<void> RemoteStore::stats(const store::ServerStats& stats) {
  return done(ask(Effect::Changes, proto::OP_REPORT_STATS,
                  [&](Request& request) { put(stats, *request.mutable_stats()); }));
}

Result<std::vector<store::ServerStats>> RemoteStore::server_stats() {
  std::vector<store::ServerStats> all;
  return pages(
      proto::OP_SERVER_STATS, all, [](Request&) {},
      [&](const Reply& reply) -> Result<void> {
        for (const proto::ServerStats& stats : reply.server_stats()) all.push_back(from_proto(stats));
        return {};
      });
}

Result<std::unique_ptr<store::Snapshot>> RemoteStore::snapshot() {
  auto loan = ask(
      Effect::Reads, proto::OP_SNAPSHOT, [](Request&) {}, {}, nullptr, {}, Pool::Use::Alone);
  if (!loan) return loan.error();
  const std::uint64_t commits = (*loan)->reply().number();
  return std::unique_ptr<store::Snapshot>(std::make_unique<RemoteSnapshot>(pool_, *loan, commits));
}

Result<std::unique_ptr<store::Suspension>> RemoteStore::suspend() {
  // Effect::Reads although it changes something: a suspension whose connection was lost has ended,
  // so repeating the request leaves nothing behind. Alone, because the hold lasts long and the
  // caller copies over other connections meanwhile.
  auto loan = ask(
      Effect::Reads, proto::OP_SUSPEND, [](Request&) {}, {}, nullptr, {}, Pool::Use::Alone);
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
