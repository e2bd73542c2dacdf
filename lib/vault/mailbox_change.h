// Changes to mailboxes as the command line, the console and the API request them: validated,
// applied and stored in one place.
//
//   MailboxChange said;
//   said.quota = 10ull << 30;
//   if (const auto wrong = first_wrong(said)) ...   // the field and its value
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

// A requested change. A field that is nullopt stays as it is; for a new mailbox it has NewMailbox's
// default. A list replaces the whole list.
struct MailboxChange {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> aliases;
  std::optional<std::vector<std::string>> domains;
  std::optional<std::vector<std::string>> allow;
  std::optional<std::uint64_t> quota;    // bytes of live messages; 0 for no quota
  std::optional<std::int64_t> grace;     // seconds; with 0 drained mail is removed immediately
  std::optional<std::int64_t> receipts;  // seconds that a removal record is kept
  std::optional<store::Trace> trace;
  std::optional<bool> allow_reject;  // clients outside `allow` get 550 instead of 450
  std::optional<bool> require_tls;   // no mail without TLS
  // The following two apply only to an existing mailbox.
  std::optional<store::Status> status;
  std::optional<bool> hold;  // legal hold
};

// The fields that first_wrong() validates.
enum class MailboxField : unsigned char { Name, Description, Alias, Domain, Allow, Grace, Receipts };
// A value that is not acceptable.
struct FieldError {
  MailboxField field{};
  std::string value;  // the value; empty if the list is too long
};
// Returns the first value that no mailbox may have, or nullopt if all are acceptable. It does not
// check whether a name or address is taken; the store does that.
std::optional<FieldError> first_wrong(const MailboxChange& said);
// Returns the error for such a value: BadInput, with text as `not an address for an alias: …`.
Error refusal(const FieldError& wrong);

// Converts the change into a new mailbox, with aliases and domains in comparable form. The fields
// that only an existing mailbox has are ignored.
NewMailbox new_mailbox(const MailboxChange& said);

// Applies the change to `before`, stores the record and returns it as stored. Writes nothing if
// nothing differs. Fails with BadInput as first_wrong(), with Exists if another mailbox has the
// name or address, with Conflict if the stored version is not that of `before`.
Result<store::MailboxRecord> change_mailbox(store::Store& store, const store::MailboxRecord& before,
                                            const MailboxChange& said, std::string_view actor);

// Removes the mailbox. Fails with Conflict, and a hint, unless it is suspended and holds no message
// in any state.
Result<void> remove_mailbox(store::Store& store, const store::MailboxRecord& mailbox, std::string_view actor);

// Checks whether the mailbox has an address that can be guessed (an alias or a catch-all domain)
// and accepts mail from every client. The user interfaces warn about this.
bool open_to_guesses(const store::MailboxRecord& mailbox);

}  // namespace gw::vault
