// The web console of one process: the state that its pages share, and the single entry point that
// checks every request before a page runs.
//
//   Console console(options);
//   service.handler = [&](Request& request) { return console.answer(request); };
//
// answer() checks in this order, for every route of the table (pages.h):
//
// 1. The Host header names this gateway (protects against DNS rebinding); otherwise 421.
// 2. The session of the cookie is valid; otherwise the browser goes to the sign-in page.
// 3. The account still exists, is enabled, and has not changed its password since the session
//    began.
// 4. The route exists (404, 405) and the account has the role that it needs (403).
// 5. A request that changes anything comes from a form of this session: Origin and CSRF token
//    (403).
//
// A page runs only if all of this holds, so a page never repeats these checks. Static files, the
// API, /metrics with a token and the health pages are answered before step 1; they use no cookie.
//
// The console keeps its state in memory only. It is not a server: connections belong to
// http_connection.h, and mail belongs to the store behind ConsoleOptions::store.
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
#include "net/login_throttle.h"
#include "net/tls.h"
#include "store/store.h"
#include "web/diagnosis_cache.h"
#include "web/http/forwarded.h"
#include "web/http/http.h"
#include "web/opened_mailboxes.h"
#include "web/opened_messages.h"
#include "web/pages/activity.h"
#include "web/rate_limiter.h"
#include "web/second_factor.h"
#include "web/sessions.h"

namespace gw::web {

class Context;
struct Found;

// What a console is made from. Everything is copied or moved into the Console.
struct ConsoleOptions {
  // Returns the store, which the caller owns and which outlives the call, or the reason why there
  // is none (the keeper is not running). It is called for each request, on many threads
  // concurrently.
  std::function<Result<store::Store*>()> store;
  // The name of this gateway: shown on the pages and accepted in the Host header.
  std::string host;
  // Further names that are accepted in the Host header (`webd.hosts` in gw.toml(5)).
  std::vector<std::string> hosts;
  // The path of the vault; shown to administrators and examined for findings.
  std::string vault;
  // The configuration in force: for /metrics and for the listeners of gw-smtpd.
  config::Config config;
  // Returns the certificate of the TLS listener; null if there is only a plain one. The names in it
  // are accepted in the Host header too.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  // The POP3S port of this gateway, for the mail client settings that pages show.
  std::string pop3s_port = "995";
  // The web servers whose X-Forwarded-For header is believed; null if there are none (forwarded.h).
  Trusted trusted_proxy;
  SessionPolicy sessions;
  // Limits on wrong passwords: the wait doubles up to `longest_wait`. It applies to sign-ins,
  // mailbox passwords and API tokens alike.
  net::ThrottlePolicy sign_in;
  // The clock, in microseconds since the epoch. Tests replace it.
  std::function<Micros()> now = gw::now;
};

// Counters since the process started, for /metrics.
struct Counts {
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> errors = 0;  // responses with a 5xx status
  std::atomic<std::uint64_t> failed_logins = 0;
};

// All member functions are thread-safe. The Console must outlive every response with a `stream`.
class Console {
 public:
  explicit Console(ConsoleOptions options);
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Answers one request, including static files and the API. It never fails: errors become pages or
  // JSON with a status of 4xx or 5xx. It modifies the request (peer address, `secure`,
  // `parameters`).
  Response answer(Request& request);
  // Returns how many bytes of body this request may have, judged by its head alone: 8 KiB for an
  // unknown client, 1 MiB if the request shows a valid session or API token. For
  // HttpService::most_body.
  std::size_t most_body(const Request& request);

  const ConsoleOptions& options() const { return options_; }
  Micros now() const { return options_.now(); }
  // Returns the store, as ConsoleOptions::store does.
  Result<store::Store*> store() const { return options_.store(); }
  Sessions& sessions() { return sessions_; }
  // Failed sign-ins by the source of the connection (net::source_of()).
  net::LoginThrottle& sources() { return sources_; }
  // Failed sign-ins by the account that they name, and wrong mailbox passwords by account and
  // mailbox.
  net::LoginThrottle& accounts() { return accounts_; }
  // Wrong entries of a user's own password within a session, by account.
  net::LoginThrottle& confirmations() { return confirmations_; }
  Counts& counts() { return counts_; }
  // The shared state of the pages; each object does its own locking.
  Activity& activity() { return activity_; }
  DiagnosisCache& health() { return health_; }
  SecondFactors& second_factors() { return second_factors_; }
  OpenedMessages& views() { return views_; }
  // Closes the mailbox and its messages in all sessions, after its password or keys have changed.
  void close_mailbox(const MailboxId& mailbox) {
    opened_mailboxes_.close_mailbox(mailbox);
    views_.close_mailbox(mailbox);
  }
  OpenedMailboxes& opened_mailboxes() { return opened_mailboxes_; }
  // Wrong API tokens by source, and wrong mailbox passwords by token and mailbox.
  net::LoginThrottle& api_tries() { return api_tries_; }
  // The request rate of each API token.
  RateLimiter& api_pace() { return api_pace_; }
  // Remembers that `account` signed in with this browser. `browser` is the random value of the
  // browser's own cookie; only its SHA-256 is kept, for at most 10,000 pairs.
  void remember(const std::string& account, std::string_view browser);
  // Returns whether `account` has signed in with this browser before. Such a browser has its own
  // limit of wrong passwords, so that another client that guesses cannot lock its user out.
  bool knows(const std::string& account, std::string_view browser) const;

 private:
  // The signed-in account of one request.
  struct Visitor {
    vault::Account account;
    Session session;
    // The session id, which differs from the cookie's if the session was renewed.
    std::string id;
    // Whether the response must set the cookie to the new id.
    bool renewed = false;
  };
  // Answers a request after its peer is known: steps 1 to 3 of the list above.
  Response routed(Request& request);
  // Performs steps 4 and 5 and calls the page.
  Response let_in(Context& context, const Request& request, const Found& found);
  // Returns the account of a session. Returns nullopt if the session has ended or its account is
  // gone, disabled or has a new password; the session is then removed. Renews the session if the
  // role changed. `use` is as in Sessions::find().
  Result<std::optional<Visitor>> visitor(store::Store& store, const std::string& id, bool use);
  // Returns whether the Host header names this gateway.
  bool host_is_ours(const Request& request) const;

  ConsoleOptions options_;
  Sessions sessions_;
  net::LoginThrottle sources_;
  net::LoginThrottle accounts_;
  net::LoginThrottle confirmations_;
  Counts counts_;
  Activity activity_;
  DiagnosisCache health_;
  SecondFactors second_factors_;
  OpenedMessages views_;
  net::LoginThrottle api_tries_;
  RateLimiter api_pace_;
  mutable std::mutex mutex_;
  std::set<std::pair<std::string, Digest>> homes_;  // account and SHA-256 of the browser's cookie
  OpenedMailboxes opened_mailboxes_;
};

// Returns the session id of the request's cookie; empty if there is none. Over TLS only the cookie
// with the `__Host-` prefix counts, which browsers accept only from this host over TLS (RFC
// 6265bis).
std::string session_of(const Request& request);
// Returns the Set-Cookie value for a session id. An empty `id` removes the cookie from the browser.
std::string cookie_line(const Request& request, std::string_view id);
// Returns the value of the cookie by which a browser is recognised; empty if there is none.
std::string browser_of(const Request& request);
// Returns the Set-Cookie value of that cookie, which lives for 180 days.
std::string browser_line(const Request& request, std::string_view browser);

}  // namespace gw::web
