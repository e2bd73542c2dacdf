#include "store/import_report.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/counted.h"
#include "base/exit_status.h"
#include "base/file.h"
#include "base/text.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

using Outcome = transfer::ImportedFile::Outcome;
using transfer::PassedOver;

std::string_view name(transfer::ImportResult result) {
  switch (result) {
    case transfer::ImportResult::Added:
      return "ok";
    case transfer::ImportResult::Present:
      return "present";
    case transfer::ImportResult::Left:
      return "left";
    case transfer::ImportResult::Failed:
      break;
  }
  return "failed";
}

std::string_view name(Outcome outcome) {
  switch (outcome) {
    case Outcome::Taken:
      return "ok";
    case Outcome::Empty:
      return "empty";
    case Outcome::NoMail:
      return "no mail";
    case Outcome::Busy:
      return "being written";
    case Outcome::Failed:
      break;
  }
  return "failed";
}

std::string_view name(PassedOver why) {
  switch (why) {
    case PassedOver::Hidden:
      return "hidden";
    case PassedOver::Link:
      return "links";
    case PassedOver::Special:
      return "special files";
    case PassedOver::Sidecar:
      return "sidecars";
    case PassedOver::Unfinished:
      return "unfinished";
    case PassedOver::Temporary:
      return "in tmp of a Maildir";
    case PassedOver::OutOfMaildir:
      return "outside of cur and new";
    case PassedOver::Below:
      break;
  }
  return "directories in a spool";
}

// Writes to standard error: standard output belongs to --json.
void tell(const std::string& text) {
  (void)write_all(STDERR_FILENO, as_bytes("gw-store: " + printable(text) + "\n"), "standard error");
}

}  // namespace

void ImportReport::add(const std::string& file, const transfer::ImportedMail& mail) {
  mails_ += mail.result == transfer::ImportResult::Added ? 1 : 0;
  size_ += mail.result == transfer::ImportResult::Added ? mail.size : 0;
  present_ +=
      mail.result == transfer::ImportResult::Present || mail.result == transfer::ImportResult::Left ? 1 : 0;
  if (!form_.json || (form_.resume && mail.result == transfer::ImportResult::Present)) return;
  Json line;
  line["kind"] = "mail";
  json::put_text(line, "file", file);
  if (!mail.entry.empty()) json::put_text(line, "entry", mail.entry);
  line["offset"] = mail.offset ? Json(*mail.offset) : Json();
  line["id"] = mail.id.hex();
  line["octets"] = mail.size;
  line["sha256"] = to_hex(mail.sha256);
  line["result"] = name(mail.result);
  output_.json(line);
}

void ImportReport::add(const std::string& file, const transfer::ImportedFile& report, bool beside_maildir) {
  const bool expected =
      report.outcome == Outcome::Empty || (report.outcome == Outcome::NoMail && beside_maildir);
  const bool taken = report.outcome == Outcome::Taken;
  if (taken)
    ++taken_;
  else
    ++passed_[std::string(expected && beside_maildir ? "beside a Maildir" : name(report.outcome))];
  // With --remove, a source that is still there is an error too: the user expects an empty
  // directory.
  const bool wrong = !expected && (!taken || !report.reason.empty() || (form_.remove && !report.removed));
  wrong_ += wrong ? 1 : 0;
  if (wrong && !report.reason.empty() && !report.reported)
    program_.report(Error(Code::BadInput, report.reason));
  if (!wrong && !taken && program_.verbose()) tell(file + ": skipped: " + std::string(name(report.outcome)));
  if (!form_.json) return;
  Json line;
  line["kind"] = "file";
  json::put_text(line, "file", file);
  line["added"] = report.added;
  line["present"] = report.present;
  line["octets"] = report.size;
  line["left"] = report.left;
  line["removed"] = report.removed;
  line["result"] = name(report.outcome);
  line["reason"] = report.reason.empty() ? Json() : Json(valid_text(report.reason));
  output_.json(line);
}

void ImportReport::conclude() {
  std::uint64_t passed = 0;
  std::string reasons;
  Json counts = Json::object();
  for (const auto& [why, count] : passed_) {
    passed += count;
    reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " + why;
    counts[why] = count;
  }
  if (form_.json) {
    Json line;
    line["kind"] = "total";
    line["looked_at"] = taken_ + passed;
    line["taken"] = taken_;
    line["passed_over"] = counts;
    line["added"] = mails_;
    line["present"] = present_;
    line["octets"] = size_;
    output_.json(line);
  }
  if (program_.quiet()) return;
  std::string said = counted(taken_ + passed, "file") + " examined, " + std::to_string(taken_) +
                     " accepted, " + std::to_string(passed) + " skipped" +
                     (passed > 0 ? " (" + reasons + ")" : "") + "; " + counted(mails_, "message") +
                     " imported, " + format_size(size_);
  if (present_ > 0) said += ", " + std::to_string(present_) + " already present";
  tell(said);
}

void ImportReport::add(const std::map<PassedOver, std::uint64_t>& skipped) {
  for (const auto& [why, count] : skipped) passed_[std::string(name(why))] += count;
}

void ImportReport::add_unsettled(std::uint64_t count) {
  if (count == 0) return;
  leave_unsettled(count);
  wrong_ += count;
  program_.report(Error(Code::BadInput, counted(count, "more file") + " of the spool are still changing"));
}

void ImportReport::leave_unsettled(std::uint64_t count) {
  if (count > 0) passed_[std::string(name(Outcome::Busy))] += count;
}

void ImportReport::skipped(const std::string& where, PassedOver why) const {
  if (program_.verbose()) tell(where + ": skipped: " + std::string(name(why)));
}

Result<int> ImportReport::close() {
  return output_.close(wrong_ > 0 ? kExitSomeFailed : kExitSuccess);
}

}  // namespace gw::cmd
