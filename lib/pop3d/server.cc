#include "pop3d/server.h"

#include <algorithm>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "daemon/login_guard.h"
#include "daemon/pop3_connection.h"
#include "mail/wire_form.h"
#include "net/serve.h"
#include "pop3/session.h"
#include "pop3/top.h"
#include "pop3d/prefetch.h"
#include "vault/drain.h"

namespace gw::pop3d {
namespace {

using std::chrono::milliseconds;

// The interval between renewals of the lease while bytes move. The keeper gives the lease of a
// session that is silent for Pop3Service::silence to the next login; asking it after each read
// would cost too much.
constexpr std::chrono::seconds kRenewal{10};
// How long QUIT waits for a new keeper if the last one failed before it could confirm a deletion.
constexpr std::chrono::seconds kReplacement{15};
constexpr milliseconds kPause{100};  // between two questions to it

// Returns whether no network is between the peer and this host: a Unix socket, loopback, or a pipe.
bool local(const net::Peer& peer) {
  return peer.address.empty() || peer.loopback();
}

pop3::Options session_options(const net::Peer& peer, bool implicit_tls, const Pop3Service& service) {
  pop3::Options options;
  options.host = service.host;
  options.tls = implicit_tls;
  options.tls_available = static_cast<bool>(service.tls);
  options.allow_plaintext = service.allow_plaintext_auth && local(peer);
  return options;
}

class Connection {
 public:
  Connection(net::Stream&& stream, bool implicit_tls, const Pop3Service& service)
      : client_(std::move(stream), {service.idle_timeout, service.handshake_timeout, service.login},
                session_options(stream.peer(), implicit_tls, service)),
        session_(client_.session()),
        implicit_tls_(implicit_tls),
        service_(service),
        peer_(client_.stream().peer().address.empty() ? "local" : client_.stream().peer().address),
        stats_("pop3", service.report),
        guard_(service.limits, service.store, peer_) {}

  void serve();

 private:
  daemon::Pop3Connection<pop3::Session>::Tls certificate() const;
  bool step();
  void login(const pop3::Login& login);
  void refuse_login(const Error& error);
  bool message(std::size_t number, std::optional<std::uint64_t> lines);
  void update(const std::vector<std::size_t>& deleted);
  void keep_lease();
  void note_interruption();
  void refuse_message(const store::MessageRecord& record, const Error& error);

  daemon::Pop3Connection<pop3::Session> client_;
  pop3::Session& session_;
  bool implicit_tls_;
  const Pop3Service& service_;
  std::string peer_;
  daemon::SessionStats stats_;
  daemon::LoginGuard guard_;
  std::optional<vault::Drain> drain_;
  std::optional<Prefetch> reader_;  // uses drain_, so it is declared after it and destroyed first
  BootClock::time_point renewed_{};
  bool renewal_failed_ = false;
  std::optional<std::size_t> asked_;  // index of the message that the client requested last
  std::uint64_t retrieved_ = 0;
  std::uint64_t size_ = 0;
  std::string mailbox_;
};

daemon::Pop3Connection<pop3::Session>::Tls Connection::certificate() const {
  if (!service_.tls) return Error(Code::Config, "no certificate is configured");
  return service_.tls();
}

void Connection::serve() {
  if (!implicit_tls_ || client_.handshake(certificate())) {
    while (step()) {
    }
  }
  // The note needs the lease, so it comes before drain_ is reset. The reader's threads use drain_
  // and must end before it. The lease is released before the connection is closed, so that a client
  // that connects again immediately does not get [IN-USE].
  note_interruption();
  reader_.reset();
  drain_.reset();
  client_.stream().close();
  log::info("pop3 session ended", {{"peer", peer_},
                                   {"mailbox", mailbox_.empty() ? "-" : mailbox_},
                                   {"retrieved", retrieved_},
                                   {"bytes", size_},
                                   {"reason", client_.reason()}});
  store::ServerStats& counts = stats_.counts();
  counts.tls = client_.stream().tls() ? 1 : 0;
  counts.completed = session_.replies().completed;
  counts.deferred = session_.replies().deferred;
  counts.refused = session_.replies().refused;
  stats_.end();
}

// Handles the next event. Returns false if the connection has ended.
bool Connection::step() {
  const pop3::Event& event = session_.next_event();
  if (std::holds_alternative<pop3::NeedInput>(event)) {
    if (!client_.flush()) return false;
    keep_lease();
    return client_.read();
  }
  if (std::holds_alternative<pop3::Flush>(event)) return client_.flush();
  if (std::holds_alternative<pop3::Closed>(event)) {
    client_.say_goodbye();
    return false;
  }
  if (std::holds_alternative<pop3::StartTls>(event))
    return client_.start_tls(certificate(), [this] { session_.accept(); });
  if (const auto* credentials = std::get_if<pop3::Login>(&event))
    login(*credentials);
  else if (const auto* retrieve = std::get_if<pop3::Retrieve>(&event))
    return message(retrieve->number, std::nullopt);
  else if (const auto* top = std::get_if<pop3::Top>(&event))
    return message(top->number, top->lines);
  else if (const auto* quit = std::get_if<pop3::Update>(&event))
    update(quit->deleted);
  return true;
}

void Connection::login(const pop3::Login& login) {
  guard_.wait();
  const Result<store::Store*> store = service_.store();
  if (!store) {
    log::error("pop3 vault unavailable", {{"peer", peer_}, {"reason", store.error().text()}});
    stats_.trouble("vault unavailable", store.error());
    return session_.refuse("[SYS/TEMP] Temporary server error, try again later");
  }
  // The lease yields a little later than the silence that the configuration promises, because
  // renewals are up to kRenewal apart.
  Result<vault::Drain> opened = vault::Drain::open(**store, login.user, login.password, "pop3 " + peer_,
                                                   service_.lease, service_.silence + kRenewal);
  if (!opened) return refuse_login(opened.error());

  guard_.right();
  drain_ = std::move(*opened);
  reader_.emplace(*drain_);
  renewed_ = service_.clock();
  mailbox_ = drain_->mailbox().name;
  std::vector<pop3::Listed> listed;
  listed.reserve(drain_->messages().size());
  for (const store::MessageRecord& record : drain_->messages())
    listed.push_back({record.id, record.wire_size});
  log::info("pop3 login", {{"peer", peer_},
                           {"mailbox", mailbox_},
                           {"messages", listed.size()},
                           {"tls", client_.stream().tls() ? client_.stream().tls()->version : "none"}});
  session_.accept(std::move(listed));
}

void Connection::refuse_login(const Error& error) {
  if (error.code() != Code::Denied)
    log::warning("pop3 login refused", {{"peer", peer_}, {"reason", error.text()}});
  switch (error.code()) {
    case Code::Denied:
      // Do not log the name: people type their password into the wrong field. fail2ban uses
      // `rhost`.
      log::warning("login failed", {{"rhost", peer_}});
      session_.refuse("[AUTH] Authentication failed: wrong user name or password");
      ++stats_.counts().failed_logins;
      if (!guard_.wrong()) return;
      client_.set_reason("too many wrong passwords");
      return session_.close();
    case Code::Busy:
      return session_.refuse("[IN-USE] Mailbox is in use by another session");
    case Code::Corrupt:
    case Code::Version:
      return session_.refuse("[SYS/PERM] Cannot open the mailbox");
    default:
      return session_.refuse("[SYS/TEMP] Cannot open the mailbox, try again later");
  }
}

// Sends a message for RETR, or its beginning for TOP (`lines` is set). `number` counts from 1.
// Returns false if the connection has ended.
bool Connection::message(std::size_t number, std::optional<std::uint64_t> lines) {
  const store::MessageRecord& record = drain_->messages()[number - 1];
  Result<OpenedMessage> opened = reader_->open(number - 1);
  if (!opened) {
    refuse_message(record, opened.error());
    return true;
  }
  session_.accept();
  asked_ = number - 1;

  std::optional<pop3::TopCut> cut;
  if (lines) cut.emplace(*lines);
  bool sent = true;
  // A TOP that has all its lines stops reading; the rest of the message is then not verified, and
  // need not be.
  const auto enough = [&] { return !sent || (cut && cut->done()); };
  const mail::WireForm::Sink sink = [&](ByteView piece) {
    if (enough()) return;
    session_.body(cut ? cut->take(piece) : piece);
    if (session_.output_full()) sent = client_.flush();
  };
  mail::WireForm form(opened->trace);
  form.write(opened->first, sink);
  while (opened->rest && !enough()) {
    const Result<ByteView> chunk = opened->rest->next();
    if (!chunk) {
      // +OK has been sent, so -ERR is not possible any more. End the connection without the final
      // dot: the client then knows that the message is incomplete. The end of the message is
      // authenticated last, so this also covers a container that was cut off.
      log::error("pop3 message interrupted", {{"id", record.id.hex()}, {"reason", chunk.error().text()}});
      stats_.trouble("message interrupted", chunk.error());
      client_.set_reason("message interrupted");
      session_.close();
      return true;
    }
    if (chunk->empty()) break;
    form.write(*chunk, sink);
    keep_lease();
  }
  if (!enough()) form.finish(sink);
  if (!sent) return false;
  session_.body_end();
  if (!lines) {
    ++retrieved_;
    size_ += form.size();
    ++stats_.counts().messages;
    stats_.counts().size += form.size();
    stats_.report_if_due();
    // Some clients check the size against LIST. A difference means that the receiver computed it
    // wrongly.
    if (form.size() != record.wire_size)
      log::error("pop3 size differs from list", {{"id", record.id.hex()}, {"bytes", form.size()}});
  }
  return true;
}

void Connection::refuse_message(const store::MessageRecord& record, const Error& error) {
  log::error("pop3 message not opened", {{"id", record.id.hex()}, {"reason", error.text()}});
  stats_.trouble("message not opened", error);
  switch (error.code()) {
    case Code::Corrupt:
    case Code::Version:
    case Code::NotFound:
    case Code::Denied:  // sealed to a key that is not in the slot
      // Permanent: the client may go on with the other messages. A temporary error would make it
      // stop here at every login, and the mailbox would never be drained.
      return session_.refuse_damaged("[SYS/PERM] Cannot open the message");
    default:
      return session_.refuse("[SYS/TEMP] Cannot read the message, try again later");
  }
}

// Handles QUIT: deletes the messages that DELE has marked.
void Connection::update(const std::vector<std::size_t>& deleted) {
  asked_.reset();
  // If the process stops now, the client must still learn whether the messages were deleted.
  client_.stream().finish(std::chrono::seconds(20));
  std::vector<MessageId> ids;
  ids.reserve(deleted.size());
  for (const std::size_t number : deleted) ids.push_back(drain_->messages()[number - 1].id);
  Result<void> removed;
  if (!ids.empty()) removed = drain_->remove(ids, "pop3 " + peer_);
  if (!removed && removed.error().code() == Code::Unknown) {
    // The keeper failed while it deleted, so the outcome is unknown. The deletion is all or
    // nothing, so the state of one message tells the outcome. The question needs a new keeper; wait
    // for it for a while. A client that gets +OK forgets the messages, so +OK is only sent if the
    // deletion is certain.
    Result<bool> done = drain_->removed(ids.front());
    const BootClock::time_point patience = BootClock::now() + kReplacement;
    while (!done && done.error().code() == Code::Unavailable && BootClock::now() < patience) {
      // Not net::stop::wait(), which returns immediately after a stop request: this would then ask
      // without a pause.
      std::this_thread::sleep_for(kPause);
      done = drain_->removed(ids.front());
    }
    if (done && *done) removed = {};
  }
  // Release the lease before the reply: a client may log in again immediately after it.
  reader_.reset();
  drain_.reset();
  client_.set_reason("quit");
  if (removed) {
    log::info("pop3 deleted", {{"peer", peer_}, {"mailbox", mailbox_}, {"messages", ids.size()}});
    return session_.accept();
  }
  log::error("pop3 deletion failed",
             {{"mailbox", mailbox_}, {"messages", ids.size()}, {"reason", removed.error().text()}});
  stats_.trouble("deletion failed", removed.error());
  session_.refuse("[SYS/TEMP] Some deleted messages may not have been removed");
}

// Notes in the history at which message the client broke off. If client after client breaks off at
// the same message, `gw-store doctor` reports it as one that the archive cannot process. A stop of
// this process is not the client's fault and is not noted.
void Connection::note_interruption() {
  if (!asked_ || !drain_ || net::stop::requested()) return;
  const store::MessageRecord& record = drain_->messages()[*asked_];
  const Result<void> noted = drain_->interrupted(record, "pop3 " + peer_);
  if (!noted)
    log::warning("pop3 interruption not recorded",
                 {{"id", record.id.hex()}, {"reason", noted.error().text()}});
}

// Renews the lease if the last renewal is old enough. Call it after bytes have moved in either
// direction: a session in which none move must lose the lease.
void Connection::keep_lease() {
  if (!drain_) return;
  const BootClock::time_point now = service_.clock();
  if (now - renewed_ < kRenewal) return;
  renewed_ = now;
  const Result<void> renewed = drain_->renew();
  // A lost lease does not end the session. The client may go on reading; remove() at QUIT checks
  // the lease again and then deletes nothing. Log the first failure only.
  if (!renewed && !std::exchange(renewal_failed_, true))
    log::warning("pop3 lease not renewed", {{"mailbox", mailbox_}, {"reason", renewed.error().text()}});
}

}  // namespace

void serve_pop3(net::Stream stream, bool implicit_tls, const Pop3Service& service) {
  Connection(std::move(stream), implicit_tls, service).serve();
}

}  // namespace gw::pop3d
