// What to set at the programs at both ends of a mailbox, ready to use: at what drains it (getmail, MailStore,
// …) and where its mail comes from (Microsoft 365, Postfix, …). `gw-store mailbox profile` and `mailbox
// sender` print it, the console shows it. No recipe holds a password: it says where to put it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/record.h"
#include "vault/mailbox.h"

namespace gw::vault {

enum class RecipeEnd : unsigned char { Drain, Sender };

// This gateway, as the program at that end reaches it.
struct Reach {
  std::string host;
  std::string port;     // with TLS from the start where it is drained
  std::string ca_file;  // what signs our certificate, where it is no public authority; empty: it is one
};

// The programs that there are recipes for: `getmail`, `microsoft365`, …
std::vector<std::string_view> recipe_programs(RecipeEnd end);

// The languages that recipes explain themselves in: `en`, `it`, `de`. Commands and settings are the same in
// all.
std::span<const std::string_view> recipe_languages();

// The text for this mailbox; none for a program that there is no recipe for. A language that is none of those
// is English.
std::optional<std::string> recipe(RecipeEnd end, std::string_view program,
                                  const store::MailboxRecord& mailbox, const Settings& settings,
                                  const Reach& reach, std::string_view language = "en");

}  // namespace gw::vault
