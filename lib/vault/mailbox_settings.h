// The settings of a mailbox that a person may choose. The command line, the console and the API all
// fill in a MailboxSettings; it is validated, applied and stored here.
//
//   MailboxSettings settings;
//   settings.quota = 10ull << 30;
//   if (const auto wrong = first_wrong(settings)) ...   // the field and its value
//   Result<store::MailboxRecord> now = change_mailbox(store, record, settings, "gw-store");
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gw::vault {

// Settings of a new mailbox, or a change of an existing one. A field that is nullopt has the default
// of store::MailboxRecord, or stays as it is. A list replaces the whole list.
struct MailboxSettings {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::vector<std::string>> aliases;
  std::optional<std::vector<std::string>> domains;
  // CIDR blocks and names of sender lists (vault/sender_list.h), which are replaced by their blocks.
  std::optional<std::vector<std::string>> allow;
  std::optional<std::uint64_t> quota;    // bytes of live messages; 0 for no quota
  std::optional<std::int64_t> grace;     // seconds; with 0 drained mail is removed immediately
  std::optional<std::int64_t> receipts;  // seconds that a removal record is kept
  std::optional<store::Trace> trace;
  std::optional<bool> allow_reject;  // clients outside `allow` get 550 instead of 450
  std::optional<bool> require_tls;   // no mail without TLS
  // The user interfaces offer the following two only for an existing mailbox.
  std::optional<store::Status> status;
  std::optional<bool> hold;  // legal hold
};

// The fields that first_wrong() validates.
enum class MailboxField : unsigned char { Name, Description, Alias, Domain, Allow, Grace, Receipts };
// What a field is called and accepts. The command line and the API complain with these texts; the
// console translates them, by `key`.
struct MailboxFieldWords {
  MailboxField field;
  std::string_view option;    // of gw-store, without `--`
  std::string_view key;       // in JSON and in the form of the console
  std::string_view accepted;  // as in `x` is not ACCEPTED
};
const MailboxFieldWords& words_of(MailboxField field);

// A value that is not acceptable.
struct FieldError {
  MailboxField field{};
  std::string value;
  bool too_many = false;  // a list of more than 1000 values; `value` is empty
};
// Returns the first value that no mailbox may have, or nullopt if all are acceptable. It does not
// check whether a name or address is taken; the store does that.
std::optional<FieldError> first_wrong(const MailboxSettings& settings);
// Returns the English text of an error without the field: `x` is not a domain.
std::string text_of(const FieldError& wrong);
// Returns BadInput with that text and the key of the field before it.
Error refusal(const FieldError& wrong);

// Replaces each name of a sender list by the list's blocks.
std::vector<std::string> expand_senders(const std::vector<std::string>& allow);
// Sets the fields of `record` that the settings name. Addresses get their comparable form.
void apply(const MailboxSettings& settings, store::MailboxRecord& record);

// Applies the change to `before`, stores the record and returns it as stored. Writes nothing if
// nothing differs. Fails with BadInput as first_wrong(), with Exists if another mailbox has the
// name or address, with Conflict if the stored version is not that of `before`.
Result<store::MailboxRecord> change_mailbox(store::Store& store, const store::MailboxRecord& before,
                                            const MailboxSettings& change, std::string_view actor);

// Removes the mailbox. Fails with Conflict, and a hint, unless it is suspended and holds no message
// in any state.
Result<void> remove_mailbox(store::Store& store, const store::MailboxRecord& mailbox, std::string_view actor);

// Checks whether the mailbox has an address that can be guessed (an alias or a catch-all domain)
// and accepts mail from every client. The user interfaces warn about this.
bool open_to_guesses(const store::MailboxRecord& mailbox);

}  // namespace gw::vault
