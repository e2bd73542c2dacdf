#include "transfer/manifest.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>

#include "base/exit_status.h"
#include "base/file.h"
#include "json/objects.h"
#include "transfer/part_file.h"

namespace gw::transfer {
namespace {

using json::Json;

constexpr std::size_t kManifestBuffer = 64 << 10;
constexpr std::size_t kMaxLine = 4 << 20;  // as kMaxManifestLine

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(*text) : Json();
}

const char* name(mime::Within within) {
  switch (within) {
    case mime::Within::DeliveryReport:
      return "ndr";
    case mime::Within::Mail:
      return "mail";
    case mime::Within::Report:
      return "report";
    case mime::Within::Nothing:
      break;
  }
  return "";
}

// `inner` begins with the files of this report's mails, which are removed from it. A message can
// hold several reports, and their files are in one list.
void put_report(Json& object, const mime::JournalReport& report, std::span<const InnerFile>& inner) {
  if (report.within != mime::Within::Nothing) object["within"] = name(report.within);
  object["sender"] = report.sender;
  object["on_behalf_of"] = or_null(report.on_behalf_of);
  object["subject"] = or_null(report.subject);
  object["message_id"] = or_null(report.message_id);
  Json& recipients = object["recipients"] = Json::object();
  for (const char* kind : {"to", "cc", "bcc", "recipient"}) recipients[kind] = Json::array();
  for (const mime::Recipient& each : report.recipients) {
    recipients[transfer::name(each.kind)].push_back({{"address", each.address},
                                                     {"expanded", or_null(each.expanded)},
                                                     {"forwarded", or_null(each.forwarded)}});
  }
  Json& files = object["inner"] = Json::array();
  const std::size_t count = std::min(report.inner.size(), inner.size());
  for (const InnerFile& each : inner.first(count)) {
    files.push_back({{"file", each.file.empty() ? Json() : Json(each.file)},
                     {"sha256", to_hex(each.sha256)},
                     {"octets", each.size},
                     {"protected", each.is_protected},
                     {"message_id", or_null(each.message_id)}});
  }
  inner = inner.subspan(count);
}

void put_journal(Json& object, const mime::JournalReport& report, std::span<const InnerFile> inner) {
  object["is_journal_report"] = report.is_journal_report;
  if (!report.is_journal_report) return;
  // For a journal report, `message_id` is that of the journaled mail, as the report names it. The
  // report's own Message-ID moves to `report_message_id`.
  if (object.contains("message_id")) object["report_message_id"] = object["message_id"];
  put_report(object, report, inner);
  if (report.further.empty()) return;
  Json& further = object["further"] = Json::array();
  for (const mime::JournalReport& each : report.further) {
    Json one = Json::object();
    put_report(one, each, inner);
    further.push_back(std::move(one));
  }
}

}  // namespace

const char* name(mime::Recipient::Kind kind) {
  switch (kind) {
    case mime::Recipient::Kind::To:
      return "to";
    case mime::Recipient::Kind::Cc:
      return "cc";
    case mime::Recipient::Kind::Bcc:
      return "bcc";
    case mime::Recipient::Kind::Recipient:
      break;
  }
  return "recipient";
}

std::string manifest_line(const ManifestLine& line) {
  Json object;
  object["id"] = line.id.hex();
  object["file"] = line.file.empty() ? Json() : Json(line.file);
  object["sha256"] = line.sha256 ? Json(to_hex(*line.sha256)) : Json();
  object["octets"] = line.size;
  object["envelope"] = line.envelope != nullptr ? json::envelope_json(*line.envelope) : Json();
  if (line.message_id) {
    json::put_text(object, "message_id", *line.message_id);
  } else {
    object["message_id"] = Json();
  }
  object["result"] = line.reason.empty() ? "ok" : "failed";
  object["reason"] = json::text_or_null(line.reason);
  object["state"] = store::name(line.state);
  if (line.journal) put_journal(object, *line.journal, line.inner);
  return json::one_line(object);
}

Json journal_json(const mime::JournalReport& report, const std::vector<InnerFile>& inner) {
  Json object = Json::object();
  put_journal(object, report, inner);
  return object;
}

// O_EXCL: the manifest of another export is never overwritten. O_NOFOLLOW: the manifest may lie in
// a directory where others can create links.
Result<Manifest> Manifest::open(const std::string& path, bool resume) {
  const int how = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | (resume ? 0 : O_EXCL);
  Fd fd(::open(path.c_str(), how, 0600));
  if (!fd) {
    const Error failed = Error::from_errno(path).within("cannot create the manifest");
    const bool cannot = failed.code() == Code::NotFound || failed.code() == Code::Full;
    return cannot ? failed.with_exit_status(kExitCannotCreate) : failed;
  }
  Manifest manifest(path, std::move(fd));
  if (resume) {
    if (auto read = manifest.read_listed(); !read) return read.error().within("cannot continue the manifest");
  }
  return manifest;
}

Result<void> Manifest::read_listed() {
  std::string rest;
  std::string buffer(kManifestBuffer, '\0');
  // End of the last complete line.
  off_t whole = 0;
  for (;;) {
    auto got = read_some(fd_.get(), std::as_writable_bytes(std::span(buffer)), path_);
    if (!got) return got.error();
    rest.append(buffer, 0, *got);
    std::size_t from = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', from)) {
      // Every complete line must be valid. A file that is something else must not be truncated
      // below.
      const Json line = Json::parse(rest.begin() + static_cast<std::ptrdiff_t>(from),
                                    rest.begin() + static_cast<std::ptrdiff_t>(end), nullptr, false);
      const auto id = line.is_object() && line.value("id", Json()).is_string()
                          ? MessageId::parse(line["id"].get<std::string>())
                          : std::nullopt;
      if (!id) return Error(Code::BadInput, path_ + ": not a manifest of gw-export");
      if (line.value("result", Json()) == "ok") listed_.push_back(*id);
      from = end + 1;
    }
    whole += static_cast<off_t>(from);
    rest.erase(0, from);
    if (rest.size() > kMaxLine) return Error(Code::BadInput, path_ + ": not a manifest of gw-export");
    if (*got == 0) break;
  }
  std::sort(listed_.begin(), listed_.end());
  // An interrupted run can leave a part of a line after the last complete one. It is cut off, so
  // that the next line does not continue it.
  if (::ftruncate(fd_.get(), whole) != 0 || ::lseek(fd_.get(), whole, SEEK_SET) != whole) {
    return Error::from_errno(path_);
  }
  return {};
}

bool Manifest::listed(const MessageId& id) const {
  return std::binary_search(listed_.begin(), listed_.end(), id);
}

Result<void> Manifest::add(const std::string& line) {
  const std::lock_guard lock(*adding_);
  waiting_ += line + "\n";
  return waiting_.size() >= kManifestBuffer ? flush() : Result<void>();
}

Result<void> Manifest::flush() {
  const std::string lines = std::exchange(waiting_, {});
  return write_target(fd_.get(), as_bytes(lines), path_);
}

Result<void> Manifest::sync() {
  const std::lock_guard lock(*adding_);
  if (auto done = flush(); !done) return done;
  if (::fsync(fd_.get()) != 0) return write_error(path_);
  const std::size_t slash = path_.find_last_of('/');
  // The directory entry of a new file is not durable until its directory is synced.
  return sync_folder(slash == std::string::npos ? "." : path_.substr(0, slash + 1));
}

}  // namespace gw::transfer
