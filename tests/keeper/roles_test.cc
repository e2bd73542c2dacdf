// The table of vault.md section 4, written down a second time and asked of a running server.
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/linked.h"
#include "keeper/pool.h"
#include "support/store_contract.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;
using proto::Request;
using Fill = std::function<void(Request&)>;

struct Case {
  proto::Op op;
  std::string_view what;
  std::set<Role> allowed;
  Fill fill;
};

const std::set<Role> kAll{Role::Append, Role::Drain, Role::Admin};
const std::set<Role> kAppend{Role::Append, Role::Admin};
const std::set<Role> kDrain{Role::Drain, Role::Admin};
const std::set<Role> kAdmin{Role::Admin};

Fill nothing() {
  return [](Request&) {};
}
Fill transition(store::State from, std::optional<store::State> to, bool token, bool leased) {
  return [=](Request& request) {
    proto::Transition& change = *request.mutable_transition();
    change.set_from(static_cast<std::uint32_t>(from));
    change.set_to(to ? static_cast<std::uint32_t>(*to) : 0);
    if (token) change.set_token(std::string(16, 't'));
    change.set_leased(leased);
  };
}
Fill record(store::Kind kind, const MailboxId& mailbox = {}) {
  return [=](Request& request) { put(store::RecordKey{kind, mailbox, "x"}, request); };
}
Fill lookup(store::Lookup how) {
  return [=](Request& request) { request.set_number(static_cast<std::uint64_t>(how)); };
}

Fill leaf(store::LeafType type) {
  return [=](Request& request) {
    store::Leaf noted;
    noted.type = type;
    put_bytes(store::encode(noted), *request.mutable_value());
  };
}

std::vector<Case> table(const MailboxId& mailbox) {
  using store::Kind;
  using store::Lookup;
  using store::State;
  return {
      {proto::OP_HEALTH, "", kAll, nothing()},
      {proto::OP_PUT_MAILBOX, "", kAdmin, nothing()},
      {proto::OP_DROP_MAILBOX, "", kAdmin, nothing()},
      {proto::OP_MAILBOX, "", kDrain, nothing()},
      {proto::OP_MAILBOXES, "", kAdmin, nothing()},
      {proto::OP_RESOLVE, "a recipient", kAll, lookup(Lookup::Recipient)},
      {proto::OP_RESOLVE, "a login", kDrain, lookup(Lookup::Login)},
      {proto::OP_STAT, "", kDrain, nothing()},
      {proto::OP_BEGIN, "", kAppend, nothing()},
      {proto::OP_ABORT, "", kAll, nothing()},
      {proto::OP_FIND, "", kAppend, nothing()},
      {proto::OP_LIST, "", kDrain, nothing()},
      {proto::OP_ENVELOPE, "", kDrain, nothing()},
      {proto::OP_READ, "", kDrain, nothing()},
      {proto::OP_OPENING, "", kDrain, nothing()},
      {proto::OP_TRANSITION, "its own pending", kAppend,
       transition(State::Pending, State::Live, true, false)},
      {proto::OP_TRANSITION, "its own, discarded", kAppend, transition(State::Pending, {}, true, false)},
      {proto::OP_TRANSITION, "pending without a receipt", kAdmin,
       transition(State::Pending, State::Live, false, false)},
      {proto::OP_TRANSITION, "drain under a lease", kDrain,
       transition(State::Live, State::Drained, false, true)},
      {proto::OP_TRANSITION, "drain unconfirmed ones", kDrain,
       transition(State::Unconfirmed, State::Drained, false, true)},
      {proto::OP_TRANSITION, "drain without a lease", kAdmin,
       transition(State::Live, State::Drained, false, false)},
      {proto::OP_TRANSITION, "remove under a lease", kAdmin, transition(State::Live, {}, false, true)},
      {proto::OP_TRANSITION, "remove drained ones under a lease", kAdmin,
       transition(State::Drained, {}, false, true)},
      {proto::OP_TRANSITION, "undelete", kAdmin, transition(State::Drained, State::Live, false, true)},
      {proto::OP_TRANSITION, "quarantine under a lease", kDrain,
       transition(State::Live, State::Quarantined, false, true)},
      {proto::OP_TRANSITION, "quarantine with a token", kAdmin,
       transition(State::Live, State::Quarantined, true, false)},
      {proto::OP_TRANSITION, "release under a lease", kAdmin,
       transition(State::Quarantined, State::Live, false, true)},
      {proto::OP_SEEN, "", kAppend, nothing()},
      {proto::OP_ACQUIRE, "", kDrain, nothing()},
      {proto::OP_RENEW, "", kDrain, nothing()},
      {proto::OP_RELEASE, "", kDrain, nothing()},
      {proto::OP_PERMIT, "", kDrain, nothing()},
      {proto::OP_RETURN, "", kDrain, nothing()},
      {proto::OP_GUESS, "", kAll, nothing()},
      {proto::OP_GET, "a slot", kDrain, record(Kind::Slot, mailbox)},
      {proto::OP_GET, "a setting of the vault", kDrain, record(Kind::Setting)},
      {proto::OP_GET, "a setting of a mailbox", kAdmin, record(Kind::Setting, mailbox)},
      {proto::OP_GET, "a mailbox", kAdmin, record(Kind::Mailbox, mailbox)},
      {proto::OP_GET, "an administrator", kAdmin, record(Kind::Admin)},
      {proto::OP_GET, "a route", kAppend, record(Kind::Route)},
      {proto::OP_SCAN, "routes", kAppend, record(Kind::Route)},
      {proto::OP_GET, "a route of a mailbox", kAdmin, record(Kind::Route, mailbox)},
      {proto::OP_PUT_IF, "a route", kAdmin, record(Kind::Route)},
      {proto::OP_ERASE_IF, "a route", kAdmin, record(Kind::Route)},
      {proto::OP_SCAN, "settings", kAdmin, record(Kind::Setting)},
      {proto::OP_PUT_IF, "a slot", kAdmin, record(Kind::Slot, mailbox)},
      {proto::OP_ERASE_IF, "a slot", kAdmin, record(Kind::Slot, mailbox)},
      {proto::OP_SCAN, "slots", kAdmin, record(Kind::Slot, mailbox)},
      {proto::OP_HISTORY_HEAD, "", kAdmin, nothing()},
      {proto::OP_HISTORY_READ, "", kAdmin, nothing()},
      {proto::OP_NOTE, "of an export", kDrain, leaf(store::LeafType::Exported)},
      {proto::OP_NOTE, "of a drain without QUIT", kDrain, leaf(store::LeafType::Interrupted)},
      {proto::OP_NOTE, "of a refusal", kAppend, leaf(store::LeafType::Refused)},
      {proto::OP_NOTE, "of something drained", kAdmin, leaf(store::LeafType::Drained)},
      {proto::OP_NOTE, "of nothing", kAdmin, nothing()},
      {proto::OP_CHECKPOINT, "", kAdmin, nothing()},
      {proto::OP_SWEEP, "", kAdmin, nothing()},
      {proto::OP_REPORT_STATS, "", kAll, nothing()},
      {proto::OP_SERVER_STATS, "", kAdmin, nothing()},
      {proto::OP_SNAPSHOT, "", kAdmin, nothing()},
      {proto::OP_SNAPSHOT_FILE, "", kAdmin, nothing()},
      {proto::OP_SNAPSHOT_END, "", kAdmin, nothing()},
      {proto::OP_SUSPEND, "", kAdmin, nothing()},
      {proto::OP_RESUME, "", kAdmin, nothing()},
      {proto::OP_MOVED, "", kAdmin, nothing()},
      {proto::OP_SWEPT, "", kAdmin, nothing()},
      {proto::OP_PURGE, "", kAdmin, nothing()},
  };
}

// What the server answers; the connection is the test's own, without a pool.
Code ask(Link& link, Role role, const MailboxId& mailbox, const Case& asked) {
  auto connection = Connection::open(*link.dial(role), "test");
  REQUIRE(connection);
  Request& request = (*connection)->fresh_request();
  request.set_op(asked.op);
  put_bytes(mailbox.view(), *request.mutable_mailbox());
  put_bytes(random_id<MessageId>().view(), *request.mutable_message());
  asked.fill(request);
  REQUIRE((*connection)->send());
  if (asked.op == proto::OP_BEGIN) {  // answers only where it is refused
    Request& end = (*connection)->fresh_request();
    end.set_op(proto::OP_ABORT);
    REQUIRE((*connection)->send());
  }
  REQUIRE((*connection)->receive());
  auto refused = (*connection)->refusal();
  return refused ? Code::Internal : refused.error().code();
}

TEST_CASE("each operation is allowed or refused on each socket as the table says") {
  log::open("test", log::Target::Nowhere);
  Link link(store::make_memory_store({}));
  const MailboxId mailbox = contract::put(*link.store, contract::new_mailbox("journal")).id;
  const std::vector<Case> cases = table(mailbox);
  for (const Case& asked : cases) {
    for (const Role role : {Role::Append, Role::Drain, Role::Admin}) {
      INFO(proto::Op_Name(asked.op) << " " << asked.what << " on " << name(role));
      const bool denied = ask(link, role, mailbox, asked) == Code::Usage;
      CHECK(denied == !asked.allowed.contains(role));
    }
  }
  SECTION("and none is missing here") {
    std::set<int> covered{proto::OP_NONE, proto::OP_COMMIT};
    for (const Case& asked : cases) covered.insert(asked.op);
    for (int op = proto::Op_MIN; op <= proto::Op_MAX; ++op) {
      INFO("operation " << op);
      CHECK((!proto::Op_IsValid(op) || covered.contains(op)));
    }
  }
  SECTION("an operation that there is not is refused everywhere") {
    const Case unknown{static_cast<proto::Op>(99), "", {}, nothing()};
    for (const Role role : kAll) CHECK(ask(link, role, mailbox, unknown) == Code::Usage);
  }
}

TEST_CASE("a commit on the drain socket is refused, and leaves nothing") {
  log::open("test", log::Target::Nowhere);
  Link link(store::make_memory_store({}));
  const MailboxId mailbox = contract::put(*link.store, contract::new_mailbox("journal")).id;
  auto drain = link.connect(Role::Drain);
  const contract::Mail mail = contract::new_mail(200'000);
  auto refused = contract::deliver(*drain, mailbox, mail);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Usage);
  CHECK(link.store->list(mailbox, 0, 10).value().empty());
  CHECK(drain->stat(mailbox));
}

TEST_CASE("what only administrators see of a mailbox stays with them") {
  Link link(store::make_memory_store({}));
  store::MailboxRecord record = contract::new_mailbox("journal");
  record.description = "of the board";
  record = contract::put(*link.store, record);
  CHECK(link.connect(Role::Admin)->mailbox(record.id).value().description == "of the board");
  CHECK(link.connect(Role::Drain)->mailbox(record.id).value().description.empty());
  const std::string address = record.local_part();
  CHECK(link.connect(Role::Append)
            ->resolve(address, store::Lookup::Recipient)
            .value()
            .mailbox.description.empty());
}

}  // namespace
}  // namespace gw::keeper::test
