// One run of salvage: what its parts share. Internal to salvage.cc and salvage_mail.cc.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/local/salvage.h"
#include "store/local/salvage_log.h"

namespace gw::store {

struct Kept {
  MessageRecord record;
  const Fate* fate = nullptr;
};

class Salvage {
 public:
  Salvage(const SalvageOptions& options, SalvageSource& source, Engine& engine, Space& space)
      : options_(options),
        source_(source),
        engine_(engine),
        to_(engine, space),
        vault_log_({}, to_, options.actor, options.clock()) {}

  Result<SalvageReport> run();

 private:
  void lose(const MailboxId& mailbox, std::optional<MessageId> message, std::string why,
            std::string file = {});
  void read_records();
  Result<VaultId> find_vault();
  void judge_database();
  std::set<MailboxId> logs();
  Result<void> salvage_log(const MailboxId& id);
  std::map<MessageId, MessageRecord> message_records(const MailboxId& mailbox, const SalvagedLog& log);
  Result<bool> keep(const MailboxRecord& mailbox, MessageRecord& record, const Fate* fate);
  Result<void> write_mailbox(const MailboxRecord& record, const Bytes& value, std::vector<Kept>& kept,
                             SalvagedLog& log, bool gap);
  Result<void> write_receipts(const MailboxId& mailbox, const SalvagedLog& log);
  Result<void> write_message(const MailboxId& mailbox, const MessageRecord& record);
  void lose_message(const MailboxId& mailbox, const MessageId& id, const Digest& container,
                    std::string_view why);
  std::optional<LeafType> gone_by_place(const MailboxId& mailbox, const MessageId& message) const;
  Result<void> put_gone(const MailboxId& mailbox, const MessageId& message, std::uint64_t seq);
  Result<void> finish_places();
  Result<void> set_aside_the_rest();
  Result<void> write_other_records();
  Result<void> finish_vault_log();
  Result<void> write_gap(SalvagedLog& log);
  Result<void> write_point();

  const SalvageOptions& options_;
  SalvageSource& source_;
  Engine& engine_;
  SalvageWriter to_;
  SalvagedLog vault_log_;
  SalvageReport report_;
  std::map<std::string, std::pair<std::uint64_t, Bytes>> records_;  // by key: version, value
  std::map<MailboxId, MailboxRecord> mailboxes_;
  std::set<MailboxId> recordless_;  // made, not dropped, and their record is lost
  std::set<std::pair<MessageId, MailboxId>> lost_;
  bool behind_ = false;
  CommitPoint point_;
};

RecordKey record_key_of(std::string_view stored);  // what record_key() made

}  // namespace gw::store
