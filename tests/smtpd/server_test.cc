#include "smtpd/server.h"
#include "base/encoding.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "net/serve.h"
#include "seal/keypair.h"
#include "smtpd/smtp_client.h"
#include "support/faulty_store.h"
#include "support/memory_store.h"
#include "support/temp_folder.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

using namespace gw;
using namespace std::literals;
using test::SmtpClient;

namespace {

// A store with mailboxes whose keys the test has, and a service on it.
class Vault {
 public:
  Vault() {
    log::open("gate_tests", log::Target::Nowhere);
    store::MemoryOptions options;
    options.vault = vault_;
    store = store::make_memory_store(std::move(options));
    service.host = "gw.example";
    service.store = [this]() -> Result<store::Store*> { return store.get(); };
  }

  store::MailboxRecord add(const std::string& name,
                           const std::function<void(store::MailboxRecord&)>& change = {}) {
    seal::KeyRing ring;
    ring.keys.push_back(seal::ring_key(1, seal::generate_key()));
    store::MailboxRecord record;
    record.id = random_id<MailboxId>();
    record.name = name;
    record.generations = {{1, ring.keys.front().public_half, 1}};
    record.aliases = {name + "@gw.example"};
    if (change) change(record);
    const std::vector<store::Slot> slots{{"password", to_bytes("slot")}};
    REQUIRE(store->put_mailbox(record, slots, {store::LeafType::MailboxMade, "test", 0}));
    rings_.emplace_back(record.id, std::move(ring));
    return *store->mailbox(record.id);
  }
  void change(const MailboxId& id, const std::function<void(store::MailboxRecord&)>& change) {
    store::MailboxRecord record = *store->mailbox(id);
    change(record);
    REQUIRE(store->put_mailbox(record, {}, {store::LeafType::Setting, "test", 0}));
  }

  std::vector<store::MessageRecord> list(const MailboxId& id) { return *store->list(id, 0, 1000); }
  struct Opened {
    vault::Envelope envelope;
    std::string data;
  };
  Opened open(const MailboxId& id, std::size_t index = 0) {
    const auto records = list(id);
    REQUIRE(records.size() > index);
    for (const auto& [mailbox, ring] : rings_) {
      if (mailbox != id) continue;
      auto message = vault::open_message(*store, ring, vault_, id, records[index]);
      REQUIRE(message);
      Opened opened{message->envelope(), {}};
      for (;;) {
        const auto piece = message->next();
        REQUIRE(piece);
        if (piece->empty()) return opened;
        opened.data += as_text(*piece);
      }
    }
    FAIL("no such mailbox");
    return {};
  }

  std::unique_ptr<store::Store> store;
  smtpd::SmtpService service;

 private:
  VaultId vault_ = random_id<VaultId>();
  std::vector<std::pair<MailboxId, seal::KeyRing>> rings_;
};

std::string rcpt(const store::MailboxRecord& mailbox) {
  return "RCPT TO:<" + mailbox.local_part() + "@any.example>";
}
std::string code(const std::string& reply) {
  return reply.substr(0, 9);
}

}  // namespace

TEST_CASE("A mail is durable in the mailbox when 250 returns its id") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  SmtpClient client(vault.service);
  client.begin();
  CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
  CHECK(code(client.ask("DATA")).substr(0, 3) == "354");
  const std::string reply = client.ask("Subject: x\r\n\r\n..a\nb\0c\r\n."s);
  const auto records = vault.list(mailbox.id);
  REQUIRE(records.size() == 1);
  CHECK(reply == "250 2.0.0 OK: stored as " + records[0].id.hex());
  const auto opened = vault.open(mailbox.id);
  CHECK(opened.data == "Subject: x\r\n\r\n.a\nb\0c\r\n"s);
  CHECK(opened.envelope.reverse_path == "sender@example.com");
  CHECK(opened.envelope.helo == "client.example");
  CHECK(opened.envelope.peer == "192.0.2.1");
  CHECK(opened.envelope.listener == "smtp");
  REQUIRE(opened.envelope.recipients.size() == 1);
  CHECK(opened.envelope.recipients[0].address == mailbox.local_part() + "@any.example");
  CHECK(client.ask("QUIT") == "221 2.0.0 Bye");
  CHECK(client.reply().empty());
}

TEST_CASE("Recipients in one mailbox share one message that lists them, and each mailbox gets a message") {
  Vault vault;
  const auto first = vault.add("first");
  const auto second = vault.add("second");
  SmtpClient client(vault.service);
  client.begin();
  CHECK(code(client.ask(rcpt(first) + " NOTIFY=NEVER")) == "250 2.1.5");
  CHECK(code(client.ask("RCPT TO:<SECOND+tag@gw.example>")) == "250 2.1.5");
  CHECK(code(client.ask("RCPT TO:<first@gw.example>")) == "250 2.1.5");
  client.ask("DATA");
  const std::string reply = client.ask("x\r\n.");
  REQUIRE(vault.list(first.id).size() == 1);
  REQUIRE(vault.list(second.id).size() == 1);
  CHECK(reply == "250 2.0.0 OK: stored as " + vault.list(first.id)[0].id.hex() + " " +
                     vault.list(second.id)[0].id.hex());
  const auto opened = vault.open(first.id);
  REQUIRE(opened.envelope.recipients.size() == 2);
  CHECK(opened.envelope.recipients[0].parameters == "NOTIFY=NEVER");
  CHECK(opened.envelope.recipients[1].address == "first@gw.example");
  CHECK(vault.open(second.id).envelope.recipients.size() == 1);
  CHECK(vault.open(second.id).data == "x\r\n");
}

TEST_CASE("Mails of a connection follow each other, also large and empty ones") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  SmtpClient client(vault.service);
  REQUIRE(client.reply().substr(0, 4) == "220 ");
  client.ask("EHLO c");
  std::string large;
  while (large.size() < 3'000'000)
    large += "a line of a large message, with its number " + std::to_string(large.size()) + "\r\n";
  for (const std::string& content : {large, ""s, "small\r\n"s}) {
    client.send("MAIL FROM:<>\r\n" + rcpt(mailbox) + "\r\nDATA\r\n" + content + ".\r\n");
    CHECK(code(client.reply()) == "250 2.1.0");
    CHECK(code(client.reply()) == "250 2.1.5");
    CHECK(client.reply().substr(0, 3) == "354");
    CHECK(code(client.reply()) == "250 2.0.0");
  }
  REQUIRE(vault.list(mailbox.id).size() == 3);
  CHECK(vault.open(mailbox.id, 0).data == large);
  CHECK(vault.open(mailbox.id, 1).data.empty());
  CHECK(vault.open(mailbox.id, 2).data == "small\r\n");
  CHECK(vault.open(mailbox.id, 2).envelope.reverse_path.empty());
}

TEST_CASE("BDAT stores a message unchanged") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.send("BDAT 5\r\n.\r\n.\rBDAT 2 LAST\r\n\nx");
  CHECK(code(client.reply()) == "250 2.0.0");
  CHECK(code(client.reply()) == "250 2.0.0");
  CHECK(vault.open(mailbox.id).data == ".\r\n.\r\nx");
}

TEST_CASE("An address without a mailbox here is unknown, or relaying") {
  Vault vault;
  SmtpClient client(vault.service);
  client.begin();
  CHECK(code(client.ask("RCPT TO:<nobody@gw.example>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<nobody@GW.EXAMPLE>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<nobody@[192.0.2.1]>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<nobody>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<postmaster>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<mbx-00112233445566778899aabbccddeeff@elsewhere.example>")) == "550 5.1.1");
  CHECK(code(client.ask("RCPT TO:<nobody@elsewhere.example>")) == "550 5.7.1");
  CHECK(code(client.ask("DATA")) == "503 5.5.1");
}

TEST_CASE("A mailbox's own settings are applied at RCPT") {
  Vault vault;
  const auto suspended =
      vault.add("suspended", [](auto& record) { record.status = store::Status::Suspended; });
  const auto far = vault.add("far", [](auto& record) { record.allow = {"198.51.100.0/24"}; });
  const auto farther = vault.add("farther", [](auto& record) {
    record.allow = {"198.51.100.0/24"};
    record.allow_reject = true;
  });
  const auto near = vault.add("near", [](auto& record) {
    record.allow = {"198.51.100.0/24", "192.0.2.0/24"};
  });
  const auto secured = vault.add("secured", [](auto& record) { record.require_tls = true; });
  vault.service.tls = []() -> Result<std::shared_ptr<const net::ServerTls>> {
    return Error(Code::Config, "a bad certificate");
  };
  const auto token = vault.add("token", [](auto& record) { record.token_hash = Digest{}; });
  const auto small = vault.add("small", [](auto& record) { record.quota = 100; });
  SmtpClient client(vault.service);
  client.reply();
  client.ask("EHLO c");
  client.ask("MAIL FROM:<> SIZE=200");
  CHECK(code(client.ask(rcpt(suspended))) == "450 4.2.1");
  CHECK(code(client.ask(rcpt(far))) == "450 4.7.1");
  CHECK(code(client.ask(rcpt(farther))) == "550 5.7.1");
  CHECK(code(client.ask(rcpt(near))) == "250 2.1.5");
  CHECK(code(client.ask(rcpt(secured))) == "530 5.7.0");
  CHECK(code(client.ask(rcpt(token))) == "530 5.7.0");
  CHECK(code(client.ask(rcpt(small))) == "452 4.2.2");
}

namespace {

// Returns an AUTH command with the message of SASL PLAIN.
std::string plain(std::string_view user, std::string_view password, std::string_view as = {}) {
  const std::string message = std::string(as) + '\0' + std::string(user) + '\0' + std::string(password);
  return "AUTH PLAIN " + to_base64(as_bytes(message));
}
store::MailboxRecord add_sender(Vault& vault, const std::string& name, const Secret& token) {
  return vault.add(name,
                   [&](auto& record) { record.token_hash = vault::token_hash(record.id, token.view()); });
}

}  // namespace

TEST_CASE("A sender token allows mail to its mailbox, and the envelope names the mailbox of the token") {
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  const Secret token = vault::generate_token();
  const auto mailbox = add_sender(vault, "journal", token);
  const auto other = add_sender(vault, "other", vault::generate_token());
  const auto open = vault.add("open");
  for (const std::string& user : {mailbox.local_part(), mailbox.id.hex(), "MBX-" + mailbox.id.hex()}) {
    SmtpClient client(vault.service, "127.0.0.1");
    client.reply();
    REQUIRE(client.ask("EHLO c").find("|250-AUTH PLAIN LOGIN|") != std::string::npos);
    // Commands after AUTH in the same packet are executed.
    client.send(plain(user, token.text(), mailbox.id.hex()) + "\r\nMAIL FROM:<>\r\nNOOP\r\n");
    CHECK(code(client.reply()) == "235 2.7.0");
    CHECK(code(client.reply()) == "250 2.1.0");
    CHECK(code(client.reply()) == "250 2.0.0");
    CHECK(code(client.ask(rcpt(other))) == "530 5.7.0");
    CHECK(code(client.ask(rcpt(open))) == "250 2.1.5");
    CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
    client.ask("DATA");
    CHECK(code(client.ask("x\r\n.")) == "250 2.0.0");
  }
  REQUIRE(vault.list(mailbox.id).size() == 3);
  CHECK(vault.open(mailbox.id).envelope.auth == mailbox.local_part());
  CHECK(vault.list(other.id).empty());
}

TEST_CASE("A wrong token, name or identity gets the same reply, and the third ends the session") {
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  const Secret token = vault::generate_token();
  const auto mailbox = add_sender(vault, "journal", token);
  const auto other = add_sender(vault, "other", vault::generate_token());
  const auto open = vault.add("open");
  const std::string id = mailbox.local_part();
  const std::vector<std::string> wrong{
      plain(id, "wrong"),
      plain(id, std::string(token.text()) + "x"),
      plain(other.local_part(), token.text()),
      plain(open.local_part(), token.text()),
      plain(random_id<MailboxId>().hex(), token.text()),
      plain("journal", token.text()),               // its name
      plain("journal@gw.example", token.text()),    // its alias
      plain(id, token.text(), other.local_part()),  // for another mailbox
      plain(id, "slot"),                            // the content of its password slot
  };
  std::string first_reply;
  for (std::size_t i = 0; i < wrong.size(); i += 3) {
    SmtpClient client(vault.service, "127.0.0.1");
    client.reply();
    client.ask("EHLO c");
    for (std::size_t k = i; k < i + 2; ++k) {
      const std::string reply = client.ask(wrong[k]);
      CHECK(code(reply) == "535 5.7.8");
      if (first_reply.empty()) first_reply = reply;
      CHECK(reply == first_reply);
    }
    CHECK(code(client.ask(wrong[i + 2])) == "421 4.7.0");
    CHECK(client.reply().empty());
  }
}

TEST_CASE("A wrong token is counted here and by the keeper, and delays the next attempt") {
  // Records what is reported to the keeper, and asks for a wait.
  class Keeper : public test::FaultyStore {
   public:
    using FaultyStore::FaultyStore;
    Result<std::chrono::milliseconds> guess(std::string_view source, store::Guess guess) override {
      const std::lock_guard lock(mutex_);
      guesses_.emplace_back(source, guess);
      return wait.load();
    }
    std::vector<std::pair<std::string, store::Guess>> guesses() {
      const std::lock_guard lock(mutex_);
      return std::exchange(guesses_, {});
    }
    std::atomic<std::chrono::milliseconds> wait = 0ms;

   private:
    std::mutex mutex_;
    std::vector<std::pair<std::string, store::Guess>> guesses_;
  };
  using Guesses = std::vector<std::pair<std::string, store::Guess>>;
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  net::ThrottlePolicy policy;
  policy.free = 1;
  policy.longest_wait = 1ms;
  net::LoginThrottle logins(policy);
  vault.service.logins = &logins;
  Keeper keeper(*vault.store);
  vault.service.store = [&]() -> Result<store::Store*> { return &keeper; };
  const Secret token = vault::generate_token();
  const auto mailbox = add_sender(vault, "journal", token);
  const std::string peer = "127.0.0.1";

  SmtpClient client(vault.service, peer);
  client.reply();
  client.ask("EHLO c");
  CHECK(keeper.guesses().empty());
  CHECK(code(client.ask(plain(mailbox.id.hex(), "wrong"))) == "535 5.7.8");
  CHECK(keeper.guesses() == Guesses{{peer, store::Guess::Next}, {peer, store::Guess::Wrong}});
  CHECK(logins.wait(peer) == 1ms);
  CHECK(logins.wait("192.0.2.1") == 0ms);
  // A token that cannot be checked is no wrong one.
  keeper.fail = [](std::string_view operation) -> std::optional<Error> {
    return operation == "resolve" ? std::optional(Error(Code::Unavailable, "away")) : std::nullopt;
  };
  CHECK(code(client.ask(plain(mailbox.id.hex(), "wrong"))) == "454 4.7.0");
  keeper.fail = nullptr;
  CHECK(keeper.guesses() == Guesses{{peer, store::Guess::Next}});
  // The keeper's wait applies, because it counts for all processes.
  keeper.wait = 50ms;
  const auto begun = BootClock::now();
  CHECK(code(client.ask(plain(mailbox.id.hex(), token.text()))) == "235 2.7.0");
  CHECK(BootClock::now() - begun >= 50ms);
  CHECK(keeper.guesses() == Guesses{{peer, store::Guess::Next}, {peer, store::Guess::Right}});
  CHECK(logins.wait(peer) == 0ms);
}

TEST_CASE("AUTH is announced only with TLS, and only if a mailbox has a token") {
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  const auto announced = [&](std::string peer) {
    SmtpClient client(vault.service, std::move(peer));
    client.reply();
    return client.ask("EHLO c").find("AUTH") != std::string::npos;
  };
  vault.add("open");
  CHECK_FALSE(announced("127.0.0.1"));
  add_sender(vault, "journal", vault::generate_token());
  CHECK(announced("127.0.0.1"));
  CHECK_FALSE(announced("192.0.2.1"));
  vault.service.store = []() -> Result<store::Store*> { return Error(Code::Unavailable, "no keeper"); };
  CHECK(announced("127.0.0.1"));  // it is unknown whether there is a token
}

TEST_CASE("If the store fails at AUTH, this is an internal error and not a wrong token") {
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  const Secret token = vault::generate_token();
  const auto mailbox = add_sender(vault, "journal", token);
  test::FaultyStore faulty(*vault.store);
  std::atomic<bool> down = false;
  faulty.fail = [&](std::string_view) -> std::optional<Error> {
    return down ? std::optional(Error(Code::Unavailable, "no keeper")) : std::nullopt;
  };
  vault.service.store = [&]() -> Result<store::Store*> { return &faulty; };
  SmtpClient client(vault.service, "127.0.0.1");
  client.reply();
  client.ask("EHLO c");
  down = true;
  for (int i = 0; i < 4; ++i) CHECK(code(client.ask(plain(mailbox.id.hex(), token.text()))) == "454 4.7.0");
  down = false;
  CHECK(code(client.ask(plain(mailbox.id.hex(), token.text()))) == "235 2.7.0");
}

TEST_CASE("A nearly full disk is a 452 after the message, and nothing is stored") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  test::FaultyStore faulty(*vault.store);
  std::atomic<bool> full = true;
  faulty.fail = [&](std::string_view operation) -> std::optional<Error> {
    if (full && operation == "begin") return Error(Code::Full, "no room");
    return std::nullopt;
  };
  vault.service.store = [&]() -> Result<store::Store*> { return &faulty; };
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  CHECK(code(client.ask("x\r\n.")) == "452 4.3.1");
  client.ask("MAIL FROM:<>");
  client.ask(rcpt(mailbox));
  CHECK(code(client.ask("BDAT 3 LAST\r\nx")) == "452 4.3.1");
  client.ask("MAIL FROM:<>");
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  CHECK(code(client.ask(std::string(3'000'000, 'x') + "\r\n.")) == "452 4.3.1");
  CHECK(vault.list(mailbox.id).empty());
  full = false;
  client.ask("MAIL FROM:<>");
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  CHECK(code(client.ask("x\r\n.")) == "250 2.0.0");
}

TEST_CASE("More mailboxes than a transaction may have are refused temporarily, the others stay") {
  Vault vault;
  std::vector<store::MailboxRecord> mailboxes;
  for (int i = 0; i < 17; ++i) mailboxes.push_back(vault.add("m" + std::to_string(i)));
  SmtpClient client(vault.service);
  client.begin();
  for (int i = 0; i < 16; ++i)
    CHECK(code(client.ask(rcpt(mailboxes[static_cast<std::size_t>(i)]))) == "250 2.1.5");
  CHECK(code(client.ask(rcpt(mailboxes[16]))) == "452 4.5.3");
  CHECK(code(client.ask(rcpt(mailboxes[0]))) == "250 2.1.5");
  client.ask("DATA");
  CHECK(code(client.ask("x\r\n.")) == "250 2.0.0");
  for (int i = 0; i < 16; ++i) CHECK(vault.list(mailboxes[static_cast<std::size_t>(i)].id).size() == 1);
  CHECK(vault.list(mailboxes[16].id).empty());
}

TEST_CASE("Without a keeper RCPT is refused temporarily, and so is DATA") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  bool there = false;
  vault.service.store = [&]() -> Result<store::Store*> {
    if (!there) return Error(Code::Unavailable, "no keeper");
    return vault.store.get();
  };
  SmtpClient client(vault.service);
  client.begin();
  CHECK(code(client.ask(rcpt(mailbox))) == "451 4.3.0");
  CHECK(code(client.ask("DATA")) == "451 4.3.0");
  there = true;
  CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
}

TEST_CASE("If the store does not accept a message it is refused temporarily and nothing is stored") {
  Vault vault;
  const auto mailbox = vault.add("journal", [](auto& record) { record.quota = 10; });
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  CHECK(code(client.ask("more than ten bytes\r\n.")) == "452 4.2.2");
  client.ask("MAIL FROM:<>");
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  vault.change(mailbox.id, [](auto& record) { record.status = store::Status::Suspended; });
  CHECK(code(client.ask("x\r\n.")) == "451 4.3.0");
  CHECK(code(client.ask("NOOP")) == "250 2.0.0");
  CHECK(vault.list(mailbox.id).empty());
}

TEST_CASE("A message over the limit is not stored, and the connection goes on") {
  Vault vault;
  vault.service.max_size = 100'000;
  const auto mailbox = vault.add("journal");
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  CHECK(code(client.ask(std::string(300'000, 'x') + "\r\n.")) == "552 5.3.4");
  CHECK(vault.list(mailbox.id).empty());
  client.ask("MAIL FROM:<>");
  CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
}

TEST_CASE("If a client disconnects in the middle of a message nothing is stored") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  client.send(std::string(200'000, 'x') + "\r\n");
  client.end();
  CHECK(vault.list(mailbox.id).empty());
}

TEST_CASE("A client that sends data before the greeting is disconnected") {
  Vault vault;
  SmtpClient client(vault.service, "192.0.2.1", "EHLO early\r\n");
  CHECK(code(client.reply()) == "421 4.7.0");
  CHECK(client.reply().empty());
}

TEST_CASE("An idle client is disconnected, between commands and within a message") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  vault.service.idle_timeout = std::chrono::milliseconds(50);
  {
    SmtpClient client(vault.service);
    CHECK(code(client.reply()).substr(0, 4) == "220 ");
    CHECK(code(client.reply()) == "421 4.4.2");
    CHECK(client.reply().empty());
  }
  vault.service.idle_timeout = std::chrono::seconds(20);
  vault.service.data_timeout = std::chrono::milliseconds(50);
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("DATA");
  client.send("half");
  CHECK(code(client.reply()) == "421 4.4.2");
  CHECK(client.reply().empty());
  CHECK(vault.list(mailbox.id).empty());
}

TEST_CASE("While connections are scarce, idle and slow clients are disconnected sooner") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  vault.service.scarce_timeout = std::chrono::milliseconds(50);
  vault.service.scarce_rate = 1ull << 40;
  std::atomic<bool> scarce{true};
  vault.service.scarce = [&] { return scarce.load(); };
  SECTION("no command") {
    SmtpClient client(vault.service);
    client.reply();
    CHECK(code(client.reply()) == "421 4.4.2");
  }
  SECTION("a message that arrives slowly") {
    scarce = GENERATE(true, false);
    SmtpClient client(vault.service);
    client.begin();
    client.ask(rcpt(mailbox));
    client.ask("DATA");
    const auto enough = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    while (std::chrono::steady_clock::now() < enough) {
      client.send("slow\r\n");
      std::this_thread::yield();
    }
    client.send(".\r\n");
    CHECK(code(client.reply()) == (scarce ? "421 4.4.2" : "250 2.0.0"));
    client.end();
    CHECK(vault.list(mailbox.id).size() == (scarce ? 0 : 1));
  }
  SECTION("refused data that is dropped counts as received") {
    vault.service.max_size = 1000;
    vault.service.scarce_rate = 20'000;
    SmtpClient client(vault.service);
    client.begin();
    client.ask(rcpt(mailbox));
    client.ask("DATA");
    client.send(std::string(1200, 'x') + "\r\n");
    const auto enough = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    while (std::chrono::steady_clock::now() < enough) {
      client.send(std::string(900, 'x') + "\r\n");
      std::this_thread::yield();
    }
    client.send(".\r\n");
    CHECK(code(client.reply()) == "552 5.3.4");
  }
}

TEST_CASE("A 5xx reply to a sender that named a mailbox is noted in the mailbox's history") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  const auto other = vault.add("other");
  const auto last_leaf = [&](const store::MailboxRecord& of) {
    const auto head = vault.store->history_head(of.id);
    REQUIRE(head);
    return *store::decode_leaf(vault.store->history_read(of.id, head->size - 1, 1)->front());
  };
  SmtpClient client(vault.service);
  client.begin();
  client.ask(rcpt(mailbox));
  client.ask("RCPT TO:<nobody@elsewhere.example>");
  client.end();
  CHECK(last_leaf(mailbox).type == store::LeafType::Refused);
  CHECK(last_leaf(mailbox).value == 550);
  CHECK(last_leaf(mailbox).actor.find("smtp 192.0.2.1") != std::string::npos);
  CHECK(last_leaf(other).type == store::LeafType::MailboxMade);
  SmtpClient good(vault.service);
  good.begin();
  good.ask(rcpt(other));
  good.ask("QUIT");
  good.end();
  CHECK(last_leaf(other).type == store::LeafType::MailboxMade);
}

TEST_CASE("Clients that disconnect or are refused temporarily add nothing to a history") {
  Vault vault;
  const auto mailbox = vault.add("journal", [](auto& record) { record.allow = {"198.51.100.0/24"}; });
  const auto entries = [&] { return vault.store->history_head(mailbox.id)->size; };
  const std::uint64_t before = entries();
  {
    SmtpClient outside(vault.service);
    outside.begin();
    CHECK(code(outside.ask(rcpt(mailbox))) == "450 4.7.1");
    CHECK(code(outside.ask("FROB")) == "500 5.5.1");
  }
  CHECK(entries() == before);
  vault.change(mailbox.id, [](auto& record) { record.allow.clear(); });
  const std::uint64_t changed = entries();
  {
    // A 5xx first, and then a mail that is accepted.
    SmtpClient inside(vault.service);
    inside.begin();
    CHECK(code(inside.ask("FROB")) == "500 5.5.1");
    CHECK(code(inside.ask(rcpt(mailbox))) == "250 2.1.5");
    CHECK(code(inside.ask("FROB")) == "500 5.5.1");
    inside.ask("DATA");
    CHECK(code(inside.ask("x\r\n.")) == "250 2.0.0");
  }
  CHECK(entries() == changed + 1);  // the mail
}

TEST_CASE(
    "Recipients that do not fit into the envelope are refused one by one, and the mail goes to the others") {
  Vault vault;
  const auto mailbox = vault.add("journal", [](auto& record) { record.domains = {"corp.example"}; });
  SmtpClient client(vault.service);
  client.begin();
  const std::string parameters = " ORCPT=rfc822;" + std::string(1300, 'y');
  std::size_t taken = 0;
  std::string refusal;
  for (int number = 0; number < 1000; ++number) {
    const std::string reply = client.ask("RCPT TO:<u" + std::to_string(number) + std::string(400, 'x') +
                                         "@corp.example>" + parameters);
    if (reply.starts_with("250 "))
      ++taken;
    else
      refusal = reply;
  }
  CHECK(code(refusal) == "452 4.5.3");
  CHECK(taken >= 100);  // RFC 5321 section 4.5.3.1.8
  CHECK(taken < 1000);
  client.ask("DATA");
  CHECK(code(client.ask("x\r\n.")) == "250 2.0.0");
  const auto opened = vault.open(mailbox.id);
  CHECK(opened.envelope.recipients.size() == taken);
  CHECK(vault::encode(opened.envelope).size() < vault.store->limits().record);
  // The next transaction may have as many recipients again.
  client.ask("MAIL FROM:<>");
  CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
}

TEST_CASE("A client that guesses addresses has to wait, and is disconnected in the end") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  auto time = BootClock::now();
  net::ThrottlePolicy policy = smtpd::guess_policy();
  policy.clock = [&] { return time; };
  net::LoginThrottle guesses(policy);
  vault.service.guesses = &guesses;
  for (int session = 0; session < 2; ++session) {
    SmtpClient client(vault.service);
    client.begin();
    for (std::size_t number = 1; number < vault.service.max_unknown; ++number)
      REQUIRE(code(client.ask("RCPT TO:<guess" + std::to_string(number) + "@gw.example>")) == "550 5.1.1");
    CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
    CHECK(client.ask("RCPT TO:<guess@gw.example>") == "421 4.7.0 Too many unknown recipients");
    CHECK(client.reply().empty());
  }
  // Guesses are counted by source and across sessions: only this source's next guess would wait.
  CHECK(guesses.wait("192.0.2.1") == 500ms);
  CHECK(guesses.wait("192.0.2.2") == 0ms);
  time += policy.memory + 1s;
  CHECK(guesses.wait("192.0.2.1") == 0ms);
}

TEST_CASE("While it is unknown whether there are sender tokens AUTH is announced, and refused temporarily") {
  Vault vault;
  vault.service.allow_plaintext_auth = true;
  const Secret token = vault::generate_token();
  const auto mailbox = add_sender(vault, "journal", token);
  bool reached = false;
  vault.service.store = [&]() -> Result<store::Store*> {
    if (!reached) return Error(Code::Unavailable, "no keeper");
    return vault.store.get();
  };
  SmtpClient client(vault.service, "127.0.0.1");
  client.reply();
  CHECK(client.ask("EHLO c").find("AUTH PLAIN LOGIN") != std::string::npos);
  CHECK(code(client.ask(plain(mailbox.local_part(), token.text()))) == "454 4.7.0");
  reached = true;
  client.ask("MAIL FROM:<>");
  CHECK(code(client.ask(rcpt(mailbox))) == "454 4.7.0");  // AUTH was attempted
  client.ask("RSET");
  CHECK(code(client.ask(plain(mailbox.local_part(), token.text()))) == "235 2.7.0");
  client.ask("MAIL FROM:<>");
  CHECK(code(client.ask(rcpt(mailbox))) == "250 2.1.5");
}

TEST_CASE("A process that stops sends 421, after the message in transfer") {
  Vault vault;
  const auto mailbox = vault.add("journal");
  net::stop::install();
  SmtpClient idle(vault.service);
  idle.begin();
  SmtpClient busy(vault.service);
  busy.begin();
  busy.ask(rcpt(mailbox));
  busy.ask("DATA");
  busy.send("half\r\n");
  net::stop::request();
  CHECK(code(idle.reply()) == "421 4.3.2");
  CHECK(idle.reply().empty());
  CHECK(code(busy.ask("more\r\n.")) == "250 2.0.0");
  CHECK(code(busy.reply()) == "421 4.3.2");
  CHECK(busy.reply().empty());
  CHECK(vault.open(mailbox.id).data == "half\r\nmore\r\n");
  idle.end();
  busy.end();
  net::stop::withdraw();
}

TEST_CASE("STARTTLS is refused temporarily if the certificate cannot be loaded") {
  Vault vault;
  CHECK([&] {
    SmtpClient client(vault.service);
    client.reply();
    return client.ask("EHLO c").find("STARTTLS") == std::string::npos;
  }());
  vault.service.tls = []() -> Result<std::shared_ptr<const net::ServerTls>> {
    return Error(Code::Config, "a bad certificate");
  };
  SmtpClient client(vault.service);
  client.reply();
  CHECK(client.ask("EHLO c").find("STARTTLS") != std::string::npos);
  CHECK(code(client.ask("STARTTLS")) == "454 4.7.0");
  CHECK(code(client.ask("NOOP")) == "250 2.0.0");
  // A mail that must use TLS is refused only temporarily then.
  const auto secured = vault.add("secured", [](auto& record) { record.require_tls = true; });
  client.ask("MAIL FROM:<>");
  CHECK(code(client.ask(rcpt(secured))) == "454 4.7.0");
  CHECK(code(client.ask("DATA")) == "451 4.3.0");
}

TEST_CASE("Within TLS the envelope of a mail has the version and the cipher") {
  Vault vault;
  const auto mailbox = vault.add("journal", [](auto& record) { record.require_tls = true; });
  const test::TempFolder directory;
  const net::CertificateFiles files{directory.path() + "/certificate.pem", directory.path() + "/key.pem"};
  REQUIRE(net::make_self_signed("gw.example", files));
  const auto tls = net::ServerTls::load({files});
  REQUIRE(tls);
  vault.service.tls = [&]() -> Result<std::shared_ptr<const net::ServerTls>> { return *tls; };

  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  std::thread server([&, end = Fd(ends[1])]() mutable {
    smtpd::serve_smtp(net::Stream(std::move(end), {}), {}, vault.service);
  });
  net::Stream stream{Fd(ends[0]), net::Peer{}};
  stream.set_timeout(std::chrono::seconds(20));
  const auto read_until = [&](std::string_view last) {
    std::string received;
    while (received.find(last) == std::string::npos || !received.ends_with("\r\n")) {
      std::array<std::byte, 1000> piece;
      const auto got = stream.read(piece);
      REQUIRE(got);
      REQUIRE(*got > 0);
      received += as_text(ByteView(piece).first(*got));
    }
    return received;
  };
  read_until("220 ");
  REQUIRE(stream.write(as_bytes("STARTTLS\r\n")));
  read_until("220 2.0.0");
  net::ClientPolicy policy;
  policy.verify = false;
  REQUIRE(stream.connect_tls(**net::ClientTls::make(policy), "gw.example", std::chrono::seconds(20)));
  REQUIRE(stream.write(as_bytes("EHLO c\r\n")));
  CHECK(read_until("250 HELP").find("STARTTLS") == std::string::npos);
  REQUIRE(stream.write(as_bytes("MAIL FROM:<>\r\n" + rcpt(mailbox) + "\r\nDATA\r\nx\r\n.\r\nQUIT\r\n")));
  read_until("221 ");
  stream.close();
  server.join();
  const auto opened = vault.open(mailbox.id);
  CHECK(opened.envelope.tls.starts_with("TLSv1.3 TLS_"));
  CHECK(opened.data == "x\r\n");
}
