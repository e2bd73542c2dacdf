// What a client of gw-proxy's POP3 half does with its mails once it is in: the promises of gate/pop3_relay.h
// about RETR and DELE are kept here.
//
// Each call answers the session's event in hand, or ends the session and says why. A server that is lost is
// closed at once.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "gate/pop3_copies.h"
#include "gate/pop3_relay_login.h"
#include "net/stream.h"
#include "pop3/relay_session.h"

namespace gw::gate {

class Pop3RelayMails {
 public:
  // `flush` sends the session's output to the client; false: the client has gone. All outlive this.
  Pop3RelayMails(pop3::RelaySession& session, Pop3RelayLogin& login, net::Stream& client,
                 std::chrono::milliseconds grace, std::function<bool()> flush);

  void pass(const pop3::RelaySession::Ask& asked);  // what neither brings a mail nor deletes one
  // From here on a stop of the process leaves the client its grace, for what is then in the output.
  void retrieve(const pop3::RelaySession::Ask& asked);
  void remove(const pop3::RelaySession::Ask& asked);
  void server_lost(const Error& error);

  struct Counts {
    std::uint64_t retrieved = 0;
    std::uint64_t octets = 0;
    std::uint64_t uncopied = 0;  // copies that could not be made
  };
  const Counts& counts() const { return counts_; }
  const Pop3Copies& copies() const { return copies_; }
  const std::string& end() const { return end_; }  // why the session was ended; empty: it was not

 private:
  void pass_text(const pop3::RelaySession::Ask& asked);
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

  pop3::RelaySession& session_;
  Pop3RelayLogin& login_;
  net::Stream& client_;
  std::chrono::milliseconds grace_;
  std::function<bool()> flush_;
  Pop3Copies copies_;
  Counts counts_;
  std::string end_;
};

}  // namespace gw::gate
