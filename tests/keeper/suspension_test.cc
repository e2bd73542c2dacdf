// A suspension over the keeper's socket: it ends with its connection, and a move ends the keeper.
#include <catch2/catch.hpp>
#include <thread>

#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/linked.h"
#include "store/local/local_store.h"
#include "store/vault_format.h"
#include "support/await.h"
#include "support/store_contract.h"
#include "support/temp_folder.h"

namespace gw::keeper::test {
namespace {

namespace contract = gw::store::contract;
using gw::test::await;

struct Fixture {
  gw::test::TempFolder folder;
  std::string path = folder.path() + "/vault";
  Link link{open()};
  MailboxId mailbox = contract::put(*link.store, contract::new_mailbox("journal")).id;

  std::unique_ptr<store::Store> open() {
    log::open("test", log::Target::Nowhere);
    REQUIRE(store::create_local_store(path, random_id<VaultId>(), {}));
    store::LocalOptions options;
    options.path = path;
    auto opened = store::open_local_store(options);
    REQUIRE(opened);
    return std::move(*opened);
  }
  bool accepts() {
    return contract::deliver(*link.connect(Role::Append), mailbox, contract::new_mail()).has_value();
  }
};

TEST_CASE_METHOD(Fixture, "while one client suspends the vault, all others get Busy") {
  const auto admin = link.connect(Role::Admin);
  const auto sender = link.connect(Role::Append);
  auto suspension = admin->suspend();
  REQUIRE(suspension);
  CHECK(contract::deliver(*sender, mailbox, contract::new_mail()).error().code() == Code::Busy);
  CHECK(contract::deliver(*admin, mailbox, contract::new_mail()).error().code() == Code::Busy);
  CHECK(admin->suspend().error().code() == Code::Busy);
  CHECK(link.connect(Role::Admin)->suspend().error().code() == Code::Busy);
  CHECK(admin->snapshot());
  CHECK(sender->resolve("mbx-" + mailbox.hex(), store::Lookup::Recipient));
  suspension->reset();
  CHECK(accepts());
}

TEST_CASE_METHOD(Fixture, "a suspension ends with its connection") {
  {
    Channel channel{*link.dial(Role::Admin)};
    REQUIRE(channel.next());
    proto::Request request;
    request.mutable_suspend();
    Bytes out;
    REQUIRE(add_control(out, request));
    REQUIRE(channel.send(ByteView(out)));
    REQUIRE(channel.next());
    CHECK_FALSE(accepts());
  }
  await("it takes mail again", [&] { return accepts(); });
}

TEST_CASE_METHOD(Fixture, "a pending message that is abandoned during a suspension is not forgotten") {
  auto sender = link.connect(Role::Append);
  contract::Mail mail = contract::new_mail();
  mail.commit.pending = true;
  REQUIRE(contract::deliver(*sender, mailbox, mail));
  const auto state = [&] { return link.store->find(mailbox, mail.id)->state; };
  const auto admin = link.connect(Role::Admin);
  auto suspension = admin->suspend();
  REQUIRE(suspension);
  sender.reset();
  await("its session has ended", [&] { return link.current()->connections() <= 1; });
  CHECK(state() == store::State::Pending);
  suspension->reset();
  await("it is unconfirmed", [&] { return state() == store::State::Unconfirmed; });
}

TEST_CASE_METHOD(Fixture, "a move without a suspension is refused") {
  Channel channel{*link.dial(Role::Admin)};
  REQUIRE(channel.next());
  proto::Request request;
  request.mutable_moved()->set_place("/srv/new");
  request.mutable_moved()->set_token("token");
  Bytes out;
  REQUIRE(add_control(out, request));
  REQUIRE(channel.send(ByteView(out)));
  const auto frame = channel.next();
  REQUIRE(frame);
  proto::Reply reply;
  REQUIRE(reply.ParseFromArray(frame->data.data(), static_cast<int>(frame->data.size())));
  REQUIRE(reply.has_failure());
  CHECK(error_of(reply.failure()).code() == Code::Conflict);
  CHECK(accepts());
}

TEST_CASE_METHOD(Fixture,
                 "a keeper whose vault has moved ends, and tells the client that asked for the move") {
  bool ran = false;
  std::thread running([&] { ran = link.current()->run({}).has_value(); });
  const auto admin = link.connect(Role::Admin);
  auto suspension = admin->suspend();
  REQUIRE(suspension);
  CHECK((*suspension)->moved("", "token").error().code() == Code::BadInput);
  CHECK_FALSE(accepts());
  REQUIRE((*suspension)->moved("/srv/new", "token"));
  running.join();
  CHECK(ran);
  suspension->reset();
  CHECK(contract::deliver(*link.store, mailbox, contract::new_mail()).error().code() == Code::Busy);
  CHECK(store::moved_away(path));
}

TEST_CASE_METHOD(Fixture, "a suspension whose keeper ends moves nothing") {
  const auto admin = link.connect(Role::Admin);
  auto suspension = admin->suspend();
  REQUIRE(suspension);
  link.end();
  CHECK_FALSE((*suspension)->moved("/srv/new", "token"));
  CHECK_FALSE(store::moved_away(path));
}

TEST_CASE("a store without files is not suspended") {
  log::open("test", log::Target::Nowhere);
  Link link(store::make_memory_store({}));
  CHECK(link.connect(Role::Admin)->suspend().error().code() == Code::Unavailable);
}

}  // namespace
}  // namespace gw::keeper::test
