// Tests removal records: what remains of swept mail, and of which mail nothing remains.
#include <algorithm>

#include "store/iterate.h"
#include "store/rules.h"
#include "support/store_contract_subjects.h"

namespace gw::store::contract {
namespace {

constexpr std::size_t kEnvelope = 60'000;
constexpr std::string_view kHeader =
    "age-encryption.org/v1\n"
    "-> X25519 TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc\n"
    "EmECAEcKN+n/Vs9SbWiV+Hu0r+E8R77DdWYyd83nw7U\n"
    "--- Vn+54jqiiUCE+WZcEVY3f1sqHjlu/z1LCQ/T7Xm7qI0\n";

std::vector<RemovalRecord> all_removal_records(Store& store, const MailboxId& mailbox) {
  std::vector<RemovalRecord> all;
  auto gone = for_each_removal_record(store, mailbox, [&](const RemovalRecord& swept) -> Result<void> {
    all.push_back(swept);
    return {};
  });
  REQUIRE(gone);
  return all;
}

}  // namespace

Mail sealed_mail(std::size_t size) {
  Mail mail = new_mail(size);
  mail.container.insert(mail.container.begin(), as_bytes(kHeader).begin(), as_bytes(kHeader).end());
  mail.commit.container = sha256(mail.container);
  return mail;
}

void receipts(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  MailboxRecord record = put(store, new_mailbox("journal"));
  const MailboxRecord other = put(store, new_mailbox("other"));
  std::vector<Mail> mails;
  // A store on disk keeps the last two in files of their own.
  for (const std::size_t size : {0UL, 10UL, 3000UL, 600'000UL, 700'000UL}) {
    mails.push_back(sealed_mail(size));
    REQUIRE(deliver(store, record.id, mails.back()));
  }
  const auto drain = [&](std::span<const Mail> some) {
    std::vector<MessageId> ids;
    for (const Mail& mail : some) ids.push_back(mail.id);
    REQUIRE(move(store, record.id, ids, State::Live, State::Drained));
  };
  const auto sweep_all = [&](std::int64_t days) {
    subject.clocks->wall += days * kDay;
    return store.sweep(100, true).value();
  };
  const auto is_of = [&](const RemovalRecord& swept, const Mail& mail) {
    CHECK(swept.record.id == mail.id);
    CHECK(as_text(swept.header) == kHeader);
    CHECK(swept.envelope == mail.commit.envelope);
    CHECK(swept.record.container == mail.commit.container);
    CHECK(swept.record.commitment == mail.commit.commitment);
    CHECK(swept.record.size == mail.commit.size);
    CHECK(swept.record.state == State::Drained);
  };

  SECTION("a swept message leaves its header and its envelope, and no byte of its content") {
    drain(mails);
    CHECK(all_removal_records(store, record.id).empty());
    CHECK(sweep_all(1).expired == mails.size());
    const std::vector<RemovalRecord> receipts = all_removal_records(store, record.id);
    REQUIRE(receipts.size() == mails.size());
    std::sort(mails.begin(), mails.end(), [](const Mail& a, const Mail& b) { return a.id < b.id; });
    for (std::size_t i = 0; i < mails.size(); ++i) {
      is_of(receipts[i], mails[i]);
      CHECK(receipts[i].gone == subject.clocks->wall);
    }
    CHECK(all_removal_records(store, other.id).empty());
    CHECK_FALSE(store.find(record.id, mails[0].id));
  }
  SECTION("so does a message that was drained without a grace period") {
    record.grace = 0;
    put(store, record);
    drain(std::span(mails).subspan(1, 1));
    const std::vector<RemovalRecord> receipts = all_removal_records(store, record.id);
    REQUIRE(receipts.size() == 1);
    CHECK(receipts[0].record.id == mails[1].id);
    CHECK(receipts[0].record.state == State::Live);
  }
  SECTION("removal records are found by id, in pages") {
    drain(mails);
    sweep_all(1);
    std::sort(mails.begin(), mails.end(), [](const Mail& a, const Mail& b) { return a.id < b.id; });
    const auto page = store.removal_records(record.id, mails[1].id, 2);
    REQUIRE(page);
    REQUIRE(page->size() == 2);
    is_of((*page)[0], mails[1]);
    is_of((*page)[1], mails[2]);
    CHECK(store.removal_records(record.id, *mails.back().id.next(), 2)->empty());
    CHECK(store.removal_records(record.id, {}, 0)->empty());
    CHECK(store.removal_records(random_id<MailboxId>(), {}, 1).error().code() == Code::NotFound);
  }
  SECTION("a page ends at a MiB, and the next one continues after it") {
    std::vector<MessageId> ids;
    for (int i = 0; i < 40; ++i) {
      Mail mail = sealed_mail(10);
      mail.commit.envelope.resize(kEnvelope);
      REQUIRE(deliver(store, other.id, mail));
      ids.push_back(mail.id);
    }
    REQUIRE(move(store, other.id, ids, State::Live, State::Drained));
    sweep_all(1);
    const auto page = store.removal_records(other.id, {}, 1000);
    REQUIRE(page);
    CHECK(page->size() < ids.size());
    CHECK(page->size() >= kRemovalRecordPage / kEnvelope);
    CHECK(all_removal_records(store, other.id).size() == ids.size());
  }
  SECTION("removal without a sweep, no receipts, and data that is not an age file leave none") {
    const Mail odd = new_mail(5000);
    REQUIRE(deliver(store, record.id, odd));
    REQUIRE(move(store, record.id, {mails[0].id}, State::Live, std::nullopt));
    drain(std::span(&odd, 1));
    sweep_all(1);
    record.receipts = 0;
    put(store, record);
    drain(std::span(mails).subspan(1));
    CHECK(sweep_all(1).expired == 4);
    CHECK(all_removal_records(store, record.id).empty());
  }
  SECTION("a removal record expires, the oldest first, within the budget, unless there is a legal hold") {
    drain(std::span(mails).first(2));
    sweep_all(1);
    drain(std::span(mails).subspan(2));
    sweep_all(1);
    CHECK(sweep_all(88).receipts == 0);
    CHECK(all_removal_records(store, record.id).size() == 5);
    record.hold = true;
    record = put(store, record);
    CHECK(sweep_all(3).receipts == 0);
    record.hold = false;
    put(store, record);
    const SweepReport first = store.sweep(3, true).value();
    CHECK(first.receipts == 3);
    CHECK(first.more);
    std::vector<RemovalRecord> left = all_removal_records(store, record.id);
    REQUIRE(left.size() == 2);
    CHECK(left[0].record.size >= 3000);
    CHECK(left[1].record.size >= 3000);
    const SweepReport second = store.sweep(3, true).value();
    CHECK(second.receipts == 2);
    CHECK_FALSE(second.more);
    CHECK(all_removal_records(store, record.id).empty());
  }
  SECTION("a sweep of one mailbox does not change another one") {
    const Mail mail = sealed_mail(100);
    REQUIRE(deliver(store, other.id, mail));
    REQUIRE(move(store, other.id, {mail.id}, State::Live, State::Drained));
    drain(std::span(mails).first(1));
    subject.clocks->wall += kDay;
    CHECK(store.sweep(100, true, other.id).value().expired == 1);
    CHECK(store.find(record.id, mails[0].id));
    CHECK(store.sweep(100, true, random_id<MailboxId>()).value().expired == 0);
    subject.clocks->wall += 91 * kDay;
    CHECK(store.sweep(100, true, record.id).value().receipts == 0);
    CHECK(store.sweep(100, true, other.id).value().receipts == 1);
  }
  SECTION("a dropped mailbox has none") {
    drain(mails);
    sweep_all(1);
    record.status = Status::Suspended;
    put(store, record, LeafType::Status);
    REQUIRE(store.remove_mailbox(record.id, "test"));
    CHECK(store.removal_records(record.id, {}, 1).error().code() == Code::NotFound);
  }
  SECTION("messages over the limit of one call without a grace period are removed by the next sweep") {
    MailboxRecord many = new_mailbox("many");
    many.grace = 0;
    many = put(store, many);
    std::vector<MessageId> ids;
    for (std::size_t i = 0; i <= kAtOnce; ++i) {
      const Mail mail = sealed_mail(1);
      REQUIRE(deliver(store, many.id, mail));
      ids.push_back(mail.id);
    }
    CHECK(move(store, many.id, ids, State::Live, State::Drained).value() == kAtOnce + 1);
    CHECK(store.stat(many.id).value().drained == kAtOnce + 1);
    CHECK(store.sweep(10'000, true).value().expired == kAtOnce + 1);
    CHECK(store.stat(many.id).value().drained == 0);
    CHECK(all_removal_records(store, many.id).size() == kAtOnce + 1);
  }
}

void purges(const Make& make) {
  Subject subject = make();
  Store& store = *subject.store;
  const MailboxRecord record = put(store, new_mailbox("journal"));
  const auto purge_all = [&] {
    Purge purge = store.purge(0).value();
    const std::uint64_t number = purge.number;
    while (!purge.done) purge = store.purge(number).value();
    CHECK(purge.number == number);
    return purge.number;
  };

  SECTION("a purge loses none of the remaining messages") {
    for (const std::size_t size : {0UL, 3000UL, 100'000UL, 700'000UL}) {
      const Mail mail = sealed_mail(size);
      REQUIRE(deliver(store, record.id, mail));
      REQUIRE(move(store, record.id, {mail.id}, State::Live, State::Drained));
      if (size != 3000) REQUIRE(move(store, record.id, {mail.id}, State::Drained, State::Live));
    }
    REQUIRE(store.put_mailbox(record, {{"password", to_bytes("first")}}, {LeafType::Slot, "test", 0}));
    REQUIRE(store.put_mailbox(store.mailbox(record.id).value(), {{"password", to_bytes("second")}},
                              {LeafType::Slot, "test", 0}));
    subject.clocks->wall += kDay;
    REQUIRE(store.sweep(100, true).value().expired == 1);
    const std::string before = dump(store);
    const std::uint64_t first = purge_all();
    CHECK(dump(store) == before);
    CHECK(purge_all() > first);
    CHECK(dump(store) == before);
    const Mail later = new_mail(50);
    REQUIRE(deliver(store, record.id, later));
    CHECK(read_all(store, record.id, later.id) == later.container);
  }
  SECTION("a purge that was not requested is not found") {
    CHECK(store.purge(12'345).error().code() == Code::NotFound);
  }
}

}  // namespace gw::store::contract
