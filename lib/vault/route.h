// Routes of gw-proxy: to which upstream a client's session goes, and into which mailbox the copies
// of its mail.
//
// A route is a small record of the vault, so that there is one place to change it and each change
// has an entry in the vault's history. gw-proxy reads the routes again for each connection: a
// change applies from the next connection on, and sessions in progress keep the old one. A route
// contains nothing secret: the client's credentials pass through to the upstream and are not
// stored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

// The protocol between client and upstream. The values of the enums in this file are stored.
enum class Protocol : std::uint8_t { Smtp = 1, Pop3 = 2 };
// TLS to the upstream. None is used only if the route says so explicitly.
enum class UpstreamTls : std::uint8_t { Implicit = 1, StartTls = 2, None = 3 };
// What happens to mail that cannot be copied. Refuse: it does not pass, and the client gets a
// temporary error. Pass: it passes without a copy, and the log records that.
enum class OnCopyFailure : std::uint8_t { Refuse = 1, Pass = 2 };
// What happens to a POP3 DELE for a mail that was never copied. Copy: gw-proxy fetches and seals it
// first. Refuse: the client gets a temporary error. Pass: it is deleted without a copy.
enum class UncopiedDelete : std::uint8_t { Copy = 1, Refuse = 2, Pass = 3 };

// Returns the word for the value in options and JSON: `smtp`, `starttls`, `refuse`, `copy`.
std::string_view name(Protocol value);
std::string_view name(UpstreamTls value);
std::string_view name(OnCopyFailure value);
std::string_view name(UncopiedDelete value);

// Logins that match the pattern use the mailbox.
struct LoginRule {
  // As `*@sales.example`: `*` stands for any run of bytes, and ASCII case is ignored.
  std::string pattern;
  MailboxId mailbox;
};

struct Route {
  std::string name;  // [a-z0-9._-], 1 to 64 characters, none of kListenerNames
  std::string description;
  Protocol protocol = Protocol::Smtp;
  std::string host;  // host name, or IP address without brackets
  std::uint16_t port = 0;
  UpstreamTls tls = UpstreamTls::StartTls;
  // CA certificates for the upstream, a path on gw-proxy's host; empty for the system's.
  std::string ca_file;
  // SHA-256 of the upstream's certificate (DER). If set, it is checked instead of host name and
  // chain.
  std::optional<Digest> pin;
  MailboxId mailbox;                 // for logins that no rule in `map` matches; zero for none
  std::vector<LoginRule> map;        // the first rule that matches applies
  std::vector<std::string> logins;   // patterns of the allowed logins; empty if all are
  std::vector<std::string> clients;  // SMTP: CIDR blocks that may send without AUTH
  // The upstream may be at a loopback, link-local or private address. Off by default, so that a
  // route cannot be used to reach services inside the network (SSRF).
  bool allow_private = false;
  OnCopyFailure on_copy_failure = OnCopyFailure::Refuse;
  UncopiedDelete uncopied_delete = UncopiedDelete::Copy;
  // Version of the record that was read; put_route() checks it. 0 for a route that is not stored
  // yet.
  std::uint64_t version = 0;
  // Serialised fields that a newer version of gw wrote. They are written back unchanged.
  std::string unknown;

  // Returns `mail.example:587` or `[2001:db8::1]:995`.
  std::string upstream() const;
};

// Names that stand for the protocol of a listener, with all routes of that protocol. No route may
// have one of them.
inline constexpr std::string_view kListenerNames[] = {"smtp",        "smtps", "submission",
                                                      "submissions", "pop3",  "pop3s"};

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
// Parses `HOST:PORT`, with an IPv6 address in brackets. Returns nullopt if it is not of that form.
std::optional<HostPort> parse_upstream(std::string_view text);

// The rules that a route, or a change of one, can break.
enum class RouteRule {
  Name,            // not a valid name
  ReservedName,    // one of kListenerNames
  Upstream,        // not HOST:PORT
  Description,     // too long, or not UTF-8
  CaFile,          // not an absolute path
  Pin,             // not a SHA-256
  NeedsTls,        // a CA file or a pin without TLS
  TooMany,         // a list that is too long
  LoginPattern,    // not a valid pattern
  MapForm,         // not PATTERN=MAILBOX, or no such mailbox
  Block,           // not a CIDR block
  Word,            // not one of the words of a setting
  NoSuchMailbox,   // the mailbox that a change names was not found
  NeedsMailbox,    // no mailbox for any copy
  ClientsOfSmtp,   // clients without a login, of a POP3 route
  ClientsMailbox,  // clients without a login, and no mailbox for their copies
};
// A field that breaks a rule.
struct WrongRoute {
  std::string_view field;  // `name`, or the name of a field of RouteChange (vault/route_change.h)
  RouteRule rule;
  std::string value;  // the part of the field that is wrong; empty if it is the combination
  Error error;        // names the value and the rule
};
// Checks all fields and whether they fit together. Returns the first fault, whose error is
// BadInput, or nullopt if the route is valid. A rule about several fields is reported for the one to
// fill in or to empty.
std::optional<WrongRoute> check_route(const Route& route);
// Serialises the route without its name and version, which are the record's.
Bytes encode(const Route& route);
// Parses a route record. Fails with Corrupt if it is not a valid route.
Result<Route> decode_route(const store::Record& record);

// Reads one route. Fails with NotFound, or with Corrupt if its record is invalid.
Result<Route> find_route(store::Store& store, std::string_view name);
// Reads all routes, in order of their names. Fails with Corrupt if one of them is invalid.
Result<std::vector<Route>> routes(store::Store& store);
// Stores the route: creates it if its version is 0, otherwise replaces the version that was read.
// Fails with BadInput if check_route() finds a fault, with Exists if a new route's name is taken, with Conflict
// if the stored version differs.
Result<void> put_route(store::Store& store, const Route& route, std::string_view actor);
// Removes the version that was read. Fails with Conflict if the stored version differs.
Result<void> remove_route(store::Store& store, const Route& route, std::string_view actor);

// Checks whether this login may use the route and has a mailbox for its copies. An empty login
// stands for an SMTP client without AUTH.
bool may_login(const Route& route, std::string_view login);
// Returns the mailbox for copies of this login's mail, or nullopt if there is none. An empty login
// gets the route's own mailbox.
std::optional<MailboxId> mailbox_of(const Route& route, std::string_view login);
// Reads a mailbox by id through the lookup that the append socket allows (gw-keeper(7)). Fails with
// NotFound if it was removed.
Result<store::Recipient> target(store::Store& store, const MailboxId& mailbox);

// The route of a session on a listener that serves several routes.
struct Chosen {
  const Route* route = nullptr;  // points into `routes`; null if the login selects no route
  std::string login;             // what the upstream gets: the login without `#ROUTE`
};
// Returns the route named after the last `#` of the login, or the only route of the protocol if
// there is exactly one.
Chosen choose_route(const std::vector<Route>& routes, Protocol protocol, std::string_view login);

}  // namespace gw::vault
