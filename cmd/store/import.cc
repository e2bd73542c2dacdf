// gw-store import: reads mail from files into a mailbox, once or for as long as files arrive in a
// directory (--follow).
//
// Formats are in transfer/import.h. A spool is a directory to which other programs write one file
// for each mail. It is the difficult case: a file may still be written while this program sees it.
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <set>

#include "base/counted.h"
#include "base/file.h"
#include "base/first_few.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "net/serve.h"
#include "proxy/fingerprint_key.h"
#include "store/commands.h"
#include "store/format.h"
#include "transfer/import.h"

namespace gw::cmd {
namespace {

using transfer::SourceFormat;

using Outcome = transfer::ImportedFile::Outcome;
using transfer::PassedOver;

// A file of a spool is only read once it has not changed for this long, in microseconds.
constexpr Micros kSettled = 1'000'000;
// The time that import without --follow waits for files of a spool that are still being written.
constexpr std::chrono::minutes kTimeout{1};
// Milliseconds between two looks at these files.
constexpr int kLook = 250;
// Milliseconds between two looks if no event arrives: inotify(7) does not report what happens on
// the server of a network file system.
constexpr int kCalm = 60'000;
// Files of a spool that are being written and are reported by name. All are counted.
constexpr std::size_t kMaxUnsettled = 1000;
// Milliseconds after an error that may be over by then, e.g. a full disk or no keeper.
constexpr int kAgain = 5'000;

struct ImportCommand {
  std::string mailbox;
  std::vector<std::string> paths;
  std::string format = "auto";
  std::string quoting;
  std::string manifest;
  std::string key;
  bool remove = false;
  bool resume = false;
  bool follow = false;
  bool json = false;
};

const std::map<std::string, SourceFormat>& formats() {
  static const std::map<std::string, SourceFormat> all{{"auto", SourceFormat::Auto},
                                                       {"eml", SourceFormat::Eml},
                                                       {"mbox", SourceFormat::Mbox},
                                                       {"maildir", SourceFormat::Maildir},
                                                       {"spool", SourceFormat::Spool}};
  return all;
}

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

// One run of the command.
class ImportJob {
 public:
  ImportJob(const Commands& commands, const ImportCommand& options)
      : commands_(commands), options_(options) {}

  Result<int> run() {
    if (auto good = check(); !good) return good.error();
    const auto file = proxy::fingerprint_key_file(options_.key);
    if (!file) return file.error();
    // The key decides whether a mail is recognised as already imported, so read it before anything
    // is stored.
    auto key = proxy::fingerprint_key(*file);
    if (!key) return key.error();
    key_ = std::move(*key);
    auto store = commands_.connect();
    if (!store) return store.error();
    store_ = std::move(*store);
    const auto mailbox = mailbox_named(*store_, options_.mailbox);
    if (!mailbox) return mailbox.error();
    if (!options_.manifest.empty()) {
      auto manifest = transfer::ManifestIndex::open(options_.manifest);
      if (!manifest) return manifest.error();
      manifest_ = std::move(*manifest);
    }
    local_part_ = mailbox->local_part();
    const auto done = options_.follow ? follow() : once();
    // Mail that was stored before the error stays in the mailbox, so the summary is printed in any
    // case.
    conclude();
    if (!done) return done.error();
    return output_.close(wrong_ > 0 ? kExitSomeFailed : kExitSuccess);
  }

 private:
  Result<void> check() const {
    const bool spool = options_.format == "spool";
    if (options_.follow && (!spool || options_.paths.size() != 1))
      return Error(Code::Usage, "--follow requires --format spool and one directory");
    for (const std::string& path : options_.paths) {
      struct stat facts {};
      if (path == "-") {
        if (spool || options_.format == "maildir")
          return Error(Code::Usage, "standard input is not a directory");
        if (options_.remove) return Error(Code::Usage, "--remove cannot be used with standard input");
        continue;
      }
      // All paths are checked before the first one is imported, so that a typing error in the last
      // path does not leave half of the import done.
      if (::stat(path.c_str(), &facts) != 0) return Error::from_errno(path);
      if (spool && !S_ISDIR(facts.st_mode)) return Error(Code::Usage, path + ": not a directory");
    }
    return {};
  }

  Result<void> once() {
    for (const std::string& path : options_.paths) {
      // A spool is walked until all of its files have settled. Each walk skips the files that are
      // done, see due().
      const auto until = BootClock::now() + kTimeout;
      for (;;) {
        if (auto walked = walk(path); !walked) return walked;
        if (unsettled_.empty()) break;
        if (BootClock::now() > until) {
          // Time is over: report them as files that are being written.
          for (const auto& [file, report] : unsettled_) say(file, report);
          if (const std::uint64_t more = unsettled_.omitted(); more > 0) {
            passed_[std::string(name(Outcome::Busy))] += more;
            wrong_ += more;
            commands_.program().report(
                Error(Code::BadInput, counted(more, "more file") + " of the spool are still changing"));
          }
          break;
        }
        ::poll(nullptr, 0, kLook);
      }
      for (const auto& [why, count] : seen_) passed_[std::string(name(why))] += count;
    }
    return {};
  }

  // Imports what is there, and again whenever something arrives in the directory, until SIGTERM or
  // SIGINT.
  Result<void> follow() {
    net::stop::install();
    // The watch begins before the first walk, so that a file which arrives in between is not
    // missed.
    const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.get(), options_.paths.front().c_str(),
                                      IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0)
      return Error::from_errno(options_.paths.front());
    while (!net::stop::requested()) {
      int wait = kCalm;
      const auto walked = walk(options_.paths.front());
      if (!walked) {
        const Code code = walked.error().code();
        // Errors that end by themselves must not end a service that runs for months. Unknown is
        // among them: the fingerprint tells at the next walk whether the mail was stored.
        const bool passes = code == Code::Full || code == Code::OverQuota || code == Code::Busy ||
                            code == Code::Unavailable || code == Code::Unknown || code == Code::Conflict;
        if (!passes) return walked;
        commands_.program().report(walked.error());
        wait = kAgain;
      } else if (!unsettled_.empty()) {
        wait = kLook;
      }
      (void)output_.flush();  // errors are kept and reported by close()
      std::array<pollfd, 2> events{pollfd{watch.get(), POLLIN, 0},
                                   pollfd{net::stop::descriptor(), POLLIN, 0}};
      (void)::poll(events.data(), events.size(), wait);
      std::array<char, 4096> news;
      // The events are only a reason to walk again, so their content is dropped.
      while (::read(watch.get(), news.data(), news.size()) > 0) {
      }
    }
    // Files that are not settled are left for the next run.
    for (const auto& [why, count] : seen_) passed_[std::string(name(why))] += count;
    if (!unsettled_.empty()) passed_[std::string(name(Outcome::Busy))] += unsettled_.count();
    return {};
  }

  Result<void> walk(const std::string& path) {
    // At each walk: with --follow, the mailbox's newest key or its quota may have changed.
    const auto recipient = store_->resolve(local_part_, store::Lookup::Recipient);
    if (!recipient) return recipient.error();
    transfer::ImportOptions options;
    options.remove = options_.remove;
    options.actor = std::string(kActor);
    options.manifest = manifest_ ? &*manifest_ : nullptr;
    options.skipped = [this](const std::string& why) {
      commands_.program().report(Error(Code::BadInput, why));
    };
    using Quoting = transfer::MboxForm::Quoting;
    if (options_.quoting == "mboxrd") options.quoting = Quoting::Rd;
    if (options_.quoting == "mboxo") options.quoting = Quoting::O;
    if (options_.quoting == "none") options.quoting = Quoting::None;
    transfer::Importer importer(*store_, *recipient, key_, options);
    cli::Progress progress("imported", 0, commands_.program().quiet());
    seen_.clear();
    unsettled_ = {};
    std::set<Known> still;
    transfer::SourceVisitor visitor;
    visitor.visit = [&](const transfer::SourceFile& file) -> Result<void> {
      // After a signal, finish the present file and skip the others.
      if (net::stop::requested()) return {};
      if (!due(file.path)) {
        if (done_.contains(in_hand_)) still.insert(in_hand_);
        return {};
      }
      const auto done = importer.add(file, [&](const transfer::ImportedMail& mail) {
        if (mail.result == transfer::ImportResult::Added) progress.at(++mails_);
        say(file.path, mail);
      });
      if (!done) return done.error().within(file.path);
      // Changed while it was read.
      if (spool() && done->outcome == Outcome::Busy) {
        unsettled_.add({file.path, *done});
        return {};
      }
      // A removed file needs no memory of it, and its inode may be used again.
      if (spool() && !done->removed) still.insert(in_hand_);
      say(file.path, *done, file.beside_maildir);
      return {};
    };
    visitor.passed = [&](const std::string& where, PassedOver why) {
      ++seen_[why];
      if (commands_.program().verbose()) tell(where + ": skipped: " + std::string(name(why)));
    };
    visitor.trouble = [&](const std::string& where, const Error& error) {
      transfer::ImportedFile report;
      report.outcome = Outcome::Failed;
      report.reason = error.text();
      say(where, report);
    };
    const SourceFormat format = formats().at(options_.format);
    if (path == "-") return visitor.visit({path, format});
    const auto walked = transfer::walk_sources(path, format, visitor);
    // Files that are no longer there are forgotten, because a spool is watched for months. A walk that
    // was cut short has not seen all that are.
    if (walked && !net::stop::requested())
      done_ = std::move(still);
    else
      done_.merge(still);
    return walked;
  }

  bool spool() const { return options_.format == "spool"; }

  // Returns whether a file has to be read now. A file of a spool that was imported is not read
  // again, and one that has changed within the last second is put into unsettled_.
  bool due(const std::string& path) {
    if (!spool()) return true;
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) return false;
    // The time of the last change of the inode (ctime), since programs can set the modification
    // time as they like, e.g. cp -p.
    const Micros changed = facts.st_ctim.tv_sec * Micros{1'000'000} + facts.st_ctim.tv_nsec / 1000;
    // Together these identify the file with its present content. A file that is appended to is a
    // new one.
    in_hand_ = {facts.st_ino, changed, facts.st_size};
    if (done_.contains(in_hand_)) return false;
    const Micros age = now() - changed;
    // A time in the future comes from a clock that was wrong; waiting for it could take years.
    if (age < 0 || age >= kSettled) return true;
    transfer::ImportedFile report;
    report.outcome = Outcome::Busy;
    report.reason = path + ": still changing";
    unsettled_.add({path, report});
    return false;
  }

  void say(const std::string& file, const transfer::ImportedMail& mail) {
    size_ += mail.result == transfer::ImportResult::Added ? mail.size : 0;
    present_ +=
        mail.result == transfer::ImportResult::Present || mail.result == transfer::ImportResult::Left ? 1 : 0;
    if (!options_.json || (options_.resume && mail.result == transfer::ImportResult::Present)) return;
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

  // Reports a file. Mail programs keep index files beside a Maildir, so these are not errors; any
  // other file that is not mail is reported, since its content is not in the mailbox.
  void say(const std::string& file, const transfer::ImportedFile& report, bool beside_maildir = false) {
    const bool expected =
        report.outcome == Outcome::Empty || (report.outcome == Outcome::NoMail && beside_maildir);
    const bool taken = report.outcome == Outcome::Taken;
    if (taken)
      ++taken_;
    else
      ++passed_[std::string(expected && beside_maildir ? "beside a Maildir" : name(report.outcome))];
    // With --remove, a source that is still there is an error too: the user expects an empty
    // directory.
    const bool wrong =
        !expected && (!taken || !report.reason.empty() || (options_.remove && !report.removed));
    wrong_ += wrong ? 1 : 0;
    if (wrong && !report.reason.empty() && !report.reported)
      commands_.program().report(Error(Code::BadInput, report.reason));
    if (!wrong && !taken && commands_.program().verbose())
      tell(file + ": skipped: " + std::string(name(report.outcome)));
    if (!options_.json) return;
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

  // To standard error: standard output belongs to --json.
  static void tell(const std::string& text) {
    (void)write_all(STDERR_FILENO, as_bytes("gw-store: " + printable(text) + "\n"), "standard error");
  }

  // Prints the summary: how many files were examined, how many were imported, and how many were
  // skipped and why. Each run prints it, so that the user does not take a skipped file for an
  // imported one.
  void conclude() {
    std::uint64_t passed = 0;
    std::string reasons;
    Json counts = Json::object();
    for (const auto& [why, count] : passed_) {
      passed += count;
      reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " + why;
      counts[why] = count;
    }
    if (options_.json) {
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
    if (commands_.program().quiet()) return;
    std::string said = counted(taken_ + passed, "file") + " examined, " + std::to_string(taken_) +
                       " accepted, " + std::to_string(passed) + " skipped" +
                       (passed > 0 ? " (" + reasons + ")" : "") + "; " + counted(mails_, "message") +
                       " imported, " + format_size(size_);
    if (present_ > 0) said += ", " + std::to_string(present_) + " already present";
    tell(said);
  }

  const Commands& commands_;
  const ImportCommand& options_;
  Secret key_;
  std::unique_ptr<store::Store> store_;
  std::string local_part_;
  std::optional<transfer::ManifestIndex> manifest_;
  cli::Output output_;
  std::uint64_t taken_ = 0, mails_ = 0, present_ = 0, size_ = 0;
  std::uint64_t wrong_ = 0;                      // files with errors; not 0: exit status 3
  std::map<std::string, std::uint64_t> passed_;  // skipped files by reason
  std::map<PassedOver, std::uint64_t> seen_;     // skipped by the last walk
  // Files of a spool that the last walk found to be changing.
  FirstFew<std::pair<std::string, transfer::ImportedFile>, kMaxUnsettled> unsettled_;
  // Identifies a file with its content: inode, ctime in microseconds, bytes.
  using Known = std::tuple<ino_t, Micros, off_t>;
  Known in_hand_;
  std::set<Known> done_;  // files of a spool that were imported
};

}  // namespace

void add_import(Commands& commands) {
  auto options = std::make_shared<ImportCommand>();
  CLI::App* command = commands.add(commands.root(), "import", "Import mail from files (needs no password)",
                                   [&commands, options] { return ImportJob(commands, *options).run(); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("PATH", options->paths, "Files and directories; - is standard input")->required();
  command->add_option("--format", options->format, "Choose the format (default: auto)")
      ->check(CLI::IsMember({"auto", "eml", "mbox", "maildir", "spool"}));
  command
      ->add_option("--mbox-quoting", options->quoting, "Choose the quoting of `From ` lines (else detected)")
      ->check(CLI::IsMember({"mboxrd", "mboxo", "none"}));
  command->add_option("--manifest", options->manifest, "Take envelopes from this manifest of gw-export")
      ->type_name("FILE");
  command->add_flag("--remove", options->remove,
                    "Remove each source (empty an mbox) once its mail is stored");
  command->add_flag("--resume", options->resume, "Continue: print no line for mail already present");
  command->add_flag("--follow", options->follow, "Watch the spool directory until SIGTERM");
  command->add_option("--fingerprint-key", options->key, "Recognise mail with this key (created if missing)")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print JSON lines for each mail and each file");
}

}  // namespace gw::cmd
