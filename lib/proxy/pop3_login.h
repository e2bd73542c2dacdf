// The login of a client of gw-proxy's POP3 half: chooses the route, connects to the upstream and
// repeats the credentials there.
//
// On a listener of one route, the upstream is connected when the client has sent its first bytes.
// On a listener of several routes, it is connected when the login names the route. The upstream
// checks the credentials, and the client receives its replies. Before the upstream gets a
// credential, the vault must be reachable and the mailbox not suspended, unless the route has
// --on-copy-failure pass.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/login_guard.h"
#include "proxy/pop3_copies.h"
#include "proxy/pop3_proxy.h"
#include "sasl/credential_forwarder.h"

namespace gw::proxy {

// Belongs to one connection and its thread; not thread safe.
class Pop3ProxyLogin {
 public:
  // The reply for the client.
  struct Answer {
    enum class Kind : unsigned char {
      Ok,         // +OK
      Refused,    // -ERR; the client may try again
      Challenge,  // `+ text` of SASL; the client's next line goes to respond()
      Over        // -ERR, if there is a text; then the connection ends
    };
    Kind kind = Kind::Refused;
    std::string text;    // without the status
    std::string reason;  // with Over: why, for the log
  };

  // All arguments must outlive this object.
  Pop3ProxyLogin(const Pop3ProxyListener& listener, const Pop3ProxyService& service,
                 const net::Stream& client, daemon::SessionStats& stats);

  // Connects the upstream of a listener of one route. Returns nullopt if that succeeds, otherwise
  // the text that the client receives after -ERR.
  std::optional<std::string> connect_listeners_route();
  // Returns the SASL mechanisms that both gw-proxy and the upstream support. Before an upstream is
  // chosen these are all that gw-proxy can pass on.
  std::vector<std::string> mechanisms() const;
  // Returns the capabilities of the upstream, or what gw-proxy announces before one is connected.
  // Valid until the upstream changes or is closed.
  const pop3::Capabilities& capabilities() const;

  // Handle USER, PASS and AUTH. user() and auth() choose the route and connect; they wait first if
  // the source has guessed wrong passwords. pass() needs a user() that returned Ok.
  Answer user(std::string_view name);
  Answer pass(const Secret& password);
  Answer auth(sasl::CredentialForwarder& said);
  // Passes the client's line on that answers a Challenge.
  Answer respond(const Secret& line);
  // Closes the upstream after `error`, logs it, and returns the reply (Over).
  Answer lost(const Error& error);
  bool done() const { return done_; }  // the upstream has accepted the credentials

  // Returns the archive copies of this login. Requires done().
  Pop3Copies copies() const;
  const vault::Route& route() const { return *route_; }  // requires has_route()
  Pop3Upstream* upstream() { return upstream_.get(); }   // null if not connected
  // Closes the upstream's connection without QUIT.
  void close() { upstream_.reset(); }

  daemon::SessionStats& stats() { return stats_; }
  bool has_route() const { return route_.has_value(); }
  std::string route_name() const { return route_ ? route_->name : "-"; }
  const std::string& transaction() const { return transaction_; }  // the session id
  const std::string& peer() const { return peer_; }

 private:
  using Reply = Pop3Upstream::Reply;
  std::optional<Answer> prepare(std::string& login, std::string_view acts_as);
  std::optional<std::string> choose(std::string& login);
  std::optional<std::string> connect();
  Result<void> check_mailbox() const;
  Result<Reply> say_again(const sasl::CredentialForwarder& said);
  Answer not_allowed();
  Answer wrong_login(std::string_view text);
  Answer judge(const Result<Reply>& reply, bool last);

  const Pop3ProxyListener& listener_;
  const Pop3ProxyService& service_;
  const net::Stream& client_;
  daemon::SessionStats& stats_;
  std::string peer_;
  std::string transaction_;
  daemon::LoginGuard guard_;
  std::optional<vault::Route> route_;
  std::unique_ptr<Pop3Upstream> upstream_;
  std::string login_;           // as the upstream gets it, without `#route`
  std::string identity_;        // whose mail it is: the authorization identity, or else the login
  MailboxId mailbox_;           // of the copies
  std::size_t challenges_ = 0;  // of the upstream in the current AUTH
  bool done_ = false;
};

}  // namespace gw::proxy
