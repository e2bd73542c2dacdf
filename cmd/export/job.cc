#include "export/job.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/counted.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/span.h"
#include "cli/values.h"
#include "keeper/start.h"
#include "transfer/cursor.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

// Records that are read from the store at a time.
constexpr std::size_t kPage = 1000;
// The same for messages that wait for a change of state. They may be far apart, so large pages
// would be read mostly in vain.
constexpr std::size_t kNear = 64;
constexpr std::chrono::minutes kRenewEvery{1};
// It ends with the connection to the keeper in any case.
constexpr std::chrono::hours kLease{4};

// Returns the format that the name of a file ends with; `eml` for any other name, and for a
// directory, which an earlier run may have created under such a name.
std::string format_of(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return "eml";
  for (const char* format : {"mbox", "tar", "zip"})
    if (lower(path).ends_with(std::string(".") + format)) return format;
  return "eml";
}

// Refuses a name that shows that something other than a directory of files is wanted, but names no
// format that this program writes.
Result<void> check_destination(const std::string& path) {
  if (path.empty()) return Error(Code::Usage, "--to: the name is empty");
  if (const auto scheme = path.find("://"); scheme != std::string::npos) {
    return Error(Code::Usage, "--to: unsupported URL scheme `" + printable(path.substr(0, scheme)) + "`")
        .with_hint("gw-export MAILBOX --to smtp://HOST --rcpt ADDRESS");
  }
  return {};
}

// Returns the ending of the name of a compressed file or of an archive that this program does not write.
std::string foreign_ending(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {};
  for (const char* ending : {".gz", ".tgz", ".zst", ".bz2", ".xz", ".7z", ".rar", ".pst"})
    if (lower(path).ends_with(ending)) return ending;
  return {};
}

}  // namespace

Result<void> ExportJob::check() {
  if (auto good = check_destination(options_.to); !good) return good;
  if (const std::string ending = foreign_ending(options_.to); options_.format.empty() && !ending.empty()) {
    return Error(Code::Usage, "--to: gw-export does not write files that end with `" + ending + "`")
        .with_hint("use .mbox, .tar or .zip, or --to - --format tar and a program that compresses");
  }
  if (auto good = cli::check_span(options_.since, options_.until); !good) return good;
  format_ = options_.format.empty() ? format_of(options_.to) : options_.format;
  if (options_.names_server())
    return Error(Code::Usage, "--to is a path, and other options are for a server")
        .with_hint("gw-export MAILBOX --to smtp://HOST --rcpt ADDRESS");
  auto match = transfer::Match::of(options_.addresses);
  if (!match) return match.error();
  match_ = std::move(*match);
  // The following combinations are rejected before the password is read and before anything is
  // created.
  const bool output = options_.to == "-";
  if (options_.envelope == "sidecar" &&
      (format_ == "mbox" || format_ == "maildir" || (output && format_ == "eml"))) {
    return Error(Code::Usage, "--envelope sidecar cannot be used with this format")
        .with_hint("use --manifest FILE, or eml to a directory, tar or zip");
  }
  // The cursor advances to the end of the history, so messages that --until excludes would never be
  // exported.
  if (options_.cursor && options_.until)
    return Error(Code::Usage, "--until cannot be used with --cursor: the cursor would skip mail");
  if (options_.remove && !options_.state.empty() && options_.state != "live" &&
      options_.state != "unconfirmed")
    return Error(Code::Usage, "--remove requires --state live or unconfirmed");
  if (!output) return {};
  if (format_ == "maildir") return Error(Code::Usage, "a Maildir cannot be written to standard output");
  if (options_.remove) return Error(Code::Usage, "--remove cannot be used with standard output");
  if (options_.resume) return Error(Code::Usage, "--resume cannot be used with standard output");
  // Several mails on one stream without a format around them could not be separated again.
  if (options_.unwrap && format_ == "eml")
    return Error(Code::Usage, "--unwrap cannot write eml to standard output");
  if (::isatty(STDOUT_FILENO) != 0) {
    return Error(Code::Usage, "refusing to write mail to a terminal")
        .with_hint("gw-store message show MAILBOX ID");
  }
  return {};
}

struct ExportJob::Source {
  store::Store& store;
  store::MailboxRecord mailbox;
  Secret password;
  VaultId vault;
  // Messages with this seq or a later one were committed after the start, and are left to the next
  // run.
  std::uint64_t end;
  // Number of live messages, for the progress display.
  std::uint64_t live;
  // Why acknowledged mail may be missing in the vault; empty if it is whole.
  std::string damage;
  seal::KeyRing ring;                 // without --remove
  std::optional<vault::Drain> drain;  // with --remove

  Result<vault::Message> message(const store::MessageRecord& record) {
    if (drain) return drain->open(record);
    return vault::open_message(store, ring, vault, mailbox.id, record);
  }
};

bool ExportJob::in_state(const store::MessageRecord& record) const {
  using store::State;
  return options_.state.empty()    ? record.state == State::Live || record.state == State::Unconfirmed
         : options_.state == "all" ? record.state != State::Pending
                                   : name(record.state) == options_.state;
}

// Counts a message that is not in the requested state. It may come into that state later (undelete,
// release from quarantine) without a new seq, so the cursor remembers it. Two cases need no memory:
// a pending message gets a new seq when it becomes visible, and no message becomes unconfirmed
// later.
void ExportJob::pass_over(const store::MessageRecord& record) {
  ++passed_[std::string(name(record.state))];
  if (record.state != store::State::Pending && options_.state != "unconfirmed")
    waiting_.push_back(record.seq);
}

// Returns whether the message is to be written. Counts it if not.
bool ExportJob::consider(const store::MessageRecord& record) {
  if (!in_state(record)) {
    pass_over(record);
    return false;
  }
  if (!options_.in_time(record.received)) ++passed_["outside the time range"];
  return options_.in_time(record.received);
}

// Visits the messages of every state with seq above `from` and below `end`, page by page: no
// message is skipped if others are removed meanwhile, because the position is a seq and not an
// index.
Result<void> ExportJob::for_each_after(Source& source, std::uint64_t from, std::uint64_t end,
                                       const Each& each) const {
  for (std::uint64_t after = from;;) {
    const auto page = source.store.list(source.mailbox.id, after, kPage);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const store::MessageRecord& record : *page) {
      if (record.seq >= end) return {};
      auto more = each(record);
      if (!more) return more.error();
      if (!*more) return {};
      after = record.seq;
    }
  }
}

// Visits the messages that earlier runs with this cursor skipped because of their state and that
// still exist.
Result<void> ExportJob::for_each_waiting(Source& source, const Each& each) const {
  // A cursor file without this list does not name them, so all older messages are visited. Those
  // that are in the requested state now were written by an earlier run; the others are passed to
  // `each`, so that the new cursor names them.
  if (!cursor_.waiting) {
    return for_each_after(source, 0, cursor_.seq + 1, [&](const store::MessageRecord& record) {
      return in_state(record) ? Result<bool>(true) : each(record);
    });
  }
  const std::vector<std::uint64_t>& waiting = *cursor_.waiting;
  for (auto next = waiting.begin(); next != waiting.end();) {
    // One page may cover several waiting messages. The search continues after the last record of
    // the page, whether or not it was one of them.
    const auto page = source.store.list(source.mailbox.id, *next - 1, kNear);
    if (!page) return page.error();
    if (page->empty()) return {};
    for (const store::MessageRecord& record : *page) {
      if (!std::binary_search(next, waiting.end(), record.seq)) continue;
      auto more = each(record);
      if (!more) return more.error();
      if (!*more) return {};
    }
    next = std::upper_bound(next, waiting.end(), page->back().seq);
  }
  return {};
}

Result<ExportJob::Source> ExportJob::open(store::Store& store) const {
  auto mailbox = options_.find_mailbox(store);
  if (!mailbox) return mailbox.error();
  auto password = options_.password.read(mailbox->name);
  if (!password) return password.error();
  const auto health = store.health();
  if (!health) return health.error();
  // The end is fixed at the start. An export of a mailbox that receives mail as fast as it is
  // copied would otherwise never end.
  const auto stat = store.stat(mailbox->id);
  if (!stat) return stat.error();
  Source source{store,
                std::move(*mailbox),
                std::move(*password),
                health->vault,
                stat->log_size,
                stat->live,
                health->damaged ? health->reason : std::string(),
                {},
                {}};
  // The lease keeps other clients from draining the same messages. Without --remove the keys alone
  // are enough.
  if (options_.remove) {
    auto drain = vault::Drain::open(store, source.mailbox.name, source.password, kActor, kLease);
    if (!drain) return drain.error();
    source.drain = std::move(*drain);
  } else {
    auto ring = vault::unlock(store, source.mailbox, source.password);
    if (!ring) return ring.error();
    source.ring = std::move(*ring);
  }
  return source;
}

std::vector<std::unique_ptr<transfer::Exporter>> ExportJob::exporters(
    Source& source, const std::vector<std::unique_ptr<transfer::Writer>>& writers,
    transfer::Manifest* manifest) const {
  transfer::ExportOptions options;
  options.sidecar = options_.envelope == "sidecar";
  options.headers = options_.envelope == "headers";
  options.unwrap = options_.unwrap;
  options.read_back = options_.remove;
  options.match = match_;
  options.actor = std::string(kActor);
  std::vector<std::unique_ptr<transfer::Exporter>> all;
  for (const auto& writer : writers) {
    all.push_back(
        std::make_unique<transfer::Exporter>(source.store, source.mailbox, *writer, manifest, options));
  }
  return all;
}

// Exports without a lease, so that the archive can drain the mailbox at the same time.
Result<void> ExportJob::copy(Source& source, transfer::ExportPool& pool) {
  cli::Progress progress("exported", source.live, program_.quiet());
  std::uint64_t done = 0;
  const Each each = [&](const store::MessageRecord& record) -> Result<bool> {
    if (!consider(record)) return true;
    progress.at(++done);
    if (auto added = pool.add(record); !added) return added.error();
    return true;
  };
  if (auto added = for_each_waiting(source, each); !added) return added;
  if (auto added = for_each_after(source, cursor_.seq, source.end, each); !added) return added;
  if (auto finished = pool.finish(); !finished) return finished;
  // Only after crew.finish(): everything before this point is then on disk.
  cursor_.seq = std::max(cursor_.seq, source.end - 1);
  return {};
}

// Exports under the lease. Messages are drained in one transaction, --drain-batch at a time, once
// all of them are on disk and have been read back. A single file must be complete before anything
// is removed, so there the rest is left to the next run.
Result<void> ExportJob::take(Source& source, transfer::ExportPool& pool) {
  cli::Progress progress("exported", 0, program_.quiet());
  vault::Drain& drain = *source.drain;
  auto renewed = BootClock::now();
  std::uint64_t done = 0;
  std::size_t added = 0;  // since the last removal
  // What is removed together is one transition.
  const std::size_t batch = std::min(options_.drain_batch, source.store.limits().batch);
  std::uint64_t reached = cursor_.seq;
  std::uint64_t stopped = 0;  // seq of the first message that does not fit into the file
  const auto remove = [&]() -> Result<void> {
    // Nothing is removed before this has succeeded: it syncs the files and compares what is on
    // disk.
    if (auto finished = pool.finish(); !finished) return finished;
    if (auto removed = drain.remove(pool.give_taken(), kActor); !removed)
      return removed.error().within("all mail was written, but not drained");
    added = 0;
    return {};
  };
  const Each each = [&](const store::MessageRecord& record) -> Result<bool> {
    // Writing may take hours. A lost lease is noticed here, before more work is done in vain.
    if (BootClock::now() - renewed > kRenewEvery) {
      if (auto still = drain.renew(); !still) return still.error();
      renewed = BootClock::now();
    }
    if (consider(record)) {
      if (added >= batch && one_file()) {
        // Messages without a match take no room.
        const transfer::ExportReport report = pool.report();
        more_left_ = report.written + report.present >= batch;
        stopped = record.seq;
        if (more_left_) return false;
      } else if (added >= batch) {
        if (auto removed = remove(); !removed) return removed.error();
      }
      if (auto taken = pool.add(record); !taken) return taken.error();
      ++added;
      progress.at(++done);
    }
    reached = std::max(reached, record.seq);
    return true;
  };
  if (auto passed = for_each_waiting(source, each); !passed) return passed;
  if (more_left_) {
    // The messages from there on go on waiting.
    const auto& waiting = *cursor_.waiting;
    waiting_.insert(waiting_.end(), std::ranges::lower_bound(waiting, stopped), waiting.end());
  } else if (auto passed = for_each_after(source, cursor_.seq, source.end, each); !passed) {
    return passed;
  }
  if (auto removed = remove(); !removed) return removed;
  cursor_.seq = more_left_ ? reached : std::max(reached, source.end - 1);
  return {};
}

Result<int> ExportJob::conclude(const transfer::ExportReport& report, const std::string& damage) const {
  for (const transfer::ExportFailure& each : report.failures) {
    program_.report(Error(Code::Corrupt, "message " + each.id.hex() + ": " + each.reason));
  }
  if (const std::uint64_t more = report.failures.omitted(); more > 0)
    program_.report(
        Error(Code::Corrupt, counted(more, "more message") + " failed; --manifest lists all of them"));
  if (!program_.quiet()) {
    std::uint64_t passed = report.unmatched;
    std::string reasons = passed > 0 ? std::to_string(passed) + " without a match" : "";
    for (const auto& [why, count] : passed_) {
      passed += count;
      reasons += (reasons.empty() ? "" : ", ") + std::to_string(count) + " " + why;
    }
    const std::uint64_t taken = report.written + report.present;
    std::string said = counted(taken + passed + report.failures.count(), "message") + " examined, " +
                       std::to_string(report.written) + " written, " + format_size(report.size);
    if (report.present > 0) said += ", " + std::to_string(report.present) + " already present";
    if (report.unwrapped > 0) said += ", " + counted(report.unwrapped, "mail") + " unwrapped";
    if (!report.failures.empty()) said += ", " + std::to_string(report.failures.count()) + " failed";
    said += ", " + std::to_string(passed) + " skipped" + (passed > 0 ? " (" + reasons + ")" : "");
    if (options_.remove) said += "; drained from the mailbox";
    (void)write_all(STDERR_FILENO, as_bytes("gw-export: " + said + "\n"), "standard error");
  }
  if (more_left_ && !program_.quiet()) {
    (void)write_all(STDERR_FILENO,
                    as_bytes("gw-export: more messages are left: run again with another file\n"),
                    "standard error");
  }
  if (report.unnoted > 0)
    program_.report(Error(Code::Unavailable, "the vault accepts no changes: the export of " +
                                                 counted(report.unnoted, "message") +
                                                 " is not recorded in its history"));
  if (!damage.empty())
    program_.report(Error(Code::Corrupt, "acknowledged mail may be missing in the vault: " + damage));
  // On standard output eml is one message, so its failure means that there is no result at all.
  if (report.failures.empty()) return damage.empty() ? kExitSuccess : kExitSomeFailed;
  return options_.to == "-" && format_ == "eml" ? kExitBadData : kExitSomeFailed;
}

Result<std::unique_ptr<transfer::Writer>> ExportJob::make_writer() const {
  if (format_ == "mbox") return transfer::make_mbox_writer(options_.to, options_.resume);
  if (format_ == "tar")
    return transfer::make_archive_writer(options_.to, transfer::Archive::Tar, options_.resume);
  if (format_ == "zip")
    return transfer::make_archive_writer(options_.to, transfer::Archive::Zip, options_.resume);
  if (format_ == "maildir") return transfer::make_maildir_writer(options_.to, options_.resume);
  if (options_.to == "-") return transfer::make_stream_writer(STDOUT_FILENO);
  return transfer::make_eml_writer(options_.to, options_.resume);
}

// Creates as many writers as can work in parallel: one if everything goes into one file.
Result<std::vector<std::unique_ptr<transfer::Writer>>> ExportJob::make_writers() const {
  std::vector<std::unique_ptr<transfer::Writer>> writers;
  const unsigned wanted = one_file() || options_.to == "-" ? 1 : options_.jobs;
  while (writers.size() < wanted) {
    auto writer = make_writer();
    if (!writer) return writer.error();
    writers.push_back(std::move(*writer));
  }
  return writers;
}

Result<int> ExportJob::run() {
  if (auto good = check(); !good) return good.error();
  const auto config = options_.vault.resolve();
  if (!config) return config.error();
  auto store = keeper::connect(keeper::place_of(config->vault, config->run),
                               {keeper::Role::Drain, std::string(kActor), true});
  if (!store) return store.error();
  // The password is read first, so that a wrong one leaves no empty directory or file.
  auto source = open(**store);
  if (!source) return source.error();

  if (options_.cursor) {
    auto cursor = transfer::read_cursor(*options_.cursor, source->vault, source->mailbox.id);
    if (!cursor) return cursor.error();
    cursor_ = *cursor;
  }
  auto writers = make_writers();
  if (!writers) return writers.error();
  std::optional<transfer::Manifest> manifest;
  if (options_.manifest) {
    auto opened = transfer::Manifest::open(*options_.manifest, options_.resume);
    if (!opened) return opened.error();
    manifest = std::move(*opened);
  }
  // The crew refers to source, writers and manifest, so it is created last and destroyed first.
  transfer::ExportPool pool(exporters(*source, *writers, manifest ? &*manifest : nullptr),
                            [&](const store::MessageRecord& record) { return source->message(record); });
  auto done = options_.remove ? take(*source, pool) : copy(*source, pool);
  if (!done) return done.error();
  // The cursor is written only after the mail is on disk. A run that fails leaves the old cursor,
  // and the next run repeats its messages.
  if (options_.cursor) {
    cursor_.waiting = std::move(waiting_);
    if (auto kept = transfer::write_cursor(*options_.cursor, cursor_); !kept) return kept.error();
  }
  return conclude(pool.report(), source->damage);
}

}  // namespace gw::cmd
