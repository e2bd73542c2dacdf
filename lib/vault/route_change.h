// Changes to routes in the spelling of people and programs: parsed, validated and applied in one
// place for the command line, the console and the API.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "vault/route.h"

namespace gw::vault {

// Return the value for a word (`smtp`, `starttls`, `refuse`, `copy`), or nullopt if it is not one.
std::optional<Protocol> parse_protocol(std::string_view word);
std::optional<UpstreamTls> parse_upstream_tls(std::string_view word);
std::optional<OnCopyFailure> parse_on_copy_failure(std::string_view word);
std::optional<UncopiedDelete> parse_uncopied_delete(std::string_view word);
// Parses a SHA-256 of 64 hex digits, with or without colons between the bytes. Returns nullopt
// otherwise.
std::optional<Digest> parse_pin(std::string_view text);

// A requested change. A field that is nullopt stays as it is; an empty string clears an optional
// field. A list replaces the whole list.
struct RouteChange {
  std::optional<std::string> description;
  std::optional<std::string> upstream;  // `HOST:PORT`
  std::optional<std::string> tls;       // a word, as are the next two
  std::optional<std::string> on_copy_failure;
  std::optional<std::string> uncopied_delete;
  std::optional<std::string> ca;  // absolute path
  std::optional<std::string> pin;
  std::optional<std::string> mailbox;  // as find_mailbox() accepts it
  // `PATTERN=MAILBOX` each. The mailbox follows the last `=`, because a login may contain one.
  std::optional<std::vector<std::string>> map;
  std::optional<std::vector<std::string>> logins;   // patterns
  std::optional<std::vector<std::string>> clients;  // CIDR blocks
  std::optional<bool> allow_private;
};

// Finds a mailbox that a change names.
using MailboxFinder = std::function<Result<store::MailboxRecord>(std::string_view name)>;

// Applies the change to `route` and checks the result. Returns the first value that is not
// acceptable, in which case `route` may be changed in part, or nullopt if the route is valid. Its
// error is Usage, or that of `mailbox_of`.
std::optional<WrongRoute> apply(const RouteChange& said, const MailboxFinder& mailbox_of, Route& route);

}  // namespace gw::vault
