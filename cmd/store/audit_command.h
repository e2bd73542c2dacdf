// `gw-store report --period`: writes the report for auditors.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "store/commands.h"

namespace gw::cmd {

struct AuditCommand {
  std::string mailbox;
  bool all = false;
  std::string period;
  std::string format = "html";
  std::optional<std::string> output;      // a file; with `all` a directory
  std::optional<std::string> history;     // file for the leaves of the mailbox's history
  std::optional<std::string> checkpoint;  // a note that was kept elsewhere
  std::string language = "en";
  std::string pdf_program = "/usr/bin/weasyprint";
};

// Writes one report, or with `all` one for each mailbox. Returns the exit status: 65 if a history has
// contradictions.
Result<int> write_audit_reports(const Commands& commands, const AuditCommand& options);

}  // namespace gw::cmd
