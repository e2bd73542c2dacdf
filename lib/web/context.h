// What a page is given beside the request: who asks, in which language, and the vault as far as he may see
// it.
//
// A page names mailboxes and routes only through here, so that an account that is limited to some of them
// cannot be shown, and cannot touch, another: what it may not see is NotFound, as if it were not there.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vault/account.h"
#include "vault/route.h"
#include "web/console.h"
#include "web/http.h"
#include "web/words.h"

namespace gw::web {

class Context {
 public:
  Context(Console& console, store::Store* store, Language language)
      : w(language), console_(console), store_(store) {}

  const Words w;  // w("mailboxes.title")

  Console& console() const { return console_; }
  store::Store& store() const { return *store_; }
  Micros now() const { return console_.now(); }

  bool signed_in() const { return account_.has_value(); }
  const vault::Account& account() const { return *account_; }  // of routes that need one
  bool may(vault::Role role) const { return account_ && account_->role >= role; }
  // Who did it, for histories: `console anna from 192.0.2.1`.
  std::string actor() const { return actor_; }
  const std::string& csrf() const { return session_.csrf; }
  const std::string& session_id() const { return session_id_; }

  // Of this name (or id, or address), as far as the account may see it. NotFound.
  Result<store::MailboxRecord> mailbox(std::string_view name) const;
  Result<std::vector<store::MailboxRecord>> mailboxes() const;  // by name
  Result<vault::Route> route(std::string_view name) const;
  Result<std::vector<vault::Route>> routes() const;
  // Whether a new one of this name would be one of his.
  bool may_see(std::string_view name) const { return account_ && account_->may_see(name); }
  // The name of a mailbox by its id, as routes and histories have it; empty where it is gone or not his.
  std::string mailbox_name(const MailboxId& id) const;

  void sign_in(vault::Account account, Session session, std::string session_id, std::string actor);

 private:
  Console& console_;
  store::Store* store_;
  std::optional<vault::Account> account_;
  Session session_;
  std::string session_id_;
  std::string actor_;
};

// The page of an Error: 404 for NotFound, 409 for Conflict and Exists, 503 where the keeper is away or busy,
// else 500, which is logged.
Response failed(const Context& context, const Request& request, const Error& error);
// A page that says why not; `status` has its words (`error.404`).
Response refused(const Context& context, const Request& request, int status);

}  // namespace gw::web
