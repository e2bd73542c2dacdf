// The server on sockets of its own: paths of any length, the idle end, and the end on request.
#include "keeper/server/server.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "keeper/remote_store.h"
#include "keeper/server/user_name.h"
#include "keeper/sockets.h"
#include "support/memory_store.h"
#include "support/store_contract.h"
#include "support/temp_folder.h"

namespace gw::keeper {
namespace {

namespace contract = gw::store::contract;

bool exists(const std::string& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0;
}

std::vector<RoleListener> listen_in(const std::string& folder) {
  std::vector<RoleListener> listeners;
  for (const Role role : {Role::Append, Role::Drain, Role::Admin}) {
    const std::string file(name(role));
    auto socket = listen_at(folder, file, 0600);
    REQUIRE(socket);
    listeners.push_back({std::move(*socket), role, folder + "/" + file});
  }
  return listeners;
}

std::thread serve(Server& server, const std::string& folder) {
  return std::thread([&server, listeners = listen_in(folder)]() mutable {
    if (!server.run(std::move(listeners))) std::abort();
  });
}

Result<std::unique_ptr<store::Store>> client_of(const std::string& folder) {
  return make_remote_store({[folder] { return connect_to(folder, "admin"); }, "test"});
}

TEST_CASE("sockets work in a directory whose path is longer than an address") {
  const test::TempFolder temp;
  std::string folder = temp.path();
  for (int depth = 0; depth < 4; ++depth) {
    folder += "/" + std::string(60, 'x');
    REQUIRE(::mkdir(folder.c_str(), 0700) == 0);
  }
  auto listening = listen_at(folder, "admin", 0600);
  REQUIRE(listening);
  struct stat found {};
  REQUIRE(::stat((folder + "/admin").c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0600);
  CHECK(connect_to(folder, "admin"));
  listening->reset();
  CHECK(connect_to(folder, "admin").error().code() == Code::NotFound);  // nobody listens any more
  CHECK(listen_at(folder, "admin", 0600));                              // a stale one makes way
  CHECK(connect_to(folder, "drain").error().code() == Code::NotFound);
  CHECK(connect_to(folder + "/none", "drain").error().code() == Code::NotFound);
}

TEST_CASE("a file that is not a socket is not removed") {
  const test::TempFolder temp;
  REQUIRE(::mkdir((temp.path() + "/admin").c_str(), 0700) == 0);
  CHECK(listen_at(temp.path(), "admin", 0600).error().code() == Code::Exists);
}

TEST_CASE("without a client a keeper ends by itself and removes its sockets") {
  const test::TempFolder temp;
  auto store = store::make_memory_store({});
  ServerOptions options;
  options.idle_exit = std::chrono::milliseconds(150);
  Server server(*store, options);
  // Connected before it runs: however late that is, it is not idle before.
  std::vector<RoleListener> listeners = listen_in(temp.path());
  Fd socket = connect_to(temp.path(), "admin").value();
  std::thread serving([&] {
    if (!server.run(std::move(listeners))) std::abort();
  });
  auto client = make_remote_store({[&] { return Result<Fd>(std::move(socket)); }, "test"});
  REQUIRE(client);
  // A connection, busy or not, keeps it alive for longer than that: another one, begun later, has ended by
  // then.
  const test::TempFolder other_folder;
  const auto other_store = store::make_memory_store({});
  Server other(*other_store, options);
  serve(other, other_folder.path()).join();
  REQUIRE((*client)->health());
  CHECK(exists(temp.path() + "/admin"));
  client->reset();
  serving.join();
  for (const char* file : {"append", "drain", "admin"}) CHECK_FALSE(exists(temp.path() + "/" + file));
}

TEST_CASE("a socket of the service manager is not removed") {
  const test::TempFolder temp;
  auto store = store::make_memory_store({});
  ServerOptions options;
  options.idle_exit = std::chrono::milliseconds(1);
  Server server(*store, options);
  std::vector<RoleListener> listeners = listen_in(temp.path());
  for (RoleListener& listener : listeners) listener.path.clear();
  REQUIRE(server.run(std::move(listeners)));
  CHECK(exists(temp.path() + "/admin"));
}

TEST_CASE("a keeper that has to stop answers the requests that have arrived and ends all connections") {
  const test::TempFolder temp;
  auto store = store::make_memory_store({});
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  Server server(*store, {});
  std::thread serving = serve(server, temp.path());
  auto client = client_of(temp.path());
  REQUIRE(client);
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<int> unknown = 0;
  std::vector<std::thread> senders;
  for (int number = 0; number < 8; ++number) {
    senders.emplace_back([&] {
      for (;;) {
        auto stored = contract::deliver(**client, mailbox, contract::new_mail());
        if (stored) ++accepted;
        if (!stored && stored.error().code() == Code::Unknown) ++unknown;
        if (!stored) return;
      }
    });
  }
  while (accepted < 100) std::this_thread::yield();
  server.stop();
  serving.join();
  for (std::thread& sender : senders) sender.join();
  CHECK(server.connections() == 0);
  CHECK(unknown == 0);
  CHECK(store->stat(mailbox).value().live == accepted);
}

TEST_CASE("drained mail is swept when its grace period has ended") {
  const test::TempFolder temp;
  auto store = store::make_memory_store({});
  store::MailboxRecord record = contract::new_mailbox("journal");
  record.grace = 1;
  record = contract::put(*store, record);
  const contract::Mail mail = contract::new_mail();
  REQUIRE(contract::deliver(*store, record.id, mail));
  REQUIRE(contract::move(*store, record.id, {mail.id}, store::State::Live, store::State::Drained));
  ServerOptions options;
  options.sweep_every = std::chrono::milliseconds(20);
  Server server(*store, options);
  std::thread serving = serve(server, temp.path());
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (store->find(record.id, mail.id) && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  CHECK_FALSE(store->find(record.id, mail.id));
  server.stop();
  serving.join();
}

TEST_CASE("the history names users by /etc/passwd, and only by names without special characters") {
  const test::TempFolder temp;
  const std::string path = temp.path() + "/passwd";
  {
    std::ofstream file(path);
    file << "root:x:0:0:root:/root:/bin/sh\ngw-receive:x:991:990::/:/sbin/nologin\n"
         << "a) admin b:x:7:7::/:/bin/sh\nlast:x:8:8::/:/bin/sh\n";
  }
  CHECK(user_name(0, path) == "root");
  CHECK(user_name(991, path) == "gw-receive");
  CHECK(user_name(8, path) == "last");
  CHECK(user_name(7, path).empty());
  CHECK(user_name(12345, path).empty());
  CHECK(user_name(0, path + ".gone").empty());
}

}  // namespace
}  // namespace gw::keeper
