#include "pop3d/server.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>
#include <map>

#include "net/serve.h"
#include "pop3d/pop3_client.h"
#include "pop3d/pop3_vault.h"
#include "pop3d/prefetch.h"
#include "support/await.h"
#include "support/store_shell.h"
#include "support/temp_folder.h"

using namespace gw;
using namespace std::literals;
using test::kPassword;
using test::Pop3Client;
using test::Pop3Vault;

namespace {

const std::vector<std::string> kOddMails{
    "Subject: plain\r\n\r\nbody\r\n",
    "Subject: no final line end\r\n\r\nbody",
    "",
    "\r\n",
    "\n",
    "no header",
    "Subject: bare\n\nlf\rcr\r\r\nend\r",
    "Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n",
    "Subject: dots\n\n.\n.\r.\n",
    "Subject: nul\r\n\r\n\0\0\r\n"s,
    "Subject: long\r\n\r\n" + std::string(200'000, 'x'),
    "Subject: eight bit \xe9\xff\r\n\r\n\x80\r\n",
    ": not a field\r\n\r\n",
    std::string(70'000, '\r'),
    "Subject: chunk\r\n\r\n" + std::string(65'536 - 18, 'y'),
};

TEST_CASE("STAT and LIST give exactly the number of bytes that RETR sends, for every unusual message") {
  const store::Trace trace = GENERATE(store::Trace::Auto, store::Trace::On, store::Trace::Off);
  const std::string recipient = GENERATE(""s, "somebody@elsewhere.example"s);
  Pop3Vault vault(trace);
  for (const std::string& mail : kOddMails) vault.deliver(mail, recipient);
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  REQUIRE(client.ask("LIST") == "+OK " + std::to_string(kOddMails.size()) + " messages");
  std::vector<std::string> sizes;
  for (std::size_t i = 1; i <= kOddMails.size(); ++i) {
    const std::string line = client.line();
    REQUIRE(line.starts_with(std::to_string(i) + " "));
    sizes.push_back(line.substr(line.find(' ') + 1));
  }
  CHECK(client.line() == ".");
  std::uint64_t total = 0;
  for (std::size_t i = 1; i <= kOddMails.size(); ++i) {
    CAPTURE(i);
    CHECK(client.ask("RETR " + std::to_string(i)) == "+OK " + sizes[i - 1] + " octets");
    const std::string text = client.text();
    CHECK(std::to_string(text.size()) == sizes[i - 1]);
    const bool traced = trace == store::Trace::On || (trace == store::Trace::Auto && !recipient.empty());
    CHECK(text.starts_with(trace == store::Trace::On ? "Return-Path: <" : "X-Envelope-From: <") == traced);
    total += text.size();
  }
  CHECK(client.ask("STAT") == "+OK " + std::to_string(kOddMails.size()) + " " + std::to_string(total));
}

TEST_CASE("Trace lines do not split the header of a message, whatever its first line is") {
  Pop3Vault vault;
  const std::string first[] = {"Subject : red\r\n",
                               "From ann@example.com Tue Mar  4 08:00:00 2025\r\n",
                               ">From ann@example.com Tue Mar  4 08:00:00 2025\r\n",
                               "\xef\xbb\xbf"
                               "X: 1\r\n",
                               "X-\xe4: 1\r\n",
                               " folded\r\n",
                               "X Spam: no\r\n"};
  for (const std::string& line : first)
    vault.deliver(line + "To: red\r\n\r\nbody\r\n", "ann@elsewhere.example");
  vault.deliver("no header\r\n", "ann@elsewhere.example");
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  for (std::size_t i = 1; i <= std::size(first); ++i) {
    CAPTURE(first[i - 1]);
    const std::string text = client.retrieve(i);
    const std::string header = text.substr(0, text.find("\r\n\r\n"));
    CHECK(header.find("X-Envelope-To: <ann@elsewhere.example>\r\n") != std::string::npos);
    CHECK(header.ends_with("\r\nTo: red"));
    client.ask("TOP " + std::to_string(i) + " 0");
    CHECK(client.text() == header + "\r\n\r\n");
  }
  CHECK(client.retrieve(std::size(first) + 1).ends_with(">\r\n\r\nno header\r\n"));
}

TEST_CASE("A message with CRLF line endings is sent unchanged") {
  Pop3Vault vault;
  const std::string mail = "Subject: a\r\n\r\n.dot\r\n\r\nlast\r\n";
  vault.deliver(mail);
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.retrieve(1) == mail);
}

TEST_CASE("The user is the mailbox's name, its id, or its address") {
  Pop3Vault vault;
  const std::string id = vault.mailbox.id.hex();
  for (const std::string& user : {"journal"s, id, "mbx-" + id, "mbx-" + id + "@gw.example"}) {
    CAPTURE(user);
    Pop3Client client(vault.service);
    CHECK(client.log_in(user, kPassword).starts_with("+OK"));
    CHECK(client.ask("QUIT") == "+OK");
    CHECK(client.closed());
  }
}

TEST_CASE("A wrong password and an unknown mailbox get the same reply, and the third ends the connection") {
  Pop3Vault vault;
  Pop3Client client(vault.service);
  const std::string answer = "-ERR [AUTH] Authentication failed: wrong user name or password";
  CHECK(client.log_in("journal", "wrong password here") == answer);
  client.ask("USER nobody");
  CHECK(client.ask("PASS wrong password here") == answer);
  client.ask("USER journal");
  CHECK(client.ask("PASS x") == answer);
  CHECK(client.closed());
}

TEST_CASE("An unknown mailbox takes as much work as a wrong password") {
  Pop3Vault vault;
  vault.service.limits = nullptr;  // no waits after repeated failures
  // The work is so large that it is nearly all that a login takes.
  vault::Settings settings = *vault::read_settings(vault.faulty);
  settings.argon2_memory = 8 << 20;
  settings.argon2_passes = 2;
  REQUIRE(vault::write_settings(vault.faulty, settings, "test"));
  vault::NewMailbox wanted;
  wanted.name = "timed";
  REQUIRE(vault::add_mailbox(vault.faulty, wanted, Secret(as_bytes(kPassword)), "test"));

  Pop3Client client(vault.service);
  REQUIRE(client.line().starts_with("+OK"));
  const auto work = [&](const std::string& user) {
    REQUIRE(client.ask("USER " + user).starts_with("+OK"));
    // Processor time of this process, so that other load on the machine does not count.
    const std::clock_t begun = std::clock();
    REQUIRE(client.ask("PASS not the password") ==
            "-ERR [AUTH] Authentication failed: wrong user name or password");
    return static_cast<double>(std::clock() - begun);
  };
  // Shared caches can make the same work slower but never faster, so the minimum counts.
  double wrong = work("timed");
  double unknown = work("nobody");
  for (int i = 0; i < 20; ++i) {
    wrong = std::min(wrong, work("timed"));
    unknown = std::min(unknown, work("nobody"));
  }
  INFO("unknown takes " << unknown / wrong << " of a wrong password's");
  CHECK(unknown > 0.75 * wrong);
  CHECK(wrong > 0.75 * unknown);
}

TEST_CASE("A password from the network is refused without TLS") {
  Pop3Vault vault;
  Pop3Client client(vault.service, "192.0.2.9");
  CHECK(client.line().starts_with("+OK"));
  CHECK(client.ask("USER journal") == "-ERR [AUTH] Authentication requires TLS");
  CHECK(client.ask("STLS") == "-ERR TLS is not available");
}

TEST_CASE("One session drains a mailbox at a time, and the next may log in when QUIT is answered") {
  Pop3Vault vault;
  Pop3Client first(vault.service);
  REQUIRE(first.log_in("journal", kPassword).starts_with("+OK"));
  {
    Pop3Client second(vault.service);
    CHECK(second.log_in("journal", kPassword) == "-ERR [IN-USE] Mailbox is in use by another session");
  }
  CHECK(first.ask("QUIT") == "+OK");
  Pop3Client third(vault.service);
  CHECK(third.log_in("journal", kPassword).starts_with("+OK"));
}

TEST_CASE("An idle session loses the mailbox to the next login, and deletes nothing") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  Pop3Client first(vault.service);
  REQUIRE(first.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(first.ask("DELE 1").starts_with("+OK"));
  vault.pass(std::chrono::seconds(59));
  {
    Pop3Client second(vault.service);
    CHECK(second.log_in("journal", kPassword) == "-ERR [IN-USE] Mailbox is in use by another session");
  }
  vault.pass(std::chrono::seconds(71));
  {
    // A wrong password does not take over the mailbox.
    Pop3Client other(vault.service);
    CHECK(other.log_in("journal", "not the password") ==
          "-ERR [AUTH] Authentication failed: wrong user name or password");
  }
  // The first session renews its lease after its last reply, possibly late. Then it is idle.
  Pop3Client second(vault.service);
  REQUIRE(second.line().starts_with("+OK"));
  test::await("the lease", [&] {
    second.ask("USER journal");
    const std::string answer = second.ask("PASS " + std::string(kPassword));
    vault.pass(std::chrono::seconds(answer == "+OK 1 messages" ? 0 : 71));
    return answer == "+OK 1 messages";
  });
  CHECK(first.ask("NOOP") == "+OK");
  CHECK(first.ask("QUIT").starts_with("-ERR [SYS/TEMP]"));
  first.end();
  CHECK(vault.live() == 1);
  // The end of the first session has not freed the mailbox.
  {
    Pop3Client third(vault.service);
    CHECK(third.log_in("journal", kPassword) == "-ERR [IN-USE] Mailbox is in use by another session");
  }
  CHECK(second.ask("DELE 1").starts_with("+OK"));
  CHECK(second.ask("QUIT") == "+OK");
  CHECK(vault.live() == 0);
}

TEST_CASE("A session that is active, however slow, keeps the mailbox") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  Pop3Client first(vault.service);
  REQUIRE(first.log_in("journal", kPassword).starts_with("+OK"));
  for (int i = 0; i < 40; ++i) {  // longer than the lease
    vault.pass(std::chrono::seconds(55));
    CHECK(first.ask("NOOP") == "+OK");
  }
  Pop3Client second(vault.service);
  CHECK(second.log_in("journal", kPassword) == "-ERR [IN-USE] Mailbox is in use by another session");
  CHECK(first.ask("DELE 1").starts_with("+OK"));
  CHECK(first.ask("QUIT") == "+OK");
  CHECK(vault.live() == 0);
}

TEST_CASE("A session shows the mailbox as it was when it logged in") {
  Pop3Vault vault;
  const MessageId one = vault.deliver("Subject: 1\r\n\r\n");
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword) == "+OK 1 messages");
  vault.deliver("Subject: 2\r\n\r\n");
  CHECK(client.ask("STAT") == "+OK 1 14");
  CHECK(client.ask("UIDL 1") == "+OK 1 " + one.hex());
  CHECK(client.ask("QUIT") == "+OK");
  Pop3Client again(vault.service);
  CHECK(again.log_in("journal", kPassword) == "+OK 2 messages");
  CHECK(again.ask("UIDL 1") == "+OK 1 " + one.hex());
}

TEST_CASE("QUIT deletes all marked messages, and later sessions do not show them") {
  Pop3Vault vault;
  for (int i = 0; i < 3; ++i) vault.deliver("Subject: " + std::to_string(i) + "\r\n\r\n");
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 1") == "+OK");
  CHECK(client.ask("DELE 3") == "+OK");
  CHECK(vault.live() == 3);
  CHECK(client.ask("QUIT") == "+OK");
  CHECK(vault.live() == 1);
  Pop3Client again(vault.service);
  REQUIRE(again.log_in("journal", kPassword) == "+OK 1 messages");
  CHECK(again.retrieve(1) == "Subject: 1\r\n\r\n");
}

TEST_CASE("A lost connection deletes nothing") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  {
    Pop3Client client(vault.service);
    REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
    CHECK(client.ask("DELE 1") == "+OK");
  }
  CHECK(vault.live() == 1);
}

// Returns the messages at which a drain ended early, by the history.
std::vector<MessageId> interruptions(Pop3Vault& vault) {
  std::vector<MessageId> ids;
  const auto leaves = vault.faulty.history_read(vault.mailbox.id, 0, 1000);
  REQUIRE(leaves);
  for (const Bytes& stored : *leaves) {
    const auto leaf = store::decode_leaf(stored);
    REQUIRE(leaf);
    if (leaf->type == store::LeafType::Interrupted) ids.push_back(leaf->message);
  }
  return ids;
}

TEST_CASE("A session that ends without QUIT records the last message that was requested") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  const MessageId second = vault.deliver("Subject: 2\r\n\r\n");
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  SECTION("by RETR") {
    client.retrieve(1);
    client.retrieve(2);
    client.end();
    CHECK(interruptions(vault) == std::vector{second});
  }
  SECTION("by TOP") {
    client.ask("TOP 2 0");
    client.text();
    client.end();
    CHECK(interruptions(vault) == std::vector{second});
  }
  SECTION("nothing, if there was a QUIT") {
    client.retrieve(2);
    client.ask("QUIT");
    client.end();
    CHECK(interruptions(vault).empty());
  }
  SECTION("nothing, if no message was requested") {
    client.ask("STAT");
    client.end();
    CHECK(interruptions(vault).empty());
  }
  SECTION("nothing, if the server itself stops") {
    client.retrieve(2);
    net::stop::request();
    client.wait();
    net::stop::withdraw();
    CHECK(interruptions(vault).empty());
  }
}

namespace {

// A store whose keeper counts guesses.
class Counting : public test::StoreShell {
 public:
  using StoreShell::StoreShell;
  Result<std::chrono::milliseconds> guess(std::string_view source, store::Guess guess) override {
    guesses.emplace_back(std::string(source), guess);
    return guess == store::Guess::Next ? wait : 0ms;
  }
  std::vector<std::pair<std::string, store::Guess>> guesses;
  std::chrono::milliseconds wait = 0ms;
};

}  // namespace

TEST_CASE("A client has a limited total time to log in, and less while connections are scarce") {
  Pop3Vault vault;
  std::atomic<bool> scarce{false};
  vault.service.login.scarce = [&] { return scarce.load(); };
  SECTION("whatever it sends") {
    vault.service.login.time = 300ms;
    Pop3Client client(vault.service);
    std::string reply = client.line();
    while (reply.starts_with("+OK")) reply = client.ask("USER journal");
    CHECK(reply == "(closed)");
  }
  SECTION("when they become scarce while it waits") {
    vault.service.login.time = 1h;
    vault.service.login.scarce_time = 10ms;
    Pop3Client client(vault.service);
    CHECK(client.line().starts_with("+OK"));
    CHECK(client.ask("USER journal").starts_with("+OK"));
    scarce = true;
    CHECK(client.closed());
  }
  SECTION("but no limit after login") {
    vault.service.login.time = 10s;
    vault.service.login.scarce_time = 10s;
    Pop3Client client(vault.service);
    REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
    vault.service.login.time = vault.service.login.scarce_time = 0ms;
    scarce = true;
    CHECK(client.ask("NOOP") == "+OK");
    CHECK(client.ask("QUIT") == "+OK");
  }
}

TEST_CASE("A login waits as long as the keeper says, which is told of each password, wrong or right") {
  using store::Guess;
  Pop3Vault vault;
  Counting counting(vault.faulty);
  vault.service.store = [&]() -> Result<store::Store*> { return &counting; };
  Pop3Client client(vault.service, "127.0.0.1");
  CHECK(client.log_in("journal", "wrong password here") ==
        "-ERR [AUTH] Authentication failed: wrong user name or password");
  counting.wait = 50ms;
  const auto begun = std::chrono::steady_clock::now();
  CHECK(client.ask("USER journal").starts_with("+OK"));
  CHECK(client.ask("PASS " + std::string(kPassword)).starts_with("+OK"));
  CHECK(std::chrono::steady_clock::now() - begun >= 50ms);
  client.end();
  CHECK(counting.guesses == std::vector<std::pair<std::string, Guess>>{{"127.0.0.1", Guess::Next},
                                                                       {"127.0.0.1", Guess::Wrong},
                                                                       {"127.0.0.1", Guess::Next},
                                                                       {"127.0.0.1", Guess::Right}});
}

TEST_CASE("An idle session is closed without a reply and deletes nothing") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  vault.service.idle_timeout = 1s;
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 1") == "+OK");
  CHECK(client.closed());
  client.wait();
  CHECK(vault.live() == 1);
}

TEST_CASE("A stop of the process ends sessions and deletes nothing") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 1") == "+OK");
  net::stop::install();
  net::stop::request();
  client.wait();
  net::stop::withdraw();
  CHECK(vault.live() == 1);
}

TEST_CASE("A deletion that fails is reported, and the session ends") {
  const Code code = GENERATE(Code::Unavailable, Code::Unknown, Code::LeaseLost, Code::Conflict);
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  vault.faulty.fail = [code](std::string_view operation) {
    return operation == "transition" ? std::optional(Error(code, "no")) : std::nullopt;
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 1") == "+OK");
  CHECK(client.ask("QUIT").starts_with("-ERR [SYS/TEMP] "));
  CHECK(client.closed());
  CHECK(vault.live() == 1);
}

TEST_CASE("If the store does not know whether a deletion was made, this is looked up before the reply") {
  const Code code = GENERATE(Code::Unknown, Code::Unavailable);
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  vault.deliver("Subject: 2\r\n\r\n");
  if (GENERATE(true, false)) {
    auto record = *vault.faulty.mailbox(vault.mailbox.id);
    record.grace = 0;  // then a drained message is removed immediately
    REQUIRE(vault.faulty.put_mailbox(record, {}, {store::LeafType::Setting, "test", 0}));
  }
  vault.faulty.fail_afterwards = [code](std::string_view operation) {
    return operation == "transition" ? std::optional(Error(code, "no")) : std::nullopt;
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 2") == "+OK");
  // Unavailable says that the deletion was certainly not made, so it is not looked up.
  CHECK(client.ask("QUIT").starts_with(code == Code::Unknown ? "+OK" : "-ERR [SYS/TEMP] "));
  CHECK(client.closed());
  CHECK(vault.live() == 1);
}

TEST_CASE("After a stop too, QUIT pauses between two lookups of a deletion") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  std::optional<std::chrono::steady_clock::time_point> failed;
  std::size_t questions = 0;
  vault.faulty.fail_afterwards = [&](std::string_view operation) -> std::optional<Error> {
    if (operation != "transition") return std::nullopt;
    failed = std::chrono::steady_clock::now();
    net::stop::request();
    return Error(Code::Unknown, "the keeper is gone");
  };
  vault.faulty.fail = [&](std::string_view) -> std::optional<Error> {
    if (!failed || std::chrono::steady_clock::now() > *failed + std::chrono::milliseconds(300))
      return std::nullopt;
    ++questions;
    return Error(Code::Unavailable, "no keeper");
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("DELE 1") == "+OK");
  client.stream().finish(std::chrono::seconds(30));
  CHECK(client.ask("QUIT").starts_with("+OK"));
  client.wait();
  net::stop::withdraw();
  CHECK(questions > 0);
  CHECK(questions < 10);
  CHECK(vault.live() == 0);
}

TEST_CASE("A vault that cannot be reached, or is too busy for another login, is a temporary failure") {
  Pop3Vault vault;
  SECTION("no keeper") {
    vault.service.store = []() -> Result<store::Store*> { return Error(Code::Denied, "no keeper"); };
  }
  SECTION("the keeper reports an error") {
    vault.faulty.fail = [](std::string_view) { return Error(Code::Unavailable, "gone"); };
  }
  SECTION("too many concurrent logins") {
    vault.faulty.fail = [](std::string_view operation) {
      return operation == "permit" ? std::optional(Error(Code::Busy, "queue")) : std::nullopt;
    };
  }
  Pop3Client client(vault.service);
  CHECK(client.log_in("journal", kPassword).starts_with("-ERR [SYS/TEMP] "));
  CHECK(client.ask("USER nobody") == "+OK");
  CHECK(client.ask("PASS some password").starts_with("-ERR [SYS/TEMP] "));
  CHECK(client.ask("QUIT") == "+OK");
}

TEST_CASE("A message that cannot be opened is refused permanently and kept, and the session goes on") {
  Pop3Vault vault;
  const MessageId bad = vault.deliver("Subject: 1\r\n\r\n");
  vault.deliver("Subject: 2\r\n\r\n");
  const std::uint64_t at = GENERATE(0U, 120U, 200U);  // in the header, and after it
  vault.faulty.alter = [&](const MessageId& id, std::uint64_t offset, std::span<std::byte> data) {
    if (id == bad && offset <= at && at - offset < data.size()) data[at - offset] ^= std::byte{1};
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("RETR 1").starts_with("-ERR [SYS/PERM] "));
  CHECK(client.ask("DELE 1").starts_with("-ERR [SYS/PERM] "));
  CHECK(client.retrieve(2) == "Subject: 2\r\n\r\n");
  CHECK(client.ask("DELE 2") == "+OK");
  CHECK(client.ask("QUIT") == "+OK");
  CHECK(vault.live() == 1);
}

TEST_CASE("A message that cannot be read at the moment is not reported as damaged") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  std::atomic<bool> down = true;
  vault.faulty.fail = [&](std::string_view operation) {
    return operation == "read" && down ? std::optional(Error(Code::Unavailable, "gone")) : std::nullopt;
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  CHECK(client.ask("RETR 1").starts_with("-ERR [SYS/TEMP] "));
  down = false;
  CHECK(client.retrieve(1) == "Subject: 1\r\n\r\n");
  CHECK(client.ask("DELE 1") == "+OK");
}

TEST_CASE("A message with a damaged later chunk ends the connection without the final dot") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\n\r\n");
  const MessageId bad = vault.deliver("Subject: 2\r\n\r\n" + std::string(300'000, 'x') + "\r\n");
  vault.faulty.alter = [&](const MessageId& id, std::uint64_t offset, std::span<std::byte> data) {
    if (id == bad && offset <= 250'000 && 250'000 - offset < data.size())
      data[250'000 - offset] ^= std::byte{1};
  };
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  client.send("RETR 1\r\nDELE 1\r\nRETR 2\r\nQUIT\r\n");
  CHECK(client.line() == "+OK 14 octets");
  CHECK(client.text() == "Subject: 1\r\n\r\n");
  CHECK(client.line() == "+OK");
  CHECK(client.line().starts_with("+OK "));
  CHECK(client.text().ends_with("(closed)"));
  client.end();
  CHECK(vault.live() == 2);
}

TEST_CASE("TOP sends the header, the empty line and exactly the requested number of lines") {
  Pop3Vault vault;
  vault.deliver("Subject: 1\r\nX: y\r\n\r\none\r\ntwo\nthree");
  vault.deliver("Subject: 2\r\n\r\n" + std::string(500'000, 'x'));
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  const std::string header = "Subject: 1\r\nX: y\r\n\r\n";
  const std::string all = "one\r\ntwo\r\nthree\r\n";
  for (const auto& [lines, body] :
       std::map<int, std::string>{{0, ""}, {1, "one\r\n"}, {2, "one\r\ntwo\r\n"}, {3, all}, {4, all}}) {
    CHECK(client.ask("TOP 1 " + std::to_string(lines)) == "+OK");
    CHECK(client.text() == header + body);
  }
  CHECK(client.ask("TOP 2 0") == "+OK");
  CHECK(client.text() == "Subject: 2\r\n\r\n");
  CHECK(client.ask("NOOP") == "+OK");
}

TEST_CASE("Pipelined RETRs are answered in order, whatever their order, sizes and repetitions") {
  Pop3Vault vault;
  std::vector<std::string> mails;
  for (std::size_t i = 0; i < 120; ++i) {
    mails.push_back("Subject: " + std::to_string(i) + "\r\n\r\n" +
                    std::string(i % 17 == 0 ? 200'000 : i * 97, 'x') + "\r\n");
    vault.deliver(mails.back());
  }
  Pop3Client client(vault.service);
  REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < mails.size(); ++i) order.push_back(i);
  for (std::size_t i = 0; i < mails.size(); i += 3) order.push_back(i);
  for (std::size_t i = mails.size(); i > 0; i -= 5) order.push_back(i - 1);
  for (std::size_t i = 0; i < 40; ++i) order.push_back(i / 2);
  std::string commands;
  for (const std::size_t i : order) commands += "RETR " + std::to_string(i + 1) + "\r\n";
  client.send(commands);
  std::size_t wrong = 0;
  for (const std::size_t i : order) {
    if (client.line() != "+OK " + std::to_string(mails[i].size()) + " octets") ++wrong;
    if (client.text() != mails[i]) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(client.ask("QUIT") == "+OK");
}

TEST_CASE("Read-ahead is bounded, and a session may end in the middle of it") {
  Pop3Vault vault;
  for (int i = 0; i < 60; ++i) vault.deliver("Subject: " + std::to_string(i) + "\r\n\r\n");
  std::atomic<int> reads = 0;
  vault.faulty.fail = [&](std::string_view operation) {
    if (operation == "read") ++reads;
    return std::optional<Error>();
  };
  {
    Pop3Client client(vault.service);
    REQUIRE(client.log_in("journal", kPassword).starts_with("+OK"));
    for (std::size_t i = 1; i <= 3; ++i)
      CHECK(client.retrieve(i) == "Subject: " + std::to_string(i - 1) + "\r\n\r\n");
  }
  CHECK(reads >= 3);
  CHECK(reads <= 3 + static_cast<int>(pop3d::Prefetch::kDepth));
}

class Certificate {
 public:
  Certificate() {
    const net::CertificateFiles files{directory_.path() + "/cert.pem", directory_.path() + "/key.pem"};
    REQUIRE(net::make_self_signed("gw.example", files));
    auto loaded = net::ServerTls::load({files});
    REQUIRE(loaded);
    server = *loaded;
    net::ClientPolicy policy;
    policy.verify = false;
    auto made = net::ClientTls::make(policy);
    REQUIRE(made);
    client = *made;
  }
  std::shared_ptr<const net::ServerTls> server;
  std::shared_ptr<const net::ClientTls> client;

 private:
  test::TempFolder directory_;
};

TEST_CASE("After STLS a password is accepted from any network") {
  const Certificate certificate;
  Pop3Vault vault;
  vault.service.tls = [&]() -> Result<std::shared_ptr<const net::ServerTls>> { return certificate.server; };
  Pop3Client client(vault.service, "192.0.2.9");
  CHECK(client.line().starts_with("+OK"));
  CHECK(client.ask("STLS") == "+OK");
  REQUIRE(client.stream().connect_tls(*certificate.client, "gw.example", 10s));
  CHECK(client.ask("CAPA") == "+OK");
  CHECK(client.text().find("SASL PLAIN") != std::string::npos);
  client.ask("USER journal");
  CHECK(client.ask("PASS " + std::string(kPassword)) == "+OK 0 messages");
}

TEST_CASE("With implicit TLS the greeting is sent within TLS") {
  const Certificate certificate;
  Pop3Vault vault;
  const std::string mail = "Subject: 1\r\n\r\n" + std::string(1'000'000, 'x') + "\r\n";
  vault.deliver(mail);
  vault.service.tls = [&]() -> Result<std::shared_ptr<const net::ServerTls>> { return certificate.server; };
  Pop3Client client(vault.service, "192.0.2.9", true);
  REQUIRE(client.stream().connect_tls(*certificate.client, "gw.example", 10s));
  CHECK(client.log_in("journal", kPassword) == "+OK 1 messages");
  CHECK(client.retrieve(1) == mail);
}

TEST_CASE("STLS is refused temporarily if the certificate cannot be loaded") {
  Pop3Vault vault;
  vault.service.tls = []() -> Result<std::shared_ptr<const net::ServerTls>> {
    return Error(Code::Config, "no");
  };
  Pop3Client client(vault.service, "192.0.2.9");
  CHECK(client.line().starts_with("+OK"));
  CHECK(client.ask("STLS").starts_with("-ERR [SYS/TEMP] "));
  CHECK(client.ask("QUIT") == "+OK");
}

}  // namespace
