#include "export/job.h"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/progress.h"
#include "cli/values.h"
#include "keeper/start.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

constexpr int kSomeFailed = 3;
constexpr int kDamaged = 65;
constexpr int kNoSuchMailbox = 67;
constexpr std::size_t kPage = 1000;
constexpr std::chrono::minutes kRenewEvery{1};
constexpr std::string_view kActor = "gw-export";

}  // namespace

void ExportJob::declare(CLI::App& app) {
  vault_.declare(app);
  app.add_option("MAILBOX", mailbox_, "Name, id or address")->required();
  app.add_option("--to", to_, "Folder to write to, made if needed; - writes one message to stdout")
      ->type_name("PATH")
      ->required();
  app.add_option("--format", format_, "YYYY/MM/DD/<id>.eml, a file for each message")
      ->check(CLI::IsMember({"eml"}));
  password_.declare(app);
  cli::time_option(app, "--since", since_, "Only what was received then or later");
  cli::time_option(app, "--until", until_, "Only what was received before then");
  app.add_option("--manifest", manifest_, "List every message in FILE, as JSON lines")->type_name("FILE");
  app.add_option("--envelope", envelope_, "sidecar: <id>.json beside each message")
      ->check(CLI::IsMember({"none", "sidecar"}));
  app.add_flag("--remove", remove_, "Drain what was written, synced and read back");
  app.add_flag("--resume", resume_, "Go on with an earlier export; what is there is compared");
}

Result<void> ExportJob::check() const {
  if (to_ != "-") return {};
  if (remove_) return Error(Code::Usage, "--remove needs files that can be read back");
  if (resume_) return Error(Code::Usage, "--resume needs files that are there");
  if (envelope_ == "sidecar") return Error(Code::Usage, "--envelope sidecar needs a folder");
  if (::isatty(STDOUT_FILENO) != 0) {
    return Error(Code::Usage, "mail is not written to a terminal")
        .with_hint("gw-store message show prints it safely");
  }
  return {};
}

transfer::ExportOptions ExportJob::options() const {
  transfer::ExportOptions options;
  options.sidecar = envelope_ == "sidecar";
  options.resume = resume_;
  options.read_back = remove_;
  options.actor = std::string(kActor);
  return options;
}

bool ExportJob::wanted(const store::MessageRecord& record) const {
  if (record.state != store::State::Live && record.state != store::State::Unconfirmed) return false;
  return (!since_ || record.received >= *since_) && (!until_ || record.received < *until_);
}

struct ExportJob::Source {
  store::Store& store;
  store::MailboxRecord mailbox;
  Secret password;
  VaultId vault;
  seal::KeyRing ring;                 // where nothing is removed
  std::optional<vault::Drain> drain;  // where it is
};

Result<ExportJob::Source> ExportJob::open(store::Store& store) const {
  auto mailbox = vault::find_mailbox(store, mailbox_);
  if (!mailbox && mailbox.error().code() == Code::NotFound) {
    return Error(Code::NotFound, "no mailbox `" + mailbox_ + "`").with_exit_status(kNoSuchMailbox);
  }
  if (!mailbox) return mailbox.error();
  auto password = password_.read(mailbox->name);
  if (!password) return password.error();
  const auto health = store.health();
  if (!health) return health.error();
  Source source{store, std::move(*mailbox), std::move(*password), health->vault, {}, {}};
  if (remove_) {
    auto drain = vault::Drain::open(store, source.mailbox.name, source.password, kActor);
    if (!drain) return drain.error();
    source.drain = std::move(*drain);
  } else {
    auto ring = vault::unlock(store, source.mailbox, source.password);
    if (!ring) return ring.error();
    source.ring = std::move(*ring);
  }
  return source;
}

// Leaves the mail where it is: no lease, so that the archive may drain at the same time.
Result<transfer::ExportReport> ExportJob::copy(Source& source, transfer::Writer& writer,
                                               transfer::Manifest* manifest) const {
  const MailboxId& id = source.mailbox.id;
  // The end is fixed at the start: a mailbox that fills as fast as it is copied would have none.
  const auto stat = source.store.stat(id);
  if (!stat) return stat.error();
  transfer::Exporter exporter(source.store, id, writer, manifest, options());
  cli::Progress progress("exported", stat->live, program_.quiet());
  std::uint64_t after = 0;
  std::uint64_t done = 0;
  for (bool more = true; more;) {
    const auto page = source.store.list(id, after, kPage);
    if (!page) return page.error();
    more = !page->empty();
    for (const store::MessageRecord& record : *page) {
      after = record.seq;
      if (record.seq >= stat->log_size) more = false;
      if (!more || !wanted(record)) continue;
      auto added =
          exporter.add(record, vault::open_message(source.store, source.ring, source.vault, id, record));
      if (!added) return added.error();
      progress.at(++done);
    }
  }
  if (auto finished = exporter.finish(); !finished) return finished.error();
  return exporter.report();
}

// Takes the mail: under the mailbox's lease, and removed in one transaction once all of it is safe. A lease
// shows the oldest 100,000 messages; the rest comes with the next one.
Result<transfer::ExportReport> ExportJob::take(Source& source, transfer::Writer& writer,
                                               transfer::Manifest* manifest) const {
  transfer::Exporter exporter(source.store, source.mailbox.id, writer, manifest, options());
  cli::Progress progress("exported", 0, program_.quiet());
  auto renewed = BootClock::now();
  std::uint64_t done = 0;
  for (;;) {
    vault::Drain& drain = *source.drain;
    for (const store::MessageRecord& record : drain.messages()) {
      if (!wanted(record)) continue;
      if (BootClock::now() - renewed > kRenewEvery) {
        if (auto still = drain.renew(); !still) return still.error();
        renewed = BootClock::now();
      }
      if (auto added = exporter.add(record, drain.open(record)); !added) return added.error();
      progress.at(++done);
    }
    if (auto finished = exporter.finish(); !finished) return finished.error();
    const std::vector<MessageId> taken = exporter.give_taken();
    if (taken.empty()) return exporter.report();
    if (auto removed = drain.remove(taken, kActor); !removed) {
      return removed.error().within("everything is written, nothing more is removed");
    }
    if (drain.messages().size() < vault::Drain::kMaxMessages) return exporter.report();
    source.drain.reset();
    auto next = vault::Drain::open(source.store, source.mailbox.name, source.password, kActor);
    if (!next) return next.error();
    source.drain = std::move(*next);
  }
}

Result<int> ExportJob::conclude(const transfer::ExportReport& report) const {
  for (const transfer::ExportFailure& each : report.failures) {
    program_.report(Error(Code::Corrupt, "message " + each.id.hex() + ": " + each.reason));
  }
  if (program_.verbose() || (::isatty(STDERR_FILENO) != 0 && !program_.quiet())) {
    std::string said = std::to_string(report.written) + " messages written, " + format_size(report.octets);
    if (report.present > 0) said += ", " + std::to_string(report.present) + " were there already";
    if (!report.failures.empty()) said += ", " + std::to_string(report.failures.size()) + " failed";
    if (remove_) said += "; drained from the mailbox";
    (void)write_all(STDERR_FILENO, as_bytes("gw-export: " + said + "\n"), "standard error");
  }
  if (report.failures.empty()) return 0;
  return to_ == "-" ? kDamaged : kSomeFailed;
}

Result<int> ExportJob::run() {
  if (auto good = check(); !good) return good.error();
  const auto config = vault_.resolve();
  if (!config) return config.error();
  auto store = keeper::connect(keeper::place_of(config->vault, config->run),
                               {keeper::Role::Drain, std::string(kActor), true});
  if (!store) return store.error();
  // The password first: a wrong one leaves no folder and no file behind.
  auto source = open(**store);
  if (!source) return source.error();

  auto writer = to_ == "-"
                    ? Result<std::unique_ptr<transfer::Writer>>(transfer::make_stream_writer(STDOUT_FILENO))
                    : transfer::make_eml_writer(to_);
  if (!writer) return writer.error();
  std::optional<transfer::Manifest> manifest;
  if (manifest_) {
    auto opened = transfer::Manifest::open(*manifest_, resume_);
    if (!opened) return opened.error();
    manifest = std::move(*opened);
  }
  transfer::Manifest* listed = manifest ? &*manifest : nullptr;
  const auto report = remove_ ? take(*source, **writer, listed) : copy(*source, **writer, listed);
  if (!report) return report.error();
  return conclude(*report);
}

}  // namespace gw::cmd
