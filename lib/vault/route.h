// Routes of gw-proxy: where a client's session goes, and into which mailbox the copies.
//
// A route is a small record of the vault, so that it is changed in one place and each change has a leaf in
// the vault's history. gw-proxy reads it anew for each connection: a change counts from the next one on.
// Nothing in it is secret; credentials are the client's and pass through.
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

enum class Protocol : std::uint8_t { Smtp = 1, Pop3 = 2 };
enum class UpstreamTls : std::uint8_t { Implicit = 1, StartTls = 2, None = 3 };  // None: only if asked for
enum class OnCopyFailure : std::uint8_t { Refuse = 1, Pass = 2 };                // what the client then gets
enum class UncopiedDelete : std::uint8_t { Copy = 1, Refuse = 2, Pass = 3 };     // POP3: DELE without a copy

// The words of options and JSON: `smtp`, `starttls`, `refuse`, `copy`.
std::string_view name(Protocol value);
std::string_view name(UpstreamTls value);
std::string_view name(OnCopyFailure value);
std::string_view name(UncopiedDelete value);

struct LoginRule {
  std::string pattern;  // `*@sales.example`: `*` is any run of octets, ASCII case is ignored
  MailboxId mailbox;
};

struct Route {
  std::string name;  // [a-z0-9._-], 1 to 64, and none of kListenerNames
  std::string description;
  Protocol protocol = Protocol::Smtp;
  std::string host;  // name, or address without brackets
  std::uint16_t port = 0;
  UpstreamTls tls = UpstreamTls::StartTls;
  std::string ca_file;               // of gw-proxy's host; empty: the system's
  std::optional<Digest> pin;         // SHA-256 of the certificate (DER); checked instead of name and chain
  MailboxId mailbox;                 // where no rule says otherwise; zero: none
  std::vector<LoginRule> map;        // the first that fits counts
  std::vector<std::string> logins;   // patterns of the logins that may; empty: all
  std::vector<std::string> clients;  // CIDR blocks that may send without AUTH (SMTP)
  bool allow_private = false;        // upstream may be on a loopback, link-local or private address
  OnCopyFailure on_copy_failure = OnCopyFailure::Refuse;
  UncopiedDelete uncopied_delete = UncopiedDelete::Copy;
  std::uint64_t version = 0;  // as read; put_route checks it. 0: not yet stored
  std::string unknown;        // fields of newer versions, kept as they are

  std::string upstream() const;  // `mail.example:587`, `[2001:db8::1]:995`
};

// Names that say which protocol a listener speaks, for all routes: no route has one of them.
inline constexpr std::string_view kListenerNames[] = {"smtp",        "smtps", "submission",
                                                      "submissions", "pop3",  "pop3s"};

struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
std::optional<HostPort> parse_upstream(std::string_view text);  // `HOST:PORT`; IPv6 in brackets

Result<void> check_route(const Route& route);  // BadInput
// Encoded form, without name and version. Corrupt for what is not one.
Bytes encode(const Route& route);
Result<Route> decode_route(const store::Record& record);

Result<Route> find_route(store::Store& store, std::string_view name);  // NotFound
Result<std::vector<Route>> routes(store::Store& store);                // by name
// Makes it (version 0: Exists if there is one) or replaces the version that was read (Conflict otherwise).
Result<void> put_route(store::Store& store, const Route& route, std::string_view actor);
Result<void> remove_route(store::Store& store, const Route& route, std::string_view actor);

// Whether a login may use the route, and where its copies go: none where it may not. An empty login is a
// client without AUTH; it gets the route's own mailbox.
bool may_login(const Route& route, std::string_view login);
std::optional<MailboxId> mailbox_of(const Route& route, std::string_view login);
// A mailbox by id, as the append socket may ask it. NotFound: it was removed.
Result<store::Recipient> target(store::Store& store, const MailboxId& mailbox);

// On a listener with several routes: the one named behind the last `#` of the login, or the only one of the
// protocol. `login` is then what upstream gets.
struct Chosen {
  const Route* route = nullptr;  // none: the login names no route
  std::string login;
};
Chosen choose_route(const std::vector<Route>& routes, Protocol protocol, std::string_view login);

}  // namespace gw::vault
