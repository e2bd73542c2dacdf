#include "vault.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>
#include <thread>

#include "dump.h"
#include "support/memory_store.h"

namespace gw::simulation {
namespace {

using namespace store;  // NOLINT: all that follows is about a store

constexpr std::uint64_t kMuchSpace = std::uint64_t{4} << 30;
constexpr Micros kSecond = 1'000'000;
constexpr Micros kMinute = 60 * kSecond;
constexpr Micros kYear = 365LL * 86'400 * kSecond;
constexpr Micros kEarliest = 946'684'800 * kSecond;  // the year 2000
constexpr Micros kMostUnseen = 3600 * kSecond;       // LocalOptions::most_unseen
constexpr std::string_view kRecipient = "age1test";
constexpr std::string_view kHeader = "age-encryption.org/v1\n-> X25519 simulated\nkey\n--- mac\n";

Bytes random_content(Random& random, std::size_t size) {
  Bytes content(size);
  for (std::size_t i = 0; i < size; i += 8) {
    const std::uint64_t word = random.next();
    for (std::size_t j = i; j < std::min(i + 8, size); ++j)
      content[j] = static_cast<std::byte>(word >> 8 * (j - i));
  }
  return content;
}

// A message to deliver.
struct Mail {
  MessageId id;
  Bytes container;
  Commit commit;
};

Mail new_mail(const MessageId& id, std::uint64_t size, std::uint64_t content, std::uint32_t generation) {
  Random random(content);
  Mail mail{id, random_content(random, size), {}};
  // Only a container with such a header leaves a removal record.
  if (random.once_in(2))
    mail.container.insert(mail.container.begin(), as_bytes(kHeader).begin(), as_bytes(kHeader).end());
  mail.commit.received = 1'700'000'000 * kSecond;
  mail.commit.size = size;
  mail.commit.wire_size = size + 2;
  mail.commit.generation = generation;
  mail.commit.container = sha256(mail.container);
  mail.commit.envelope = random_content(random, 20 + random.below(100));
  mail.commit.actor = "smtp";
  if (random.once_in(3)) mail.commit.fingerprints.push_back({static_cast<std::byte>(random.below(20))});
  return mail;
}

Result<CommitResult> give(Store& store, const MailboxId& mailbox, const Mail& mail) {
  constexpr std::size_t kPart = 64 << 10;
  auto append = store.begin(mailbox, mail.id);
  if (!append) return append.error();
  const ByteView all = mail.container;
  for (std::size_t at = 0; at < all.size(); at += kPart) {
    if (auto put = (*append)->put(all.subspan(at, std::min(kPart, all.size() - at))); !put)
      return put.error();
  }
  return (*append)->commit(mail.commit);
}

Transition transition_of(const MailboxId& mailbox, std::vector<MessageId> messages, State from,
                         std::optional<State> to) {
  Transition transition;
  transition.mailbox = mailbox;
  transition.messages = std::move(messages);
  transition.from = from;
  transition.to = to;
  transition.actor = "simulation";
  return transition;
}

template <class T>
Result<void> outcome(const Result<T>& result) {
  if (!result) return result.error();
  return {};
}

// Errors with which a store may answer when the system fails.
bool is_trouble(Code code) {
  return code == Code::Unavailable || code == Code::Unknown || code == Code::Busy || code == Code::Full ||
         code == Code::Io;
}

// Of these, the ones that promise that nothing was done.
bool is_certain(Code code) {
  return code == Code::Unavailable || code == Code::Busy || code == Code::Full;
}

std::string told(const Error& error) {
  return std::string(name(error.code())) + ": " + error.text();
}

template <class T>
std::string told(const Result<T>& result) {
  return result ? "success" : told(result.error());
}

// Does to a model what a start does to a store.
void start_model(Store& model) {
  auto mailboxes = model.mailboxes();
  std::sort(mailboxes->begin(), mailboxes->end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  for (const MailboxRecord& mailbox : *mailboxes) {
    Transition all = transition_of(mailbox.id, {}, State::Pending, State::Unconfirmed);
    all.actor = "start";
    const auto records = model.list(mailbox.id, 0, 100'000);
    for (const MessageRecord& record : *records) {
      if (record.state == State::Pending) all.messages.push_back(record.id);
    }
    (void)model.transition(all);
  }
}

}  // namespace

Vault::Vault(const std::string& base, std::uint64_t seed, Plant plant) : Host(base, seed, plant) {
  create(kRecipient);
  MemoryOptions options;
  options.vault = id_;
  options.recovery_recipient = to_bytes(kRecipient);
  options.signer = options_.signer;
  options.clock = options_.clock;
  options.boot_clock = options_.boot_clock;
  options.most_unseen = std::chrono::hours(24 * 3650);
  model_ = make_memory_store(options);
  open();
  for (const char* name : {"a", "b", "c"}) {
    MailboxRecord record;
    record.id = id_of<MailboxId>(100 + mailboxes_.size());
    record.name = name;
    record.generations = {{1, {}, 5}};
    record.grace = name[0] == 'a' ? 0 : 3600;
    record.created = 7;
    mailboxes_.push_back(record.id);
    change([=](Store& store) { return store.put_mailbox(record, {}, {LeafType::Setting, "init", 0}); });
  }
}

// Returns true if a result leaves open whether the change was made.
bool Vault::uncertain(const Result<void>& result) const {
  return !result && disturbed() && is_trouble(result.error().code()) && !is_certain(result.error().code());
}

// A store that has failed must refuse every change until the process ends, which it does here.
void Vault::check_failed_store() {
  const auto refused = give(*store_, mailboxes_[0], new_mail(id_of<MessageId>(++next_id_), 10, 1, 1));
  if (refused || refused.error().code() != Code::Unavailable)
    throw Violation("a store that has failed answers " + told(refused));
  if (disk_.crashed() == Crash::None) disk_.crash(next_id_ % 2 == 0 ? Crash::Kill : Crash::PowerCut);
}

// Makes a change on the store, and the same on the model if it was made.
void Vault::change(const Change& change, bool is_sweep) {
  if (gathering_ > 0 && !is_sweep) {
    gathered_.push_back(change);
    return;
  }
  const Result<void> found = change(*store_);
  // What is answered after the crash reaches nobody.
  if (disk_.crashed() != Crash::None) return recover({{change, is_sweep}});
  if (!found && is_trouble(found.error().code()) && disturbed()) {
    const bool made_perhaps = uncertain(found) || is_sweep;
    const Flights flights = made_perhaps ? Flights{{change, is_sweep}} : Flights{};
    if (has_failed()) {
      check_failed_store();
      return recover(flights);
    }
    if (!made_perhaps) return;
    disk_.forget_plans();
    return compare(flights, false);
  }
  const Result<void> expected = change(*model_);
  if (found.has_value() != expected.has_value() ||
      (!found && found.error().code() != expected.error().code()))
    throw Violation("the store answers " + told(found) + ", the model " + told(expected));
  counts_.changes += found ? 1 : 0;
}

// Makes the gathered changes in a thread each. The model must be able to make them in some order with
// the same results.
void Vault::run_together() {
  gathering_ = 0;
  const std::vector<Change> changes = std::move(gathered_);
  gathered_.clear();
  std::vector<Result<void>> results(changes.size());
  // Whether the client was told the result: the crash may happen after some of them only.
  std::vector<char> answered(changes.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < changes.size(); ++i)
    threads.emplace_back([&, i] {
      results[i] = changes[i](*store_);
      answered[i] = disk_.crashed() == Crash::None ? 1 : 0;
    });
  for (std::thread& thread : threads) thread.join();
  Flights flights;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const Result<void>& result = results[i];
    // Another one with the same message may be under way.
    const bool refused = !result && (result.error().code() == Code::Busy ||
                                     (disturbed() && is_certain(result.error().code())));
    if (answered[i] != 0 && refused) continue;
    flights.push_back({changes[i]});
    if (answered[i] != 0 && !uncertain(result)) flights.back().result = result;
    counts_.changes += answered[i] != 0 && result ? 1 : 0;
  }
  if (disk_.crashed() != Crash::None) return recover(flights);
  if (has_failed()) {
    check_failed_store();
    return recover(flights);
  }
  disk_.forget_plans();
  compare(flights, false);
}

// Opens the vault after a crash or a stop, and compares.
void Vault::recover(const Flights& flights) {
  ++counts_.crashes;
  tokens_.clear();
  open();
  disk_.forget_plans();
  compare(flights, true);
}

void Vault::compare(const Flights& flights, bool opened) {
  std::string nearest;
  const std::string found = dump(*store_);
  if (explains(found, *model_, flights, opened, nearest)) return;
  throw Violation("the vault has other content than was acknowledged:\n" + difference(nearest, found));
}

// Returns true, and makes it the model, if a model that makes these changes after `before`, in some
// order and without some of those that have no result, has the content `found`.
bool Vault::explains(const std::string& found, const Store& before, const Flights& left, bool opened,
                     std::string& nearest) {
  const auto has_result = [](const Flight& flight) { return flight.result.has_value(); };
  if (std::none_of(left.begin(), left.end(), has_result)) {
    auto candidate = copy_memory_store(before);
    if (opened) start_model(*candidate);
    nearest = dump(*candidate);
    if (nearest == found) {
      model_ = std::move(candidate);
      return true;
    }
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    const Flight& flight = left[i];
    Flights rest = left;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    for (const bool cut_short : {false, true}) {
      if (cut_short && !flight.is_sweep) continue;
      auto candidate = copy_memory_store(before, cut_short);
      const Result<void> made = flight.change(*candidate);
      // What fails changes nothing.
      if (!flight.result && !made) continue;
      if (flight.result && (flight.result->has_value() != made.has_value() ||
                            (!made && made.error().code() != flight.result->error().code())))
        continue;
      if (explains(found, *candidate, rest, opened, nearest)) return true;
    }
  }
  return false;
}

const MailboxId& Vault::mailbox(const Step& step) const {
  return mailboxes_[step.at(0) % mailboxes_.size()];
}

std::vector<MessageId> Vault::in_state(const MailboxId& mailbox, State state) const {
  std::vector<MessageId> found;
  const auto records = model_->list(mailbox, 0, 100'000);
  for (const MessageRecord& record : *records) {
    if (record.state == state || (state == State::Live && record.state == State::Unconfirmed))
      found.push_back(record.id);
  }
  return found;
}

void Vault::deliver(const Step& step, bool pending) {
  const MailboxId to = mailbox(step);
  const std::uint32_t generation = 1 + static_cast<std::uint32_t>(step.at(2) % 7 == 0 ? 1 : 0);
  auto mail =
      std::make_shared<Mail>(new_mail(id_of<MessageId>(++next_id_), step.at(1), step.at(2), generation));
  mail->commit.pending = pending;
  messages_.emplace_back(to, mail->id);
  const bool lost = plant_ == Plant::Lost && step.at(2) % 5 == 0;
  change([this, to, mail, lost](Store& store) -> Result<void> {
    if (lost && &store == store_.get()) return {};
    const auto result = give(store, to, *mail);
    if (result && mail->commit.pending && &store == store_.get()) tokens_[mail->id] = result->token;
    return outcome(result);
  });
  if (plant_ == Plant::Vanished && step.at(2) % 5 == 0)
    (void)store_->transition(transition_of(to, {mail->id}, State::Live, std::nullopt));
}

void Vault::move(const Step& step, State from, std::optional<State> to) {
  const MailboxId in = mailbox(step);
  const std::vector<MessageId> there = in_state(in, from);
  if (there.empty()) return;
  const Transition moved = transition_of(in, {there[step.at(1) % there.size()]}, from, to);
  change([moved](Store& store) { return outcome(store.transition(moved)); });
}

void Vault::settle(const Step& step) {
  const MailboxId in = mailbox(step);
  const std::vector<MessageId> there = in_state(in, State::Pending);
  if (there.empty()) return;
  const MessageId message = there[step.at(1) % there.size()];
  const bool by_token = step.at(2) == 1 && tokens_.contains(message);
  change([=, this](Store& store) {
    Transition moved = transition_of(in, {message}, State::Pending, State::Live);
    if (by_token && &store == store_.get()) moved.token = tokens_.at(message);
    return outcome(store.transition(moved));
  });
}

void Vault::drain(const Step& step) {
  constexpr std::chrono::seconds kTime{60};
  const MailboxId in = mailbox(step);
  std::vector<MessageId> there = in_state(in, State::Live);
  const std::size_t first = there.empty() ? 0 : step.at(1) % there.size();
  const std::size_t last = std::min<std::size_t>(first + step.at(2), there.size());
  const std::vector<MessageId> chosen(there.begin() + static_cast<std::ptrdiff_t>(first),
                                      there.begin() + static_cast<std::ptrdiff_t>(last));
  for (const MessageId& message : chosen) drained_[message] = {passed_, opened_};
  const auto drained = [in, chosen](Store& store, const Lease* lease) {
    Transition moved = transition_of(in, chosen, State::Live, State::Drained);
    moved.lease = lease;
    return outcome(store.transition(moved));
  };
  // Without a lease, as an administrator drains, beside other changes.
  if (gathering_ > 0) return change([drained](Store& store) { return drained(store, nullptr); });
  const auto real = store_->acquire(in, "archive", kTime);
  const auto modelled = model_->acquire(in, "archive", kTime);
  if (!real || !modelled) throw Violation("a lease is not granted: " + told(real));
  // Once in a few times the lease is lost.
  if (step.at(3) == 0) clocks_->boot += 2 * kTime;
  change([&](Store& store) {
    const Lease* lease = &store == store_.get() ? real->get() : nullptr;
    return drained(store, &store == model_.get() ? modelled->get() : lease);
  });
  if (plant_ == Plant::Returned && !chosen.empty())
    (void)store_->transition(transition_of(in, {chosen[0]}, State::Drained, State::Live));
}

void Vault::sweep(const Step& step) {
  const MailboxId only = mailbox(step);
  const bool now = step.at(2) == 0;
  // A store that was restarted may have counted less time than the model. Then both would remove
  // different messages.
  const auto due = store_->sweep(0, now, only);
  const auto expected = model_->sweep(0, now, only);
  if (!due || due->expired != expected->expired || due->receipts != expected->receipts) return count_due();
  if (disk_.crashed() != Crash::None) return recover({});
  const std::size_t budget = step.at(1);
  change([=](Store& store) { return outcome(store.sweep(budget, now, only)); }, true);
}

// No message may be due before it was kept for the grace period: time by the boot clock, and an hour
// at most for each time that the vault was closed, whatever the wall clock says.
void Vault::count_due() {
  for (const MailboxId& each : mailboxes_) {
    const auto due = store_->sweep(0, false, each);
    if (!due) continue;
    const MailboxRecord record = *model_->mailbox(each);
    std::uint64_t most = 0;
    for (const MessageId& message : in_state(each, State::Drained)) {
      const Drained& since = drained_[message];
      const Micros kept = passed_ - since.passed + kMostUnseen * static_cast<Micros>(opened_ - since.opened);
      most += kept >= record.grace * kSecond ? 1 : 0;
    }
    if (due->expired > most)
      throw Violation("a grace period is shortened: " + std::to_string(due->expired) + " messages are due, " +
                      std::to_string(most) + " can be");
  }
}

void Vault::settings(const Step& step) {
  Random random(step.at(1));
  MailboxRecord changed = *model_->mailbox(mailbox(step));
  constexpr std::array<std::int64_t, 4> kGrace{0, 3600, 3600, 86'400};
  constexpr std::array<std::int64_t, 3> kKept{0, 3600, kReceipts};
  changed.grace = kGrace[random.below(kGrace.size())];
  changed.receipts = kKept[random.below(kKept.size())];
  changed.hold = random.once_in(4);
  changed.quota = random.once_in(3) ? 60'000 : 0;
  changed.status = random.once_in(5) ? Status::Suspended : Status::Active;
  changed.aliases = {"alias" + std::to_string(random.below(3)) + "@example.com"};
  if (random.once_in(8) && changed.version > 1) --changed.version;
  change([=](Store& store) { return store.put_mailbox(changed, {}, {LeafType::Setting, "set", 0}); });
}

void Vault::rotate(const Step& step) {
  MailboxRecord changed = *model_->mailbox(mailbox(step));
  if (changed.generations.size() > 3) return;
  changed.generations.push_back({changed.newest().number + 1, {}, clocks_->wall});
  const Slot slot{"password", to_bytes("slot " + std::to_string(step.at(1)))};
  change([=](Store& store) {
    return store.put_mailbox(changed, {slot}, {LeafType::Key, "rotate", changed.newest().number});
  });
}

void Vault::record(const Step& step) {
  Random random(step.at(1));
  const RecordKey key{Kind::Setting, random.once_in(2) ? MailboxId{} : mailbox(step),
                      "k" + std::to_string(random.below(3))};
  const auto known = model_->get(key);
  const std::uint64_t version = known && !random.once_in(5) ? known->version : 0;
  const Bytes value = random_content(random, random.below(100));
  const Note why{LeafType::Setting, "record", 0};
  if (version != 0 && random.once_in(3))
    return change([=](Store& store) { return store.erase_if(key, version, why); });
  change([=](Store& store) { return outcome(store.put_if(key, version, value, why)); });
}

void Vault::note(const Step& step) {
  std::vector<MessageId> some;
  const MailboxId in = mailbox(step);
  for (std::size_t i = 0; i < messages_.size() && i < 5; ++i)
    some.push_back(messages_[(step.at(1) + i) % messages_.size()].second);
  if (some.empty()) return;
  Leaf leaf;
  leaf.type = LeafType::Exported;
  leaf.actor = "export";
  leaf.message = some[0];
  if (step.at(1) % 2 == 0) return change([=](Store& store) { return outcome(store.note(in, leaf)); });
  // The model appends one leaf after another, the store all of them in one commit.
  change([=](Store& store) { return outcome(store.note_messages(in, leaf, some)); });
}

// An id is never accepted twice.
void Vault::again(const Step& step) {
  if (messages_.empty()) return;
  const auto& [to, id] = messages_[step.at(1) % messages_.size()];
  const auto mail = std::make_shared<Mail>(new_mail(id, 5000, 3, 1));
  change([to = to, mail](Store& store) { return outcome(give(store, to, *mail)); });
}

void Vault::purge() {
  auto purge = store_->purge(0);
  while (purge && !purge->done) purge = store_->purge(purge->number);
  if (!purge && !disturbed() && disk_.crashed() == Crash::None)
    throw Violation("a purge ends with " + told(purge));
}

// A snapshot is a vault with everything that was acknowledged before it.
void Vault::snapshot() {
  const std::string copy = base_ + "/copy";
  std::filesystem::remove_all(copy);
  auto made = store_->snapshot();
  bool whole = made.has_value();
  while (whole) {
    auto next = (*made)->next();
    whole = next.has_value();
    if (!next || !*next) break;
    const std::filesystem::path path = copy + "/" + (*next)->name;
    std::filesystem::create_directories(path.parent_path());
    const int to = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    std::array<char, 65'536> part;
    ssize_t got = 0;
    while ((got = ::read((*next)->content.get(), part.data(), part.size())) > 0)
      whole = ::write(to, part.data(), static_cast<std::size_t>(got)) == got && whole;
    whole = whole && got == 0;
    ::close(to);
  }
  if (made) made->reset();
  if (disk_.crashed() != Crash::None) return recover({});
  if (!whole && disturbed()) return;
  if (!whole) throw Violation("a snapshot cannot be read: " + told(made));
  std::filesystem::create_directories(copy + "/large/tmp");
  LocalOptions options = options_;
  options.path = copy;
  options.look_only = true;
  auto look = open_local_store(options);
  if (!look) throw Violation("a snapshot does not open: " + told(look));
  const std::string expected = dump(*model_);
  const std::string found = dump(**look);
  if (expected != found)
    throw Violation("a snapshot has other content than was acknowledged:\n" + difference(expected, found));
}

void Vault::suspend(const Step& step) {
  auto suspended = store_->suspend();
  if (!suspended && disturbed()) return;
  if (!suspended) throw Violation("changes cannot be suspended: " + told(suspended));
  const auto refused =
      give(*store_, mailbox(step), new_mail(id_of<MessageId>(++next_id_), 10, step.at(1), 1));
  if (refused || (refused.error().code() != Code::Busy && !disturbed()))
    throw Violation("a suspended store answers " + told(refused));
}

void Vault::set_space(const Step& step) {
  constexpr std::array<std::uint64_t, 4> kSpaces{100 << 10, 900 << 10, 1500 << 10, kMuchSpace};
  disk_.set_space(kSpaces[step.at(0) % kSpaces.size()]);
  space_was_low_ = true;
  // The store looks every 200 ms.
  sleep_for(500 * kMillisecond);
  if (disk_.space() == kMuchSpace) space_was_low_ = false;
}

void Vault::run(const Step& step) {
  const std::string& word = step.word;
  static const std::set<std::string> kTogether{"deliver", "pend",     "settle",     "discard", "unconfirm",
                                               "drain",   "undelete", "quarantine", "release", "settings",
                                               "remove",  "rotate",   "record",     "note",    "checkpoint"};
  if (gathering_ > 0 && !kTogether.contains(word)) run_together();
  // A background thread may have been in the middle of a crash.
  if (disk_.crashed() != Crash::None) recover({});
  if (plan(step)) {
  } else if (word == "restart") {
    stop(step);
    recover({});
  } else if (word == "deliver" || word == "pend") {
    deliver(step, word == "pend");
  } else if (word == "settle") {
    settle(step);
  } else if (word == "discard") {
    move(step, State::Pending, std::nullopt);
  } else if (word == "unconfirm") {
    move(step, State::Pending, State::Unconfirmed);
  } else if (word == "drain") {
    drain(step);
  } else if (word == "undelete") {
    move(step, State::Drained, State::Live);
  } else if (word == "quarantine") {
    move(step, State::Live, State::Quarantined);
  } else if (word == "release") {
    move(step, State::Quarantined, State::Live);
  } else if (word == "remove") {
    constexpr std::array kFrom{State::Live, State::Drained, State::Quarantined};
    move(step, kFrom[step.at(2) % kFrom.size()], std::nullopt);
  } else if (word == "sweep") {
    sweep(step);
  } else if (word == "settings") {
    settings(step);
  } else if (word == "rotate") {
    rotate(step);
  } else if (word == "record") {
    record(step);
  } else if (word == "note") {
    note(step);
  } else if (word == "again") {
    again(step);
  } else if (word == "checkpoint") {
    change([](Store& store) { return outcome(store.checkpoint("cron")); });
  } else if (word == "purge") {
    purge();
  } else if (word == "snapshot") {
    snapshot();
  } else if (word == "suspend") {
    suspend(step);
  } else if (word == "space") {
    set_space(step);
  } else if (word == "pass") {
    const Micros time = static_cast<Micros>(step.at(0)) * kSecond;
    clocks_->wall += time;
    clocks_->boot += std::chrono::microseconds(time);
    passed_ += time;
  } else if (word == "jump") {
    const Micros time = static_cast<Micros>(step.at(0)) * kYear + kMinute;
    clocks_->wall = std::max(clocks_->wall + (step.at(1) == 0 ? -time : time), kEarliest);
    count_due();
  } else if (word == "together") {
    gathering_ = step.at(0) + 1;
  } else if (word != "seed") {
    throw Violation("no such step: " + to_text(step));
  }
  if (gathering_ > 0 && --gathering_ == 0) run_together();
}

void Vault::finish() {
  if (gathering_ > 0) run_together();
  if (disk_.crashed() == Crash::None) disk_.forget_plans();
  if (std::exchange(space_was_low_, false)) disk_.set_space(kMuchSpace);
  recover({});
  for (const auto& [in, id] : messages_) {
    const auto expected = model_->find(in, id);
    const auto found = store_->find(in, id);
    if (expected.has_value() != found.has_value()) throw Violation("find answers " + told(found));
  }
}

}  // namespace gw::simulation
