// One run of gw-export: its options, which messages are meant, and what is said at the end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/password.h"
#include "cli/program.h"
#include "cli/vault_options.h"
#include "store/store.h"
#include "transfer/crew.h"
#include "transfer/cursor.h"

namespace gw::cmd {

class ExportJob {
 public:
  explicit ExportJob(const cli::Program& program) : program_(program) {}
  void declare(CLI::App& app);
  Result<int> run();

 private:
  // What opens the mailbox: the keys alone, or the keys under its lease where mail is to be removed.
  struct Source;

  Result<void> check();
  Result<Source> open(store::Store& store) const;
  Result<std::unique_ptr<transfer::Writer>> make_writer() const;
  Result<std::vector<std::unique_ptr<transfer::Writer>>> make_writers() const;
  std::vector<std::unique_ptr<transfer::Exporter>> exporters(
      Source& source, const std::vector<std::unique_ptr<transfer::Writer>>& writers,
      transfer::Manifest* manifest) const;
  Result<void> copy(Source& source, transfer::Crew& crew);
  Result<void> take(Source& source, transfer::Crew& crew);
  using Each = std::function<Result<void>(const store::MessageRecord&)>;
  Result<void> for_each_waiting(Source& source, const Each& each) const;
  Result<void> for_each_after(Source& source, std::uint64_t from, std::uint64_t end, const Each& each) const;
  bool is_new(const store::MessageRecord& record) const;
  bool in_state(const store::MessageRecord& record) const;
  bool in_time(const store::MessageRecord& record) const;
  bool consider(const store::MessageRecord& record);
  void pass_over(const store::MessageRecord& record);
  bool one_file() const { return format_ != "eml" && format_ != "maildir"; }
  Result<int> conclude(const transfer::ExportReport& report, const std::string& damage) const;

  const cli::Program& program_;
  cli::VaultOptions vault_;
  cli::PasswordOptions password_;
  std::string mailbox_;
  std::string to_;
  std::string format_ = "eml";
  std::string envelope_ = "none";
  std::string state_;
  std::vector<std::string> addresses_;
  transfer::Match match_;
  std::optional<std::string> manifest_;
  std::optional<std::string> cursor_file_;
  std::optional<Micros> since_, until_;
  unsigned jobs_ = 1;
  bool unwrap_ = false;
  bool remove_ = false;
  bool resume_ = false;
  transfer::Cursor cursor_;             // where it starts, and then how far it came
  bool more_left_ = false;              // a lease shows so many messages, and one file takes one lease
  std::vector<std::uint64_t> waiting_;  // passed over for their state, for the next cursor; by seq
  std::map<std::string, std::uint64_t> passed_;  // what was passed over, by reason
};

}  // namespace gw::cmd
