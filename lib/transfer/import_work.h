// What import.cc (files) and import_mail.cc (one mail) share.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "mime/source.h"
#include "transfer/import.h"
#include "transfer/import_file.h"
#include "transfer/mbox.h"

namespace gw::transfer {

// A mail in a file that can be read several times.
struct Importer::Mail {
  std::function<Result<void>(const Sink&)> feed;
  std::string source;
  std::string sender;
  std::string entry{};
  std::optional<std::uint64_t> offset{};
  const ListedMail* sidecar = nullptr;
  SeparatorCount* count = nullptr;  // counts in what feed() passes on
};

// A file, or a file in an archive.
struct Importer::Part {
  mime::Source& source;
  std::string name;     // for messages; includes the archive's name
  std::string entry{};  // name in the archive
  std::optional<ListedMail> sidecar{};
};

// The state of one file's import.
struct Importer::Work {
  const Said& said;
  std::string name;
  ImportFile file{};
  ImportedFile report{};
  bool safe = true;  // each mail so far is in the mailbox

  // Ends the import of the file with an error.
  void end(ImportedFile::Outcome outcome, const Error& error) {
    report.outcome = outcome;
    report.reason = error.text();
    report.reported = false;
    safe = false;
  }
  // Keeps the source, with the first reason.
  void stay(const std::string& why) {
    if (report.reason.empty()) report.reason = name + ": " + why + "; the source is kept";
  }
  // Skips a file in an archive.
  void leave(const ImportOptions& options, const std::string& why) {
    ++report.left;
    if (report.reason.empty()) {
      report.reason = why;
      report.reported = static_cast<bool>(options.skipped);
    }
    if (options.skipped) options.skipped(why);
  }
};

}  // namespace gw::transfer
