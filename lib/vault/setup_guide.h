// Ready-to-use configuration for the programs at both ends of a mailbox: those that drain it
// (getmail, MailStore, …) and those that its mail comes from (Microsoft 365, Postfix, …). `gw-store
// mailbox profile` and `gw-store mailbox sender` print it, and the console shows it. A recipe never
// contains a password; it says where to put it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/record.h"
#include "vault/mailbox.h"

namespace gw::vault {

// Which end a recipe is for: a program that drains the mailbox, or one that sends mail to it.
enum class RecipeEnd : unsigned char { Drain, Sender };

// How a program at that end reaches this gateway.
struct Reach {
  std::string host;
  std::string port;  // for draining: a port with implicit TLS
  // File with the certificate that signs the gateway's; empty if a public CA does.
  std::string ca_file;
};

// Returns the names of the programs with a recipe: `getmail`, `microsoft365`, … The views are
// static.
std::vector<std::string_view> recipe_programs(RecipeEnd end);

// Returns the languages in which recipes explain themselves: `en`, `it`, `de`. Commands and
// settings are the same in all of them.
std::span<const std::string_view> recipe_languages();

// Returns the recipe for this mailbox, or nullopt if there is none for the program. An unknown
// language gets English.
std::optional<std::string> recipe(RecipeEnd end, std::string_view program,
                                  const store::MailboxRecord& mailbox, const Settings& settings,
                                  const Reach& reach, std::string_view language = "en");

}  // namespace gw::vault
