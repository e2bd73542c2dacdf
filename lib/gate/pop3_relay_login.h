// How a client of gw-proxy's POP3 half gets in: which route its login takes, the server that it leads to, and
// the credentials said again there.
//
// A listener of one route is connected when the client has sent its first octets; one of several when the
// login names the route. The server judges the credentials; what it says is what the client hears. Before it
// is asked, the vault must be there and the mailbox able to take copies, unless the route passes without.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/login_guard.h"
#include "gate/pop3_copies.h"
#include "gate/pop3_relay.h"
#include "sasl/pass_through.h"

namespace gw::gate {

class Pop3RelayLogin {
 public:
  struct Answer {
    enum class Kind : unsigned char {
      Ok,
      Refused,
      Challenge,
      Over  // the client hears the text, if there is one, and the connection ends
    };
    Kind kind = Kind::Refused;
    std::string text;
    std::string reason;  // of Over, for the log
  };

  // All of them outlive this.
  Pop3RelayLogin(const Pop3RelayListener& listener, const Pop3RelayService& service,
                 const net::Stream& client, SessionTally& tally);

  // For a listener of one route. Gives what the client hears where there is no server.
  std::optional<std::string> connect_listeners_route();
  std::vector<std::string> mechanisms() const;     // that AUTH may name now
  const pop3::Capabilities& capabilities() const;  // of the server, or of none in particular

  Answer user(std::string_view name);
  Answer pass(const Secret& password);
  Answer auth(sasl::PassThrough& said);
  Answer respond(const Secret& line);  // to the Challenge
  Answer lost(const Error& error);     // the server, at whatever it was asked
  bool done() const { return done_; }  // the server has let the client in

  // Once it is done.
  Pop3Copies copies() const;
  const vault::Route& route() const { return *route_; }
  Pop3Upstream* upstream() { return upstream_.get(); }  // null: not connected, or no longer
  void close() { upstream_.reset(); }

  SessionTally& tally() { return tally_; }
  bool has_route() const { return route_.has_value(); }
  std::string route_name() const { return route_ ? route_->name : "-"; }
  const std::string& transaction() const { return transaction_; }
  const std::string& peer() const { return peer_; }

 private:
  using Reply = Pop3Upstream::Reply;
  std::optional<Answer> prepare(std::string& login, std::string_view acts_as);
  std::optional<std::string> choose(std::string& login);
  std::optional<std::string> connect();
  Result<void> check_mailbox() const;
  Result<Reply> say_again(const sasl::PassThrough& said);
  Answer no_route(std::string_view reason);
  Answer wrong_login(std::string_view text);
  Answer judge(const Result<Reply>& reply, bool last);

  const Pop3RelayListener& listener_;
  const Pop3RelayService& service_;
  const net::Stream& client_;
  SessionTally& tally_;
  std::string peer_;
  std::string transaction_;
  LoginGuard guard_;
  std::optional<vault::Route> route_;
  std::unique_ptr<Pop3Upstream> upstream_;
  std::string login_;     // as the server gets it
  std::string identity_;  // whose mail it is
  MailboxId mailbox_;
  std::size_t challenges_ = 0;
  bool done_ = false;
};

}  // namespace gw::gate
