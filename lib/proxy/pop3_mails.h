// The commands of a client of gw-proxy's POP3 half after its login. This class implements the
// guarantees of proxy/pop3_proxy.h about RETR and DELE.
//
// Each command function either replies to the current Ask event of the session, or ends the
// session; end() then says why. An upstream that is lost is closed immediately, so upstream() of
// the login is null after it.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "net/stream.h"
#include "pop3/proxy_session.h"
#include "proxy/pop3_copies.h"
#include "proxy/pop3_login.h"

namespace gw::proxy {

// Belongs to one connection and its thread; not thread safe.
class Pop3ProxyMails {
 public:
  // `flush` sends the session's output to the client and returns false if the client has gone.
  // `grace` is the time that a mail in transfer gets after the process is asked to stop. `login` is
  // done(). All references must outlive this object.
  Pop3ProxyMails(pop3::ProxySession& session, Pop3ProxyLogin& login, net::Stream& client,
                 std::chrono::milliseconds grace, std::function<bool()> flush);

  // Passes a command on that neither fetches a mail nor deletes one: STAT, LIST, UIDL, TOP, NOOP,
  // RSET.
  void pass(const pop3::ProxySession::Ask& asked);
  // Handles RETR. From here on a stop of the process leaves the client its grace period, also for
  // output that the caller still has to flush.
  void retrieve(const pop3::ProxySession::Ask& asked);
  // Handles DELE.
  void remove(const pop3::ProxySession::Ask& asked);
  // Closes the upstream after `error` and ends the session. Within a mail the final dot stays away.
  void server_lost(const Error& error);

  struct Counts {
    std::uint64_t retrieved = 0;  // mails sent to their end
    std::uint64_t size = 0;       // bytes of mails, including those that broke off
    std::uint64_t uncopied = 0;   // copies that failed, and deletions without a copy
  };
  const Counts& counts() const { return counts_; }
  const Pop3Copies& copies() const { return copies_; }
  // Why this object ended the session; empty if it did not.
  const std::string& end() const { return end_; }

 private:
  void pass_text(const pop3::ProxySession::Ask& asked);
  bool learn_uidls();
  bool may_delete(std::uint64_t number);
  Result<bool> has_copy(std::uint64_t number);
  Result<Pop3Copies::Made> fetch_for_copy(std::uint64_t number, std::optional<std::string>& refusal);
  bool copy_failed(const Error& error);
  void count(const Result<Pop3Copies::Made>& made);
  void answer(const Result<Pop3Upstream::Reply>& reply);
  void end_without_dot();
  Pop3Upstream& server() { return *login_.upstream(); }
  bool lost() { return login_.upstream() == nullptr; }

  pop3::ProxySession& session_;
  Pop3ProxyLogin& login_;
  net::Stream& client_;
  std::chrono::milliseconds grace_;
  std::function<bool()> flush_;
  Pop3Copies copies_;
  Counts counts_;
  std::string end_;
};

}  // namespace gw::proxy
