// The report for auditors (`gw-store report --period`): its forms. vault/audit.h collects what it
// says.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "seal/timestamp.h"
#include "vault/audit.h"

namespace gw::cmd {

// The RFC 3161 timestamp of the checkpoint in the report.
struct AuditTimestamp {
  seal::Timestamp says;
  Bytes response;  // as the authority sent it
};

// A report with what belongs to its checkpoint.
struct AuditDocument {
  vault::AuditReport report;
  std::optional<AuditTimestamp> timestamp;
};

enum class AuditLanguage : unsigned char { English, Italian, German };
// Returns the codes of the languages: `en`, `it`, `de`.
std::span<const std::string_view> audit_languages();

// Returns the report as scripts/verify-proof reads it; gw-store-verify(1) documents the fields.
nlohmann::ordered_json audit_json(const AuditDocument& document);
// Returns the report as one HTML page without external resources, which contains the JSON for
// scripts/verify-proof as well. With `for_pdf` it contains no JSON and says so.
std::string audit_html(const AuditDocument& document, AuditLanguage language, bool for_pdf);

// Converts a page to PDF with `program`, which is called as weasyprint(1) from Debian. It runs
// without network. Fails with Config and the command that installs it if it does not exist, and with
// Unavailable if it fails or takes longer than two minutes.
Result<std::string> pdf_of(const std::string& html, const std::string& program);

}  // namespace gw::cmd
