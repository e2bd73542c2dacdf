// The console of one process: what its pages share, and the one place where a request is let in.
//
//   Console console(options);
//   service.handler = [&](Request& request) { return console.answer(request); };
//
// answer() does, in this order and for every route of the table (pages.h): the Host must be ours; the route
// must exist; the session must hold; the account must still be there, enabled, and of the role that the route
// needs; and what changes anything must come from a form of this session (Origin, token). A page is only
// called when all of this holds.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "gate/auth_limits.h"
#include "net/tls.h"
#include "store/store.h"
#include "web/activity.h"
#include "web/forwarded.h"
#include "web/health_look.h"
#include "web/http.h"
#include "web/open_views.h"
#include "web/pace.h"
#include "web/second_factor.h"
#include "web/sessions.h"

namespace gw::web {

class Context;
struct Found;

struct ConsoleOptions {
  std::function<Result<store::Store*>()> store;
  std::string host;                // of this gateway: shown, and a name that the console answers to
  std::vector<std::string> hosts;  // more such names
  std::string vault;               // folder, shown to administrators
  config::Config config;           // in force, for the metrics
  // The listener's certificate; none on a plain one.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  std::string pop3s_port = "995";  // of this gateway, for settings that are shown
  Trusted trusted_proxy;           // web servers in front that say who asks; none: nobody is believed
  SessionPolicy sessions;
  gate::AuthPolicy sign_in;  // waits double up to `longest_wait`
  std::function<Micros()> now = gw::now;
};

// Since the process began.
struct Counts {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> errors = 0;  // answers of class 5xx
  std::atomic<std::uint64_t> failed_logins = 0;
};

class Console {
 public:
  explicit Console(ConsoleOptions options);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  Response answer(Request& request);
  // How many bytes of a body this request may bring, by its head alone: few before it has shown that it comes
  // from somebody who is signed in or holds a token.
  std::size_t most_body(const Request& request);

  const ConsoleOptions& options() const { return options_; }
  Micros now() const { return options_.now(); }
  Result<store::Store*> store() const { return options_.store(); }
  Sessions& sessions() { return sessions_; }
  gate::AuthLimits& sources() { return sources_; }              // failed sign-ins by where they come from
  gate::AuthLimits& accounts() { return accounts_; }            // and by the account that they name
  gate::AuthLimits& confirmations() { return confirmations_; }  // own passwords typed anew within a session
  Counts& counts() { return counts_; }
  Activity& activity() { return activity_; }
  HealthLook& health() { return health_; }
  SecondFactors& second_factors() { return second_factors_; }
  OpenViews& views() { return views_; }
  gate::AuthLimits& api_tries() {
    return api_tries_;
  }                                       // wrong tokens by source, wrong passwords by token and mailbox
  Pace& api_pace() { return api_pace_; }  // requests by token
  // By which browsers an account was signed in to before, as far as is remembered: a browser is known by a
  // cookie of its own, of which only the hash stands here.
  void remember(const std::string& account, std::string_view browser);
  bool knows(const std::string& account, std::string_view browser) const;

 private:
  struct Visitor {
    vault::Account account;
    Session session;
    std::string id;
    bool renewed = false;  // the cookie must follow
  };
  Response routed(Request& request);
  Response let_in(Context& context, const Request& request, const Found& found);
  // None: the session has ended, or its account may not sign in any longer.
  Result<std::optional<Visitor>> visitor(store::Store& store, const std::string& id);
  bool host_is_ours(const Request& request) const;

  ConsoleOptions options_;
  Sessions sessions_;
  gate::AuthLimits sources_;
  gate::AuthLimits accounts_;
  gate::AuthLimits confirmations_;
  Counts counts_;
  Activity activity_;
  HealthLook health_;
  SecondFactors second_factors_;
  OpenViews views_;
  gate::AuthLimits api_tries_;
  Pace api_pace_;
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, Digest>> homes_;  // account and browser
};

// The session's id in the request's cookies; empty: none. If the browser speaks TLS the cookie is bound to
// this host and to TLS by its name (RFC 6265bis).
std::string session_of(const Request& request);
std::string cookie_line(const Request& request, std::string_view id);  // an empty id: the cookie goes
// The same of the cookie by which a browser is known again.
std::string browser_of(const Request& request);
std::string browser_line(const Request& request, std::string_view browser);

}  // namespace gw::web
