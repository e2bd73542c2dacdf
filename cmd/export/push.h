// One run of gw-export(1) to a server: hands over the mail of a mailbox by SMTP or LMTP, and prints
// the summary.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "cli/program.h"
#include "export/options.h"
#include "proxy/upstream.h"
#include "push/connection.h"
#include "push/outbox.h"
#include "push/outgoing.h"
#include "push/target.h"
#include "store/store.h"

namespace gw::cmd {

// Each connection hands a message over, and with --remove it is drained, before the next one. So a
// process that is killed leaves at most one message for each connection of which it is not known
// whether the server has it.
class PushJob {
 public:
  // Both must outlive the job.
  PushJob(const cli::Program& program, const Options& options) : program_(program), options_(options) {}
  // Hands over all messages that wait and returns the exit status: 0, 75 if some are left for the
  // next run, otherwise 3 if some were rejected or skipped or are damaged. Fails if the run cannot go
  // on.
  Result<int> run();

 private:
  // Numbers of messages, unless stated otherwise.
  struct Counts {
    std::uint64_t examined = 0;
    std::uint64_t accepted = 0;
    std::uint64_t size = 0;      // bytes of these, as received
    std::uint64_t rejected = 0;  // quarantined, if mail is removed
    std::uint64_t failed = 0;    // damaged
    std::uint64_t unnoted = 0;   // handed over, without an entry in the history
    std::uint64_t out_of_time = 0;
    std::map<std::string, std::uint64_t> left;     // by reason; the next run tries them again
    std::map<std::string, std::uint64_t> skipped;  // by reason; the server cannot take them
  };
  // What became of a message.
  struct Fate {
    enum class Kind : unsigned char { Accepted, Rejected, Left, Skipped, Failed };
    Kind kind = Kind::Accepted;
    std::string reason;  // why it is left or skipped, as in the summary
    std::string detail;  // what is reported about this message; empty for nothing
    bool lost = false;   // the connection was lost
  };

  // Rejects combinations of options that make no sense, and reads the URL. Fails with Usage.
  Result<void> check();
  Result<void> read_server();
  // Finds the mailbox, reads both passwords and opens the keys.
  Result<void> open(store::Store& store);
  // Hands over all messages of one pass, which outbox_ has begun. Fails if it cannot go on.
  Result<void> pass();
  // Runs passes until a stop is requested: after a pass that left nothing when the mailbox changes,
  // otherwise after a time that doubles. Fails if no later pass can succeed.
  Result<int> follow();
  // Waits until another pass may find something, or a stop is requested.
  void wait_for_mail();
  // One of --jobs connections; null if there is none at this moment.
  using Connection = std::unique_ptr<push::Connection>;
  // Hands over messages of the pass, as one of several threads, until there is none or one of the
  // threads cannot go on.
  Result<void> work();
  // Connects unless there is a connection.
  Result<void> connect(Connection& connection);
  // Hands over one message and settles it.
  Result<void> hand_over(Connection& connection, const store::MessageRecord& record);
  // Hands over one message, without settling it. Fails if nothing can be handed over.
  Result<Fate> send(Connection& connection, const store::MessageRecord& record);
  // Drains, quarantines or notes the message.
  Result<void> settle(const store::MessageRecord& record, const Fate& fate);
  // Counts and reports the fate of a message. Fails if too many in a row were not accepted.
  Result<void> count(const store::MessageRecord& record, const Fate& fate);
  void print_summary() const;

  const cli::Program& program_;
  const Options& options_;
  push::Target target_;
  push::Addressing addressing_;
  std::string host_;  // this host's name, for EHLO
  store::Store* store_ = nullptr;
  std::optional<push::Login> login_;
  std::optional<push::Outbox> outbox_;
  std::string damage_;  // why acknowledged mail may be missing in the vault; empty if it is whole
  proxy::Upstreams upstreams_;
  std::atomic<bool> ended_{false};  // one of the threads cannot go on
  std::mutex mutex_;                // for what follows, while several threads work
  Counts counts_;
  // Messages that the server has answered for, and that could not be settled yet: they must not be
  // handed over again.
  std::map<MessageId, Fate> unsettled_;
  // Messages of earlier passes that were skipped or are damaged, and are not looked at again.
  std::set<MessageId> known_;
  // Since the last message that the server accepted.
  unsigned rejected_in_row_ = 0, left_in_row_ = 0, lost_in_row_ = 0;
};

}  // namespace gw::cmd
