// One run of gw-export(1) to files: selects messages, writes them, and prints the summary.
//
//   ExportJob job(program, options);
//   return program.run(argc, argv, [&] { return job.run(); });
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/program.h"
#include "export/options.h"
#include "store/store.h"
#include "transfer/cursor.h"
#include "transfer/export_pool.h"
#include "vault/drain.h"

namespace gw::cmd {

// Without --remove it copies messages, without a lease. With --remove it holds the mailbox's lease
// and drains what it has written and read back.
class ExportJob {
 public:
  // Both must outlive the job. The options are read in run().
  ExportJob(const cli::Program& program, const Options& options) : program_(program), options_(options) {}
  // Does the export and returns the exit status: 0, 3 if some messages failed or the vault has lost
  // mail, or 65 if the only message on standard output failed. Fails if the export cannot go on.
  Result<int> run();

 private:
  // The opened mailbox: its keys or, with --remove, its lease.
  struct Source;

  // Rejects combinations of options that make no sense. Fails with Usage.
  Result<void> check();
  // Finds the mailbox, reads the password and unlocks the keys or takes the lease.
  Result<Source> open(store::Store& store) const;
  // Creates the destination in the chosen format.
  Result<std::unique_ptr<transfer::Writer>> make_writer() const;
  // Creates one writer for each job that may run in parallel.
  Result<std::vector<std::unique_ptr<transfer::Writer>>> make_writers() const;
  // Creates one Exporter for each writer. Source, writers and manifest must outlive them.
  std::vector<std::unique_ptr<transfer::Exporter>> exporters(
      Source& source, const std::vector<std::unique_ptr<transfer::Writer>>& writers,
      transfer::Manifest* manifest) const;
  // Exports without removing.
  Result<void> copy(Source& source, transfer::ExportPool& pool);
  // Exports under the lease and then drains.
  Result<void> take(Source& source, transfer::ExportPool& pool);
  // Iterations over records in ascending order of seq; `each` ends them with an error or false.
  using Each = std::function<Result<bool>(const store::MessageRecord&)>;
  Result<void> for_each_waiting(Source& source, const Each& each) const;
  Result<void> for_each_after(Source& source, std::uint64_t from, std::uint64_t end, const Each& each) const;
  // Filters of the options, and the count of what they reject.
  bool in_state(const store::MessageRecord& record) const;
  bool consider(const store::MessageRecord& record);
  void pass_over(const store::MessageRecord& record);
  // Returns whether all messages go into one file.
  bool one_file() const { return format_ != "eml" && format_ != "maildir"; }
  // Prints failures and the summary; returns the exit status.
  Result<int> conclude(const transfer::ExportReport& report, const std::string& damage) const;

  const cli::Program& program_;
  const Options& options_;
  std::string format_;  // of the options, or by the ending of their path; set by check()
  transfer::Match match_;
  // At first where the run starts, at the end how far it came.
  transfer::Cursor cursor_;
  // There are more messages to be removed than a single file takes.
  bool more_left_ = false;
  // The seq of messages skipped because of their state, in ascending order, for the next cursor.
  std::vector<std::uint64_t> waiting_;
  // Number of skipped messages by reason.
  std::map<std::string, std::uint64_t> passed_;
};

}  // namespace gw::cmd
