// The store on RADOS with a fault at each single operation of the cluster: what was acknowledged is
// there, and what was not is there as a whole or not at all.
#include <set>

#include "store/rados/layout.h"
#include "support/memory_store.h"
#include "support/rados_vault.h"

namespace gw::store {
namespace {

using contract::Clocks;
using contract::kDay;
using contract::Mail;

template <class T>
Result<void> ended(const Result<T>& result) {
  return result ? Result<void>() : Result<void>(result.error());
}

// What a scenario works with: the same for the store and for the models.
struct Things {
  MailboxRecord journal = contract::new_mailbox("journal");
  MailboxRecord other = contract::new_mailbox("other");
  std::vector<Mail> mails;
  Mail large = contract::sealed_mail(1200 << 10);

  Things() {
    for (int i = 0; i < 4; ++i) mails.push_back(contract::sealed_mail(2000));
    Digest print{std::byte{7}};
    mails[0].commit.fingerprints = {print};
    journal.aliases = {"archive@example.com"};
  }
  std::vector<MessageId> ids() const {
    std::vector<MessageId> all;
    for (const Mail& mail : mails) all.push_back(mail.id);
    return all;
  }
};

const Note kNote{LeafType::Setting, "test", 0};

Result<void> change(Store& store, const MailboxId& id, const std::function<void(MailboxRecord&)>& edit) {
  auto record = store.mailbox(id);
  if (!record) return record.error();
  edit(*record);
  return store.put_mailbox(*record, {{"password", to_bytes("wrapped")}}, kNote);
}

struct Scenario {
  const char* title;
  std::function<void(Store&, Clocks&, const Things&)> prepare;
  std::function<Result<void>(Store&, const Things&)> act;
  bool steps = false;  // it consists of several changes, of which some may be done when it fails
};

void with_mail(Store& store, const Things& things) {
  REQUIRE(store.put_mailbox(things.journal, {}, kNote));
  for (const Mail& mail : things.mails) REQUIRE(contract::deliver(store, things.journal.id, mail));
}

void drained(Store& store, const Things& things) {
  with_mail(store, things);
  REQUIRE(contract::move(store, things.journal.id, things.ids(), State::Live, State::Drained));
}

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"a new mailbox", [](Store&, Clocks&, const Things&) {},
       [](Store& store, const Things& things) {
         return store.put_mailbox(things.journal, {{"password", to_bytes("wrapped")}}, kNote);
       }},
      {"the names of a mailbox change",
       [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things& things) {
         return change(store, things.journal.id, [](MailboxRecord& record) {
           record.name = "renamed";
           record.aliases = {"new@example.com"};
         });
       }},
      {"a mailbox is removed",
       [](Store& store, Clocks&, const Things& things) {
         with_mail(store, things);
         REQUIRE(contract::move(store, things.journal.id, things.ids(), State::Live, std::nullopt));
         REQUIRE(change(store, things.journal.id,
                        [](MailboxRecord& record) { record.status = Status::Suspended; }));
       },
       [](Store& store, const Things& things) { return store.remove_mailbox(things.journal.id, "test"); }},
      {"a delivery",
       [](Store& store, Clocks&, const Things& things) {
         REQUIRE(store.put_mailbox(things.journal, {}, kNote));
       },
       [](Store& store, const Things& things) {
         return ended(contract::deliver(store, things.journal.id, things.mails[0]));
       }},
      {"a delivery after others",
       [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things& things) {
         Mail mail = things.mails[0];
         mail.id = things.large.id;
         return ended(contract::deliver(store, things.journal.id, mail));
       }},
      {"a delivery in parts",
       [](Store& store, Clocks&, const Things& things) {
         REQUIRE(store.put_mailbox(things.journal, {}, kNote));
       },
       [](Store& store, const Things& things) {
         return ended(contract::deliver(store, things.journal.id, things.large));
       }},
      {"a drain", [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things& things) {
         return ended(contract::move(store, things.journal.id, things.ids(), State::Live, State::Drained));
       }},
      {"a drain without a grace period",
       [](Store& store, Clocks&, const Things& things) {
         with_mail(store, things);
         REQUIRE(change(store, things.journal.id, [](MailboxRecord& record) { record.grace = 0; }));
       },
       [](Store& store, const Things& things) {
         return ended(contract::move(store, things.journal.id, things.ids(), State::Live, State::Drained));
       }},
      {"messages are removed", [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things& things) {
         return ended(
             contract::move(store, things.journal.id, {things.mails[1].id}, State::Live, std::nullopt));
       }},
      {"a record is written", [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things& things) {
         return ended(store.put_if({Kind::Setting, things.journal.id, "key"}, 0, to_bytes("value"), kNote));
       }},
      {"a record of the vault is removed",
       [](Store& store, Clocks&, const Things&) {
         REQUIRE(store.put_if({Kind::Route, {}, "out"}, 0, to_bytes("value"), kNote));
       },
       [](Store& store, const Things&) {
         const auto record = store.get({Kind::Route, {}, "out"});
         return record ? store.erase_if(record->key, record->version, kNote) : ended(record);
       }},
      {"a checkpoint", [](Store& store, Clocks&, const Things& things) { with_mail(store, things); },
       [](Store& store, const Things&) { return ended(store.checkpoint("test")); }},
      {"a sweep of messages",
       [](Store& store, Clocks& clocks, const Things& things) {
         drained(store, things);
         clocks.pass(2 * kDay);
       },
       [](Store& store, const Things&) { return ended(store.sweep(100, true)); }, true},
      {"a sweep of removal records",
       [](Store& store, Clocks& clocks, const Things& things) {
         drained(store, things);
         clocks.pass(2 * kDay);
         REQUIRE(store.sweep(100, true));
         clocks.pass(100 * kDay);
       },
       [](Store& store, const Things&) { return ended(store.sweep(3, true)); }, true},
      {"a purge",
       [](Store& store, Clocks& clocks, const Things& things) {
         drained(store, things);
         clocks.pass(2 * kDay);
         REQUIRE(store.sweep(100, true));
         clocks.pass(100 * kDay);
         // Three of the four in one pack.
         REQUIRE(store.sweep(3, true));
       },
       [](Store& store, const Things&) -> Result<void> {
         auto purge = store.purge(0);
         while (purge && !purge->done) purge = store.purge(purge->number);
         return ended(purge);
       },
       true},
  };
  return all;
}

struct Fault {
  const char* title;
  bool stops = false;
  bool of_reads = false;  // it makes a difference for reads
  MemoryRados::Verdict before = {};
  MemoryRados::Verdict after = {};
};

const std::vector<Fault>& faults() {
  static const std::vector<Fault> all{
      {"killed before", true, true, {.stop = true}, {}},
      {"killed after", true, false, {}, {.stop = true}},
      {"unanswered, not done", false, true, {.outcome = Outcome::Unanswered}, {}},
      {"unanswered, done", false, false, {}, {.outcome = Outcome::Unanswered}},
      {"unanswered, done later", false, false, {.delay = true}, {}},
      {"full", false, false, {.outcome = Outcome::Full}, {}},
      {"failed", false, false, {.outcome = Outcome::Failed}, {}},
  };
  return all;
}

std::unique_ptr<Store> make_model(const RadosVault& vault) {
  MemoryOptions options;
  options.vault = vault.id;
  options.recovery_recipient = to_bytes("age1test");
  options.signer = contract::plain_signer();
  options.clock = vault.options.clock;
  options.boot_clock = vault.options.boot_clock;
  return make_memory_store(options);
}

// Every object of the data pool is one that an index names.
void check_objects(const RadosVault& vault) {
  std::set<std::string> named;
  for (const std::string& index : vault.rados->names(Pool::Meta)) {
    if (!index.starts_with("m.")) continue;
    for (const auto& [key, value] : vault.rados->pairs(Pool::Meta, index)) {
      CHECK_FALSE(key.starts_with("t"));
      CHECK_FALSE(key.starts_with("o"));
      if (key.starts_with("k"))
        named.insert("p." + index.substr(2) + "." + key.substr(1, 16) + "." + key.substr(17));
    }
  }
  for (const std::string& object : vault.rados->names(Pool::Data)) {
    INFO("object " << object);
    // The name of a pack has 68 characters; that of a part is longer.
    CHECK(named.contains(object.substr(0, 68)));
  }
}

// What a store has before and after a scenario, as text, and the calls of the scenario.
struct Expected {
  std::string before;
  std::string after;
  std::vector<bool> reads;  // for each call whether it reads
};

Expected expected_of(const Scenario& scenario, const Things& things, const VaultId& id) {
  const RadosVault vault(id);
  const auto model = make_model(vault);
  scenario.prepare(*model, *vault.clocks, things);
  Expected expected{contract::dump(*model), {}, {}};
  REQUIRE(scenario.act(*model, things));
  expected.after = contract::dump(*model);
  RadosVault other(id);
  const auto store = other.open();
  scenario.prepare(*store, *other.clocks, things);
  REQUIRE((contract::dump(*store) == expected.before));
  other.rados->hook([&](const MemoryRados::Call& call) {
    if (call.when == MemoryRados::Call::Before) expected.reads.push_back(call.what == "read");
    return MemoryRados::Verdict{};
  });
  CHECK(scenario.act(*store, things));
  other.rados->hook(nullptr);
  CHECK((contract::dump(*store) == expected.after));
  return expected;
}

// Runs a scenario with a fault at the call with this number.
void survive(const Scenario& scenario, const Fault& fault, std::uint64_t number, const Things& things,
             const VaultId& id, const Expected& expected) {
  const std::string& before = expected.before;
  const std::string& after = expected.after;
  RadosVault vault(id);
  auto store = vault.open();
  scenario.prepare(*store, *vault.clocks, things);
  std::uint64_t calls = 0;
  std::string where;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    if (call.when == MemoryRados::Call::Before) ++calls;
    if (calls != number + 1) return MemoryRados::Verdict{};
    where = std::string(call.what) + " " + std::string(call.object.substr(0, 2));
    return call.when == MemoryRados::Call::Before ? fault.before : fault.after;
  });
  const Result<void> result = scenario.act(*store, things);
  vault.rados->hook(nullptr);
  INFO(scenario.title << ", " << fault.title << ", call " << number << ": " << where << ", result "
                      << (result ? "ok" : result.error().text()));
  REQUIRE(calls > number);
  vault.rados->release();
  const bool unknown = !result && (scenario.steps || result.error().code() == Code::Unknown);
  const auto check = [&](const std::string& found) {
    if (result) CHECK((found == after));
    if (!result && !unknown) CHECK((found == before));
    if (unknown) CHECK((found == before || found == after));
  };
  // A fault of the cluster does not need a new keeper.
  if (!fault.stops && !unknown) check(contract::dump(*store));
  if (fault.stops || number % 2 == 0) {
    vault.kill(std::move(store));
    store = vault.open();
  }
  const std::string found = contract::dump(*store);
  check(found);
  if (found == before) {
    const Result<void> again = scenario.act(*store, things);
    INFO("again: " << (again ? "ok" : again.error().text()));
    REQUIRE(again);
    CHECK((contract::dump(*store) == after));
  }
  for (int i = 0; i < 2; ++i) {
    vault.clocks->pass(11LL * 60 * contract::kSecond);
    REQUIRE(store->sweep(1, false));
  }
  if (!fault.stops && number % 2 != 0) {
    // A pack whose change had no answer is left to the next keeper.
    vault.kill(std::move(store));
    store = vault.open();
    REQUIRE(store->sweep(1, false));
  }
  check_objects(vault);
}

TEST_CASE("a fault at any operation of the cluster leaves a change whole or undone", "[one-thread]") {
  const Things things;
  const auto id = random_id<VaultId>();
  for (const Scenario& scenario : scenarios()) {
    const Expected expected = expected_of(scenario, things, id);
    for (const Fault& fault : faults()) {
      for (std::uint64_t number = 0; number < expected.reads.size(); ++number) {
        if (fault.of_reads || !expected.reads[number]) survive(scenario, fault, number, things, id, expected);
      }
    }
  }
}

TEST_CASE("a write that is done later does not pass for the one after it") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, contract::new_mailbox("journal"));
  const Mail first = contract::new_mail();
  const Mail second = contract::new_mail();
  REQUIRE(contract::deliver(*store, mailbox.id, contract::new_mail()));
  // The change of the index has no answer, and nothing after it has.
  bool silent = false;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.when == MemoryRados::Call::After) return verdict;
    if (silent) verdict.outcome = Outcome::Unanswered;
    if (call.what == "write" && call.pool == Pool::Meta && !silent) silent = verdict.delay = true;
    return verdict;
  });
  const auto unknown = contract::deliver(*store, mailbox.id, first);
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == Code::Unknown);
  // It is done at the moment of the next change, which has no answer either and is not done.
  bool once = true;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.when == MemoryRados::Call::After || call.what != "write" || call.pool != Pool::Meta)
      return verdict;
    if (std::exchange(once, false)) {
      verdict.release = true;
      verdict.outcome = Outcome::Unanswered;
    }
    return verdict;
  });
  REQUIRE(contract::deliver(*store, mailbox.id, second));
  CHECK_FALSE(once);
  vault.rados->hook(nullptr);
  CHECK(contract::read_all(*store, mailbox.id, first.id) == first.container);
  CHECK(contract::read_all(*store, mailbox.id, second.id) == second.container);
  CHECK(contract::history(*store, mailbox.id).size() == 4);
  contract::dump(*store);
}

TEST_CASE("a keeper that was shut out of the cluster changes nothing more and says so once") {
  RadosVault vault;
  int failures = 0;
  vault.options.failed = [&](const Error&) { ++failures; };
  const auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, contract::new_mailbox("journal"));
  vault.rados->fence(vault.client());
  for (int i = 0; i < 3; ++i) {
    const auto refused = contract::deliver(*store, mailbox.id, contract::new_mail());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == Code::Unavailable);
  }
  CHECK(failures == 1);
  CHECK_FALSE(store->health().value().writable);
}

TEST_CASE("a keeper that opens a vault stops the one that had it open") {
  RadosVault vault;
  int failures = 0;
  vault.options.failed = [&](const Error&) { ++failures; };
  const auto old = vault.open();
  const MailboxRecord mailbox = contract::put(*old, contract::new_mailbox("journal"));
  const Mail first = contract::new_mail();
  REQUIRE(contract::deliver(*old, mailbox.id, first));
  const auto store = vault.open();
  REQUIRE(contract::deliver(*store, mailbox.id, contract::new_mail()));
  const auto refused = contract::deliver(*old, mailbox.id, contract::new_mail());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Unavailable);
  CHECK(failures == 1);
  CHECK(contract::read_all(*store, mailbox.id, first.id) == first.container);
  CHECK(contract::history(*store, mailbox.id).size() == 3);
}

TEST_CASE("on a full cluster mail is refused, and draining goes on") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, contract::new_mailbox("journal"));
  const Mail mail = contract::sealed_mail(1000);
  REQUIRE(contract::deliver(*store, mailbox.id, mail));
  vault.rados->fill(true);
  const auto refused = contract::deliver(*store, mailbox.id, contract::new_mail());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Full);
  CHECK(store->health().value().full);
  REQUIRE(contract::move(*store, mailbox.id, {mail.id}, State::Live, State::Drained));
  vault.clocks->pass(2 * kDay);
  CHECK(store->sweep(10, true).value().expired == 1);
  CHECK(store->removal_records(mailbox.id, {}, 10).value().size() == 1);
  vault.rados->fill(false);
  CHECK(contract::deliver(*store, mailbox.id, contract::new_mail()));
}

}  // namespace
}  // namespace gw::store
