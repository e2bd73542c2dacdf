// One run of gw-export: its options, which messages are meant, and what is said at the end.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/password.h"
#include "cli/program.h"
#include "cli/vault_options.h"
#include "store/store.h"
#include "transfer/export.h"

namespace gw::cmd {

class ExportJob {
 public:
  explicit ExportJob(const cli::Program& program) : program_(program) {}
  void declare(CLI::App& app);
  Result<int> run();

 private:
  // What opens the mailbox: the keys alone, or the keys under its lease where mail is to be removed.
  struct Source;

  Result<void> check() const;
  Result<Source> open(store::Store& store) const;
  Result<transfer::ExportReport> copy(Source& source, transfer::Writer& writer,
                                      transfer::Manifest* manifest) const;
  Result<transfer::ExportReport> take(Source& source, transfer::Writer& writer,
                                      transfer::Manifest* manifest) const;
  transfer::ExportOptions options() const;
  bool wanted(const store::MessageRecord& record) const;
  Result<int> conclude(const transfer::ExportReport& report) const;

  const cli::Program& program_;
  cli::VaultOptions vault_;
  cli::PasswordOptions password_;
  std::string mailbox_;
  std::string to_;
  std::string format_ = "eml";
  std::string envelope_ = "none";
  std::optional<std::string> manifest_;
  std::optional<Micros> since_, until_;
  bool remove_ = false;
  bool resume_ = false;
};

}  // namespace gw::cmd
