// What can be said of a route when it is made and later, as people and programs write it: read, checked and
// applied in one place, for the command line, the console and its API alike.
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

std::optional<Protocol> parse_protocol(std::string_view word);
std::optional<UpstreamTls> parse_upstream_tls(std::string_view word);
std::optional<OnCopyFailure> parse_on_copy_failure(std::string_view word);
std::optional<UncopiedDelete> parse_uncopied_delete(std::string_view word);
std::optional<Digest> parse_pin(std::string_view text);  // 64 hex digits, colons between pairs allowed

// What is not said stays as it is; an empty text takes away what may be missing. A list replaces a list.
struct RouteChange {
  std::optional<std::string> description;
  std::optional<std::string> upstream;  // `HOST:PORT`
  std::optional<std::string> tls;       // a word, as the next two
  std::optional<std::string> on_copy_failure;
  std::optional<std::string> uncopied_delete;
  std::optional<std::string> ca;  // an absolute path
  std::optional<std::string> pin;
  std::optional<std::string> mailbox;
  std::optional<std::vector<std::string>> map;  // `PATTERN=MAILBOX`; the mailbox stands behind the last `=`
  std::optional<std::vector<std::string>> logins;
  std::optional<std::vector<std::string>> clients;
  std::optional<bool> allow_private;
};

struct WrongRoute {
  std::string_view field;  // by its name above; empty: it is about several together
  Error error;             // Usage, or what `mailbox_of` said
};
// A mailbox that a change names.
using MailboxFinder = std::function<Result<store::MailboxRecord>(std::string_view name)>;

// Puts what is said into `route`, and checks the whole.
std::optional<WrongRoute> apply(const RouteChange& said, const MailboxFinder& mailbox_of, Route& route);

}  // namespace gw::vault
