// A snapshot over the keeper's socket: files come as descriptors, and it ends with its connection.
#include <catch2/catch.hpp>
#include <filesystem>
#include <map>

#include "base/file.h"
#include "base/log.h"
#include "keeper/convert.h"
#include "keeper/linked.h"
#include "store/local/local_store.h"
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
  bool is_there() const { return std::filesystem::exists(path + "/snapshot"); }
};

// Names and bytes of all its files.
std::map<std::string, std::string> files(store::Snapshot& snapshot) {
  std::map<std::string, std::string> all;
  for (;;) {
    auto file = snapshot.next();
    REQUIRE(file);
    if (!*file) return all;
    std::string data((*file)->size + 1, '\0');
    const auto got = read_some((*file)->content.get(), std::as_writable_bytes(std::span(data)), "a file");
    REQUIRE(got);
    CHECK(*got == (*file)->size);
    data.resize(*got);
    CHECK(all.emplace((*file)->name, data).second);
  }
}

TEST_CASE_METHOD(Fixture, "the files of a snapshot are sent as they are on the disk") {
  const contract::Mail large = contract::new_mail(700'000);
  REQUIRE(contract::deliver(*link.store, mailbox, large));
  const auto admin = link.connect(Role::Admin);
  auto snapshot = admin->snapshot();
  REQUIRE(snapshot);
  CHECK((*snapshot)->commits() == link.store->health()->commits);
  const auto got = files(**snapshot);
  CHECK(got.contains("db/CURRENT"));
  CHECK(got.at("format") == read_file(path + "/format").value());
  CHECK(got.at("large/" + large.id.hex()) == as_text(large.container));

  SECTION("the connection serves other requests meanwhile") {
    CHECK(admin->health());
    REQUIRE(contract::deliver(*admin, mailbox, contract::new_mail()));
  }
  SECTION("there is one snapshot at a time") {
    CHECK(admin->snapshot().error().code() == Code::Busy);
    CHECK(link.connect(Role::Admin)->snapshot().error().code() == Code::Busy);
  }
  CHECK(is_there());
  snapshot->reset();
  CHECK_FALSE(is_there());
  CHECK(admin->snapshot());
}

TEST_CASE_METHOD(Fixture, "a snapshot ends with its connection") {
  {
    Channel channel{*link.dial(Role::Admin)};
    REQUIRE(channel.next());
    proto::Request request;
    request.mutable_snapshot();
    Bytes out;
    REQUIRE(add_control(out, request));
    REQUIRE(channel.send(ByteView(out)));
    REQUIRE(channel.next());
    CHECK(is_there());
  }
  await("its folder is removed", [&] { return !is_there(); });
}

TEST_CASE_METHOD(Fixture, "a snapshot whose keeper ends is Busy, and leaves nothing") {
  const auto admin = link.connect(Role::Admin);
  auto snapshot = admin->snapshot();
  REQUIRE(snapshot);
  REQUIRE((*snapshot)->next());
  link.end();
  CHECK((*snapshot)->next().error().code() == Code::Busy);
  CHECK_FALSE(is_there());
}

TEST_CASE_METHOD(Fixture, "the append and drain sockets refuse a snapshot") {
  for (const Role role : {Role::Append, Role::Drain}) {
    const auto store = link.connect(role);
    CHECK(store->snapshot().error().code() == Code::Usage);
    CHECK_FALSE(is_there());
  }
}

TEST_CASE("a store without files has no snapshot") {
  log::open("test", log::Target::Nowhere);
  Link link(store::make_memory_store({}));
  CHECK(link.connect(Role::Admin)->snapshot().error().code() == Code::Unavailable);
}

}  // namespace
}  // namespace gw::keeper::test
