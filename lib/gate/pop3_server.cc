#include "gate/pop3_server.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/log.h"
#include "gate/read_ahead.h"
#include "mail/wire_form.h"
#include "net/limits.h"
#include "net/serve.h"
#include "pop3/session.h"
#include "pop3/top.h"
#include "vault/drain.h"

namespace gw::gate {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadSize = 4096;
// Octets that move are told to the keeper, which gives away a silent session's lease, once in this time.
constexpr std::chrono::seconds kRenewal{10};
// How long QUIT waits for the next keeper where the last one could not say whether it has deleted.
constexpr std::chrono::seconds kReplacement{15};
constexpr milliseconds kPause{100};

// A peer that no network is between: a Unix socket, loopback, or a pipe.
bool local(const net::Peer& peer) {
  return peer.address.empty() || peer.loopback();
}

class Connection {
 public:
  Connection(net::Stream stream, bool implicit_tls, const Pop3Service& service)
      : stream_(std::move(stream)),
        service_(service),
        peer_(stream_.peer().address.empty() ? "local" : stream_.peer().address),
        tally_("pop3", service.report),
        session_(session_options(implicit_tls)) {}

  void serve(bool implicit_tls);

 private:
  pop3::Options session_options(bool implicit_tls) const;
  bool step();
  bool need_input();
  bool flush();
  bool start_tls();
  bool handshake(const net::ServerTls& tls);
  void login(const pop3::Login& login);
  void refuse_login(const Error& error);
  bool message(std::size_t number, std::optional<std::uint64_t> lines);
  void update(const std::vector<std::size_t>& deleted);
  void keep_lease();
  void note_interruption();
  void refuse_message(const store::MessageRecord& record, const Error& error);

  net::Stream stream_;
  const Pop3Service& service_;
  std::string peer_;
  SessionTally tally_;
  pop3::Session session_;
  std::optional<vault::Drain> drain_;
  std::optional<ReadAhead> reader_;  // behind drain_: it ends first
  BootClock::time_point renewed_{};
  bool renewal_failed_ = false;
  std::optional<std::size_t> asked_;  // index of the message asked for last
  std::size_t wrong_passwords_ = 0;
  std::uint64_t retrieved_ = 0;
  std::uint64_t octets_ = 0;
  std::string mailbox_;
  std::string reason_ = "closed by the client";
};

pop3::Options Connection::session_options(bool implicit_tls) const {
  pop3::Options options;
  options.host = service_.host;
  options.tls = implicit_tls;
  options.tls_available = static_cast<bool>(service_.tls);
  options.allow_plaintext = service_.allow_plaintext_auth && local(stream_.peer());
  return options;
}

void Connection::serve(bool implicit_tls) {
  stream_.set_timeout(service_.idle_timeout);
  bool going = true;
  if (implicit_tls) {
    const auto tls = service_.tls ? service_.tls() : Error(Code::Config, "no certificate is configured");
    if (!tls) log::error("pop3 without certificate", {{"reason", tls.error().text()}});
    going = tls && handshake(**tls);
  }
  while (going) going = step();
  note_interruption();
  reader_.reset();
  drain_.reset();
  stream_.close();
  log::info("pop3 session ended", {{"peer", peer_},
                                   {"mailbox", mailbox_.empty() ? "-" : mailbox_},
                                   {"retrieved", retrieved_},
                                   {"octets", octets_},
                                   {"reason", reason_}});
  store::Tally& counts = tally_.counts();
  counts.tls = stream_.tls() ? 1 : 0;
  counts.completed = session_.replies().completed;
  counts.deferred = session_.replies().deferred;
  counts.refused = session_.replies().refused;
  tally_.end();
}

// Does the next thing. False: the connection has ended.
bool Connection::step() {
  const pop3::Event& event = session_.next_event();
  if (std::holds_alternative<pop3::NeedInput>(event)) return need_input();
  if (std::holds_alternative<pop3::Flush>(event)) return flush();
  if (std::holds_alternative<pop3::Closed>(event)) {
    stream_.last_words(std::chrono::seconds(5));
    flush();
    return false;
  }
  if (std::holds_alternative<pop3::StartTls>(event)) return start_tls();
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

bool Connection::need_input() {
  if (!flush()) return false;
  keep_lease();
  std::array<std::byte, kReadSize> octets;
  const Result<std::size_t> got = stream_.read(octets);
  if (!got) {
    // No reply: the client would take it for the answer to its next command (RFC 1939 section 3).
    reason_ = got.error().text();
    return false;
  }
  if (*got == 0)
    session_.receive_eof();
  else
    session_.receive(ByteView(octets).first(*got));
  if (!session_.logged_in()) wipe(octets);
  return true;
}

bool Connection::flush() {
  if (session_.output().empty()) return true;
  const Result<void> sent = stream_.write(session_.output());
  session_.output_sent();
  if (!sent) reason_ = sent.error().text();
  return sent.has_value();
}

bool Connection::start_tls() {
  if (stream_.pending()) {
    session_.close("nothing may follow STLS");
    return true;
  }
  const Result<std::shared_ptr<const net::ServerTls>> tls = service_.tls();
  if (!tls) {
    log::error("pop3 without certificate", {{"reason", tls.error().text()}});
    session_.refuse("[SYS/TEMP] TLS is not available now");
    return true;
  }
  session_.accept();
  if (!flush() || !handshake(**tls)) return false;
  session_.tls_started();
  return true;
}

bool Connection::handshake(const net::ServerTls& tls) {
  const Result<void> done = stream_.accept_tls(tls, service_.handshake_timeout, "pop3");
  if (!done) reason_ = done.error().text();
  return done.has_value();
}

void Connection::login(const pop3::Login& login) {
  const std::string source = net::source_of(peer_);
  if (service_.limits != nullptr) net::stop::wait(service_.limits->wait(source));
  const Result<store::Store*> store = service_.store();
  if (!store) {
    log::error("pop3 without vault", {{"peer", peer_}, {"reason", store.error().text()}});
    tally_.trouble("the vault cannot be reached", store.error());
    return session_.refuse("[SYS/TEMP] the vault cannot be reached now");
  }
  Result<vault::Drain> opened = vault::Drain::open(**store, login.user, login.password, "pop3 " + peer_,
                                                   service_.lease, service_.silence + kRenewal);
  if (!opened) return refuse_login(opened.error());

  if (service_.limits != nullptr) service_.limits->succeeded(source);
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
                           {"tls", stream_.tls() ? stream_.tls()->version : "none"}});
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
      if (service_.limits == nullptr) return;
      service_.limits->failed(net::source_of(peer_));
      if (++wrong_passwords_ < service_.limits->policy().per_session) return;
      reason_ = "too many wrong passwords";
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
    if (session_.output_full()) sent = flush();
  };
  mail::WireForm form(opened->trace);
  form.write(opened->first, sink);
  while (opened->rest && !enough()) {
    const Result<ByteView> chunk = opened->rest->next();
    if (!chunk) {
      // Too late for -ERR: without the final dot the client cannot take it for whole.
      log::error("pop3 message broken off", {{"id", record.id.hex()}, {"reason", chunk.error().text()}});
      tally_.trouble("a message was broken off", chunk.error());
      reason_ = "a message could not be read to its end";
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
  stream_.finish(std::chrono::seconds(20));
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
  reason_ = "quit";
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
  Connection(std::move(stream), implicit_tls, service).serve(implicit_tls);
}

}  // namespace gw::gate
