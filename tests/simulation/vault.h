// A simulated vault: one store on a simulated disk, the model beside it, and the steps of a script.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host.h"

namespace gw::simulation {

class Vault : public Host {
 public:
  Vault(const std::string& base, std::uint64_t seed, Plant plant);
  void run(const Step& step) override;
  void finish() override;

 private:
  // A change, made on the store and on the model.
  using Change = std::function<Result<void>(store::Store&)>;
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
  void compare(const Flights& flights, bool opened);
  bool explains(const std::string& found, const store::Store& before, const Flights& left, bool opened,
                std::string& nearest);

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
  void count_due();

  const MailboxId& mailbox(const Step& step) const;
  // Returns the messages of a mailbox in this state, as the model has them.
  std::vector<MessageId> in_state(const MailboxId& mailbox, store::State state) const;

  std::unique_ptr<store::Store> model_;
  std::vector<MailboxId> mailboxes_;
  std::vector<std::pair<MailboxId, MessageId>> messages_;  // every one that there ever was
  std::map<MessageId, std::array<std::byte, 16>> tokens_;
  std::map<MessageId, Drained> drained_;
  std::uint64_t gathering_ = 0;  // so many further steps are run at the same time
  std::vector<Change> gathered_;
  std::uint64_t next_id_ = 0;
  Micros passed_ = 0;  // by the boot clock
};

}  // namespace gw::simulation
