// A simulated vault: one store on a simulated disk, the model beside it, and the steps of a script.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "disk.h"
#include "script.h"
#include "store/local/local_store.h"
#include "store/store.h"

namespace gw::simulation {

// A fault in the simulation itself, which the oracle must find.
enum class Plant : unsigned char {
  None,
  DroppedSync,        // no sync of a file has an effect
  DroppedFolderSync,  // no sync of a directory has one
  Lost,               // an acknowledged message is not given to the store
  Returned,           // a drained message becomes live again
  Vanished,           // a live message is removed
};

class Vault {
 public:
  // What happened, for the table and to compare two runs.
  struct Counts {
    std::uint64_t crashes = 0;   // kills, power cuts and stops, after each of which it was opened again
    std::uint64_t failures = 0;  // calls that failed
    std::uint64_t changes = 0;   // acknowledged changes
    std::uint64_t calls = 0;     // file calls
    std::uint64_t trace = 0;
  };

  // Works in new directories below `base`. start_threads() must have been called.
  Vault(const std::string& base, std::uint64_t seed, Plant plant);
  Vault(const Vault&) = delete;
  Vault& operator=(const Vault&) = delete;
  ~Vault();
  // Does one step. Throws a Violation if a promise does not hold.
  void run(const Step& step);
  // Opens the vault once more and compares.
  void finish();
  Counts counts() const;
  // Returns what the last crash did, for people.
  const std::string& story() const { return disk_.story(); }

 private:
  // A change, made on the store and on the model.
  using Change = std::function<Result<void>(store::Store&)>;
  struct Clocks {
    Micros wall = 1'800'000'000'000'000;
    BootClock::time_point boot{std::chrono::hours(1)};
  };
  // When a message was drained: what bounds the time that its grace period can have counted.
  struct Drained {
    Micros passed = 0;
    std::uint64_t opened = 0;
  };

  // A change whose place among others, or whose result, only the content of the store tells.
  struct Flight {
    Change change;
    bool is_sweep = false;
    std::optional<Result<void>> result = {};  // nullopt: it may have been made or not
  };
  using Flights = std::vector<Flight>;

  void change(const Change& change, bool is_sweep = false);
  void run_together();
  bool uncertain(const Result<void>& result) const;
  void check_failed_store();
  void recover(const Flights& flights);
  void open();
  void compare(const Flights& flights, bool opened);
  bool explains(const std::string& found, const store::Store& before, const Flights& left, bool opened,
                std::string& nearest);
  bool disturbed() const;

  void deliver(const Step& step, bool pending);
  void move(const Step& step, store::State from, std::optional<store::State> to);
  void drain(const Step& step);
  void settle(const Step& step);
  void sweep(const Step& step);
  void settings(const Step& step);
  void rotate(const Step& step);
  void record(const Step& step);
  void note(const Step& step);
  void again(const Step& step);
  void purge();
  void snapshot();
  void suspend(const Step& step);
  void set_space(const Step& step);
  void restart(const Step& step);
  void count_due();

  const MailboxId& mailbox(const Step& step) const;
  // Returns the messages of a mailbox in this state, as the model has them.
  std::vector<MessageId> in_state(const MailboxId& mailbox, store::State state) const;

  const std::shared_ptr<Clocks> clocks_ = std::make_shared<Clocks>();
  const std::string base_;
  Disk disk_;
  Plant plant_;
  VaultId id_;
  store::LocalOptions options_;
  std::unique_ptr<store::Store> model_;
  std::unique_ptr<store::Store> store_;
  std::vector<MailboxId> mailboxes_;
  std::vector<std::pair<MailboxId, MessageId>> messages_;  // every one that there ever was
  std::map<MessageId, std::array<std::byte, 16>> tokens_;
  std::map<MessageId, Drained> drained_;
  std::uint64_t gathering_ = 0;  // so many further steps are run at the same time
  std::vector<Change> gathered_;
  std::uint64_t failures_at_open_ = 0;
  bool space_was_low_ = false;
  std::uint64_t next_id_ = 0;
  std::uint64_t opened_ = 0;
  Micros passed_ = 0;  // by the boot clock
  Counts counts_;
};

}  // namespace gw::simulation
