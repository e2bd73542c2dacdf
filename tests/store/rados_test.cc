// What only the store on RADOS does: packs, blocks of leaves, many threads on one index.
#include <atomic>
#include <map>
#include <thread>

#include "store/rados/layout.h"
#include "support/rados_vault.h"

namespace gw::store {
namespace {

using contract::Mail;

// The numbers of living and of all entries of the packs of a mailbox.
std::vector<std::pair<unsigned, unsigned>> pack_counts(const RadosVault& vault, const MailboxId& mailbox) {
  std::vector<std::pair<unsigned, unsigned>> all;
  for (const auto& [key, value] : vault.rados->pairs(Pool::Meta, rados::index_object(mailbox))) {
    if (!key.starts_with('k')) continue;
    ByteReader reader(as_bytes(value));
    reader.u8();
    const unsigned living = reader.u32();
    all.emplace_back(living, reader.u32());
  }
  return all;
}

// Commits all of them at the same time.
void deliver_together(Store& store, const MailboxId& mailbox, const std::vector<Mail>& mails) {
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (const Mail& mail : mails) {
    auto append = store.begin(mailbox, mail.id);
    REQUIRE(append);
    REQUIRE((*append)->put(mail.container));
    threads.emplace_back([append = std::move(*append), &mail, &failures] {
      if (!append->commit(mail.commit)) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
}

TEST_CASE("mails that arrive together share a pack, which a purge rewrites when some are gone") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  // Whether threads meet is up to the scheduler, so it is tried until some have.
  std::vector<Mail> mails;
  const auto shared = [&] {
    const auto counts = pack_counts(vault, mailbox);
    return std::ranges::any_of(counts, [](const auto& count) { return count.second > 1; });
  };
  for (int rounds = 0; rounds < 200 && !shared(); ++rounds) {
    std::vector<Mail> some;
    for (int i = 0; i < 8; ++i) some.push_back(contract::sealed_mail(20'000));
    deliver_together(*store, mailbox, some);
    mails.insert(mails.end(), some.begin(), some.end());
  }
  REQUIRE(shared());
  for (const Mail& mail : mails) REQUIRE(contract::read_all(*store, mailbox, mail.id) == mail.container);
  REQUIRE(contract::history(*store, mailbox).size() == mails.size() + 1);

  std::vector<MessageId> removed;
  for (std::size_t i = 0; i < mails.size(); i += 2) removed.push_back(mails[i].id);
  REQUIRE(contract::move(*store, mailbox, removed, State::Live, std::nullopt));
  const std::string before = contract::dump(*store);
  for (Purge purge = store->purge(0).value(); !purge.done;) purge = store->purge(purge.number).value();
  CHECK((contract::dump(*store) == before));
  std::size_t living = 0;
  for (const auto& [left, all] : pack_counts(vault, mailbox)) {
    CHECK(left == all);
    living += left;
  }
  CHECK(living == mails.size() - removed.size());
  // Of what was removed nothing is left in the cluster.
  for (const std::string& object : vault.rados->names(Pool::Data)) {
    const std::string content = vault.rados->data(Pool::Data, object).value();
    for (std::size_t i = 0; i < mails.size(); i += 2)
      CHECK(content.find(as_text(mails[i].container)) == std::string::npos);
  }
}

TEST_CASE("old leaves move out of the index in blocks, and are read as before") {
  RadosVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const Mail mail = contract::new_mail();
  REQUIRE(contract::deliver(*store, mailbox, mail));
  Leaf like;
  like.type = LeafType::Exported;
  like.actor = "export";
  const std::vector<MessageId> same(256, mail.id);
  while (store->stat(mailbox).value().log_size < rados::kBlock + 100)
    REQUIRE(store->note_messages(mailbox, like, same));
  const std::string before = contract::dump(*store);
  const std::string index = rados::index_object(mailbox);
  REQUIRE(vault.rados->pairs(Pool::Meta, index).size() > rados::kBlock);
  REQUIRE(store->sweep(1, false));
  CHECK(vault.rados->pairs(Pool::Meta, index).size() < rados::kBlock);
  CHECK((contract::dump(*store) == before));
  // A page that begins before the end of a block goes on after it.
  const auto page = store->history_read(mailbox, rados::kBlock - 3, 6).value();
  REQUIRE(page.size() == 6);
  CHECK(decode_leaf(page[5]).value().index == rados::kBlock + 2);
  store.reset();
  store = vault.open();
  REQUIRE(contract::deliver(*store, mailbox, contract::new_mail()));
  CHECK(contract::history(*store, mailbox).size() == store->stat(mailbox).value().log_size);
}

TEST_CASE("a damaged pack is corrupt for its messages only") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const Mail first = contract::new_mail(3000);
  const Mail second = contract::new_mail(3000);
  REQUIRE(contract::deliver(*store, mailbox, first));
  const std::string object = vault.rados->names(Pool::Data).front();
  REQUIRE(contract::deliver(*store, mailbox, second));
  std::string content = vault.rados->data(Pool::Data, object).value();
  content.back() = static_cast<char>(content.back() ^ 1);
  const bool missing = GENERATE(false, true);
  vault.rados->damage(Pool::Data, object, missing ? std::nullopt : std::optional(content));
  Bytes to(100);
  const auto read = store->read(mailbox, first.id, 0, to);
  REQUIRE_FALSE(read);
  CHECK(read.error().code() == Code::Corrupt);
  CHECK(contract::read_all(*store, mailbox, second.id) == second.container);
}

TEST_CASE("an index that is lost does not pass for a mailbox that never was") {
  RadosVault vault;
  const auto store = vault.open();
  MailboxRecord record = contract::new_mailbox("journal");
  record.aliases = {"archive@example.com"};
  record = contract::put(*store, record);
  const std::string object = GENERATE(as<std::string>{}, "v", "m");
  vault.rados->damage(Pool::Meta, object == "v" ? "v" : rados::index_object(record.id), std::nullopt);
  const auto code_of = [](const auto& result) {
    REQUIRE_FALSE(result);
    return result.error().code();
  };
  CHECK(code_of(store->resolve("archive@example.com", Lookup::Recipient)) == Code::Unavailable);
  CHECK(code_of(store->mailboxes()) == Code::Unavailable);
  if (object == "v") return;
  CHECK(code_of(store->resolve(record.local_part(), Lookup::Recipient)) == Code::Unavailable);
  CHECK(code_of(store->begin(record.id, random_id<MessageId>())) == Code::Unavailable);
  CHECK(code_of(store->find(record.id, random_id<MessageId>())) == Code::Unavailable);
  CHECK(code_of(store->get({Kind::Slot, record.id, "password"})) == Code::Unavailable);
  CHECK(code_of(store->stat(random_id<MailboxId>())) == Code::NotFound);
}

// Delivers until this many packs hold several mails, and returns for each of them its mails by
// position. Whether threads meet is up to the scheduler, so it is tried until some have.
std::map<std::string, std::vector<Mail>> shared_packs(const RadosVault& vault, Store& store,
                                                      const MailboxId& mailbox, std::size_t most) {
  std::map<std::string, std::vector<Mail>> shared;
  for (int rounds = 0; rounds < 200 && shared.size() < most; ++rounds) {
    std::vector<Mail> mails;
    for (int i = 0; i < 8; ++i) mails.push_back(contract::sealed_mail(20'000));
    deliver_together(store, mailbox, mails);
    for (const std::string& object : vault.rados->names(Pool::Data)) {
      const std::string content = vault.rados->data(Pool::Data, object).value();
      std::map<std::size_t, Mail> inside;
      for (const Mail& mail : mails) {
        const std::size_t at = content.find(as_text(mail.container));
        if (at != std::string::npos) inside.emplace(at, mail);
      }
      if (inside.size() < 2) continue;
      for (const auto& [at, mail] : inside) shared[object].push_back(mail);
    }
  }
  REQUIRE(shared.size() >= most);
  return shared;
}

Result<Purge> purge(Store& store) {
  auto purge = store.purge(0);
  while (purge && !purge->done) purge = store.purge(purge->number);
  return purge;
}

TEST_CASE("a purge keeps a pack of which it reads something else than was stored") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const auto [object, mails] = *shared_packs(vault, *store, mailbox, 1).begin();
  REQUIRE(contract::move(*store, mailbox, {mails.front().id}, State::Live, std::nullopt));
  const std::string content = vault.rados->data(Pool::Data, object).value();
  std::string damaged = content;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  vault.rados->damage(Pool::Data, object, damaged);
  const auto refused = purge(*store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Corrupt);
  // Only this read was bad.
  REQUIRE(vault.rados->data(Pool::Data, object));
  vault.rados->damage(Pool::Data, object, content);
  REQUIRE(purge(*store));
  CHECK_FALSE(vault.rados->data(Pool::Data, object));
  CHECK(contract::read_all(*store, mailbox, mails.back().id) == mails.back().container);
}

TEST_CASE("a purge goes on after a pack that it cannot read") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const auto shared = shared_packs(vault, *store, mailbox, 2);
  for (const auto& [object, mails] : shared)
    REQUIRE(contract::move(*store, mailbox, {mails.front().id}, State::Live, std::nullopt));
  const std::string& first = shared.begin()->first;
  vault.rados->damage(Pool::Data, first, "nothing of a pack");
  const auto refused = purge(*store);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Code::Corrupt);
  CHECK(vault.rados->data(Pool::Data, first));
  CHECK_FALSE(vault.rados->data(Pool::Data, std::next(shared.begin())->first));
}

TEST_CASE("a change of which the cluster says that it is refused may have been done") {
  RadosVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  REQUIRE(contract::deliver(*store, mailbox, contract::new_mail()));
  const Mail mail = contract::new_mail();
  const bool silent = GENERATE(false, true);
  bool done = false;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.pool != Pool::Meta) return verdict;
    if (done && silent) verdict.outcome = Outcome::Refused;
    if (done || call.what != "write" || call.when == MemoryRados::Call::Before) return verdict;
    done = true;
    verdict.outcome = Outcome::Refused;
    return verdict;
  });
  const auto delivered = contract::deliver(*store, mailbox, mail);
  vault.rados->hook(nullptr);
  CHECK(done);
  CHECK(delivered.has_value() != silent);
  if (!delivered) CHECK(delivered.error().code() == Code::Unknown);
  vault.kill(std::move(store));
  store = vault.open();
  REQUIRE(store->sweep(1, false));
  CHECK(contract::read_all(*store, mailbox, mail.id) == mail.container);
}

TEST_CASE("a pack that exists already is not removed") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const Mail mail = contract::sealed_mail(1000);
  REQUIRE(contract::deliver(*store, mailbox, mail));
  REQUIRE(contract::move(*store, mailbox, {mail.id}, State::Live, State::Drained));
  vault.clocks->pass(2 * contract::kDay);
  std::string exists;
  int removed = 0;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.what != "write" || call.pool != Pool::Data || call.when == MemoryRados::Call::After)
      return verdict;
    if (exists.empty() && call.op->create) {
      exists = call.object;
      verdict.outcome = Outcome::Exists;
    }
    if (call.op->remove && call.object == exists) ++removed;
    return verdict;
  });
  const bool of_records = GENERATE(false, true);
  if (of_records) {
    CHECK_FALSE(store->sweep(10, true));
  } else {
    CHECK_FALSE(contract::deliver(*store, mailbox, contract::new_mail()));
  }
  CHECK_FALSE(exists.empty());
  for (int i = 0; i < 2; ++i) {
    vault.clocks->pass(11LL * 60 * contract::kSecond);
    REQUIRE(store->sweep(10, true));
  }
  CHECK(removed == 0);
}

TEST_CASE("one bad read does not make a message corrupt") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const Mail mail = contract::new_mail(GENERATE(3000, 2 << 20));
  REQUIRE(contract::deliver(*store, mailbox, mail));
  Bytes to(100);
  vault.rados->hook([](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.pool == Pool::Data) verdict.outcome = Outcome::Failed;
    return verdict;
  });
  const auto failed = store->read(mailbox, mail.id, 0, to);
  vault.rados->hook(nullptr);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Code::Unavailable);
  // Of a message in parts, the last object is a part.
  const std::string object = vault.rados->names(Pool::Data).back();
  const std::string content = vault.rados->data(Pool::Data, object).value();
  vault.rados->damage(Pool::Data, object, content.substr(0, content.size() - 1));
  const auto corrupt = store->read(mailbox, mail.id, 0, to);
  REQUIRE_FALSE(corrupt);
  CHECK(corrupt.error().code() == Code::Corrupt);
  vault.rados->damage(Pool::Data, object, content);
  CHECK(contract::read_all(*store, mailbox, mail.id) == mail.container);
}

TEST_CASE("a removal of parts that was interrupted is continued") {
  RadosVault vault;
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, contract::new_mailbox("journal")).id;
  const Mail mail = contract::new_mail(17 << 20);
  auto append = store->begin(mailbox, mail.id);
  REQUIRE(append);
  REQUIRE((*append)->put(mail.container));
  REQUIRE(vault.rados->names(Pool::Data).size() == 4);
  vault.rados->fence(vault.client());
  append->reset();
  store.reset();
  store = vault.open();
  int removed = 0;
  vault.rados->hook([&](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.when == MemoryRados::Call::Before && call.op != nullptr && call.op->remove)
      verdict.stop = ++removed == 3;
    return verdict;
  });
  (void)store->sweep(1, false);
  vault.rados->hook(nullptr);
  REQUIRE(vault.rados->names(Pool::Data).size() == 2);
  store.reset();
  store = vault.open();
  REQUIRE(store->sweep(1, false));
  CHECK(vault.rados->names(Pool::Data).empty());
}

TEST_CASE("no mail is removed without its removal record because the data pool does not answer") {
  RadosVault vault;
  const auto store = vault.open();
  MailboxRecord record = contract::new_mailbox("journal");
  record.grace = 0;
  const bool drained_before = GENERATE(true, false);
  if (drained_before) record.grace = 60;
  const MailboxId mailbox = contract::put(*store, record).id;
  const Mail mail = contract::sealed_mail(3000);
  REQUIRE(contract::deliver(*store, mailbox, mail));
  const Transition drain{mailbox, {mail.id}, State::Live, State::Drained, "test", nullptr, {}};
  const auto remove = [&]() -> Result<std::size_t> {
    if (!drained_before) return store->transition(drain);
    const auto swept = store->sweep(10, true);
    if (!swept) return swept.error();
    return swept->expired;
  };
  if (drained_before) REQUIRE(store->transition(drain));
  vault.clocks->pass(120 * contract::kSecond);
  vault.rados->hook([](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.pool == Pool::Data && call.what == "read") verdict.outcome = Outcome::Failed;
    return verdict;
  });
  const auto failed = remove();
  vault.rados->hook(nullptr);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code() == Code::Unavailable);
  CHECK(store->find(mailbox, mail.id));
  REQUIRE(remove());
  CHECK_FALSE(store->find(mailbox, mail.id));
  CHECK(store->removal_records(mailbox, {}, 10).value().size() == 1);
}

TEST_CASE("a sweep notes the time again after it could not") {
  RadosVault vault;
  const auto store = vault.open();
  REQUIRE(store->sweep(1, false));
  vault.clocks->pass(2LL * 60 * 60 * contract::kSecond);
  const auto noted = [&] { return vault.rados->pairs(Pool::Meta, "v")[rados::kKept]; };
  const std::string before = noted();
  vault.rados->hook([](const MemoryRados::Call& call) {
    MemoryRados::Verdict verdict;
    if (call.what == "write" && call.when == MemoryRados::Call::Before) verdict.outcome = Outcome::Failed;
    return verdict;
  });
  CHECK_FALSE(store->sweep(1, false));
  vault.rados->hook(nullptr);
  CHECK(noted() == before);
  REQUIRE(store->sweep(1, false));
  CHECK(noted() != before);
}

TEST_CASE("threads that change one mailbox each have their change once") {
  RadosVault vault;
  const auto store = vault.open();
  const MailboxRecord mailbox = contract::put(*store, contract::new_mailbox("journal"));
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < 50; ++k) {
        const Mail mail = contract::new_mail();
        auto append = store->begin(mailbox.id, mail.id);
        if (!append || !(*append)->put(mail.container) || !(*append)->commit(mail.commit)) ++failures;
        Transition drain;
        drain.mailbox = mailbox.id;
        drain.messages = {mail.id};
        drain.from = State::Live;
        drain.to = State::Drained;
        if (!store->transition(drain)) ++failures;
        const std::string name = "k" + std::to_string(i);
        const auto known = store->get({Kind::Setting, mailbox.id, name});
        const Note note{LeafType::Setting, "test", 0};
        if (!store->put_if({Kind::Setting, mailbox.id, name}, known ? known->version : 0, to_bytes("x"),
                           note))
          ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(failures == 0);
  CHECK(store->stat(mailbox.id).value().drained == 200);
  CHECK(contract::history(*store, mailbox.id).size() == 601);
  contract::dump(*store);
}

TEST_CASE("a vault of RADOS is opened as what it is") {
  const RadosVault vault;
  CHECK(create_rados_store(*vault.rados->client(), vault.id, {}).error().code() == Code::Exists);
  CHECK(open_rados_store(vault.rados->client(), random_id<VaultId>(), vault.options).error().code() ==
        Code::Config);
  const auto empty = std::make_shared<MemoryRados>();
  CHECK(open_rados_store(empty->client(), vault.id, vault.options).error().code() == Code::NotFound);
}

}  // namespace
}  // namespace gw::store
