// What a page receives besides the request: the signed-in account, the language, and the vault as
// far as that account may see it.
//
// A page reaches mailboxes and routes only through the Context. An account that is limited to some
// of them can therefore neither see nor change another: such a name yields NotFound, exactly as if
// it did not exist, so that the account cannot find out which names are taken.
//
//   Response show(Context& context, const Request& request) {
//     const auto mailbox = context.mailbox(request.parameter("name"));
//     if (!mailbox) return failed(context, request, mailbox.error());
//     ...
//   }
//
// A Context lives for one request on one thread. An API token gets a Context too (api.cc), with the
// account that vault::account_of() derives from the token.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vault/account.h"
#include "vault/route.h"
#include "web/console.h"
#include "web/http/http.h"
#include "web/strings/strings.h"

namespace gw::web {

class Context {
 public:
  // `console` and `store` must outlive the Context. `store` may be null for a page that needs
  // neither a session nor the vault.
  Context(Console& console, store::Store* store, Language language)
      : w(language), console_(console), store_(store) {}

  // The texts of the console in the reader's language: w("mailboxes.title") (strings/strings.h).
  const Words w;

  Console& console() const { return console_; }
  // Returns the whole store, without the limits of the account. Use mailbox() and the other
  // functions below for whatever the request names.
  store::Store& store() const { return *store_; }
  Micros now() const { return console_.now(); }

  bool signed_in() const { return account_.has_value(); }
  // Returns the account. Only for pages of routes that require one: signed_in() must hold.
  const vault::Account& account() const { return *account_; }
  // Returns whether the account has this role or a higher one; false if no account is signed in.
  bool may(vault::Role role) const { return account_ && account_->role >= role; }
  // Returns the author of changes for the histories, for example `console anna from 192.0.2.1`.
  std::string actor() const { return actor_; }
  // Returns the CSRF token of the session, which every form of a page carries (form() in
  // widgets.h).
  const std::string& csrf() const { return session_.csrf; }
  // Returns the session id; empty for an API token.
  const std::string& session_id() const { return session_id_; }

  // Returns the mailbox with this name, id or address. Fails with NotFound if there is none or the
  // account may not see it.
  Result<store::MailboxRecord> mailbox(std::string_view name) const;
  // Returns the mailboxes that the account may see, sorted by name.
  Result<std::vector<store::MailboxRecord>> mailboxes() const;
  // Returns the route with this name. Fails with NotFound if there is none or the account may not
  // see it.
  Result<vault::Route> route(std::string_view name) const;
  // Returns the routes that the account may see.
  Result<std::vector<vault::Route>> routes() const;
  // Returns whether the account may see mailboxes and routes of this name, existing or not. Check
  // it before creating one.
  bool may_see(std::string_view name) const { return account_ && account_->may_see(name); }
  // Returns the name of a mailbox that a route or a history refers to by id; empty if the mailbox
  // is gone or the account may not see it.
  std::string mailbox_name(const MailboxId& id) const;

  // Sets the account of the request. Only the console and the API call it, after their checks.
  void sign_in(vault::Account account, Session session, std::string session_id, std::string actor);

 private:
  Console& console_;
  store::Store* store_;
  std::optional<vault::Account> account_;
  Session session_;
  std::string session_id_;
  std::string actor_;
};

// Returns the error page for an Error and logs it if it is the server's: 404 for NotFound, 403 for
// Denied, 409 for Conflict and Exists, 400 for BadInput, 503 if the keeper is away or busy, else
// 500. The page does not show the text of the error, which may name files.
Response failed(const Context& context, const Request& request, const Error& error);
// Returns the error page of a status, whose text is `error.<status>` in the table of words.
Response refused(const Context& context, const Request& request, int status);

}  // namespace gw::web
