// What gw-store import prints: a line for each mail and file with --json, errors, and the summary.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"
#include "cli/output.h"
#include "cli/program.h"
#include "transfer/import.h"

namespace gw::cmd {

// Not thread safe. Errors of standard output are kept, and close() returns them.
class ImportReport {
 public:
  struct Form {
    bool json = false;
    bool resume = false;  // print no line for mail already present
    bool remove = false;  // a source that is still there is an error
  };
  // `program` must outlive the report.
  ImportReport(const cli::Program& program, const Form& form) : program_(program), form_(form) {}

  // Counts a mail and prints its line.
  void add(const std::string& file, const transfer::ImportedMail& mail);
  // Counts a file, prints its line, and reports what is wrong with it. Mail programs keep index files
  // beside a Maildir, so these are not errors; any other file that is not mail is reported, since its
  // content is not in the mailbox.
  void add(const std::string& file, const transfer::ImportedFile& report, bool beside_maildir = false);
  // Counts files that a walk has skipped.
  void add(const std::map<transfer::PassedOver, std::uint64_t>& skipped);
  // Counts and reports files of a spool that are still changing and were not passed to add().
  void add_unsettled(std::uint64_t count);
  // Counts files of a spool that are left for the next run.
  void leave_unsettled(std::uint64_t count);
  // With --verbose, reports that a walk skipped something.
  void skipped(const std::string& where, transfer::PassedOver why) const;
  // Prints the summary: how many files were examined, how many were imported, and how many were
  // skipped and why. Each run prints it, so that the user does not take a skipped file for an
  // imported one.
  void conclude();

  std::uint64_t imported() const { return mails_; }
  void flush() { (void)output_.flush(); }
  // Closes standard output and returns the exit status: 3 if a file had an error.
  Result<int> close();

 private:
  const cli::Program& program_;
  const Form form_;
  cli::Output output_;
  std::uint64_t taken_ = 0, mails_ = 0, present_ = 0, size_ = 0;
  std::uint64_t wrong_ = 0;                      // files with errors; not 0: exit status 3
  std::map<std::string, std::uint64_t> passed_;  // skipped files by reason
};

}  // namespace gw::cmd
