#include "gate/pop3_server.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/log.h"
#include "gate/login_guard.h"
#include "gate/pop3_client_side.h"
#include "gate/read_ahead.h"
#include "mail/wire_form.h"
#include "net/serve.h"
#include "pop3/session.h"
#include "pop3/top.h"
#include "vault/drain.h"

namespace gw::gate {
namespace {

using std::chrono::milliseconds;

// Octets that move are told to the keeper, which gives away a silent session's lease, once in this time.
constexpr std::chrono::seconds kRenewal{10};
// How long QUIT waits for the next keeper where the last one could not say whether it has deleted.
constexpr std::chrono::seconds kReplacement{15};
constexpr milliseconds kPause{100};

// A peer that no network is between: a Unix socket, loopback, or a pipe.
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
        tally_("pop3", service.report),
        guard_(service.limits, service.store, peer_) {}

  void serve();

 private:
  Pop3ClientSide<pop3::Session>::Tls certificate() const;
  bool step();
  void login(const pop3::Login& login);
  void refuse_login(const Error& error);
  bool message(std::size_t number, std::optional<std::uint64_t> lines);
  void update(const std::vector<std::size_t>& deleted);
  void keep_lease();
  void note_interruption();
  void refuse_message(const store::MessageRecord& record, const Error& error);

  Pop3ClientSide<pop3::Session> client_;
  pop3::Session& session_;
  bool implicit_tls_;
  const Pop3Service& service_;
  std::string peer_;
  SessionTally tally_;
  LoginGuard guard_;
  std::optional<vault::Drain> drain_;
  std::optional<ReadAhead> reader_;  // behind drain_: it ends first
  BootClock::time_point renewed_{};
  bool renewal_failed_ = false;
  std::optional<std::size_t> asked_;  // index of the message asked for last
  std::uint64_t retrieved_ = 0;
  std::uint64_t octets_ = 0;
  std::string mailbox_;
};

Pop3ClientSide<pop3::Session>::Tls Connection::certificate() const {
  if (!service_.tls) return Error(Code::Config, "no certificate is configured");
  return service_.tls();
}

void Connection::serve() {
  if (!implicit_tls_ || client_.handshake(certificate())) {
    while (step()) {
    }
  }
  note_interruption();
  reader_.reset();
  drain_.reset();
  client_.stream().close();
  log::info("pop3 session ended", {{"peer", peer_},
                                   {"mailbox", mailbox_.empty() ? "-" : mailbox_},
                                   {"retrieved", retrieved_},
                                   {"octets", octets_},
                                   {"reason", client_.reason()}});
  store::Tally& counts = tally_.counts();
  counts.tls = client_.stream().tls() ? 1 : 0;
  counts.completed = session_.replies().completed;
  counts.deferred = session_.replies().deferred;
  counts.refused = session_.replies().refused;
  tally_.end();
}

// Does the next thing. False: the connection has ended.
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
    log::error("pop3 without vault", {{"peer", peer_}, {"reason", store.error().text()}});
    tally_.trouble("the vault cannot be reached", store.error());
    return session_.refuse("[SYS/TEMP] the vault cannot be reached now");
  }
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
    listed.push_back({record.id, record.wire_octets});
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
      // The name is not logged: people type their password into the wrong field.
      log::warning("login failed", {{"rhost", peer_}});
      session_.refuse("[AUTH] wrong user or password");
      ++tally_.counts().failed_logins;
      if (!guard_.wrong()) return;
      client_.set_reason("too many wrong passwords");
      return session_.close();
    case Code::Busy:
      return session_.refuse("[IN-USE] another session has this mailbox");
    case Code::Corrupt:
    case Code::Version:
      return session_.refuse("[SYS/PERM] the mailbox cannot be opened");
    default:
      return session_.refuse("[SYS/TEMP] the mailbox cannot be reached now");
  }
}

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
      // Too late for -ERR: without the final dot the client cannot take it for whole.
      log::error("pop3 message broken off", {{"id", record.id.hex()}, {"reason", chunk.error().text()}});
      tally_.trouble("a message was broken off", chunk.error());
      client_.set_reason("a message could not be read to its end");
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
    octets_ += form.octets();
    ++tally_.counts().messages;
    tally_.counts().octets += form.octets();
    tally_.now_and_then();
    if (form.octets() != record.wire_octets)
      log::error("pop3 size differs from the list", {{"id", record.id.hex()}, {"octets", form.octets()}});
  }
  return true;
}

void Connection::refuse_message(const store::MessageRecord& record, const Error& error) {
  log::error("pop3 message not opened", {{"id", record.id.hex()}, {"reason", error.text()}});
  tally_.trouble("a message cannot be opened", error);
  switch (error.code()) {
    case Code::Corrupt:
    case Code::Version:
    case Code::NotFound:
    case Code::Denied:  // sealed to a key that is not in the slot
      return session_.refuse_damaged("[SYS/PERM] this message cannot be opened");
    default:
      return session_.refuse("[SYS/TEMP] this message cannot be read now");
  }
}

void Connection::update(const std::vector<std::size_t>& deleted) {
  asked_.reset();
  // A stop of the process does not keep the client from hearing how this ends.
  client_.stream().finish(std::chrono::seconds(20));
  std::vector<MessageId> ids;
  ids.reserve(deleted.size());
  for (const std::size_t number : deleted) ids.push_back(drain_->messages()[number - 1].id);
  Result<void> removed;
  if (!ids.empty()) removed = drain_->remove(ids, "pop3 " + peer_);
  if (!removed && removed.error().code() == Code::Unknown) {
    // All or none, so one of them tells, once the keeper that failed at it is replaced.
    Result<bool> done = drain_->removed(ids.front());
    const BootClock::time_point patience = BootClock::now() + kReplacement;
    while (!done && done.error().code() == Code::Unavailable && BootClock::now() < patience) {
      net::stop::wait(kPause);
      done = drain_->removed(ids.front());
    }
    if (done && *done) removed = {};
  }
  // The mailbox is free before the answer: a client may come back at once.
  reader_.reset();
  drain_.reset();
  client_.set_reason("quit");
  if (removed) {
    log::info("pop3 deleted", {{"peer", peer_}, {"mailbox", mailbox_}, {"messages", ids.size()}});
    return session_.accept();
  }
  log::error("pop3 deletion failed",
             {{"mailbox", mailbox_}, {"messages", ids.size()}, {"reason", removed.error().text()}});
  tally_.trouble("a deletion is not confirmed", removed.error());
  session_.refuse("[SYS/TEMP] the deletion is not confirmed; ask again in a new session");
}

// Where client after client breaks off at the same message it is one that they cannot take: `gw-store doctor`
// names it by what is noted here.
void Connection::note_interruption() {
  if (!asked_ || !drain_ || net::stop::requested()) return;
  const store::MessageRecord& record = drain_->messages()[*asked_];
  const Result<void> noted = drain_->interrupted(record, "pop3 " + peer_);
  if (!noted)
    log::warning("pop3 interruption not noted", {{"id", record.id.hex()}, {"reason", noted.error().text()}});
}

// Call where octets have just moved.
void Connection::keep_lease() {
  if (!drain_) return;
  const BootClock::time_point now = service_.clock();
  if (now - renewed_ < kRenewal) return;
  renewed_ = now;
  const Result<void> renewed = drain_->renew();
  // Reading goes on; QUIT will find that nothing may be deleted any more.
  if (!renewed && !std::exchange(renewal_failed_, true))
    log::warning("pop3 lease not renewed", {{"mailbox", mailbox_}, {"reason", renewed.error().text()}});
}

}  // namespace

void serve_pop3(net::Stream stream, bool implicit_tls, const Pop3Service& service) {
  Connection(std::move(stream), implicit_tls, service).serve();
}

}  // namespace gw::gate
