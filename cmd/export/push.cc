#include "export/push.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "base/counted.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/span.h"
#include "keeper/start.h"
#include "net/serve.h"
#include "server_options.h"
#include "vault/change_note.h"
#include "vault/mailbox.h"
#include "vault/route_change.h"

namespace gw::cmd {
namespace {

using push::Outcome;

// After so many messages in a row the run ends: something else than these messages is wrong. A
// misconfigured server must not make a whole mailbox quarantined, nor be asked again and again.
constexpr unsigned kMaxRejected = 20;
constexpr unsigned kMaxLeft = 100;
constexpr unsigned kMaxLost = 3;
// With --follow: how often the keeper is asked for new mail, and how long a pass waits after one that
// left messages. The pause doubles from the shortest to the longest.
constexpr std::chrono::seconds kPoll{1};
constexpr std::chrono::seconds kShortestPause{1};
constexpr std::chrono::seconds kLongestPause{300};
constexpr std::size_t kMaxKnown = 100'000;  // messages that later passes do not look at again

bool concerns_one_message(const Error& error) {
  return error.code() == Code::Corrupt || error.code() == Code::NotFound || error.code() == Code::Version;
}

std::string listed(const std::map<std::string, std::uint64_t>& reasons) {
  std::string text;
  for (const auto& [why, count] : reasons)
    text += (text.empty() ? " (" : ", ") + std::to_string(count) + " " + why;
  return text.empty() ? text : text + ")";
}

std::uint64_t sum(const std::map<std::string, std::uint64_t>& reasons) {
  std::uint64_t all = 0;
  for (const auto& [why, count] : reasons) all += count;
  return all;
}

Error cannot_use(const std::string& option) {
  return Error(Code::Usage, option + " cannot be used when --to is a URL");
}

}  // namespace

Result<void> PushJob::check() {
  if (auto good = cli::check_span(options_.since, options_.until); !good) return good;
  if (!options_.format.empty()) return cannot_use("--format " + options_.format);
  if (!options_.state.empty()) return cannot_use("--state");
  if (!options_.addresses.empty()) return cannot_use("--match");
  if (options_.manifest) return cannot_use("--manifest");
  if (options_.cursor) return cannot_use("--cursor");
  if (options_.resume) return cannot_use("--resume");
  if (options_.envelope != "none" && options_.envelope != "original")
    return cannot_use("--envelope " + options_.envelope);
  addressing_.original = options_.envelope == "original";
  addressing_.unwrap = options_.unwrap;
  addressing_.sender = options_.sender;
  addressing_.recipients = options_.recipients;
  if (addressing_.original && (!options_.recipients.empty() || !options_.sender.empty()))
    return Error(Code::Usage, "--envelope original cannot be used with --rcpt and --from");
  if (!addressing_.original && options_.recipients.empty())
    return Error(Code::Usage, "no recipient was given")
        .with_hint("use --rcpt ADDRESS or --envelope original");
  if (options_.recipients.size() > push::Outgoing::kMaxRecipients)
    return Error(Code::Usage, "more than 100 recipients");
  for (const std::string& each : options_.recipients)
    if (!push::valid_address(each))
      return Error(Code::Usage, "--rcpt " + printable(each) + ": not an address");
  if (!options_.sender.empty() && !push::valid_address(options_.sender))
    return Error(Code::Usage, "--from " + printable(options_.sender) + ": not an address");
  return read_server();
}

Result<void> PushJob::read_server() {
  auto target = push::parse_target(options_.to);
  if (!target) return target.error();
  target_ = std::move(*target);
  vault::Route& server = target_.server;
  const auto implicit = vault::UpstreamTls::Implicit;
  if (!options_.tls.empty()) {
    const auto tls = options_.tls == "none"       ? vault::UpstreamTls::None
                     : options_.tls == "starttls" ? vault::UpstreamTls::StartTls
                                                  : implicit;
    if (server.tls == implicit && tls != implicit)
      return Error(Code::Usage, "--tls " + options_.tls + " contradicts smtps://");
    if (!target_.socket.empty() && tls != vault::UpstreamTls::None)
      return Error(Code::Usage, "--tls cannot be used with a Unix socket");
    server.tls = tls;
  }
  if ((!options_.ca_file.empty() || !options_.pin.empty()) && server.tls == vault::UpstreamTls::None)
    return Error(Code::Usage, "--ca and --pin need TLS").with_hint("use --tls starttls");
  if (!options_.ca_file.empty()) server.ca_file = std::filesystem::absolute(options_.ca_file).string();
  if (!options_.pin.empty()) {
    server.pin = vault::parse_pin(options_.pin);
    if (!server.pin) return Error(Code::Usage, "--pin " + printable(options_.pin) + ": not a SHA-256");
  }
  if (options_.user.empty() && options_.user_password.given())
    return Error(Code::Usage, "a password for the server was given, and no name")
        .with_hint("use --user NAME");
  if (has_control(options_.user)) return Error(Code::Usage, "--user: control characters");
  return {};
}

Result<void> PushJob::open(store::Store& store) {
  store_ = &store;
  auto mailbox = options_.find_mailbox(store);
  if (!mailbox) return mailbox.error();
  const auto health = store.health();
  if (!health) return health.error();
  // A vault that accepts no change cannot drain what was handed over, and each run would hand it
  // over again.
  if (options_.remove && !health->writable)
    return Error(Code::Unavailable,
                 "nothing was handed over, because it cannot be drained: " + health->reason);
  damage_ = health->damaged ? health->reason : std::string();
  auto password = options_.password.read(mailbox->name);
  if (!password) return password.error();
  if (!options_.user.empty()) {
    auto theirs =
        options_.user_password.read("gw-push." + mailbox->name, options_.user + " at " + target_.url);
    if (!theirs) return theirs.error().within("the password for " + target_.url);
    login_.emplace(push::Login{options_.user, std::move(*theirs)});
  }
  auto outbox = push::Outbox::open(store, std::move(*mailbox), std::move(*password), options_.remove,
                                   std::string(kActor));
  if (!outbox) return outbox.error();
  outbox_ = std::move(*outbox);
  return {};
}

Result<void> PushJob::connect(Connection& connection) {
  if (connection != nullptr) return {};
  auto opened = push::Connection::open(upstreams_, target_, host_, login_ ? &*login_ : nullptr);
  if (!opened) return opened.error();
  connection = std::move(*opened);
  return {};
}

Result<PushJob::Fate> PushJob::send(Connection& connection, const store::MessageRecord& record) {
  using Kind = Fate::Kind;
  auto message = outbox_->open(record);
  auto outgoing = message ? push::Outgoing::of(std::move(*message), addressing_)
                          : Result<std::unique_ptr<push::Outgoing>>(message.error());
  if (!outgoing) {
    if (!concerns_one_message(outgoing.error())) return outgoing.error();
    return Fate{Kind::Failed, {}, outgoing.error().text()};
  }
  if (const std::string& why = (*outgoing)->unfit(); !why.empty()) return Fate{Kind::Skipped, why, why};
  if (auto connected = connect(connection); !connected) return connected.error();
  // Before any of them is sent: otherwise each run would send the others again.
  for (const push::Mail& mail : (*outgoing)->mails())
    if (const std::string why = connection->missing(mail); !why.empty()) return Fate{Kind::Skipped, why, why};
  for (const push::Mail& mail : (*outgoing)->mails()) {
    if (auto ready = outbox_->ready(); !ready) return ready.error();
    const auto outcome = connection->send(mail);
    if (!outcome) {
      const bool uncertain = connection->uncertain();
      connection.reset();
      if (outcome.error().code() == Code::Denied) return outcome.error();
      const std::string why = uncertain ? "possibly accepted" : "connection lost";
      return Fate{Kind::Left, why, why + ": " + outcome.error().text(), true};
    }
    switch (outcome->kind) {
      case Outcome::Kind::Accepted:
        break;
      case Outcome::Kind::Rejected:
        return Fate{Kind::Rejected, {}, "rejected: " + outcome->reply};
      case Outcome::Kind::Deferred:
        return Fate{Kind::Left, "deferred", "deferred: " + outcome->reply, false};
    }
  }
  return Fate{};
}

Result<void> PushJob::settle(const store::MessageRecord& record, const Fate& fate) {
  const std::string actor = std::string(kActor) + " to " + target_.url;
  // The reply of the server is a text of others, which must not look like another change.
  if (fate.kind == Fate::Kind::Rejected && options_.remove)
    return outbox_->settle(record.id, store::State::Quarantined,
                           vault::change_note(actor, "message", fate.detail));
  if (fate.kind != Fate::Kind::Accepted) return {};
  if (options_.remove) return outbox_->settle(record.id, store::State::Drained, actor);
  const auto noted = vault::note_exported(*store_, outbox_->mailbox().id, actor, {&record.id, 1});
  if (!noted) return noted.error();
  if (!*noted) {
    const std::lock_guard lock(mutex_);
    ++counts_.unnoted;
  }
  return {};
}

Result<void> PushJob::count(const store::MessageRecord& record, const Fate& fate) {
  if (!fate.detail.empty())
    program_.report(Error(Code::Unavailable, "message " + record.id.hex() + ": " + fate.detail));
  const std::lock_guard lock(mutex_);
  switch (fate.kind) {
    case Fate::Kind::Accepted:
      ++counts_.accepted;
      counts_.size += record.size;
      rejected_in_row_ = left_in_row_ = lost_in_row_ = 0;
      return {};
    case Fate::Kind::Rejected:
      ++counts_.rejected;
      if (++rejected_in_row_ < kMaxRejected) return {};
      return Error(Code::Unavailable, target_.url + " rejected " + std::to_string(kMaxRejected) +
                                          " messages in a row; the others were not tried");
    case Fate::Kind::Left:
      ++counts_.left[fate.reason];
      if (fate.lost && ++lost_in_row_ >= kMaxLost)
        return Error(Code::Busy, target_.url + " ended the connection three times; try again later");
      if (++left_in_row_ < kMaxLeft) return {};
      return Error(Code::Busy, target_.url + " defers all messages; try again later");
    case Fate::Kind::Skipped:
      ++counts_.skipped[fate.reason];
      return {};
    case Fate::Kind::Failed:
      ++counts_.failed;
      return {};
  }
  return {};
}

Result<void> PushJob::hand_over(Connection& connection, const store::MessageRecord& record) {
  std::optional<Fate> waiting;
  {
    const std::lock_guard lock(mutex_);
    if (known_.contains(record.id)) return {};
    ++counts_.examined;
    if (!options_.in_time(record.received)) {
      ++counts_.out_of_time;
      return {};
    }
    if (const auto found = unsettled_.find(record.id); found != unsettled_.end()) waiting = found->second;
  }
  const auto fate = waiting ? Result<Fate>(*waiting) : send(connection, record);
  if (!fate) return fate.error();
  const auto settled = settle(record, *fate);
  {
    const std::lock_guard lock(mutex_);
    if (settled)
      unsettled_.erase(record.id);
    else
      unsettled_.insert_or_assign(record.id, *fate);
    if ((fate->kind == Fate::Kind::Skipped || fate->kind == Fate::Kind::Failed) && known_.size() < kMaxKnown)
      known_.insert(record.id);
  }
  if (settled) return count(record, *fate);
  return settled.error().within("message " + record.id.hex() + " was handed over, and not " +
                                (fate->kind == Fate::Kind::Rejected ? "quarantined"
                                 : options_.remove                  ? "drained"
                                                                    : "noted in the history"));
}

Result<void> PushJob::work() {
  Connection connection;
  Result<void> done;
  while (done && !ended_) {
    if (net::stop::requested()) {
      done = Error(Code::Busy, "stopped before all messages were handed over");
      break;
    }
    const auto record = outbox_->next();
    if (record && !*record) break;
    done = record ? hand_over(connection, **record) : record.error();
  }
  if (!done) ended_ = true;
  if (connection != nullptr) connection->quit();
  return done;
}

Result<void> PushJob::pass() {
  counts_ = {};
  rejected_in_row_ = left_in_row_ = lost_in_row_ = 0;
  ended_ = false;
  std::vector<Result<void>> results(options_.jobs);
  std::vector<std::thread> threads;
  try {
    for (std::size_t i = 1; i < results.size(); ++i)
      threads.emplace_back([this, &result = results[i]] { result = work(); });
  } catch (const std::system_error&) {
    // The system has no more threads: those that run do the work.
  }
  results.front() = work();
  for (std::thread& thread : threads) thread.join();
  // While this process waits, others may drain the mailbox.
  outbox_->end();
  for (const Result<void>& each : results)
    if (!each) return each;
  return {};
}

void PushJob::wait_for_mail() {
  // The keeper does not announce new messages, but it has their number in memory. If it cannot be
  // asked, the next pass reports that.
  for (;;) {
    net::stop::wait(kPoll);
    if (net::stop::requested()) return;
    const auto changed = outbox_->changed();
    if (!changed || *changed) return;
  }
}

Result<int> PushJob::follow() {
  std::chrono::seconds pause = kShortestPause;
  for (;;) {
    const auto begun = outbox_->begin();
    // The mailbox is gone, or has another password: this stays so.
    if (!begun && (begun.error().code() == Code::Denied || begun.error().code() == Code::NotFound))
      return begun.error();
    const auto done = begun ? pass() : begun;
    if (begun && counts_.examined > 0) print_summary();
    if (net::stop::requested()) return 0;
    if (done && counts_.left.empty()) {
      pause = kShortestPause;
      wait_for_mail();
    } else {
      if (!done) program_.report(done.error());
      net::stop::wait(pause);
      pause = std::min(pause * 2, kLongestPause);
    }
    if (net::stop::requested()) return 0;
  }
}

void PushJob::print_summary() const {
  if (program_.quiet()) return;
  const Counts& counts = counts_;
  std::string said = counted(counts.examined, "message") + " examined, " + std::to_string(counts.accepted) +
                     " handed over, " + format_size(counts.size);
  if (counts.rejected > 0)
    said += ", " + std::to_string(counts.rejected) + (options_.remove ? " quarantined" : " rejected");
  if (counts.failed > 0) said += ", " + std::to_string(counts.failed) + " failed";
  if (!counts.left.empty()) said += ", " + std::to_string(sum(counts.left)) + " left" + listed(counts.left);
  auto skipped = counts.skipped;
  if (counts.out_of_time > 0) skipped["outside the time range"] = counts.out_of_time;
  said += ", " + std::to_string(sum(skipped)) + " skipped" + listed(skipped);
  if (options_.remove) said += "; drained from the mailbox";
  (void)write_all(STDERR_FILENO, as_bytes("gw-export: " + said + "\n"), "standard error");
}

Result<int> PushJob::run() {
  if (auto good = check(); !good) return good.error();
  const auto config = options_.vault.resolve();
  if (!config) return config.error();
  host_ = own_host(*config);
  auto store = keeper::connect(keeper::place_of(config->vault, config->run),
                               {keeper::Role::Drain, std::string(kActor), true});
  if (!store) return store.error();
  if (auto opened = open(**store); !opened) return opened.error();
  net::stop::install();
  if (options_.follow) return follow();
  const auto begun = outbox_->begin();
  const auto passed = begun ? pass() : begun;
  print_summary();
  if (counts_.unnoted > 0)
    program_.report(Error(Code::Unavailable, "the vault accepts no changes: the export of " +
                                                 counted(counts_.unnoted, "message") +
                                                 " is not recorded in its history"));
  if (!damage_.empty())
    program_.report(Error(Code::Corrupt, "acknowledged mail may be missing in the vault: " + damage_));
  if (!passed) return passed.error();
  if (!counts_.left.empty()) return kExitTryAgain;
  return counts_.rejected + counts_.failed + counts_.skipped.size() > 0 || !damage_.empty() ? kExitSomeFailed
                                                                                            : kExitSuccess;
}

}  // namespace gw::cmd
