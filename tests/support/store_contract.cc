#include "support/store_contract.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include "store/iterate.h"
#include "store/merkle.h"
#include "support/store_contract_subjects.h"

namespace gw::store::contract {
namespace {

using Ids = std::vector<MessageId>;

template <class T>
Code code_of(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error().code();
}

Note note(LeafType type = LeafType::Setting) {
  return {type, "test", 0};
}

std::vector<MessageRecord> list(Store& store, const MailboxId& mailbox) {
  std::vector<MessageRecord> all;
  for (std::uint64_t after = 0;;) {
    auto page = store.list(mailbox, after, 3);
    REQUIRE(page);
    if (page->empty()) return all;
    all.insert(all.end(), page->begin(), page->end());
    after = page->back().seq;
  }
}

State state_of(Store& store, const MailboxId& mailbox, const MessageId& message) {
  auto found = store.find(mailbox, message);
  REQUIRE(found);
  return found->state;
}

}  // namespace

MailboxRecord put(Store& store, MailboxRecord record, LeafType type) {
  auto done = store.put_mailbox(record, {}, note(type));
  INFO((done ? "" : done.error().text()));
  REQUIRE(done);
  auto stored = store.mailbox(record.id);
  REQUIRE(stored);
  return *stored;
}

Mail new_mail(std::size_t size) {
  Mail mail;
  mail.container.resize(size);
  random_bytes(mail.container);
  mail.commit.received = 1'800'000'000'000'000;
  mail.commit.size = size;
  mail.commit.wire_size = size + 2;
  mail.commit.generation = 1;
  mail.commit.container = sha256(mail.container);
  mail.commit.envelope.resize(50);
  random_bytes(mail.commit.envelope);
  random_bytes(mail.commit.commitment);
  mail.commit.actor = "smtp test";
  return mail;
}

Result<CommitResult> deliver(Store& store, const MailboxId& mailbox, const Mail& mail) {
  auto append = store.begin(mailbox, mail.id);
  if (!append) return append.error();
  const ByteView all = mail.container;
  for (std::size_t at = 0; at < all.size(); at += 64 << 10) {
    if (auto put = (*append)->put(all.subspan(at, std::min<std::size_t>(64 << 10, all.size() - at))); !put)
      return put.error();
  }
  return (*append)->commit(mail.commit);
}

Result<std::size_t> move(Store& store, const MailboxId& mailbox, std::vector<MessageId> messages, State from,
                         std::optional<State> to) {
  Transition transition;
  transition.mailbox = mailbox;
  transition.messages = std::move(messages);
  transition.from = from;
  transition.to = to;
  transition.actor = "test";
  return store.transition(transition);
}

std::vector<Leaf> history(Store& store, const MailboxId& log) {
  std::vector<Leaf> leaves;
  for (;;) {
    auto page = store.history_read(log, leaves.size(), 7);
    REQUIRE(page);
    if (page->empty()) return leaves;
    for (const Bytes& stored : *page) {
      auto leaf = decode_leaf(stored);
      REQUIRE(leaf);
      leaves.push_back(*leaf);
    }
  }
}

std::vector<LeafType> types(Store& store, const MailboxId& log) {
  std::vector<LeafType> all;
  for (const Leaf& leaf : history(store, log)) all.push_back(leaf.type);
  return all;
}

Bytes read_all(Store& store, const MailboxId& mailbox, const MessageId& message) {
  Bytes all;
  for (;;) {
    std::array<std::byte, 50'000> chunk;
    auto got = store.read(mailbox, message, all.size(), chunk);
    INFO((got ? "" : got.error().text()));
    REQUIRE(got);
    if (*got == 0) return all;
    append(all, std::span(chunk).first(*got));
  }
}

std::string dump(Store& store) {
  std::ostringstream out;
  const auto line = [&](const auto&... parts) { ((out << parts << ' '), ...) << '\n'; };
  auto all = store.mailboxes();
  REQUIRE(all);
  std::set<MailboxId> logs{MailboxId{}};
  for (const Leaf& leaf : history(store, {})) {
    if (leaf.type == LeafType::MailboxMade) logs.insert(leaf.mailbox);
  }
  for (const MailboxRecord& mailbox : *all) {
    line("mailbox", to_hex(encode(mailbox)), mailbox.version);
    const MailboxStat stat = store.stat(mailbox.id).value();
    line("stat", stat.live, stat.live_bytes, stat.wire_size, stat.unconfirmed, stat.pending, stat.drained,
         stat.quarantined, stat.accepted, stat.log_size, stat.oldest, stat.last_delivery, stat.last_drain);
    for (MessageRecord message : list(store, mailbox.id)) {
      message.large = false;  // each store decides this itself
      line("message", to_hex(encode(message)), to_hex(store.envelope(mailbox.id, message.id).value()),
           to_hex(sha256(read_all(store, mailbox.id, message.id))));
      REQUIRE(store.find(mailbox.id, message.id).value().seq == message.seq);
    }
    for (std::optional<MessageId> from = MessageId{}; from;) {
      auto page = store.removal_records(mailbox.id, *from, 3);
      REQUIRE(page);
      for (RemovalRecord& swept : *page) {
        swept.record.large = false;
        line("removal-record", to_hex(encode(swept)));
      }
      from = page->empty() ? std::nullopt : page->back().record.id.next();
    }
  }
  for (const MailboxId& log : logs) {
    for (const Kind kind :
         {Kind::Mailbox, Kind::Slot, Kind::Name, Kind::Alias, Kind::Setting, Kind::Admin, Kind::Route}) {
      auto found = store.scan(kind, log, {}, 10'000);
      REQUIRE(found);
      for (const Record& record : *found)
        line("record", static_cast<int>(kind), log.hex(), record.key.name, to_hex(record.value),
             record.version);
    }
    const LogHead head = store.history_head(log).value();
    line("head", log.hex(), head.size, to_hex(head.root), head.time);
    CompactRange range;
    for (const Leaf& leaf : history(store, log)) {
      const Bytes stored = encode(leaf);
      range.append(leaf_hash(stored));
      line("leaf", to_hex(stored));
    }
    REQUIRE(range.size() == head.size);
    REQUIRE(range.root() == head.root);
  }
  return out.str();
}

void mailboxes(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  MailboxRecord record = new_mailbox("journal");
  record.description = "Übersicht";
  record.aliases = {"archive@example.com"};
  record.allow = {"192.0.2.0/24"};
  record.token_hash = Digest{std::byte{9}};
  record.unknown = "\xc2\x3e\x01x";  // field 1000, as a newer version of gw may write one

  SECTION("a mailbox is returned as it was put, with its slots and a leaf in both histories") {
    REQUIRE(store.put_mailbox(record, {{"password", to_bytes("wrapped")}, {"recovery", to_bytes("sealed")}},
                              {LeafType::MailboxMade, "uid=0 admin", 0}));
    const MailboxRecord stored = store.mailbox(record.id).value();
    CHECK(stored.version == 1);
    CHECK(encode(stored) == encode(record));
    CHECK(stored.unknown == record.unknown);
    CHECK(store.get({Kind::Slot, record.id, "password"}).value().value == to_bytes("wrapped"));
    CHECK(types(store, record.id) == std::vector{LeafType::MailboxMade});
    const Leaf leaf = history(store, {}).back();
    CHECK(leaf.type == LeafType::MailboxMade);
    CHECK(leaf.mailbox == record.id);
    CHECK(leaf.container == sha256(encode(record)));
    CHECK(leaf.actor == subject.actor + "uid=0 admin");
    CHECK(store.health().value().mailboxes == 1);
  }
  SECTION("health says whether a mailbox has a sender token") {
    CHECK_FALSE(store.health().value().senders);
    const MailboxRecord with = put(store, record);
    CHECK(store.health().value().senders);
    MailboxRecord without = with;
    without.token_hash.reset();
    without = put(store, without);
    CHECK_FALSE(store.health().value().senders);
    without.token_hash = record.token_hash;
    without.status = Status::Suspended;
    put(store, without);
    CHECK(store.health().value().senders);
    REQUIRE(store.remove_mailbox(record.id, "admin"));
    CHECK_FALSE(store.health().value().senders);
  }
  SECTION("a name, an alias and an id can be used only once") {
    put(store, record);
    CHECK(code_of(store.put_mailbox(record, {}, note())) == Code::Exists);
    CHECK(code_of(store.put_mailbox(new_mailbox("journal"), {}, note())) == Code::Exists);
    MailboxRecord other = new_mailbox("other");
    other.aliases = record.aliases;
    CHECK(code_of(store.put_mailbox(other, {}, note())) == Code::Exists);
    CHECK(store.mailboxes().value().size() == 1);
    CHECK(history(store, {}).size() == 2);
  }
  SECTION("a change must name the version that it changes, and updates the indexes") {
    const MailboxRecord first = put(store, record);
    MailboxRecord second = first;
    second.name = "renamed";
    second.aliases = {"new@example.com"};
    second.generations.push_back({2, {}, 9});
    second = put(store, second, LeafType::Key);
    CHECK(second.version == 2);
    CHECK(code_of(store.put_mailbox(first, {}, note())) == Code::Conflict);
    CHECK(code_of(store.resolve("journal", Lookup::Login)) == Code::NotFound);
    CHECK(store.resolve("renamed", Lookup::Login).value().mailbox.id == record.id);
    CHECK(code_of(store.resolve("archive@example.com", Lookup::Login)) == Code::NotFound);
    CHECK(store.resolve("new@example.com", Lookup::Login).value().mailbox.id == record.id);
    CHECK(types(store, record.id) == std::vector{LeafType::MailboxMade, LeafType::Key});
    put(store, new_mailbox("journal"));
  }
  SECTION("an empty slot is removed, a slot that is not named is kept") {
    REQUIRE(store.put_mailbox(record, {{"password", to_bytes("a")}, {"recovery", to_bytes("b")}}, note()));
    record.version = 1;
    REQUIRE(store.put_mailbox(record, {{"recovery", {}}}, note(LeafType::Slot)));
    CHECK(store.get({Kind::Slot, record.id, "password"}));
    CHECK(code_of(store.get({Kind::Slot, record.id, "recovery"})) == Code::NotFound);
  }
  SECTION("only a suspended and empty mailbox can be dropped, and its history is kept") {
    record = put(store, record);
    CHECK(code_of(store.remove_mailbox(record.id, "test")) == Code::Conflict);
    const Mail mail = new_mail();
    REQUIRE(deliver(store, record.id, mail));
    record.status = Status::Suspended;
    record = put(store, record, LeafType::Status);
    CHECK(code_of(store.remove_mailbox(record.id, "test")) == Code::Conflict);
    REQUIRE(move(store, record.id, {mail.id}, State::Live, std::nullopt));
    REQUIRE(store.put_if({Kind::Slot, record.id, "password"}, 0, to_bytes("x"), note()));
    REQUIRE(store.remove_mailbox(record.id, "test"));
    CHECK(code_of(store.mailbox(record.id)) == Code::NotFound);
    CHECK(code_of(store.stat(record.id)) == Code::NotFound);
    CHECK(code_of(store.get({Kind::Slot, record.id, "password"})) == Code::NotFound);
    CHECK(code_of(store.resolve("archive@example.com", Lookup::Recipient)) == Code::NotFound);
    CHECK(history(store, record.id).size() == 5);
    CHECK(history(store, {}).back().type == LeafType::MailboxRemoved);
    record.version = 0;
    CHECK(code_of(store.put_mailbox(record, {}, note())) == Code::Exists);
    CHECK(code_of(store.remove_mailbox(record.id, "test")) == Code::NotFound);
  }
  SECTION("mailboxes are listed by name") {
    put(store, new_mailbox("b"));
    put(store, new_mailbox("a"));
    const auto all = store.mailboxes().value();
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "a");
    CHECK(all[1].version == 1);
  }
  SECTION("an invalid name, or one that could be taken for another mailbox's id, is refused") {
    for (const std::string& name :
         {std::string("A"), std::string(), record.id.hex(), "mbx-" + record.id.hex()})
      CHECK(code_of(store.put_mailbox(new_mailbox(name), {}, note())) == Code::BadInput);
  }
}

void addresses(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  MailboxRecord record = new_mailbox("journal");
  record.aliases = {"archive@example.com", "exact+tag@example.com", "j\xc3\xbcrgen@xn--mller-kva.example",
                    std::string("\xc3\x9c") + "ber@old.example"};
  record.domains = {"catch.example", "xn--kln-sna.example"};
  record.description = "private";
  record.quota = 1000;
  put(store, record);
  const std::string own = record.local_part();
  const auto finds = [&](const std::string& text, Lookup lookup) {
    INFO(text);
    auto found = store.resolve(text, lookup);
    if (!found) CHECK(found.error().code() == Code::NotFound);
    return found && found->mailbox.id == record.id;
  };
  for (const std::string& text :
       {own, own + "@gw.example", own + "+x@gw.example", "MBX-" + own.substr(4) + "@GW.EXAMPLE",
        std::string("Archive@Example.COM"), std::string("archive+a+b@example.com"),
        std::string("exact+tag@example.com"), "\"" + own + "\"@gw.example",
        std::string(R"("archive"@example.com)"), std::string(R"("Arch\ive"@example.com)"),
        std::string(R"("archive+x"@example.com)")}) {
    CHECK(finds(text, Lookup::Recipient));
    CHECK(finds(text, Lookup::Login));
  }
  const std::string quoted = "\"" + own + "\"@gw.example";
  for (const std::string& text :
       {quoted, std::string("\"archive\"@example.com"), std::string("\"arch\\ive\"@Example.com"),
        std::string("archive(c)@example.com"), std::string("J\xc3\x9cRGEN@M\xc3\x9cLLER.example"),
        std::string("ju\xcc\x88rgen+tag@mu\xcc\x88ller.example"),
        std::string("j\xc3\xbcrgen@XN--mller-kva.example"),
        std::string("\xc3\x9c"
                    "BER@old.example")}) {
    CHECK(finds(text, Lookup::Recipient));
    CHECK(finds(text, Lookup::Login));
  }
  CHECK(finds("a b@k\xc3\xb6ln.example", Lookup::Recipient));
  for (const std::string& text :
       {std::string("whoever@catch.example"), std::string(R"("who ever"@catch.example)"),
        std::string(R"("a@b"@catch.example)")}) {
    CHECK(finds(text, Lookup::Recipient));
    CHECK_FALSE(finds(text, Lookup::Login));
  }
  CHECK(finds("journal", Lookup::Login));
  CHECK(finds(record.id.hex(), Lookup::Login));
  CHECK_FALSE(finds("journal", Lookup::Recipient));
  CHECK_FALSE(finds(record.id.hex(), Lookup::Recipient));
  for (const std::string& text :
       {std::string(), std::string("@"), std::string("@example.com"), own + "0",
        std::string("other@example.com"), std::string("exact@example.com"), std::string("mbx-"),
        std::string(10'000, 'a'), std::string("a@b@"), std::string("@catch.example"),
        std::string(R"(""@catch.example)"), std::string(R"("archive @example.com)"),
        std::string(R"("arch ive"@example.com)"), std::string(R"("archive@example.com")")}) {
    CHECK_FALSE(finds(text, Lookup::Recipient));
    CHECK_FALSE(finds(text, Lookup::Login));
  }
  const Recipient found = store.resolve(own, Lookup::Recipient).value();
  CHECK(found.mailbox.description.empty());
  CHECK(found.room == 1000);
}

void records(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxRecord mailbox = put(store, new_mailbox("journal"));
  const RecordKey setting{Kind::Setting, {}, "vault"};

  SECTION("a record is created once, and changed and erased at its version") {
    const std::uint64_t first = store.put_if(setting, 0, as_bytes("one"), note()).value();
    CHECK(code_of(store.put_if(setting, 0, as_bytes("two"), note())) == Code::Exists);
    CHECK(code_of(store.put_if(setting, first + 1, as_bytes("two"), note())) == Code::Conflict);
    const std::uint64_t second = store.put_if(setting, first, as_bytes("two"), note()).value();
    CHECK(second > first);
    CHECK(code_of(store.put_if(setting, first, as_bytes("three"), note())) == Code::Conflict);
    const Record record = store.get(setting).value();
    CHECK(record.value == to_bytes("two"));
    CHECK(record.version == second);
    CHECK(code_of(store.erase_if(setting, first, note())) == Code::Conflict);
    REQUIRE(store.erase_if(setting, second, note()));
    CHECK(code_of(store.get(setting)) == Code::NotFound);
    CHECK(code_of(store.erase_if(setting, second, note())) == Code::Conflict);
    CHECK(store.put_if(setting, 0, as_bytes("four"), note()).value() > second);
  }
  SECTION("each change is a leaf of the key's history") {
    REQUIRE(store.put_if(setting, 0, as_bytes("one"), {LeafType::Setting, "me", 17}));
    const Leaf leaf = history(store, {}).back();
    CHECK(leaf.type == LeafType::Setting);
    CHECK(leaf.value == 17);
    CHECK(leaf.actor == subject.actor + "me");
    CHECK(leaf.container == sha256(as_bytes("one")));
    REQUIRE(store.put_if({Kind::Slot, mailbox.id, "password"}, 0, as_bytes("s"), note(LeafType::Slot)));
    CHECK(types(store, mailbox.id) == std::vector{LeafType::MailboxMade, LeafType::Slot});
  }
  SECTION("records of a mailbox, invalid records, and leaves with a special meaning are refused") {
    CHECK(code_of(store.put_if({Kind::Name, {}, "x"}, 0, as_bytes("x"), note())) == Code::Denied);
    CHECK(code_of(store.put_if({Kind::Alias, {}, "x"}, 0, as_bytes("x"), note())) == Code::Denied);
    CHECK(code_of(store.erase_if({Kind::Mailbox, mailbox.id, {}}, 1, note())) == Code::Denied);
    CHECK(code_of(store.put_if(setting, 0, as_bytes("x"), note(LeafType::Accepted))) == Code::BadInput);
    CHECK(code_of(store.put_if({Kind::Slot, random_id<MailboxId>(), "p"}, 0, as_bytes("x"), note())) ==
          Code::NotFound);
    CHECK(code_of(store.put_if({Kind::Setting, {}, std::string(129, 'x')}, 0, {}, note())) == Code::BadInput);
    CHECK(code_of(store.put_if(setting, 0, Bytes((1 << 20) + 1), note())) == Code::BadInput);
  }
  SECTION("a scan returns one kind of records of one mailbox, by name, in pages") {
    for (const char* name : {"b", "a", "c", "aa"})
      REQUIRE(store.put_if({Kind::Admin, {}, name}, 0, as_bytes(name), note(LeafType::Admin)));
    REQUIRE(store.put_if(setting, 0, as_bytes("x"), note()));
    const auto names = [&](std::string_view after, std::size_t limit) {
      std::string all;
      const std::vector<Record> page = store.scan(Kind::Admin, {}, after, limit).value();
      for (const Record& record : page) all += record.key.name + " ";
      return all;
    };
    CHECK(names("", 10) == "a aa b c ");
    CHECK(names("a", 2) == "aa b ");
    CHECK(names("c", 2).empty());
    CHECK(store.scan(Kind::Mailbox, mailbox.id, "", 5).value().size() == 1);
    CHECK(store.scan(Kind::Admin, mailbox.id, "", 5).value().empty());
  }
}

void messages(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;

  SECTION("a message is returned as it was put") {
    Mail mail = new_mail(150'000);
    mail.commit.actor = "smtp 192.0.2.1";
    const CommitResult result = deliver(store, mailbox, mail).value();
    CHECK(result.seq == 1);
    const MessageRecord record = store.find(mailbox, mail.id).value();
    CHECK(record.id == mail.id);
    CHECK(record.seq == 1);
    CHECK(record.state == State::Live);
    CHECK(record.size == mail.commit.size);
    CHECK(record.wire_size == mail.commit.wire_size);
    CHECK(record.container_size == mail.container.size());
    CHECK(record.received == mail.commit.received);
    CHECK(record.container == mail.commit.container);
    CHECK(record.envelope == sha256(mail.commit.envelope));
    CHECK(record.commitment == mail.commit.commitment);
    CHECK(store.envelope(mailbox, mail.id).value() == mail.commit.envelope);
    CHECK(read_all(store, mailbox, mail.id) == mail.container);
    std::array<std::byte, 10> part;
    CHECK(store.read(mailbox, mail.id, 149'995, part).value() == 5);
    CHECK(store.read(mailbox, mail.id, 150'000, part).value() == 0);
    CHECK(store.read(mailbox, mail.id, std::numeric_limits<std::uint64_t>::max(), part).value() == 0);

    const Leaf leaf = history(store, mailbox).at(1);
    CHECK(leaf.type == LeafType::Accepted);
    CHECK(leaf.message == mail.id);
    CHECK(leaf.mailbox == mailbox);
    CHECK(leaf.value == mail.commit.size);
    CHECK(leaf.container == record.container);
    CHECK(leaf.envelope == record.envelope);
    CHECK(leaf.commitment == mail.commit.commitment);
    CHECK(leaf.actor == subject.actor + "smtp 192.0.2.1");
  }
  SECTION("an empty container is accepted too") {
    const Mail mail = new_mail(0);
    REQUIRE(deliver(store, mailbox, mail));
    CHECK(read_all(store, mailbox, mail.id).empty());
  }
  SECTION("an append that is not committed leaves nothing") {
    const Mail mail = new_mail();
    {
      auto append = store.begin(mailbox, mail.id);
      REQUIRE(append);
      REQUIRE((*append)->put(mail.container));
    }
    CHECK(code_of(store.find(mailbox, mail.id)) == Code::NotFound);
    CHECK(history(store, mailbox).size() == 1);
    REQUIRE(deliver(store, mailbox, mail));
  }
  SECTION("data that does not match the digest is refused") {
    Mail mail = new_mail();
    mail.container[7] ^= std::byte{1};
    CHECK(code_of(deliver(store, mailbox, mail)) == Code::Corrupt);
    CHECK(code_of(store.find(mailbox, mail.id)) == Code::NotFound);
  }
  SECTION("a message id is used once, also after its message is removed") {
    const Mail mail = new_mail();
    auto late = store.begin(mailbox, mail.id);
    REQUIRE(late);
    REQUIRE((*late)->put(mail.container));
    REQUIRE(deliver(store, mailbox, mail));
    CHECK(code_of((*late)->commit(mail.commit)) == Code::Exists);
    CHECK(code_of(deliver(store, mailbox, mail)) == Code::Exists);
    REQUIRE(move(store, mailbox, {mail.id}, State::Live, std::nullopt));
    CHECK(code_of(deliver(store, mailbox, mail)) == Code::Exists);
  }
  SECTION("what does not exist is NotFound") {
    const MessageId nothing = new_message_id(0);
    std::array<std::byte, 10> part;
    CHECK(code_of(store.find(mailbox, nothing)) == Code::NotFound);
    CHECK(code_of(store.envelope(mailbox, nothing)) == Code::NotFound);
    CHECK(code_of(store.read(mailbox, nothing, 0, part)) == Code::NotFound);
    const MailboxId nowhere = random_id<MailboxId>();
    CHECK(code_of(deliver(store, nowhere, new_mail())) == Code::NotFound);
    CHECK(code_of(store.list(nowhere, 0, 1)) == Code::NotFound);
    CHECK(code_of(store.stat(nowhere)) == Code::NotFound);
    CHECK(code_of(store.seen(nowhere, {})) == Code::NotFound);
    CHECK(code_of(store.history_head(nowhere)) == Code::NotFound);
    CHECK(code_of(store.history_read(nowhere, 0, 1)) == Code::NotFound);
    CHECK(code_of(move(store, nowhere, {}, State::Live, State::Drained)) == Code::NotFound);
  }
  SECTION("the list is in the order of commits, in pages, and of one mailbox only") {
    const MailboxId other = put(store, new_mailbox("other")).id;
    Ids ids;
    for (int i = 0; i < 8; ++i) {
      const Mail mail = new_mail();
      REQUIRE(deliver(store, i % 4 == 3 ? other : mailbox, mail));
      if (i % 4 != 3) ids.push_back(mail.id);
    }
    Ids listed;
    std::uint64_t last = 0;
    for (const MessageRecord& record : list(store, mailbox)) {
      CHECK(record.seq > last);
      last = record.seq;
      listed.push_back(record.id);
    }
    CHECK(listed == ids);
    CHECK(store.list(mailbox, last, 10).value().empty());
    CHECK(store.list(mailbox, 0, 0).value().empty());
  }
  SECTION("a suspended mailbox and an unknown key generation accept no mail") {
    Mail mail = new_mail();
    mail.commit.generation = 2;
    CHECK(code_of(deliver(store, mailbox, mail)) == Code::Conflict);
    MailboxRecord record = store.mailbox(mailbox).value();
    record.generations.push_back({2, {}, 0});
    record = put(store, record, LeafType::Key);
    REQUIRE(deliver(store, mailbox, mail));
    record.status = Status::Suspended;
    put(store, record, LeafType::Status);
    CHECK(code_of(deliver(store, mailbox, new_mail())) == Code::Conflict);
  }
  SECTION("the totals are right") {
    Mail first = new_mail(10);
    first.commit.received = 42;
    REQUIRE(deliver(store, mailbox, first));
    REQUIRE(deliver(store, mailbox, new_mail(20)));
    MailboxStat stat = store.stat(mailbox).value();
    CHECK(stat.live == 2);
    CHECK(stat.live_bytes == 30);
    CHECK(stat.wire_size == 34);
    CHECK(stat.accepted == 2);
    CHECK(stat.log_size == 3);
    CHECK(stat.oldest == 42);
    CHECK(stat.last_delivery == subject.clocks->wall);
    CHECK(stat.last_drain == 0);
    subject.clocks->wall += kSecond;
    REQUIRE(move(store, mailbox, {first.id}, State::Live, State::Drained));
    stat = store.stat(mailbox).value();
    CHECK(stat.live == 1);
    CHECK(stat.live_bytes == 20);
    CHECK(stat.drained == 1);
    CHECK(stat.oldest == 1'800'000'000'000'000);
    CHECK(stat.last_drain == subject.clocks->wall);
    REQUIRE(move(store, mailbox, {first.id}, State::Drained, State::Live));
    CHECK(store.stat(mailbox).value().oldest == 42);
  }
  SECTION("many threads deliver at the same time, each message once and in one order") {
    std::vector<std::thread> threads;
    std::array<int, 8> failures{};
    for (int& failed : failures) {
      threads.emplace_back([&store, &failed, mailbox] {
        for (int i = 0; i < 25; ++i) failed += deliver(store, mailbox, new_mail(2000)) ? 0 : 1;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(failures == std::array<int, 8>{});
    CHECK(list(store, mailbox).size() == 200);
    CHECK(store.stat(mailbox).value().live == 200);
    dump(store);
  }
}

void transitions(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;
  const Mail a = new_mail();
  const Mail b = new_mail();
  REQUIRE(deliver(store, mailbox, a));
  REQUIRE(deliver(store, mailbox, b));

  SECTION("each change of state is a leaf that repeats the message's digests") {
    CHECK(move(store, mailbox, {a.id, b.id}, State::Live, State::Drained).value() == 2);
    CHECK(state_of(store, mailbox, a.id) == State::Drained);
    CHECK(move(store, mailbox, {a.id}, State::Drained, State::Live).value() == 1);
    CHECK(move(store, mailbox, {a.id}, State::Live, State::Quarantined).value() == 1);
    CHECK(move(store, mailbox, {a.id}, State::Quarantined, State::Live).value() == 1);
    CHECK(move(store, mailbox, {a.id}, State::Live, std::nullopt).value() == 1);
    CHECK(move(store, mailbox, {b.id}, State::Drained, std::nullopt).value() == 1);
    CHECK(types(store, mailbox) == std::vector{LeafType::MailboxMade, LeafType::Accepted, LeafType::Accepted,
                                               LeafType::Drained, LeafType::Drained, LeafType::Undeleted,
                                               LeafType::Quarantined, LeafType::Released, LeafType::Removed,
                                               LeafType::Removed});
    for (const Leaf& leaf : history(store, mailbox)) {
      if (leaf.message != a.id) continue;
      CHECK(leaf.container == a.commit.container);
      CHECK(leaf.envelope == sha256(a.commit.envelope));
      CHECK(leaf.commitment == a.commit.commitment);
      CHECK(leaf.value == a.commit.size);
    }
    CHECK(code_of(store.find(mailbox, a.id)) == Code::NotFound);
    std::array<std::byte, 10> part;
    CHECK(code_of(store.read(mailbox, a.id, 0, part)) == Code::NotFound);
    CHECK(code_of(store.envelope(mailbox, a.id)) == Code::NotFound);
    CHECK(list(store, mailbox).empty());
    const MailboxStat stat = store.stat(mailbox).value();
    CHECK(stat.live + stat.drained + stat.quarantined + stat.live_bytes == 0);
    CHECK(stat.accepted == 2);
  }
  SECTION("an undeleted message has its old position and id") {
    const std::uint64_t seq = store.find(mailbox, a.id).value().seq;
    REQUIRE(move(store, mailbox, {a.id}, State::Live, State::Drained));
    REQUIRE(move(store, mailbox, {a.id}, State::Drained, State::Live));
    CHECK(store.find(mailbox, a.id).value().seq == seq);
    CHECK(read_all(store, mailbox, a.id) == a.container);
  }
  SECTION("a change that was made already counts as made and adds no leaf") {
    REQUIRE(move(store, mailbox, {a.id}, State::Live, State::Drained));
    const std::size_t leaves = history(store, mailbox).size();
    CHECK(move(store, mailbox, {a.id}, State::Live, State::Drained).value() == 0);
    CHECK(history(store, mailbox).size() == leaves);
    CHECK(move(store, mailbox, {a.id, b.id, b.id}, State::Live, State::Drained).value() == 1);
    REQUIRE(move(store, mailbox, {a.id}, State::Drained, std::nullopt));
    CHECK(move(store, mailbox, {a.id}, State::Live, State::Drained).value() == 0);
    CHECK(move(store, mailbox, {a.id}, State::Drained, std::nullopt).value() == 0);
    CHECK(code_of(move(store, mailbox, {a.id}, State::Drained, State::Live)) == Code::Conflict);
  }
  SECTION("one message that cannot change prevents the change of all") {
    REQUIRE(move(store, mailbox, {b.id}, State::Live, State::Quarantined));
    const std::string before = dump(store);
    CHECK(code_of(move(store, mailbox, {a.id, b.id}, State::Live, State::Drained)) == Code::Conflict);
    CHECK(code_of(move(store, mailbox, {a.id, new_message_id(0)}, State::Live, State::Drained)) ==
          Code::NotFound);
    CHECK(dump(store) == before);
  }
  SECTION("a transition that does not exist is refused") {
    CHECK(code_of(move(store, mailbox, {a.id}, State::Live, State::Pending)) == Code::BadInput);
    CHECK(code_of(move(store, mailbox, {a.id}, State::Quarantined, State::Drained)) == Code::BadInput);
    CHECK(code_of(move(store, mailbox, Ids(store.limits().batch + 1, a.id), State::Live, State::Drained)) ==
          Code::BadInput);
  }
  SECTION("a change of no messages changes nothing") {
    const std::string before = dump(store);
    CHECK(move(store, mailbox, {}, State::Live, State::Drained).value() == 0);
    CHECK(dump(store) == before);
  }
  SECTION("a thousand messages in one change") {
    Ids ids;
    for (int i = 0; i < 1000; ++i) ids.push_back(new_message_id(i));
    for (const MessageId& id : ids) {
      Mail mail = new_mail(10);
      mail.id = id;
      REQUIRE(deliver(store, mailbox, mail));
    }
    CHECK(move(store, mailbox, ids, State::Live, State::Drained).value() == 1000);
    CHECK(store.stat(mailbox).value().drained == 1000);
    CHECK(move(store, mailbox, ids, State::Drained, std::nullopt).value() == 1000);
    CHECK(list(store, mailbox).size() == 2);
  }
}

void pending(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;
  Mail mail = new_mail();
  mail.commit.pending = true;
  Digest print;
  random_bytes(print);
  mail.commit.fingerprints = {print};
  CHECK_FALSE(store.seen(mailbox, print).value());
  const CommitResult result = deliver(store, mailbox, mail).value();
  Transition settle;
  settle.mailbox = mailbox;
  settle.messages = {mail.id};
  settle.from = State::Pending;
  settle.to = State::Live;
  settle.token = result.token;

  SECTION("when settled, it is listed after the messages that were committed in the meantime") {
    const Mail fast = new_mail();
    const std::uint64_t passed = deliver(store, mailbox, fast).value().seq;
    CHECK(state_of(store, mailbox, mail.id) == State::Pending);
    CHECK(store.stat(mailbox).value().pending == 1);
    CHECK(store.stat(mailbox).value().live == 1);
    CHECK(store.transition(settle).value() == 1);
    CHECK(store.find(mailbox, mail.id).value().seq > passed);
    CHECK(store.list(mailbox, passed, 10).value().size() == 1);
    CHECK(list(store, mailbox).size() == 2);
    CHECK(read_all(store, mailbox, mail.id) == mail.container);
    CHECK(store.transition(settle).value() == 0);
    CHECK(types(store, mailbox) ==
          std::vector{LeafType::MailboxMade, LeafType::Pending, LeafType::Accepted, LeafType::Settled});
    CHECK(store.seen(mailbox, print).value());
  }
  SECTION("a pending token settles its own message only") {
    settle.token->front() ^= std::byte{1};
    CHECK(code_of(store.transition(settle)) == Code::Denied);
    CHECK(state_of(store, mailbox, mail.id) == State::Pending);
  }
  SECTION("when discarded, its fingerprint is forgotten") {
    CHECK(store.seen(mailbox, print).value());
    settle.to = std::nullopt;
    CHECK(store.transition(settle).value() == 1);
    CHECK_FALSE(store.seen(mailbox, print).value());
    CHECK(store.transition(settle).value() == 0);
    settle.to = State::Live;
    CHECK(code_of(store.transition(settle)) == Code::Conflict);
    CHECK(types(store, mailbox).back() == LeafType::Discarded);
    Mail again = new_mail();
    again.commit.fingerprints = {print};
    REQUIRE(deliver(store, mailbox, again));
    CHECK(store.seen(mailbox, print).value());
    REQUIRE(move(store, mailbox, {again.id}, State::Live, std::nullopt));
    CHECK(store.seen(mailbox, print).value());
  }
  SECTION("when unconfirmed, it drains like a live one, and cannot be settled again") {
    CHECK(move(store, mailbox, {mail.id}, State::Pending, State::Unconfirmed).value() == 1);
    CHECK(code_of(store.transition(settle)) == Code::Conflict);
    MailboxStat stat = store.stat(mailbox).value();
    CHECK(stat.live == 1);
    CHECK(stat.unconfirmed == 1);
    CHECK(stat.live_bytes == mail.commit.size);
    CHECK(move(store, mailbox, {mail.id}, State::Live, State::Drained).value() == 1);
    CHECK(store.stat(mailbox).value().unconfirmed == 0);
    CHECK(types(store, mailbox) ==
          std::vector{LeafType::MailboxMade, LeafType::Pending, LeafType::Unconfirmed, LeafType::Drained});
  }
  SECTION("it does not drain while it is pending") {
    CHECK(code_of(move(store, mailbox, {mail.id}, State::Live, State::Drained)) == Code::Conflict);
  }
}

void leases(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;
  const Mail mail = new_mail();
  REQUIRE(deliver(store, mailbox, mail));
  Transition drain;
  drain.mailbox = mailbox;
  drain.messages = {mail.id};
  drain.from = State::Live;
  drain.to = State::Drained;

  SECTION("one drain at a time, and the error names the holder of the lease") {
    auto lease = store.acquire(mailbox, "pop3 192.0.2.7", std::chrono::minutes(1));
    REQUIRE(lease);
    auto second = store.acquire(mailbox, "other", std::chrono::minutes(1));
    CHECK(code_of(second) == Code::Busy);
    CHECK(second.error().text().find("pop3 192.0.2.7") != std::string::npos);
    REQUIRE(store.acquire(put(store, new_mailbox("other")).id, "x", std::chrono::minutes(1)));
    lease->reset();
    CHECK(store.acquire(mailbox, "other", std::chrono::minutes(1)));
  }
  SECTION("a change under a lease is made while the lease is valid") {
    auto lease = store.acquire(mailbox, "pop3", std::chrono::minutes(1));
    REQUIRE(lease);
    drain.lease = lease->get();
    subject.clocks->boot += std::chrono::seconds(59);
    REQUIRE((*lease)->renew());
    subject.clocks->boot += std::chrono::seconds(59);
    CHECK(store.transition(drain).value() == 1);
  }
  SECTION("a lease expires, and the next drain is safe from the former one") {
    auto lease = store.acquire(mailbox, "pop3", std::chrono::minutes(1));
    REQUIRE(lease);
    subject.clocks->boot += std::chrono::minutes(1);
    auto second = store.acquire(mailbox, "other", std::chrono::minutes(1));
    REQUIRE(second);
    CHECK((*second)->number() != (*lease)->number());
    drain.lease = lease->get();
    CHECK(code_of(store.transition(drain)) == Code::LeaseLost);
    CHECK(code_of((*lease)->renew()) == Code::LeaseLost);
    CHECK(state_of(store, mailbox, mail.id) == State::Live);
    lease->reset();
    CHECK((*second)->renew());
  }
  SECTION("a lease that yields is given to the next client if it was not renewed for the agreed time") {
    auto lease = store.acquire(mailbox, "pop3", std::chrono::minutes(20), std::chrono::seconds(70));
    REQUIRE(lease);
    subject.clocks->boot += std::chrono::seconds(69);
    CHECK(code_of(store.acquire(mailbox, "other", std::chrono::minutes(1))) == Code::Busy);
    REQUIRE((*lease)->renew());
    subject.clocks->boot += std::chrono::seconds(69);
    CHECK(code_of(store.acquire(mailbox, "other", std::chrono::minutes(1))) == Code::Busy);
    subject.clocks->boot += std::chrono::seconds(1);
    auto second = store.acquire(mailbox, "other", std::chrono::minutes(20));
    REQUIRE(second);
    CHECK(code_of((*lease)->renew()) == Code::LeaseLost);
    drain.lease = lease->get();
    CHECK(code_of(store.transition(drain)) == Code::LeaseLost);
    lease->reset();
    subject.clocks->boot += std::chrono::seconds(71);
    // The second lease does not yield, and releasing the first one did not affect it.
    CHECK(code_of(store.acquire(mailbox, "third", std::chrono::minutes(1))) == Code::Busy);
    REQUIRE((*second)->renew());
  }
  SECTION("a lease is for one mailbox") {
    auto lease = store.acquire(put(store, new_mailbox("other")).id, "pop3", std::chrono::minutes(1));
    REQUIRE(lease);
    drain.lease = lease->get();
    CHECK(code_of(store.transition(drain)) == Code::LeaseLost);
  }
  SECTION("a lease needs a mailbox") {
    CHECK(code_of(store.acquire(random_id<MailboxId>(), "x", std::chrono::minutes(1))) == Code::NotFound);
  }
  SECTION("a permit is given when memory is released") {
    auto all = store.permit(std::uint64_t{1} << 40);
    REQUIRE(all);
    bool got = false;
    std::thread waiting([&] { got = store.permit(1).has_value(); });
    all->reset();
    waiting.join();
    CHECK(got);
  }
}

void quota(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  MailboxRecord record = new_mailbox("journal");
  record.quota = 250;
  record = put(store, record);
  const Mail first = new_mail(100);
  REQUIRE(deliver(store, record.id, first));
  REQUIRE(deliver(store, record.id, new_mail(100)));
  CHECK(store.resolve(record.local_part(), Lookup::Recipient).value().room == 50);
  CHECK(code_of(deliver(store, record.id, new_mail(100))) == Code::OverQuota);
  REQUIRE(deliver(store, record.id, new_mail(50)));
  CHECK(store.resolve(record.local_part(), Lookup::Recipient).value().room == 0);
  REQUIRE(move(store, record.id, {first.id}, State::Live, State::Drained));
  REQUIRE(deliver(store, record.id, new_mail(100)));
  REQUIRE(move(store, record.id, {first.id}, State::Drained, State::Live));
  CHECK(store.resolve(record.local_part(), Lookup::Recipient).value().room == 0);
  CHECK(code_of(deliver(store, record.id, new_mail(0))) == Code::OverQuota);
  record.quota = 0;
  record = put(store, record);
  REQUIRE(deliver(store, record.id, new_mail(100)));
}

void histories(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;
  const Mail mail = new_mail();
  REQUIRE(deliver(store, mailbox, mail));

  SECTION("the vault's own history begins with the creation of the vault") {
    CHECK(types(store, {}) == std::vector{LeafType::VaultMade, LeafType::MailboxMade});
  }
  SECTION("all histories are known, dropped ones included, and their heads tell two stores apart") {
    MailboxRecord dropped = put(store, new_mailbox("dropped"));
    dropped.status = Status::Suspended;
    dropped = put(store, dropped, LeafType::Status);
    REQUIRE(store.remove_mailbox(dropped.id, "test"));
    const auto logs = all_histories(store);
    REQUIRE(logs);
    CHECK(*logs == std::set{MailboxId{}, mailbox, dropped.id});
    CHECK(differing_heads(store, store, *logs)->empty());
    // Another vault has a history of its own, and none of these mailboxes.
    Subject other = make();
    CHECK(differing_heads(store, *other.store, *logs)->size() == 3);
    CHECK(differing_heads(*other.store, store, {mailbox}).value() == std::vector{mailbox});
  }
  SECTION("the head is the root of the leaves, and indexes count from 0") {
    REQUIRE(move(store, mailbox, {mail.id}, State::Live, State::Drained));
    CompactRange range;
    std::uint64_t index = 0;
    const std::vector<Bytes> stored = store.history_read(mailbox, 0, 100).value();
    for (const Bytes& leaf : stored) {
      range.append(leaf_hash(leaf));
      CHECK(decode_leaf(leaf).value().index == index++);
    }
    const LogHead head = store.history_head(mailbox).value();
    CHECK(head.size == index);
    CHECK(head.root == range.root());
    CHECK(head.time == subject.clocks->wall);
    CHECK(store.history_read(mailbox, 1, 1).value().size() == 1);
    CHECK(store.history_read(mailbox, 99, 1).value().empty());
  }
  SECTION("times never decrease") {
    const Micros before = subject.clocks->wall;
    subject.clocks->wall -= kDay;
    REQUIRE(move(store, mailbox, {mail.id}, State::Live, State::Drained));
    CHECK(history(store, mailbox).back().time == before);
  }
  SECTION("a leaf can be added without a change") {
    Leaf leaf;
    leaf.type = LeafType::Exported;
    leaf.message = mail.id;
    leaf.actor = "export";
    CHECK(store.note(mailbox, leaf).value() == 2);
    const Leaf stored = history(store, mailbox).back();
    CHECK(stored.type == LeafType::Exported);
    CHECK(stored.container == mail.commit.container);
    CHECK(stored.mailbox == mailbox);
    leaf.type = LeafType::Accepted;
    CHECK(code_of(store.note(mailbox, leaf)) == Code::BadInput);
    leaf.type = LeafType::Exported;
    CHECK(code_of(store.note(random_id<MailboxId>(), leaf)) == Code::NotFound);
  }
  SECTION("a leaf about a message can be added only while the message is there") {
    Leaf leaf;
    leaf.type = GENERATE(LeafType::Exported, LeafType::Interrupted);
    leaf.message = random_id<MessageId>();
    CHECK(code_of(store.note(mailbox, leaf)) == Code::NotFound);
    REQUIRE(move(store, mailbox, {mail.id}, State::Live, std::nullopt));
    leaf.message = mail.id;
    CHECK(code_of(store.note(mailbox, leaf)) == Code::NotFound);
    CHECK(history(store, mailbox).back().type == LeafType::Removed);
  }
  SECTION("many messages are noted in one call, and those that do not exist are skipped") {
    const Mail second = new_mail();
    REQUIRE(deliver(store, mailbox, second));
    Leaf like;
    like.type = LeafType::Exported;
    like.actor = "export";
    const std::vector<MessageId> both{mail.id, random_id<MessageId>(), second.id};
    const std::uint64_t before = store.history_head(mailbox).value().size;
    CHECK(store.note_messages(mailbox, like, both).value() == 2);
    CHECK(store.note_messages(mailbox, like, {}).value() == 0);
    const std::vector<Leaf> leaves = history(store, mailbox);
    REQUIRE(leaves.size() == before + 2);
    CHECK(leaves[before].message == mail.id);
    CHECK(leaves.back().message == second.id);
    CHECK(leaves.back().container == second.commit.container);
    CHECK(leaves.back().type == LeafType::Exported);
    like.type = LeafType::Accepted;
    CHECK(code_of(store.note_messages(mailbox, like, both)) == Code::BadInput);
    CHECK(history(store, mailbox).size() == before + 2);
  }
  SECTION("a refusal is noted for a mailbox only") {
    Leaf leaf;
    leaf.type = LeafType::Refused;
    leaf.value = 552;
    REQUIRE(store.note(mailbox, leaf));
    CHECK(history(store, mailbox).back().value == 552);
    CHECK(code_of(store.note({}, leaf)) == Code::BadInput);
  }
  SECTION("a checkpoint has the head of each mailbox that has grown, once") {
    const LogHead grown = store.history_head(mailbox).value();
    put(store, new_mailbox("other"));
    const std::string note = store.checkpoint("uid=0").value();
    const std::vector<Leaf> leaves = history(store, {});
    REQUIRE(leaves.size() == 5);
    CHECK(leaves[3].type == LeafType::Head);
    CHECK(leaves[4].type == LeafType::Head);
    const Leaf& head = leaves[3].mailbox == mailbox ? leaves[3] : leaves[4];
    CHECK(head.value == grown.size);
    CHECK(head.container == grown.root);
    CHECK(head.actor == subject.actor + "uid=0");
    CHECK(note == sign_plainly(subject.vault, store.history_head({}).value()).value());
    CHECK(store.health().value().verifier == "plain " + subject.vault.hex());
    CHECK(store.checkpoint("uid=0").value() == note);
    REQUIRE(deliver(store, mailbox, new_mail()));
    REQUIRE(store.checkpoint("uid=0"));
    CHECK(history(store, {}).size() == 6);
  }
  SECTION("a long actor is truncated") {
    Leaf leaf;
    leaf.type = LeafType::Setting;
    leaf.actor.assign(300, 'a');
    REQUIRE(store.note(mailbox, leaf));
    CHECK(history(store, mailbox).back().actor ==
          (subject.actor + std::string(300, 'a')).substr(0, kMaxActor));
  }
}

void grace(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  MailboxRecord record = put(store, new_mailbox("journal"));
  const Mail a = new_mail(10);
  const Mail b = new_mail(20);
  REQUIRE(deliver(store, record.id, a));
  REQUIRE(deliver(store, record.id, b));
  const auto drain = [&](const Mail& mail) {
    REQUIRE(move(store, record.id, {mail.id}, State::Live, State::Drained));
  };

  SECTION("drained mail is removed after its grace period, oldest first, within the budget") {
    drain(b);
    subject.clocks->pass(3600 * kSecond);
    drain(a);
    subject.clocks->pass(kDay - 3600 * kSecond - 1);
    CHECK(store.sweep(10, false).value().expired == 0);
    subject.clocks->pass(3600 * kSecond + 1);
    const SweepReport first = store.sweep(1, false).value();
    CHECK(first.expired == 1);
    CHECK(first.size == 20);
    CHECK(first.more);
    CHECK(code_of(store.find(record.id, b.id)) == Code::NotFound);
    CHECK(store.find(record.id, a.id));
    const SweepReport second = store.sweep(10, false).value();
    CHECK(second.expired == 1);
    CHECK_FALSE(second.more);
    CHECK(types(store, record.id).back() == LeafType::Expired);
    CHECK(store.stat(record.id).value().drained == 0);
    CHECK(move(store, record.id, {a.id}, State::Live, State::Drained).value() == 0);
  }
  SECTION("the grace period starts again when an undeleted message is drained again") {
    drain(a);
    subject.clocks->pass(kDay);
    REQUIRE(move(store, record.id, {a.id}, State::Drained, State::Live));
    CHECK(store.sweep(10, false).value().expired == 0);
    drain(a);
    CHECK(store.sweep(10, false).value().expired == 0);
    subject.clocks->pass(kDay);
    CHECK(store.sweep(10, false).value().expired == 1);
  }
  SECTION("a legal hold keeps everything") {
    record.hold = true;
    record.grace = 0;
    record = put(store, record);
    drain(a);
    subject.clocks->pass(kDay);
    CHECK(store.sweep(10, false).value().expired == 0);
    record.hold = false;
    put(store, record);
    CHECK(store.sweep(10, false).value().expired == 1);
  }
  SECTION("without a grace period a drained message is removed immediately") {
    record.grace = 0;
    put(store, record);
    REQUIRE(move(store, record.id, {a.id, b.id}, State::Live, State::Drained).value() == 2);
    CHECK(list(store, record.id).empty());
    const auto all = types(store, record.id);
    CHECK(std::count(all.begin(), all.end(), LeafType::Drained) == 2);
    CHECK(std::count(all.begin(), all.end(), LeafType::Removed) == 2);
    CHECK(store.stat(record.id).value().last_drain == subject.clocks->wall);
    CHECK(move(store, record.id, {a.id}, State::Live, State::Drained).value() == 0);
  }
  SECTION("a wall clock that jumps ahead ends no grace period, unless it is declared right") {
    drain(a);
    subject.clocks->wall += 30 * kDay;
    CHECK(store.sweep(10, false).value().expired == 0);
    REQUIRE(deliver(store, record.id, new_mail()));
    subject.clocks->pass(kDay - 1);
    CHECK(store.sweep(10, false).value().expired == 0);
    CHECK(store.find(record.id, a.id));
    drain(b);
    CHECK(store.sweep(10, true).value().expired == 1);
    CHECK_FALSE(store.find(record.id, a.id));
  }
  SECTION("a message that is drained while the clock is ahead has no longer grace period") {
    subject.clocks->wall += 3650 * kDay;
    drain(a);
    subject.clocks->wall -= 3650 * kDay;
    drain(b);
    subject.clocks->pass(kDay);
    CHECK(store.sweep(10, false).value().expired == 2);
  }
  SECTION("a wall clock that is set back ends no grace period and delays none") {
    drain(a);
    subject.clocks->wall -= 400 * kDay;
    subject.clocks->boot += std::chrono::hours(24);
    CHECK(store.sweep(10, false).value().expired == 1);
  }
  SECTION("a sweep without a budget reports what would be removed, and removes nothing") {
    drain(a);
    drain(b);
    CHECK(store.sweep(0, false).value().expired == 0);
    subject.clocks->wall += kDay;
    CHECK(store.sweep(0, false).value().expired == 0);
    const SweepReport would = store.sweep(0, true).value();
    CHECK(would.expired == 2);
    CHECK(would.size == 30);
    CHECK(store.find(record.id, a.id));
    CHECK(store.sweep(10, true).value().expired == 2);
  }
}

void server_stats(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  CHECK(store.server_stats().value().empty());
  ServerStats smtp;
  smtp.of = "smtp";
  smtp.sessions = 1;
  smtp.size = 300;
  smtp.trouble = "the first";
  smtp.trouble_time = 100;
  REQUIRE(store.stats(smtp));
  smtp.trouble = "the last";
  smtp.trouble_time = 200;
  REQUIRE(store.stats(smtp));
  smtp.trouble = "heard of too late";
  smtp.trouble_time = 150;
  REQUIRE(store.stats(smtp));
  ServerStats route;
  route.of = "route work";
  for (const ServerCount& count : kServerCounts) route.*count.value = 7 + count.name.size();
  REQUIRE(store.stats(route));

  smtp.sessions = 3;
  smtp.size = 900;
  smtp.trouble = "the last";
  smtp.trouble_time = 200;
  CHECK(store.server_stats().value() == std::vector<ServerStats>{route, smtp});

  // What a misbehaving client sends is bounded.
  ServerStats odd;
  odd.sessions = 1;
  REQUIRE(store.stats(odd));
  odd.of = std::string(ServerStatsTable::kName + 1, 'x');
  REQUIRE(store.stats(odd));
  for (std::size_t i = 0; i < ServerStatsTable::kNames + 10; ++i) {
    odd.of = "route " + std::to_string(i);
    odd.trouble = std::string(ServerStatsTable::kTrouble + 5, 'y');
    odd.trouble_time = 1;
    REQUIRE(store.stats(odd));
  }
  const std::vector<ServerStats> all = store.server_stats().value();
  CHECK(all.size() == ServerStatsTable::kNames);
  CHECK(std::ranges::all_of(
      all, [](const ServerStats& each) { return each.trouble.size() <= ServerStatsTable::kTrouble; }));
}

void big(const Make& make) {
  constexpr std::size_t size = 3 << 20;
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxId mailbox = put(store, new_mailbox("journal")).id;
  const Mail mail = new_mail(size);
  const Mail dropped = new_mail(size);
  {
    auto append = store.begin(mailbox, dropped.id);
    REQUIRE(append);
    REQUIRE((*append)->put(dropped.container));
  }
  REQUIRE(deliver(store, mailbox, mail));
  CHECK(read_all(store, mailbox, mail.id) == mail.container);
  CHECK(store.envelope(mailbox, mail.id).value() == mail.commit.envelope);
  REQUIRE(move(store, mailbox, {mail.id}, State::Live, State::Drained));
  CHECK(read_all(store, mailbox, mail.id) == mail.container);
  REQUIRE(move(store, mailbox, {mail.id}, State::Drained, std::nullopt));
  std::array<std::byte, 10> part;
  CHECK(code_of(store.read(mailbox, mail.id, 0, part)) == Code::NotFound);
  CHECK(code_of(store.envelope(mailbox, mail.id)) == Code::NotFound);
}

}  // namespace gw::store::contract
