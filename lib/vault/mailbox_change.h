// What can be said of a mailbox when it is made and later: checked, applied and stored in one place, for the
// command line, the console and its API alike.
//
//   MailboxChange said;
//   said.quota = 10ull << 30;
//   if (const auto wrong = first_wrong(said)) ...   // which field, and what stands there
//   Result<store::MailboxRecord> now = change_mailbox(store, record, said, "gw-store");
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "vault/mailbox.h"

namespace gw::vault {

// What is not said stays as it is; of a new mailbox it has NewMailbox's default. A list replaces a list.
struct MailboxChange {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> aliases;
  std::optional<std::vector<std::string>> domains;
  std::optional<std::vector<std::string>> allow;
  std::optional<std::uint64_t> quota;    // octets; 0: none
  std::optional<std::int64_t> grace;     // seconds; 0: drained mail is gone at once
  std::optional<std::int64_t> receipts;  // seconds that a swept message stays provable
  std::optional<store::Trace> trace;
  // These four only of a mailbox that is there.
  std::optional<store::Status> status;
  std::optional<bool> hold;
  std::optional<bool> allow_reject;
  std::optional<bool> require_tls;
};

enum class MailboxField : unsigned char { Name, Description, Alias, Domain, Allow, Grace, Receipts };
struct WrongField {
  MailboxField field{};
  std::string value;  // what stands there; empty where there are too many of them
};
// The first thing that a mailbox cannot be or have. Whether a name is taken is for the store to say.
std::optional<WrongField> first_wrong(const MailboxChange& said);
// `not an address for an alias: …`, BadInput.
Error refusal(const WrongField& wrong);

// What add_mailbox() makes of it; status and what else only an existing mailbox has is passed over.
NewMailbox new_mailbox(const MailboxChange& said);

// Gives the record as it is stored then. Nothing is written where nothing differs. BadInput; Exists for a
// name or address that another mailbox has; Conflict unless `before` is what is stored.
Result<store::MailboxRecord> change_mailbox(store::Store& store, const store::MailboxRecord& before,
                                            const MailboxChange& said, std::string_view actor);

// Conflict, with a hint, unless it is suspended and holds no message in any state.
Result<void> remove_mailbox(store::Store& store, const store::MailboxRecord& mailbox, std::string_view actor);

// It has an address that can be guessed and takes mail from everybody: people are warned of that.
bool open_to_guesses(const store::MailboxRecord& mailbox);

}  // namespace gw::vault
