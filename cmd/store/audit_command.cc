#include "store/audit_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "store/audit.h"
#include "vault/checkpoint.h"

namespace gw::cmd {
namespace {

constexpr std::size_t kMaxTimestamp = 1 << 20;  // bytes of a response

// A checkpoint that was kept elsewhere, and its timestamp if there is one.
struct KeptCheckpoint {
  std::string note;
  std::optional<AuditTimestamp> timestamp;
};

Result<KeptCheckpoint> read_kept(store::Store& store, const std::string& file) {
  KeptCheckpoint kept;
  auto note = read_file(file);
  if (!note) return note.error().within("cannot read the checkpoint");
  const auto health = store.health();
  if (!health) return health.error();
  if (const auto opened = vault::open_checkpoint(*note, health->verifier); !opened)
    return opened.error().within(file);
  kept.note = std::move(*note);
  // The name that scripts/timestamp-checkpoint gives it.
  const std::string name = file + ".tsr";
  const auto response = read_file(name, kMaxTimestamp);
  if (!response && response.error().code() == Code::NotFound) return kept;
  if (!response) return response.error();
  const auto says = seal::read_timestamp(as_bytes(*response));
  if (!says) return says.error().within(name);
  if (says->imprint != sha256(as_bytes(kept.note)))
    return Error(Code::BadInput, name + ": the timestamp is of another file than " + file);
  kept.timestamp = AuditTimestamp{*says, to_bytes(*response)};
  return kept;
}

// The file that --history names: one leaf in each line, in hex, as scripts/verify-proof reads it.
class HistoryFile {
 public:
  static Result<HistoryFile> create(const std::string& path) {
    HistoryFile file;
    file.path_ = path;
    file.fd_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file.fd_) return Error::from_errno(path);
    return file;
  }
  Result<void> add(ByteView leaf) {
    waiting_ += to_hex(leaf);
    waiting_ += '\n';
    return waiting_.size() < kPiece ? Result<void>() : flush();
  }
  Result<void> finish() {
    if (auto written = flush(); !written) return written;
    if (::fsync(fd_.get()) != 0 && errno != EINVAL && errno != EROFS) return Error::from_errno(path_);
    return {};
  }

 private:
  static constexpr std::size_t kPiece = 64 << 10;
  Result<void> flush() {
    auto written = write_all(fd_.get(), as_bytes(waiting_), path_);
    waiting_.clear();
    return written;
  }
  std::string path_;
  Fd fd_;
  std::string waiting_;
};

Result<std::string> formatted(const AuditDocument& document, const AuditCommand& options) {
  if (options.format == "json")
    return audit_json(document).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const auto languages = audit_languages();
  const auto at = std::ranges::find(languages, options.language);
  const auto language = static_cast<AuditLanguage>(at - languages.begin());
  if (options.format == "html") return audit_html(document, language, false);
  return pdf_of(audit_html(document, language, true), options.pdf_program);
}

Result<bool> write_report(store::Store& store, const store::MailboxRecord& mailbox,
                          const vault::AuditPeriod& period, const KeptCheckpoint& kept,
                          const AuditCommand& options) {
  vault::AuditOptions wanted;
  wanted.note = kept.note;
  std::optional<HistoryFile> history;
  if (options.history) {
    auto created = HistoryFile::create(*options.history);
    if (!created) return created.error();
    history = std::move(*created);
    wanted.each_leaf = [&history](ByteView leaf) { return history->add(leaf); };
  }
  auto report = vault::audit(store, mailbox, period, wanted, kActor);
  if (!report) return report.error();
  if (history) {
    if (auto finished = history->finish(); !finished) return finished.error();
  }
  const bool intact = report->findings.empty();
  const AuditDocument document{std::move(*report), kept.timestamp};
  const auto content = formatted(document, options);
  if (!content) return content.error();
  if (!options.output) {
    cli::Output output;
    output.data(as_bytes(*content));
    const auto closed = output.close();
    if (!closed) return closed.error();
    return intact;
  }
  const std::string file =
      options.all ? *options.output + "/" + mailbox.name + "-" + period.name + "." + options.format
                  : *options.output;
  if (auto written = replace_file(file, as_bytes(*content), 0644); !written)
    return written.error().within("cannot write the report");
  return intact;
}

Result<void> check(const AuditCommand& options) {
  const auto usage = [](const std::string& text) { return Error(Code::Usage, text); };
  if (options.all == !options.mailbox.empty()) return usage("--period requires either a mailbox or --all");
  if (options.all && !options.output && options.format != "json")
    return usage("--all requires --output DIR, since there is one file for each mailbox");
  if (options.all && options.history) return usage("--history is for a single mailbox");
  if (!options.output && options.format == "pdf" && ::isatty(STDOUT_FILENO) == 1)
    return usage("a PDF cannot be shown on a terminal: use --output FILE");
  if (options.all && options.output) {
    struct stat state {};
    std::error_code failed;
    std::filesystem::create_directories(*options.output, failed);
    if (failed) {
      errno = failed.value();
      return Error::from_errno(*options.output);
    }
    if (::stat(options.output->c_str(), &state) != 0) return Error::from_errno(*options.output);
    if (!S_ISDIR(state.st_mode)) return Error(Code::BadInput, *options.output + ": not a directory");
  }
  return {};
}

}  // namespace

Result<int> write_audit_reports(const Commands& commands, const AuditCommand& options) {
  const auto period = vault::parse_period(options.period);
  if (!period) return Error(Code::Usage, "`" + options.period + "` is not a month such as 2026-10");
  if (period->begin > now()) return Error(Code::Usage, "the month " + options.period + " has not begun");
  if (auto good = check(options); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();
  std::vector<store::MailboxRecord> mailboxes;
  if (options.all) {
    auto all = (*store)->mailboxes();
    if (!all) return all.error();
    mailboxes = std::move(*all);
  } else {
    auto one = mailbox_named(**store, options.mailbox);
    if (!one) return one.error();
    mailboxes.push_back(std::move(*one));
  }
  KeptCheckpoint kept;
  if (options.checkpoint) {
    auto read = read_kept(**store, *options.checkpoint);
    if (!read) return read.error();
    kept = std::move(*read);
  }
  bool intact = true;
  for (const store::MailboxRecord& mailbox : mailboxes) {
    const auto written = write_report(**store, mailbox, *period, kept, options);
    if (!written) return written.error().within("mailbox " + mailbox.name);
    if (!*written)
      commands.program().report(Error(Code::Corrupt, "the history of mailbox " + mailbox.name +
                                                         " has contradictions; see the report")
                                    .with_hint("gw-store verify"));
    intact = intact && *written;
  }
  return intact ? kExitSuccess : kExitBadData;
}

}  // namespace gw::cmd
