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

#include "base/file.h"
#include "base/first_few.h"
#include "base/text.h"
#include "cli/progress.h"
#include "net/serve.h"
#include "proxy/fingerprint_key.h"
#include "store/commands.h"
#include "store/format.h"
#include "store/import_report.h"
#include "transfer/import.h"

namespace gw::cmd {
namespace {

using transfer::SourceFormat;

using Outcome = transfer::ImportedFile::Outcome;
using transfer::PassedOver;

// A file of a spool is only read once it has not changed for this long, in microseconds.
constexpr Micros kSettled = 1'000'000;
// The time that import without --follow waits for files of a spool that are still being written.
constexpr std::chrono::minutes kSettleTimeout{1};
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

// One run of the command.
class ImportJob {
 public:
  ImportJob(const Commands& commands, const ImportCommand& options)
      : commands_(commands),
        options_(options),
        report_(commands.program(), {options.json, options.resume, options.remove}) {}

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
    report_.conclude();
    if (!done) return done.error();
    return report_.close();
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
      const auto until = BootClock::now() + kSettleTimeout;
      for (;;) {
        if (auto walked = walk(path); !walked) return walked;
        if (unsettled_.empty()) break;
        if (BootClock::now() > until) {
          // Time is over: report them as files that are being written.
          for (const auto& [file, result] : unsettled_) report_.add(file, result);
          report_.add_unsettled(unsettled_.omitted());
          break;
        }
        ::poll(nullptr, 0, kLook);
      }
      report_.add(seen_);
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
      report_.flush();
      std::array<pollfd, 2> events{pollfd{watch.get(), POLLIN, 0},
                                   pollfd{net::stop::descriptor(), POLLIN, 0}};
      (void)::poll(events.data(), events.size(), wait);
      std::array<char, 4096> news;
      // The events are only a reason to walk again, so their content is dropped.
      while (::read(watch.get(), news.data(), news.size()) > 0) {
      }
    }
    // Files that are not settled are left for the next run.
    report_.add(seen_);
    report_.leave_unsettled(unsettled_.count());
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
        report_.add(file.path, mail);
        if (mail.result == transfer::ImportResult::Added) progress.at(report_.imported());
      });
      if (!done) return done.error().within(file.path);
      // Changed while it was read.
      if (spool() && done->outcome == Outcome::Busy) {
        unsettled_.add({file.path, *done});
        return {};
      }
      // A removed file needs no memory of it, and its inode may be used again.
      if (spool() && !done->removed) still.insert(in_hand_);
      report_.add(file.path, *done, file.beside_maildir);
      return {};
    };
    visitor.passed = [&](const std::string& where, PassedOver why) {
      ++seen_[why];
      report_.skipped(where, why);
    };
    visitor.trouble = [&](const std::string& where, const Error& error) {
      transfer::ImportedFile result;
      result.outcome = Outcome::Failed;
      result.reason = error.text();
      report_.add(where, result);
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
    transfer::ImportedFile result;
    result.outcome = Outcome::Busy;
    result.reason = path + ": still changing";
    unsettled_.add({path, result});
    return false;
  }

  const Commands& commands_;
  const ImportCommand& options_;
  Secret key_;
  std::unique_ptr<store::Store> store_;
  std::string local_part_;
  std::optional<transfer::ManifestIndex> manifest_;
  ImportReport report_;
  std::map<PassedOver, std::uint64_t> seen_;  // skipped by the last walk
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
