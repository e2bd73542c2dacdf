// One run of gw-export: its options, which messages are meant, and what is said at the end.
#pragma once

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
  bool wanted(const store::MessageRecord& record) const;
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
  transfer::Cursor cursor_;  // where it starts, and then how far it came
  bool more_left_ = false;   // a lease shows so many messages, and one file takes one lease
};

}  // namespace gw::cmd
