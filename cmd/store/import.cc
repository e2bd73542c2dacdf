// gw-store import: mail from files into a mailbox, once or for as long as a folder fills.
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "gate/fingerprint_key.h"
#include "net/serve.h"
#include "store/commands.h"
#include "transfer/import.h"

namespace gw::cmd {
namespace {

using cli::Json;
using transfer::SourceFormat;

constexpr Micros kSettled = 1'000'000;  // a spool's file that has not changed for so long is whole
constexpr int kLook = 250;              // ms between looks at files that are not
constexpr int kCalm = 60'000;           // ms between looks where nothing happens
constexpr int kAgain = 5'000;           // ms after something that may pass: a full disk, no keeper

struct ImportCommand {
  std::string mailbox;
  std::vector<std::string> paths;
  std::string format = "auto";
  std::string quoting;
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

class ImportJob {
 public:
  ImportJob(const Commands& commands, const ImportCommand& options)
      : commands_(commands), options_(options) {}

  Result<int> run() {
    if (auto good = check(); !good) return good.error();
    const auto file = gate::fingerprint_key_file(options_.key);
    if (!file) return file.error();
    auto key = gate::fingerprint_key(*file);
    if (!key) return key.error();
    key_ = std::move(*key);
    auto store = commands_.connect();
    if (!store) return store.error();
    store_ = std::move(*store);
    const auto mailbox = mailbox_named(*store_, options_.mailbox);
    if (!mailbox) return mailbox.error();
    local_part_ = mailbox->local_part();
    if (auto done = options_.follow ? follow() : once(); !done) return done.error();
    conclude();
    return output_.close(failed_ > 0 ? kSomeFailed : 0);
  }

 private:
  Result<void> check() const {
    const bool spool = options_.format == "spool";
    if (options_.follow && (!spool || options_.paths.size() != 1))
      return Error(Code::Usage, "--follow watches one folder, with --format spool");
    for (const std::string& path : options_.paths) {
      struct stat facts {};
      // Before anything is brought in: a slip in the third path must not be found after the second.
      if (::stat(path.c_str(), &facts) != 0) return Error::from_errno(path);
      if (spool && !S_ISDIR(facts.st_mode)) return Error(Code::Usage, path + ": not a folder");
    }
    return {};
  }

  Result<void> once() {
    for (const std::string& path : options_.paths) {
      for (;;) {
        unsettled_ = 0;
        if (auto walked = walk(path); !walked) return walked;
        if (unsettled_ == 0) break;
        ::poll(nullptr, 0, kLook);
      }
    }
    return {};
  }

  // As once, and again whenever something comes to the folder, until SIGTERM or SIGINT.
  Result<void> follow() {
    net::stop::install();
    const Fd watch(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch || ::inotify_add_watch(watch.get(), options_.paths.front().c_str(),
                                      IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE) < 0)
      return Error::from_errno(options_.paths.front());
    while (!net::stop::requested()) {
      unsettled_ = 0;
      int wait = kCalm;
      const auto walked = walk(options_.paths.front());
      if (!walked) {
        const Code code = walked.error().code();
        const bool passes = code == Code::Full || code == Code::OverQuota || code == Code::Busy ||
                            code == Code::Unavailable || code == Code::Unknown || code == Code::Conflict;
        if (!passes) return walked;
        commands_.program().report(walked.error());
        wait = kAgain;
      } else if (unsettled_ > 0) {
        wait = kLook;
      }
      (void)output_.flush();  // close() tells
      std::array<pollfd, 2> events{pollfd{watch.get(), POLLIN, 0},
                                   pollfd{net::stop::descriptor(), POLLIN, 0}};
      (void)::poll(events.data(), events.size(), wait);
      std::array<char, 4096> news;
      while (::read(watch.get(), news.data(), news.size()) > 0) {
      }
    }
    return {};
  }

  Result<void> walk(const std::string& path) {
    const auto recipient = store_->resolve(local_part_, store::Lookup::Recipient);
    if (!recipient) return recipient.error();
    transfer::ImportOptions options;
    options.remove = options_.remove;
    options.actor = std::string(kActor);
    using Quoting = transfer::MboxForm::Quoting;
    if (options_.quoting == "mboxrd") options.quoting = Quoting::Rd;
    if (options_.quoting == "mboxo") options.quoting = Quoting::O;
    if (options_.quoting == "none") options.quoting = Quoting::None;
    transfer::Importer importer(*store_, *recipient, key_, options);
    cli::Progress progress("imported", 0, commands_.program().quiet());
    const auto visit = [&](const transfer::SourceFile& file) -> Result<void> {
      if (net::stop::requested() || !due(file.path)) return {};
      const auto done = importer.add(file, [&](const transfer::ImportedMail& mail) {
        if (mail.result == transfer::ImportResult::Added) progress.at(++mails_);
        say(file.path, mail);
      });
      if (!done) return done.error().within(file.path);
      if (options_.follow && !done->removed) done_.insert(in_hand_);
      say(file.path, *done);
      return {};
    };
    const auto trouble = [&](const std::string& where, const Error& error) {
      transfer::ImportedFile report;
      report.failed = true;
      report.reason = error.text();
      say(where, report);
    };
    return transfer::walk_sources(path, formats().at(options_.format), visit, trouble);
  }

  // Of a spool a file that was done with is not read again, and one that may still be written waits.
  bool due(const std::string& path) {
    if (options_.format != "spool") return true;
    struct stat facts {};
    if (::lstat(path.c_str(), &facts) != 0) return false;
    const Micros changed = facts.st_mtim.tv_sec * Micros{1'000'000} + facts.st_mtim.tv_nsec / 1000;
    const Micros age = now() - changed;
    if (age >= 0 && age < kSettled) {
      ++unsettled_;
      return false;
    }
    in_hand_ = {facts.st_ino, changed, facts.st_size};
    return !done_.contains(in_hand_);
  }

  void say(const std::string& file, const transfer::ImportedMail& mail) {
    octets_ += mail.result == transfer::ImportResult::Added ? mail.octets : 0;
    present_ +=
        mail.result == transfer::ImportResult::Present || mail.result == transfer::ImportResult::Left ? 1 : 0;
    if (!options_.json || (options_.resume && mail.result == transfer::ImportResult::Present)) return;
    Json line;
    line["kind"] = "mail";
    cli::put_text(line, "file", file);
    line["offset"] = mail.offset ? Json(*mail.offset) : Json();
    line["id"] = mail.id.hex();
    line["octets"] = mail.octets;
    line["sha256"] = to_hex(mail.sha256);
    line["result"] = name(mail.result);
    output_.json(line);
  }

  void say(const std::string& file, const transfer::ImportedFile& report) {
    ++files_;
    const bool stays = options_.remove && !report.removed;
    failed_ += report.failed || stays ? 1 : 0;
    if (!report.reason.empty()) commands_.program().report(Error(Code::BadInput, report.reason));
    if (!options_.json) return;
    Json line;
    line["kind"] = "file";
    cli::put_text(line, "file", file);
    line["added"] = report.added;
    line["present"] = report.present;
    line["octets"] = report.octets;
    line["removed"] = report.removed;
    line["result"] = report.failed ? "failed" : "ok";
    line["reason"] = report.reason.empty() ? Json() : Json(valid_text(report.reason));
    output_.json(line);
  }

  void conclude() const {
    if (!commands_.program().verbose() && (::isatty(STDERR_FILENO) == 0 || commands_.program().quiet()))
      return;
    std::string said = std::to_string(mails_) + " messages imported from " + std::to_string(files_) +
                       " files, " + format_size(octets_);
    if (present_ > 0) said += ", " + std::to_string(present_) + " were there before";
    if (failed_ > 0) said += ", " + std::to_string(failed_) + " files failed";
    (void)write_all(STDERR_FILENO, as_bytes("gw-store: " + said + "\n"), "standard error");
  }

  const Commands& commands_;
  const ImportCommand& options_;
  Secret key_;
  std::unique_ptr<store::Store> store_;
  std::string local_part_;
  cli::Output output_;
  std::uint64_t files_ = 0, mails_ = 0, present_ = 0, octets_ = 0, failed_ = 0, unsettled_ = 0;
  using Known = std::tuple<ino_t, Micros, off_t>;
  Known in_hand_;
  std::set<Known> done_;  // of a spool that is followed
};

}  // namespace

void add_import(Commands& commands) {
  auto options = std::make_shared<ImportCommand>();
  CLI::App* command =
      commands.add(commands.root(), "import", "Bring mail from files into a mailbox; no password is needed",
                   [&commands, options] { return ImportJob(commands, *options).run(); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("PATH", options->paths, "Files and folders")->required();
  command->add_option("--format", options->format, "auto, eml, mbox, maildir or spool")
      ->check(CLI::IsMember({"auto", "eml", "mbox", "maildir", "spool"}));
  command
      ->add_option("--mbox-quoting", options->quoting,
                   "How `From ` lines are quoted (else as the file looks)")
      ->check(CLI::IsMember({"mboxrd", "mboxo", "none"}));
  command->add_flag("--remove", options->remove,
                    "Remove each source once its mail is committed and read back");
  command->add_flag("--resume", options->resume, "Go on: what is there already gets no line");
  command->add_flag("--follow", options->follow, "Keep watching the folder (spool) until SIGTERM");
  command->add_option("--fingerprint-key", options->key, "Key that mail is recognised by (made if needed)")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print JSON lines: each mail, and each file with its reason");
}

}  // namespace gw::cmd
