// Compares what another mail system says that it handled (transfer/trace_file.h) with what a mailbox
// has accepted, by Message-ID.
//
//   Reconcile reconcile(store, ring, vault, mailbox, options);
//   for each row: reconcile.add(row, file);
//   reconcile.compare(on_extra);
//   for (const Mail* mail : reconcile.mails()) ...
//
// The mails of the trace are held in memory, at most kMaxMails; of the mailbox, 16 bytes for each
// message. Messages that are there are compared as well as those that were drained and swept, as long
// as their removal records are kept.
//
// A message cannot be compared if its envelope has no fingerprints (it was accepted by an older
// version) and the mail itself is gone; if neither message nor removal record is left; or if a limit was
// reached when its Message-IDs were read. A mail of the trace that was not found is then not called
// missing as long as one of these may be it. A message without a Message-ID is in no trace.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "transfer/trace_file.h"
#include "vault/message_id.h"

namespace gw::transfer {

// A rule that excuses rows of a trace: that they were not accepted is no loss.
struct IgnoreRule {
  std::string TraceRow::*field = nullptr;
  std::string pattern;  // as fits_pattern(): `*` stands for anything, ignoring case
};
// Parses `FIELD=PATTERN`, or one of the words `notifications` and `quarantined`, which stand for
// several rules. Fails with Usage.
Result<std::vector<IgnoreRule>> parse_ignore_rule(std::string_view text);

// Returns how many mails remain when each message is taken for at most one of them. A message may be a
// mail if it was received between one hour before and one day after the mail's time, or if the mail has
// no time. `messages` are the times when they were received, in order.
std::uint64_t count_unmatched(std::vector<std::optional<Micros>> mails, const std::vector<Micros>& messages);

class Reconcile {
 public:
  static constexpr std::size_t kMaxMails = 1'000'000;

  struct Options {
    // Only mails of the trace from this time on and before that one must have been accepted.
    std::optional<Micros> since;
    std::optional<Micros> until;
    std::vector<IgnoreRule> ignore;
  };
  enum class Outcome : unsigned char {
    Found,
    Ignored,  // all its rows are excused, or outside of the time
    Missing,
    NotComparable,  // not found, but it may be one of the messages that cannot be compared
  };
  // A mail of the trace: all rows with one Message-ID.
  struct Mail {
    std::string message_id;
    std::optional<Micros> time;  // the first
    std::string sender;
    std::string recipient;  // the first
    std::uint64_t recipients = 0;
    std::size_t file = 0;  // the number passed to add()
    std::uint64_t line = 0;
    bool required = false;
    std::uint64_t found = 0;  // accepted messages that are this mail
    std::optional<MessageId> first_found;
    Outcome outcome = Outcome::Missing;  // valid after compare()
  };
  struct Totals {
    std::uint64_t mails = 0;  // of the trace
    std::uint64_t ignored = 0;
    std::uint64_t found = 0;
    std::uint64_t missing = 0;
    std::uint64_t not_comparable = 0;    // mails of the trace with this outcome
    std::uint64_t duplicates = 0;        // mails of which more than one message was accepted
    std::uint64_t extra = 0;             // messages that are not in the trace
    std::uint64_t messages = 0;          // accepted messages that were compared
    std::uint64_t unknown_messages = 0;  // accepted messages that cannot be compared
    std::uint64_t opened = 0;            // messages that had to be opened for their Message-ID
    // Not comparable mails that remain when each message that cannot be compared is taken for at most
    // one mail of its time.
    std::uint64_t unmatched = 0;
    // Returns how many mails are certainly missing.
    std::uint64_t lost() const { return missing + unmatched; }
  };
  // An accepted message of the time of the trace that the trace does not have.
  struct Extra {
    MessageId id;
    Micros received = 0;
    bool removed = false;  // only its removal record is left
  };

  // The references must outlive this object.
  Reconcile(store::Store& store, const seal::KeyRing& ring, const VaultId& vault, const MailboxId& mailbox,
            Options options);
  // Adds a row. Fails with Full if there are too many mails.
  Result<void> add(const TraceRow& row, std::size_t file);
  // Compares everything. Calls `extra` for each message that the trace does not have, in no particular
  // order. Fails if the store cannot be read, or a message or removal record is damaged.
  Result<void> compare(const std::function<void(const Extra&)>& extra);

  // Returns the mails in order of time, those without a time first. Valid after compare().
  std::vector<const Mail*> mails() const;
  const Totals& totals() const { return totals_; }

 private:
  struct Hash {
    std::size_t operator()(const vault::MessageIdPrint& print) const;
  };
  bool in_time(std::optional<Micros> time) const;
  void take(const Extra& message, const std::vector<vault::MessageIdPrint>& prints, bool complete,
            const std::function<void(const Extra&)>& extra);
  Result<void> take_message(const store::MessageRecord& record,
                            const std::function<void(const Extra&)>& extra);
  Result<void> take_gone();
  void conclude();

  store::Store& store_;
  const seal::KeyRing& ring_;
  const VaultId& vault_;
  const MailboxId& mailbox_;
  Options options_;
  Micros started_;
  std::optional<Micros> first_, last_;  // times of the trace
  std::unordered_map<vault::MessageIdPrint, Mail, Hash> mails_;
  std::vector<MessageId> examined_;
  std::vector<Micros> unknown_;  // when the messages that cannot be compared were received
  Totals totals_;
};

}  // namespace gw::transfer
