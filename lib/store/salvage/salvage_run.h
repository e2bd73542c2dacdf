// One run of salvage. Internal to salvage.cc (the order of the run, records, vault history) and
// salvage_mail.cc (mailboxes and messages).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/salvage/salvage.h"
#include "store/salvage/salvage_log.h"

namespace gw::store {

// A message that goes into the new vault.
struct Kept {
  MessageRecord record;
  const SalvagedState* fate = nullptr;  // null if no readable leaf mentions it; owned by its SalvagedLog
};

// Used once. All references must outlive it.
class Salvage {
 public:
  Salvage(const SalvageOptions& options, SalvageSource& source, Engine& engine, DiskSpace& space)
      : options_(options),
        source_(source),
        engine_(engine),
        to_(engine, space),
        vault_log_({}, to_, options.actor, options.clock()) {}

  // Writes the new database and large/ of the new vault. The caller writes the head and format
  // files.
  Result<SalvageReport> run();

 private:
  // Reports a loss.
  void lose(const MailboxId& mailbox, std::optional<MessageId> message, std::string why,
            std::string file = {});
  // Collects the newest readable version of each small record.
  void read_records();
  // Determines the id of the vault.
  Result<VaultId> find_vault();
  // Reports whether acknowledged commits are missing.
  void judge_database();
  // Returns the ids of all mailboxes that anything mentions.
  std::set<MailboxId> logs();
  // Salvages one mailbox: its history, messages and record.
  Result<void> salvage_log(const MailboxId& id);
  // Returns the newest readable record of each message.
  std::map<MessageId, MessageRecord> message_records(const MailboxId& mailbox, const SalvagedLog& log);
  // Copies the body of a message. Returns false if it is lost, after reporting it.
  Result<bool> keep(const MailboxRecord& mailbox, MessageRecord& record, const SalvagedState* fate);
  // Write a mailbox, its removal records, and one message to the new vault.
  Result<void> write_mailbox(const MailboxRecord& record, const Bytes& value, std::vector<Kept>& kept,
                             SalvagedLog& log, bool gap);
  Result<void> write_removal_records(const MailboxId& mailbox, const SalvagedLog& log);
  Result<void> write_message(const MailboxId& mailbox, const MessageRecord& record);
  // Reports a lost message and sets the remains of its container aside.
  void lose_message(const MailboxId& mailbox, const MessageId& id, const Digest& container,
                    std::string_view why);
  // Returns how a message left, by its Where record; nullopt if that does not say so.
  std::optional<LeafType> gone_by_place(const MailboxId& mailbox, const MessageId& message) const;
  // Copies that Where record with this seq.
  Result<void> put_gone(const MailboxId& mailbox, const MessageId& message, std::uint64_t seq);
  // The remaining steps of run(), in their order.
  Result<void> finish_places();
  Result<void> set_aside_the_rest();
  Result<void> write_other_records();
  Result<void> finish_vault_log();
  // Appends a Gap leaf.
  Result<void> write_gap(SalvagedLog& log);
  Result<void> write_point();

  const SalvageOptions& options_;
  SalvageSource& source_;
  Engine& engine_;
  SalvageWriter to_;
  SalvagedLog vault_log_;
  SalvageReport report_;
  std::map<std::string, std::pair<std::uint64_t, Bytes>> records_;  // by key: version, value
  std::map<MailboxId, MailboxRecord> mailboxes_;                    // in the new vault
  // Created, not removed, and their record is lost.
  std::set<MailboxId> recordless_;
  std::set<std::pair<MessageId, MailboxId>> lost_;  // lost messages
  bool behind_ = false;                             // acknowledged commits are missing, or may be
  CommitPoint point_;                               // newest commit point found
};

// Parses a stored key; the inverse of record_key().
RecordKey record_key_of(std::string_view stored);

}  // namespace gw::store
