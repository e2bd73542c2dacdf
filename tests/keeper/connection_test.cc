// Connections that end: what then is done, not done, or not known.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/linked.h"
#include "support/await.h"
#include "support/store_contract.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;
using contract::Mail;
using gw::test::await;
using store::State;

Code code_of(const auto& result) {
  return result ? Code::Internal : result.error().code();
}

struct Fixture {
  Link link{store::make_memory_store({})};
  MailboxId mailbox = contract::put(*link.store, contract::new_mailbox("journal")).id;
  Fixture() { log::open("test", log::Target::Nowhere); }

  State state_of(const MessageId& message) { return link.store->find(mailbox, message).value().state; }
};

TEST_CASE("what a store says is wrong with it arrives, and an older keeper is judged by its numbers") {
  using Kind = store::Trouble::Kind;
  store::Health health;
  health.vault = random_id<VaultId>();
  health.kind = "rados";
  health.troubles = {{Kind::Other, true, "cluster", "two of three are down", "start them"},
                     {Kind::Full, false, "disk", "full", ""}};
  proto::Health sent;
  put(health, sent);
  auto found = from_proto(sent);
  REQUIRE(found);
  CHECK(found->kind == "rados");
  CHECK(found->troubles == health.troubles);
  sent.mutable_troubles(1)->set_kind(4711);
  CHECK(from_proto(sent)->troubles.at(1).kind == Kind::Other);
  proto::Health older;
  older.set_vault(sent.vault());
  older.set_writable(true);
  older.set_free_bytes(std::uint64_t{1} << 40);
  CHECK(from_proto(older)->troubles.empty());
  older.set_free_bytes(std::uint64_t{1} << 20);
  REQUIRE(from_proto(older)->troubles.size() == 1);
  CHECK(from_proto(older)->troubles.front().kind == Kind::LittleRoom);
  older.set_full(true);
  CHECK(from_proto(older)->troubles.front().kind == Kind::Full);
  older.set_writable(false);
  older.set_reason("why");
  CHECK(from_proto(older)->troubles.front().text == "read-only: why");
}

TEST_CASE("Wrong passwords are counted for all clients of a socket, by source") {
  Fixture fixture;
  using store::Guess;
  const auto one = fixture.link.connect(Role::Drain);
  const auto other = fixture.link.connect(Role::Drain);
  const auto sender = fixture.link.connect(Role::Append);
  for (int i = 0; i < 4; ++i) REQUIRE(one->guess("192.0.2.1", Guess::Wrong));
  CHECK(other->guess("192.0.2.1", Guess::Next).value() == std::chrono::seconds(1));
  CHECK(other->guess("192.0.2.2", Guess::Next).value().count() == 0);
  CHECK(sender->guess("192.0.2.1", Guess::Next).value().count() == 0);
  REQUIRE(other->guess("192.0.2.1", Guess::Right));
  CHECK(one->guess("192.0.2.1", Guess::Next).value().count() == 0);
  CHECK(code_of(one->guess("", Guess::Next)) == Code::BadInput);
  CHECK(code_of(one->guess(std::string(65, 'x'), Guess::Next)) == Code::BadInput);
  CHECK(code_of(one->guess("192.0.2.1", static_cast<Guess>(9))) == Code::BadInput);
}

// A complete append, as the bytes that a client sends.
Bytes frames_of(const MailboxId& mailbox, const Mail& mail) {
  Bytes data;
  proto::Request begin;
  put_bytes(mailbox.view(), *begin.mutable_begin()->mutable_mailbox());
  put_bytes(mail.id.view(), *begin.mutable_begin()->mutable_message());
  REQUIRE(add_control(data, begin));
  add_data(data, mail.container);
  proto::Request commit;
  put(mail.commit, *commit.mutable_commit());
  REQUIRE(add_control(data, commit));
  return data;
}

// A keeper of the test: greets, reads `requests` requests, and closes the connection.
Fd scripted_keeper(std::vector<std::thread>& threads, int requests, std::uint32_t protocol = kProtocol) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  threads.emplace_back([requests, protocol, socket = ends[1]] {
    Channel channel{Fd(socket)};
    proto::Hello hello;
    hello.set_protocol(protocol);
    hello.set_vault(std::string(16, 'v'));
    hello.set_batch(100'000);
    hello.set_chunk(kMaxData);
    Bytes out;
    static_cast<void>(add_control(out, hello));
    static_cast<void>(channel.send(ByteView(out)));
    for (int seen = 0; seen < requests;) {
      auto frame = channel.next();
      if (!frame) return;
      proto::Request request;
      if (frame->kind == FrameKind::Data || !request.ParseFromString(std::string(as_text(frame->data))))
        continue;
      if (!request.has_introduction() && !request.has_begin()) ++seen;
    }
  });
  return Fd(ends[0]);
}

TEST_CASE_METHOD(Fixture, "a connection that is cut anywhere in an append leaves nothing") {
  const Mail mail = contract::new_mail(64);
  const Bytes data = frames_of(mailbox, mail);
  for (std::size_t cut = 0; cut < data.size(); ++cut) {
    Channel channel{*link.dial(Role::Append)};
    REQUIRE(channel.next());
    REQUIRE(channel.send(ByteView(data).first(cut)));
  }
  await("all connections to end", [&] { return link.server->connections() == 0; });
  CHECK(link.store->list(mailbox, 0, 10).value().empty());
  CHECK(link.store->history_head(mailbox).value().size == 1);

  Channel channel{*link.dial(Role::Append)};
  REQUIRE(channel.next());
  REQUIRE(channel.send(ByteView(data)));
  REQUIRE(channel.next());
  CHECK(state_of(mail.id) == State::Live);
}

TEST_CASE("a change without a reply is Unknown, a query Unavailable") {
  std::vector<std::thread> threads;
  int dials = 0;
  auto remote = make_remote_store({[&]() -> Result<Fd> {
                                     if (++dials > 1) return Error(Code::Unavailable, "no keeper");
                                     return scripted_keeper(threads, 1);
                                   },
                                   "test"});
  REQUIRE(remote);
  store::Store& store = **remote;
  const MailboxId mailbox = random_id<MailboxId>();
  SECTION("a commit") {
    const Mail mail = contract::new_mail();
    CHECK(code_of(contract::deliver(store, mailbox, mail)) == Code::Unknown);
    CHECK(code_of(contract::deliver(store, mailbox, mail)) == Code::Unavailable);
  }
  SECTION("a commit after streaming") {
    CHECK(code_of(contract::deliver(store, mailbox, contract::new_mail(300'000))) == Code::Unknown);
  }
  SECTION("a transition") {
    CHECK(code_of(contract::move(store, mailbox, {new_message_id(1)}, State::Live, State::Drained)) ==
          Code::Unknown);
  }
  SECTION("a record") {
    CHECK(code_of(store.put_if({store::Kind::Setting, {}, "x"}, 0, {}, {})) == Code::Unknown);
  }
  SECTION("a lease, which has ended with its connection") {
    CHECK(code_of(store.acquire(mailbox, "x", std::chrono::seconds(60))) == Code::Unavailable);
  }
  SECTION("find") {
    CHECK(code_of(store.find(mailbox, new_message_id(1))) == Code::Unavailable);
  }
  SECTION("list") {
    CHECK(code_of(store.list(mailbox, 0, 10)) == Code::Unavailable);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("if the connection to the keeper fails in any way, every operation is Unavailable") {
  // As a vault that is not mounted, a socket without permission, or a keeper that finds its files damaged.
  const Code code = GENERATE(Code::NotFound, Code::Denied, Code::Corrupt, Code::Exists, Code::Conflict,
                             Code::Busy, Code::Version, Code::Config, Code::BadInput, Code::Io);
  INFO(name(code));
  std::vector<std::thread> threads;
  int dials = 0;
  auto remote = make_remote_store({[&]() -> Result<Fd> {
                                     if (++dials > 1) return Error(code, "on the way");
                                     return scripted_keeper(threads, 0);
                                   },
                                   "test"});
  REQUIRE(remote);
  for (std::thread& thread : threads) thread.join();
  store::Store& store = **remote;
  const MailboxId mailbox = random_id<MailboxId>();
  CHECK(code_of(store.resolve("a@b.example", store::Lookup::Recipient)) == Code::Unavailable);
  CHECK(code_of(store.resolve("a", store::Lookup::Login)) == Code::Unavailable);
  CHECK(code_of(store.get({store::Kind::Slot, mailbox, "password"})) == Code::Unavailable);
  CHECK(code_of(store.find(mailbox, new_message_id(1))) == Code::Unavailable);
  CHECK(code_of(store.mailbox(mailbox)) == Code::Unavailable);
  CHECK(code_of(store.mailboxes()) == Code::Unavailable);
  CHECK(code_of(store.health()) == Code::Unavailable);
  CHECK(code_of(store.acquire(mailbox, "x", std::chrono::seconds(60))) == Code::Unavailable);
  CHECK(code_of(store.permit(1)) == Code::Unavailable);
  CHECK(code_of(contract::deliver(store, mailbox, contract::new_mail())) == Code::Unavailable);
  CHECK(code_of(contract::deliver(store, mailbox, contract::new_mail(300'000))) == Code::Unavailable);
}

TEST_CASE("a reply that cannot be decoded is Unavailable, and not damage of the vault") {
  proto::Reply reply;
  SECTION("bytes that are not a record") {
    reply.mutable_mailbox()->set_record("no record");
  }
  SECTION("the result of another operation") {
    reply.mutable_stat()->set_live(1);
  }
  SECTION("an empty reply") {
    reply.set_more(false);
  }
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Fd ours(ends[0]);
  bool answered = false;  // checked in this thread only: Catch's assertions are not for others
  std::thread keeper([&answered, &reply, socket = Fd(ends[1])]() mutable {
    Channel channel(std::move(socket));
    proto::Hello hello;
    hello.set_protocol(kProtocol);
    put_bytes(random_id<VaultId>().view(), *hello.mutable_vault());
    Bytes out;
    // The client's greeting, then its request.
    if (!add_control(out, hello) || !channel.send(ByteView(out)) || !channel.next() || !channel.next())
      return;
    out.clear();
    answered = add_control(out, reply) && channel.send(ByteView(out));
  });
  auto remote = make_remote_store({[&]() -> Result<Fd> {
                                     if (!ours) return Error(Code::Unavailable, "no keeper");
                                     return std::move(ours);
                                   },
                                   "test"});
  if (!remote) keeper.join();
  REQUIRE(remote);
  CHECK(code_of((*remote)->mailbox(random_id<MailboxId>())) == Code::Unavailable);
  keeper.join();
  CHECK(answered);
}

TEST_CASE("a request that could not be sent is tried again on another connection") {
  std::vector<std::thread> threads;
  int dials = 0;
  auto remote = make_remote_store({[&]() -> Result<Fd> {
                                     if (++dials > 2) return Error(Code::Unavailable, "no keeper");
                                     return scripted_keeper(threads, dials == 1 ? 0 : 1);
                                   },
                                   "test"});
  REQUIRE(remote);
  threads.front().join();
  threads.clear();  // the first keeper has gone, and nothing was asked of it
  CHECK(code_of(contract::deliver(**remote, random_id<MailboxId>(), contract::new_mail())) == Code::Unknown);
  CHECK(dials == 2);
  for (std::thread& thread : threads) thread.join();
  CHECK(code_of(contract::deliver(**remote, random_id<MailboxId>(), contract::new_mail())) ==
        Code::Unavailable);
}

TEST_CASE_METHOD(Fixture, "after a keeper has ended, the next operations find its successor") {
  auto remote = link.connect();
  REQUIRE(contract::deliver(*remote, mailbox, contract::new_mail()));
  link.end();
  CHECK(code_of(remote->health()) == Code::Unavailable);
  link.start_again();
  CHECK(remote->stat(mailbox).value().live == 1);
  REQUIRE(contract::deliver(*remote, mailbox, contract::new_mail(200'000)));
  link.end();
  link.start_again();
  REQUIRE(contract::deliver(*remote, mailbox, contract::new_mail()));
  CHECK(remote->list(mailbox, 0, 10).value().size() == 3);
}

TEST_CASE_METHOD(Fixture, "an append arrives completely, wherever its pieces end") {
  auto remote = link.connect();
  constexpr std::size_t kShort = 4 << 10;  // a rest that waits for what follows
  for (const std::size_t whole : {kMaxData, 2 * kMaxData}) {
    for (const std::size_t more : {std::size_t{0}, std::size_t{1}, std::size_t{216}, kShort, kShort + 1}) {
      for (const std::size_t piece :
           {std::size_t{1000}, kMaxData - 1, kMaxData, kMaxData + 16, 4 * kMaxData}) {
        const Mail mail = contract::new_mail(whole + more);
        auto append = remote->begin(mailbox, mail.id).value();
        for (ByteView rest = mail.container; !rest.empty();) {
          const ByteView now = rest.first(std::min(rest.size(), piece));
          REQUIRE(append->put(now));
          rest = rest.subspan(now.size());
        }
        REQUIRE(append->commit(mail.commit));
        CHECK(contract::read_all(*remote, mailbox, mail.id) == mail.container);
      }
    }
  }
}

TEST_CASE_METHOD(Fixture, "a streamed append whose keeper ends is Unavailable and leaves nothing") {
  auto remote = link.connect();
  const Mail mail = contract::new_mail(1 << 20);
  auto append = remote->begin(mailbox, mail.id);
  REQUIRE((*append)->put(ByteView(mail.container).first(300'000)));
  link.end();
  link.start_again();
  auto put = (*append)->put(ByteView(mail.container).subspan(300'000));
  const Code code = put ? code_of((*append)->commit(mail.commit)) : put.error().code();
  CHECK(code == Code::Unavailable);
  append->reset();
  CHECK(code_of(remote->find(mailbox, mail.id)) == Code::NotFound);
}

TEST_CASE_METHOD(Fixture, "a lease ends with its connection, and nothing is drained under the next one") {
  auto first = link.connect(Role::Drain);
  auto second = link.connect(Role::Drain);
  const Mail mail = contract::new_mail();
  REQUIRE(contract::deliver(*link.store, mailbox, mail));
  auto lease = first->acquire(mailbox, "first", std::chrono::minutes(20));
  REQUIRE(lease);
  REQUIRE((*lease)->renew());
  CHECK(code_of(second->acquire(mailbox, "second", std::chrono::minutes(20))) == Code::Busy);
  SECTION("the keeper was replaced") {
    link.end();
    link.start_again();
    auto next = second->acquire(mailbox, "second", std::chrono::minutes(20));
    REQUIRE(next);
    store::Transition drain;
    drain.mailbox = mailbox;
    drain.messages = {mail.id};
    drain.from = State::Live;
    drain.to = State::Drained;
    drain.lease = lease->get();
    CHECK(code_of(first->transition(drain)) == Code::LeaseLost);
    CHECK(code_of((*lease)->renew()) == Code::LeaseLost);
    CHECK(state_of(mail.id) == State::Live);
    CHECK(first->stat(mailbox));  // the client itself goes on
    drain.lease = next->get();
    CHECK(second->transition(drain).value() == 1);
  }
  SECTION("the client closed the connection") {
    lease->reset();
    first.reset();
    CHECK(second->acquire(mailbox, "second", std::chrono::minutes(20)));
  }
  SECTION("a lease of another store is not valid here") {
    store::Transition drain;
    drain.mailbox = mailbox;
    drain.messages = {mail.id};
    drain.from = State::Live;
    drain.to = State::Drained;
    auto local = link.store->acquire(contract::put(*link.store, contract::new_mailbox("x")).id, "x",
                                     std::chrono::minutes(1));
    drain.lease = local->get();
    CHECK(code_of(first->transition(drain)) == Code::LeaseLost);
  }
}

TEST_CASE_METHOD(Fixture, "a pending message whose client closed the connection becomes unconfirmed") {
  auto proxy = link.connect(Role::Append);
  Mail settled = contract::new_mail();
  settled.commit.pending = true;
  Mail left = contract::new_mail();
  left.commit.pending = true;
  const store::CommitResult committed = contract::deliver(*proxy, mailbox, settled).value();
  REQUIRE(contract::deliver(*proxy, mailbox, left));
  CHECK(state_of(left.id) == State::Pending);

  store::Transition settle;
  settle.mailbox = mailbox;
  settle.messages = {settled.id};
  settle.from = State::Pending;
  settle.to = State::Live;
  CHECK(code_of(proxy->transition(settle)) == Code::Usage);  // without its token
  settle.token = committed.token;
  CHECK(proxy->transition(settle).value() == 1);

  // An append that fails on the way does not take the pending message's connection with it.
  CHECK(code_of(contract::deliver(*proxy, random_id<MailboxId>(), contract::new_mail(1 << 20))) ==
        Code::NotFound);
  CHECK(state_of(left.id) == State::Pending);

  proxy.reset();
  await("the pending message to be marked", [&] { return state_of(left.id) == State::Unconfirmed; });
  CHECK(state_of(settled.id) == State::Live);
  const std::string actor = contract::history(*link.store, mailbox).back().actor;
  CHECK(actor.find("append connection lost") != std::string::npos);
}

TEST_CASE_METHOD(Fixture,
                 "a refused append is reported while it streams, and its connection is still served") {
  auto remote = link.connect();
  const MailboxId nowhere = random_id<MailboxId>();
  const Mail mail = contract::new_mail(100);
  auto append = remote->begin(nowhere, mail.id);
  const Bytes chunk(kMaxData);
  Result<void> put;
  await("the refusal to arrive", [&] { return !(put = (*append)->put(chunk)); });
  CHECK(put.error().code() == Code::NotFound);
  CHECK(code_of((*append)->commit(mail.commit)) == Code::NotFound);
  append->reset();
  REQUIRE(contract::deliver(*remote, mailbox, mail));
  CHECK(link.server->connections() == 1);
}

TEST_CASE_METHOD(Fixture,
                 "of a mailbox and a code one refusal an hour is written, whichever keeper is asked") {
  const MailboxId other = contract::put(*link.store, contract::new_mailbox("other")).id;
  auto remote = link.connect(Role::Append);
  const auto refuse = [&](const MailboxId& of, std::uint64_t code) {
    store::Leaf leaf;
    leaf.type = store::LeafType::Refused;
    leaf.value = code;
    leaf.actor = "smtp 192.0.2.1";
    const std::uint64_t before = link.store->history_head(of).value().size;
    REQUIRE(remote->note(of, leaf));
    return link.store->history_head(of).value().size - before;
  };
  CHECK(refuse(mailbox, 550) == 1);
  for (int times = 0; times < 100; ++times) CHECK(refuse(mailbox, 550) == 0);
  CHECK(refuse(mailbox, 552) == 1);
  CHECK(refuse(other, 550) == 1);
  link.end();
  link.start_again();
  CHECK(refuse(mailbox, 550) == 0);
  CHECK(refuse(mailbox, 552) == 0);
  CHECK(refuse(mailbox, 530) == 1);
}

TEST_CASE("unexpected descriptors are closed") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  Channel channel{Fd(ends[0])};
  const Fd peer(ends[1]);
  Bytes frame;
  REQUIRE(add_control(frame, proto::Reply()));
  const auto open = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
  };
  const auto before = open();
  union {
    cmsghdr header;
    std::array<char, CMSG_SPACE(2 * sizeof(int))> data;
  } ancillary{};
  iovec vector{frame.data(), frame.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = &ancillary;
  message.msg_controllen = sizeof ancillary;
  ancillary.header.cmsg_level = SOL_SOCKET;
  ancillary.header.cmsg_type = SCM_RIGHTS;
  ancillary.header.cmsg_len = CMSG_LEN(2 * sizeof(int));
  const std::array<int, 2> sent{peer.get(), peer.get()};
  std::memcpy(CMSG_DATA(&ancillary.header), sent.data(), sizeof sent);
  REQUIRE(::sendmsg(peer.get(), &message, 0) == static_cast<ssize_t>(frame.size()));
  Fd along;
  REQUIRE(channel.next(&along));
  CHECK_FALSE(along);
  CHECK(open() == before);
}

TEST_CASE_METHOD(Fixture, "a refusal that could not be recorded does not count as recorded") {
  auto remote = link.connect(Role::Append);
  store::Leaf leaf;
  leaf.type = store::LeafType::Refused;
  leaf.value = 550;
  leaf.actor = "smtp 192.0.2.1";
  const auto nobody = random_id<MailboxId>();
  for (int times = 0; times < 2; ++times) CHECK(code_of(remote->note(nobody, leaf)) == Code::NotFound);
}

TEST_CASE_METHOD(Fixture, "a client that breaks the protocol gets an error and is disconnected") {
  const auto says = [&](const Bytes& data) {
    Channel channel{*link.dial(Role::Admin)};
    REQUIRE(channel.next());
    REQUIRE(channel.send(ByteView(data)));
    auto frame = channel.next();
    REQUIRE(frame);
    proto::Reply reply;
    REQUIRE(reply.ParseFromString(std::string(as_text(frame->data))));
    CHECK(error_of(reply.failure()).code() == Code::BadInput);
    CHECK(code_of(channel.next()) == Code::Closed);
  };
  const auto control = [](const proto::Request& request) {
    Bytes data;
    REQUIRE(add_control(data, request));
    return data;
  };
  says(to_bytes("EHLO keeper.example\r\n"));
  says(ByteWriter().u32(3).u8(1).text("\xff\xff\xff").data());
  Bytes stray;
  add_data(stray, as_bytes("octets"));
  says(stray);
  proto::Request commit;
  commit.mutable_commit();
  says(control(commit));
  // Only a request that carries a record may be as long.
  proto::Request stat;
  stat.mutable_stat()->set_mailbox(std::string(70'000, 'x'));
  says(control(stat));
  proto::Request introduction;
  introduction.mutable_introduction()->set_tool(std::string(70'000, 'x'));
  says(control(introduction));
  proto::Request begin;
  put_bytes(mailbox.view(), *begin.mutable_begin()->mutable_mailbox());
  put_bytes(new_message_id(1).view(), *begin.mutable_begin()->mutable_message());
  proto::Request health;
  health.mutable_health();
  Bytes begun = control(begin);
  append(begun, control(health));
  says(begun);
}

// During an update of the package, a client and a keeper of different versions meet: either may be
// the older one. Until one of them is restarted, mail must get a temporary error.
TEST_CASE("a keeper with another version of the protocol is Unavailable") {
  const std::uint32_t other = GENERATE(kProtocol - 1, kProtocol + 1);
  std::vector<std::thread> threads;
  int dials = 0;
  const auto dial = [&]() -> Result<Fd> {
    ++dials;
    return scripted_keeper(threads, 1, other);
  };
  SECTION("at the start of a client") {
    const auto remote = make_remote_store({dial, "test"});
    REQUIRE_FALSE(remote);
    CHECK(remote.error().code() == Code::Unavailable);
    CHECK(remote.error().text() == "the keeper uses protocol version " + std::to_string(other) +
                                       ", but this program uses " + std::to_string(kProtocol));
    CHECK(remote.error().hint() == "stop the running keeper, so that one of this version starts");
    CHECK(dials == 1);
  }
  SECTION("in place of the keeper that a client was connected to") {
    auto remote = make_remote_store({[&]() -> Result<Fd> {
                                       if (dials > 0) return dial();
                                       ++dials;
                                       return scripted_keeper(threads, 0);
                                     },
                                     "test"});
    REQUIRE(remote);
    const MailboxId mailbox = random_id<MailboxId>();
    CHECK(code_of((*remote)->resolve("a@b.example", store::Lookup::Recipient)) == Code::Unavailable);
    CHECK(code_of(contract::deliver(**remote, mailbox, contract::new_mail())) == Code::Unavailable);
    CHECK(code_of(contract::deliver(**remote, mailbox, contract::new_mail(300'000))) == Code::Unavailable);
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE_METHOD(Fixture, "a client of any version can read the version in the keeper's hello") {
  Channel channel{*link.dial(Role::Append)};
  const auto hello = channel.next();
  REQUIRE(hello);
  // Field 1, a varint: what every version of the protocol begins with.
  CHECK(as_text(hello->data).substr(0, 2) == std::string{'\x08', static_cast<char>(kProtocol)});
}

TEST_CASE_METHOD(Fixture, "a list of several pages arrives completely") {
  auto remote = link.connect();
  // Descriptions of 60 kB: a page of 256 KiB has four of them.
  for (int number = 0; number < 9; ++number) {
    store::MailboxRecord record = contract::new_mailbox("long" + std::to_string(number));
    record.description = std::string(60'000, static_cast<char>('a' + number));
    contract::put(*link.store, record);
  }
  const auto records = remote->mailboxes();
  REQUIRE(records);
  const auto stored = link.store->mailboxes().value();
  REQUIRE(records->size() == 10);
  REQUIRE(stored.size() == 10);
  for (std::size_t at = 0; at < stored.size(); ++at) {
    CHECK(store::encode(records->at(at)) == store::encode(stored[at]));
    CHECK(records->at(at).version == stored[at].version);
  }
}

TEST_CASE("connections above the limit of a keeper get a temporary error") {
  ServerOptions options;
  options.connections = 1;
  Link link(store::make_memory_store({}), options);
  auto first = link.connect();
  REQUIRE(first);
  auto second = make_remote_store({[&] { return link.dial(Role::Admin); }, "test"});
  CHECK(code_of(second) == Code::Unavailable);
  CHECK(second.error().exit_status() == exit_status(Code::Busy));
}

TEST_CASE_METHOD(Fixture, "many threads share one client") {
  auto remote = link.connect();
  std::atomic<int> delivered = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int number = 0; number < 64; ++number) {
    threads.emplace_back([&, number] {
      for (int round = 0; round < 20; ++round) {
        const Mail mail = contract::new_mail(number % 8 == 0 ? 150'000 : 1000);
        if (contract::deliver(*remote, mailbox, mail)) ++delivered;
        auto found = remote->find(mailbox, mail.id);
        Bytes data(mail.container.size());
        auto got = remote->read(mailbox, mail.id, 0, data);
        if (!found || !got || *got != data.size() || data != mail.container) ++wrong;
        if (number % 4 == 0 && !remote->permit(1000)) ++wrong;
        if (number % 16 == 1) {
          auto lease = remote->acquire(mailbox, "a thread", std::chrono::minutes(1));
          if (!lease && lease.error().code() != Code::Busy) ++wrong;
          if (lease && !(*lease)->renew()) ++wrong;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(delivered == 64 * 20);
  CHECK(remote->list(mailbox, 0, 10'000).value().size() == 64 * 20);
}

}  // namespace
}  // namespace gw::keeper::test
