#include "vault/delivery.h"

#include <array>
#include <set>

#include "base/file.h"
#include "mail/wire_form.h"
#include "seal/age.h"
#include "support/source_dir.h"
#include "support/stock_age.h"
#include "support/store_shell.h"
#include "vault/content_scan.h"
#include "vault/fixture.h"

using namespace gw;
using namespace gw::vault;
using namespace gw::vault::test;

namespace {

Bytes pattern(std::size_t size) {
  Bytes data(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::byte>(i % 251);
  return data;
}

// Mails as they should not be, and some as they should.
std::vector<std::string> odd_messages() {
  using namespace std::string_literals;
  return {""s,
          "\n"s,
          "\r"s,
          "\r\n"s,
          ".\r\n"s,
          "a"s,
          "Subject: x\r\n\r\nhello\r\n"s,
          "Subject: x\n\nbare\n"s,
          "no header\rbut CR"s,
          "NUL \0 within\r\n"s,
          "8-bit \xc3\xa9\xff\r\n"s,
          std::string(5000, 'x'),
          std::string(998, 'x') + "\r\n"s + std::string(998, 'y'),
          "From x\r\n.\r\n..\r\n"s,
          "\r\n.\r\nMAIL FROM:<>\r\n"s};
}

std::uint64_t wire_size(const std::vector<std::string>& trace, ByteView data) {
  mail::WireForm form(trace);
  const auto nowhere = [](ByteView) {};
  form.write(data, nowhere);
  form.finish(nowhere);
  return form.size();
}

}  // namespace

TEST_CASE("a delivered mail is drained byte for byte, however unusual") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  std::vector<Bytes> sent;
  for (const std::string& message : odd_messages()) sent.push_back(to_bytes(message));
  for (std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 200000u}) sent.push_back(pattern(size));
  for (const Bytes& data : sent) REQUIRE(deliver(*vault.store, made.record, data));

  Result<Drain> drain = Drain::open(*vault.store, made.address, made.password, "test");
  REQUIRE(drain);
  REQUIRE(drain->messages().size() == sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    INFO(i);
    const store::MessageRecord& record = drain->messages()[i];
    Result<Message> message = drain->open(record);
    REQUIRE(message);
    CHECK(record.size == sent[i].size());
    CHECK(record.wire_size == wire_size(message->envelope().trace, sent[i]));
    const Result<Bytes> got = read_all(message);
    REQUIRE(got);
    CHECK(*got == sent[i]);
    const Result<ByteView> again = message->next();
    REQUIRE(again);
    CHECK(again->empty());
  }
}

TEST_CASE("the pieces in which the bytes arrive make no difference") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const Bytes data = pattern(140'000);
  for (std::size_t piece : {1000u, 65535u, 65536u, 65537u, 140'000u})
    REQUIRE(deliver(*vault.store, made.record, data, some_envelope(), piece));
  Result<Drain> drain = Drain::open(*vault.store, made.address, made.password, "test");
  REQUIRE(drain);
  for (const store::MessageRecord& record : drain->messages()) {
    const Result<Bytes> got = read_all(drain->open(record));
    REQUIRE(got);
    CHECK(*got == data);
  }
}

TEST_CASE("the stock age opens a stored container with the mailbox's key") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  for (std::size_t size : {0u, 1u, 65536u, 65537u, 200000u})
    REQUIRE(deliver(*vault.store, made.record, pattern(size)));
  Result<Drain> drain = Drain::open(*vault.store, made.address, made.password, "test");
  REQUIRE(drain);
  const std::string identities = std::string(seal::identity(drain->ring().keys[0].secret).text()) + "\n";
  for (const store::MessageRecord& record : drain->messages()) {
    const Bytes container = container_of(*vault.store, made.record.id, record);
    CHECK(container.size() == record.container_size);
    CHECK(sha256(container) == record.container);
    const gw::test::AgeOutput out = gw::test::age_decrypt(container, identities);
    REQUIRE(out.ok);
    CHECK(out.data == pattern(record.size));
  }
}

TEST_CASE("the envelope is read completely, with what the delivery added") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  Envelope envelope = some_envelope();
  envelope.parameters = "SIZE=100 BODY=8BITMIME";
  envelope.recipients.push_back({"\xff odd@x", "NOTIFY=NEVER", "550 no"});
  envelope.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  envelope.client_certificate = "CN=x";
  envelope.auth = "user";
  envelope.origin = Origin::ProxySmtp;
  envelope.route = "work";
  envelope.login = "me@example.com";
  envelope.source = "cur/1:2,S";
  const std::string text = "Subject: x\n\r\n\xe9" + std::string(999, 'z') + std::string(1, '\0');
  const Micros before = now();
  REQUIRE(deliver(*vault.store, made.record, as_bytes(text), envelope));

  Result<Drain> drain = Drain::open(*vault.store, made.address, made.password, "test");
  REQUIRE(drain);
  Result<Message> message = drain->open(drain->messages().front());
  REQUIRE(message);
  const Envelope& got = message->envelope();
  CHECK(got.reverse_path == envelope.reverse_path);
  CHECK(got.parameters == envelope.parameters);
  REQUIRE(got.recipients.size() == 2);
  CHECK(got.recipients[1].address == "\xff odd@x");
  CHECK(got.recipients[1].parameters == "NOTIFY=NEVER");
  CHECK(got.recipients[1].refusal == "550 no");
  CHECK(got.helo == envelope.helo);
  CHECK(got.host == envelope.host);
  CHECK(got.peer == envelope.peer);
  CHECK(got.tls == envelope.tls);
  CHECK(got.client_certificate == envelope.client_certificate);
  CHECK(got.auth == envelope.auth);
  CHECK(got.listener == envelope.listener);
  CHECK(got.transaction == envelope.transaction);
  CHECK(got.origin == envelope.origin);
  CHECK(got.route == envelope.route);
  CHECK(got.login == envelope.login);
  CHECK(got.source == envelope.source);
  CHECK(got.received >= before);
  CHECK(got.received <= now());
  CHECK(got.size == text.size());
  CHECK(got.sha256 == sha256(as_bytes(text)));
  CHECK(got.bare_newline);
  CHECK(got.eight_bit);
  CHECK(got.long_line);
  CHECK(got.nul);
}

TEST_CASE("trace lines name foreign recipients and never the mailbox's own addresses") {
  Vault vault;
  NewMailbox wanted;
  wanted.aliases = {"Journal@own.example"};
  wanted.domains = {"catch.example"};
  const CreatedMailbox made = vault.mailbox("journal", wanted);
  const auto trace_of = [&](std::vector<std::string> recipients, Origin origin = Origin::Smtp) {
    Envelope envelope = some_envelope();
    envelope.origin = origin;
    envelope.recipients.clear();
    for (std::string& recipient : recipients) envelope.recipients.push_back({std::move(recipient), "", ""});
    const Result<Stored> stored = deliver(*vault.store, made.record, as_bytes("x: y\r\n"), envelope);
    REQUIRE(stored);
    Result<Drain> drain = Drain::open(*vault.store, made.address, made.password, "test");
    REQUIRE(drain);
    Result<Message> message = drain->open(drain->messages().back());
    REQUIRE(message);
    return message->envelope().trace;
  };
  CHECK(trace_of({made.address}).empty());
  CHECK(trace_of({"MBX-" + made.record.id.hex() + "+tag@anything.example", "journal+x@OWN.example"}).empty());
  CHECK(trace_of({"mbx-00112233445566778899aabbccddeeff@other.example"}).empty());
  CHECK(trace_of({"foreign@x.example"}, Origin::Import).empty());
  const std::vector<std::string> lines =
      trace_of({made.address, "anyone@catch.example", "foreign@x.example"});
  CHECK(lines == std::vector<std::string>{"X-Envelope-From: <sender@example.com>",
                                          "X-Envelope-To: <anyone@catch.example>",
                                          "X-Envelope-To: <foreign@x.example>"});
}

TEST_CASE("no two messages share a file key, an id or a container") {
  Vault vault;
  const CreatedMailbox one = vault.mailbox("one");
  const CreatedMailbox two = vault.mailbox("two");
  std::set<Digest> containers;
  std::set<Digest> commitments;
  std::set<MessageId> ids;
  for (int i = 0; i < 10; ++i) {
    for (const CreatedMailbox* made : {&one, &two}) {
      const Result<Stored> stored = deliver(*vault.store, made->record, as_bytes("the same"));
      REQUIRE(stored);
      const Result<store::MessageRecord> record = vault.store->find(made->record.id, stored->id);
      REQUIRE(record);
      containers.insert(record->container);
      commitments.insert(record->commitment);
      ids.insert(stored->id);
    }
  }
  CHECK(containers.size() == 20);
  CHECK(commitments.size() == 20);
  CHECK(ids.size() == 20);
}

namespace {

// Counts what reaches the store, and can lose the answer to a commit.
class CountingStore : public gw::test::StoreShell {
 public:
  using StoreShell::StoreShell;
  enum class Answer { Given, LostAfter, LostBefore };
  Answer answer = Answer::Given;
  bool find_fails = false;
  int begun = 0;
  int put = 0;
  int found = 0;

  Result<std::unique_ptr<store::Append>> begin(const MailboxId& mailbox, const MessageId& message) override {
    ++begun;
    auto inner = StoreShell::begin(mailbox, message);
    if (!inner) return inner.error();
    return std::unique_ptr<store::Append>(std::make_unique<Counted>(*this, std::move(*inner)));
  }
  Result<store::MessageRecord> find(const MailboxId& mailbox, const MessageId& message) override {
    ++found;
    if (find_fails) return Error(Code::Unavailable, "away");
    return StoreShell::find(mailbox, message);
  }

 private:
  class Counted : public store::Append {
   public:
    Counted(CountingStore& owner, std::unique_ptr<store::Append> inner)
        : owner_(owner), inner_(std::move(inner)) {}
    Result<void> put(ByteView container) override {
      ++owner_.put;
      return inner_->put(container);
    }
    Result<store::CommitResult> commit(const store::Commit& commit) override {
      if (owner_.answer == Answer::LostBefore) return Error(Code::Unknown, "lost");
      Result<store::CommitResult> committed = inner_->commit(commit);
      if (owner_.answer == Answer::LostAfter) return Error(Code::Unknown, "lost");
      return committed;
    }

   private:
    CountingStore& owner_;
    std::unique_ptr<store::Append> inner_;
  };
};

}  // namespace

TEST_CASE("the store is first called when a chunk is full or the message ends") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  CountingStore store(*vault.store);
  const store::Recipient recipient = recipient_of(store, made.record);
  Result<Delivery> delivery = Delivery::begin(store, recipient, some_envelope(), "test");
  REQUIRE(delivery);
  REQUIRE(delivery->write(pattern(65536)));
  CHECK(store.begun == 0);
  REQUIRE(delivery->write(pattern(1)));
  CHECK(store.begun == 1);
  CHECK(store.put == 1);
  REQUIRE(delivery->finish());
  CHECK(store.put == 2);
  CHECK_FALSE(delivery->finish());
}

TEST_CASE("an abandoned delivery leaves nothing") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  {
    Result<Delivery> delivery =
        Delivery::begin(*vault.store, recipient_of(*vault.store, made.record), some_envelope(), "test");
    REQUIRE(delivery);
    REQUIRE(delivery->write(pattern(100'000)));
  }
  const Result<store::MailboxStat> stat = vault.store->stat(made.record.id);
  REQUIRE(stat);
  CHECK(stat->live == 0);
}

TEST_CASE("if the reply to a commit is lost, the store is asked once") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  CountingStore store(*vault.store);

  store.answer = CountingStore::Answer::LostAfter;
  CHECK(deliver(store, made.record, as_bytes("is there")));
  CHECK(store.found == 1);

  store.answer = CountingStore::Answer::LostBefore;
  const Result<Stored> gone = deliver(store, made.record, as_bytes("is not there"));
  REQUIRE_FALSE(gone);
  CHECK(gone.error().code() == Code::Unavailable);
  CHECK(store.found == 2);

  store.find_fails = true;
  const Result<Stored> unknown = deliver(store, made.record, as_bytes("who knows"));
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code() == Code::Unknown);
  CHECK(store.found == 3);
}

TEST_CASE("a mailbox whose key cannot be used for sealing is corrupt") {
  Vault vault;
  store::Recipient recipient = recipient_of(*vault.store, vault.mailbox().record);
  recipient.mailbox.generations.back().public_key.fill(std::byte{0});
  const Result<Delivery> delivery = Delivery::begin(*vault.store, recipient, some_envelope(), "test");
  REQUIRE_FALSE(delivery);
  CHECK(delivery.error().code() == Code::Corrupt);
}

TEST_CASE("the recorded facts of the content do not depend on how it is cut", "[one-thread]") {
  struct Case {
    std::string text;
    bool bare, eight, longer, nul;
  };
  using namespace std::string_literals;
  std::string lines;
  for (std::size_t i = 0; i < 40; ++i) lines += std::string(i * 7 % 90, 'x') + "\r\n";
  const std::vector<Case> cases = {
      {lines + std::string(998, 'x') + "\r\n" + lines, false, false, false, false},
      {lines + std::string(999, 'x') + "\r\n" + lines, false, false, true, false},
      {lines + lines + "\n" + lines, true, false, false, false},
      {"", false, false, false, false},
      {"a\r\nb\r\n", false, false, false, false},
      {"a\nb", true, false, false, false},
      {"a\rb", true, false, false, false},
      {"a\r", true, false, false, false},
      {"a\r\r\n", true, false, false, false},
      {"\n\r", true, false, false, false},
      {"\r\n\r\n", false, false, false, false},
      {std::string(998, 'x') + "\r\n", false, false, false, false},
      {std::string(999, 'x') + "\r\n", false, false, true, false},
      {"y\r\n" + std::string(999, 'x'), false, false, true, false},
      {std::string(600, 'x') + "\n" + std::string(600, 'x'), true, false, false, false},
      {"\x80", false, true, false, false},
      {"0123456789\xff", false, true, false, false},
      {"\0"s, false, false, false, true},
      {"01234567\0"s, false, false, false, true},
      {"012\0"
       "45678901\x01"s,
       false, false, false, true},
      {std::string(40, '\x01'), false, false, false, false},
  };
  for (const Case& want : cases) {
    for (std::size_t cut = 1; cut <= want.text.size() + 1; ++cut) {
      ContentScan scan;
      for (ByteView rest = as_bytes(want.text); !rest.empty();) {
        const ByteView piece = rest.first(std::min(cut, rest.size()));
        scan.write(piece);
        rest = rest.subspan(piece.size());
      }
      scan.finish();
      INFO(want.text << " cut at " << cut);
      CHECK(scan.bare_newline() == want.bare);
      CHECK(scan.eight_bit() == want.eight);
      CHECK(scan.long_line() == want.longer);
      CHECK(scan.nul() == want.nul);
    }
  }
}

TEST_CASE("the envelope has fingerprints of the Message-IDs at the start of the mail") {
  Vault vault;
  const CreatedMailbox made = vault.mailbox();
  const auto ring = unlock(*vault.store, made.record, made.password);
  REQUIRE(ring);
  const auto envelope_of = [&](const std::string& mail) {
    const auto stored = deliver(*vault.store, made.record, as_bytes(mail));
    REQUIRE(stored);
    const auto record = vault.store->find(made.record.id, stored->id);
    REQUIRE(record);
    const auto message = open_message(*vault.store, *ring, vault.id, made.record.id, *record);
    REQUIRE(message);
    return message->envelope();
  };
  const auto print = [&](std::string_view id) { return message_id_print(vault.id, made.record.id, id); };
  const std::string body(200'000, 'x');

  Envelope envelope = envelope_of("Message-ID: <a@b>\r\n\r\n" + body);
  CHECK(envelope.identified);
  CHECK(envelope.message_ids == std::vector{print("a@b")});
  const auto report = read_file(gw::test::source_dir() + "/tests/corpus/01-basic-to-cc-bcc.eml");
  REQUIRE(report);
  envelope = envelope_of(*report);
  CHECK(envelope.identified);
  CHECK(envelope.message_ids.back() == print("7d1c0a55@mail.example.com"));
  envelope = envelope_of("no header at all");
  CHECK(envelope.identified);
  CHECK(envelope.message_ids.empty());
  // A header that does not end in the first chunk.
  envelope = envelope_of("X-Long: " + body + "\r\nMessage-ID: <a@b>\r\n\r\n");
  CHECK_FALSE(envelope.identified);
  // Another mailbox has other fingerprints of the same mail.
  CHECK(print("a@b") != message_id_print(vault.id, random_id<MailboxId>(), "a@b"));
}

TEST_CASE("an envelope with fields of a newer version is read without them") {
  Envelope envelope = some_envelope();
  envelope.message_ids.push_back(message_id_print(random_id<VaultId>(), random_id<MailboxId>(), "a@b"));
  envelope.identified = true;
  Bytes stored = encode(envelope);
  const auto same = decode_envelope(stored);
  REQUIRE(same);
  CHECK(same->message_ids == envelope.message_ids);
  CHECK(same->identified);
  // Field 100 with the value 1; and a fingerprint of another size, field 24 with one byte.
  append(stored, std::array{std::byte{0xa0}, std::byte{0x06}, std::byte{1}});
  append(stored, std::array{std::byte{0xc2}, std::byte{0x01}, std::byte{1}, std::byte{7}});
  const auto newer = decode_envelope(stored);
  REQUIRE(newer);
  CHECK(newer->reverse_path == envelope.reverse_path);
  CHECK(newer->message_ids == envelope.message_ids);
  CHECK_FALSE(newer->identified);
}
