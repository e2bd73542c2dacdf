// The table of operations (gw-keeper(7), "Sockets"), written down a second time and asked of a
// running server.
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/linked.h"
#include "keeper/pool.h"
#include "keeper/server/operations.h"
#include "support/store_contract.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;
using proto::Request;
using Fill = std::function<void(Request&)>;

struct Case {
  std::string_view what;  // beside the name of the operation
  std::set<Role> allowed;
  Fill fill;
};

const std::set<Role> kAll{Role::Append, Role::Drain, Role::Admin};
const std::set<Role> kAppend{Role::Append, Role::Admin};
const std::set<Role> kDrain{Role::Drain, Role::Admin};
const std::set<Role> kAdmin{Role::Admin};

// A request whose fields do not matter.
template <auto kOperation>
Fill any() {
  return [](Request& request) { (request.*kOperation)(); };
}
Fill transition(store::State from, std::optional<store::State> to, bool token, bool leased) {
  return [=](Request& request) {
    proto::TransitionRequest& change = *request.mutable_transition();
    change.set_from(static_cast<std::uint32_t>(from));
    change.set_to(to ? static_cast<std::uint32_t>(*to) : 0);
    if (token) change.set_token(std::string(16, 't'));
    if (leased) change.set_lease(0);
  };
}
Fill get(store::Kind kind, const MailboxId& mailbox = {}) {
  return [=](Request& request) { put(store::RecordKey{kind, mailbox, "x"}, *request.mutable_get()); };
}
Fill scan(store::Kind kind, const MailboxId& mailbox = {}) {
  return [=](Request& request) {
    put(store::RecordKey{kind, mailbox, "x"}, *request.mutable_scan()->mutable_after());
  };
}
Fill put_if(store::Kind kind, const MailboxId& mailbox = {}) {
  return [=](Request& request) {
    put(store::RecordKey{kind, mailbox, "x"}, *request.mutable_put_if()->mutable_key());
  };
}
Fill erase_if(store::Kind kind, const MailboxId& mailbox = {}) {
  return [=](Request& request) {
    put(store::RecordKey{kind, mailbox, "x"}, *request.mutable_erase_if()->mutable_key());
  };
}
Fill lookup(store::Lookup how) {
  return [=](Request& request) { request.mutable_resolve()->set_lookup(static_cast<std::uint32_t>(how)); };
}
Bytes leaf_of(store::LeafType type) {
  store::Leaf leaf;
  leaf.type = type;
  return store::encode(leaf);
}
Fill note(store::LeafType type) {
  return [=](Request& request) { put_bytes(leaf_of(type), *request.mutable_note()->mutable_leaf()); };
}
Fill note_messages(store::LeafType type) {
  return
      [=](Request& request) { put_bytes(leaf_of(type), *request.mutable_note_messages()->mutable_leaf()); };
}

std::vector<Case> table(const MailboxId& mailbox) {
  using store::Kind;
  using store::LeafType;
  using store::Lookup;
  using store::State;
  return {
      {"", kAll, any<&Request::mutable_health>()},
      {"", kAll, any<&Request::mutable_report_stats>()},
      {"", kAdmin, any<&Request::mutable_server_stats>()},
      {"", kAll, any<&Request::mutable_guess>()},
      {"", kDrain, any<&Request::mutable_permit>()},
      {"", kDrain, any<&Request::mutable_return_permit>()},
      {"", kAdmin, any<&Request::mutable_put_mailbox>()},
      {"", kAdmin, any<&Request::mutable_remove_mailbox>()},
      {"", kDrain, any<&Request::mutable_mailbox>()},
      {"", kAdmin, any<&Request::mutable_mailboxes>()},
      {"a recipient", kAll, lookup(Lookup::Recipient)},
      {"a login", kDrain, lookup(Lookup::Login)},
      {"", kDrain, any<&Request::mutable_stat>()},
      {"a slot", kDrain, get(Kind::Slot, mailbox)},
      {"a setting of the vault", kDrain, get(Kind::Setting)},
      {"a setting of a mailbox", kAdmin, get(Kind::Setting, mailbox)},
      {"a mailbox", kAdmin, get(Kind::Mailbox, mailbox)},
      {"an administrator", kAdmin, get(Kind::Admin)},
      {"a route", kAppend, get(Kind::Route)},
      {"a route of a mailbox", kAdmin, get(Kind::Route, mailbox)},
      {"a route", kAdmin, put_if(Kind::Route)},
      {"a slot", kAdmin, put_if(Kind::Slot, mailbox)},
      {"a route", kAdmin, erase_if(Kind::Route)},
      {"a slot", kAdmin, erase_if(Kind::Slot, mailbox)},
      {"routes", kAppend, scan(Kind::Route)},
      {"settings", kAdmin, scan(Kind::Setting)},
      {"slots", kAdmin, scan(Kind::Slot, mailbox)},
      {"", kAppend, any<&Request::mutable_begin>()},
      {"", kAll, any<&Request::mutable_abort>()},
      {"", kAppend, any<&Request::mutable_find>()},
      {"", kDrain, any<&Request::mutable_list>()},
      {"", kDrain, any<&Request::mutable_envelope>()},
      {"", kDrain, any<&Request::mutable_read>()},
      {"", kDrain, any<&Request::mutable_opening>()},
      {"its own pending", kAppend, transition(State::Pending, State::Live, true, false)},
      {"its own, discarded", kAppend, transition(State::Pending, {}, true, false)},
      {"pending without a token", kAdmin, transition(State::Pending, State::Live, false, false)},
      {"drain under a lease", kDrain, transition(State::Live, State::Drained, false, true)},
      {"drain unconfirmed ones", kDrain, transition(State::Unconfirmed, State::Drained, false, true)},
      {"drain without a lease", kAdmin, transition(State::Live, State::Drained, false, false)},
      {"remove under a lease", kAdmin, transition(State::Live, {}, false, true)},
      {"remove drained ones under a lease", kAdmin, transition(State::Drained, {}, false, true)},
      {"undelete", kAdmin, transition(State::Drained, State::Live, false, true)},
      {"quarantine under a lease", kDrain, transition(State::Live, State::Quarantined, false, true)},
      {"quarantine with a token", kAdmin, transition(State::Live, State::Quarantined, true, false)},
      {"release under a lease", kAdmin, transition(State::Quarantined, State::Live, false, true)},
      {"", kAppend, any<&Request::mutable_seen>()},
      {"", kDrain, any<&Request::mutable_acquire>()},
      {"", kDrain, any<&Request::mutable_renew>()},
      {"", kDrain, any<&Request::mutable_release>()},
      {"", kAdmin, any<&Request::mutable_history_head>()},
      {"", kAdmin, any<&Request::mutable_history_read>()},
      {"of an export", kDrain, note(LeafType::Exported)},
      {"of a drain without QUIT", kDrain, note(LeafType::Interrupted)},
      {"of a refusal", kAppend, note(LeafType::Refused)},
      {"of something drained", kAdmin, note(LeafType::Drained)},
      {"of nothing", kAdmin, any<&Request::mutable_note>()},
      {"of an export", kDrain, note_messages(LeafType::Exported)},
      {"of a refusal", kAdmin, note_messages(LeafType::Refused)},
      {"of nothing", kAdmin, any<&Request::mutable_note_messages>()},
      {"", kAdmin, any<&Request::mutable_checkpoint>()},
      {"", kAdmin, any<&Request::mutable_sweep>()},
      {"", kAdmin, any<&Request::mutable_removal_records>()},
      {"", kAdmin, any<&Request::mutable_purge>()},
      {"", kAdmin, any<&Request::mutable_snapshot>()},
      {"", kAdmin, any<&Request::mutable_snapshot_file>()},
      {"", kAdmin, any<&Request::mutable_snapshot_end>()},
      {"", kAdmin, any<&Request::mutable_suspend>()},
      {"", kAdmin, any<&Request::mutable_resume>()},
      {"", kAdmin, any<&Request::mutable_moved>()},
  };
}

Request request_of(const Case& asked) {
  Request request;
  asked.fill(request);
  return request;
}

// A message in which only the field `number` is set, to an empty message.
template <class Message>
Message with_field(int number) {
  std::string encoded;
  for (int tag = number << 3 | 2; tag != 0; tag >>= 7) {
    encoded.push_back(static_cast<char>((tag & 0x7f) | (tag > 0x7f ? 0x80 : 0)));
  }
  encoded.push_back('\0');
  Message message;
  REQUIRE(message.ParseFromString(encoded));
  return message;
}

// What the server answers; the connection is the test's own, without a pool.
Code ask(Link& link, Role role, const Request& request) {
  auto connection = Connection::open(*link.dial(role), "test");
  REQUIRE(connection);
  REQUIRE((*connection)->send(request));
  if (request.has_begin()) {  // answers only where it is refused
    Request end;
    end.mutable_abort();
    REQUIRE((*connection)->send(end));
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
    const Request request = request_of(asked);
    const Operation* operation = operation_of(request.operation_case());
    REQUIRE(operation != nullptr);
    for (const Role role : {Role::Append, Role::Drain, Role::Admin}) {
      INFO(operation->name << " " << asked.what << " on " << name(role));
      const bool denied = ask(link, role, request) == Code::Usage;
      CHECK(denied == !asked.allowed.contains(role));
    }
  }
  SECTION("the table names every operation") {
    std::set<int> covered{Request::kIntroduction, Request::kCommit};
    for (const Case& asked : cases) covered.insert(request_of(asked).operation_case());
    std::set<int> known;
    for (int number = 1; number < 1000; ++number) {
      if (with_field<Request>(number).operation_case() != Request::OPERATION_NOT_SET) known.insert(number);
    }
    CHECK(known == covered);
  }
  SECTION("an unknown operation is refused on every socket") {
    for (const Role role : kAll) {
      CHECK(ask(link, role, with_field<Request>(999)) == Code::Usage);
      CHECK(ask(link, role, Request()) == Code::Usage);
    }
  }
}

TEST_CASE("the result of an operation has the operation's number") {
  for (int number = 1; number < 1000; ++number) {
    const int operation = with_field<Request>(number).operation_case();
    const bool replies = operation != Request::OPERATION_NOT_SET && operation != Request::kIntroduction &&
                         operation != Request::kBegin;
    if (number == 1 || number == proto::Reply::kFailure) continue;  // `more`, and the error of each
    INFO("operation " << number);
    CHECK((with_field<proto::Reply>(number).result_case() != proto::Reply::RESULT_NOT_SET) == replies);
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

TEST_CASE("fields for administrators are not sent to other sockets") {
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
