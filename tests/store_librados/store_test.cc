// The store on a real cluster keeps the contract of every Store.
#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <thread>

#include "store/rados/rados_store.h"
#include "store_librados/ceph.h"
#include "support/await.h"
#include "support/store_contract.h"

namespace gw::store {
namespace {

contract::Subject make_rados() {
  const LibradosOptions where = ceph_options();
  contract::Subject subject;
  subject.vault = VaultId::parse(where.vault).value();
  subject.clocks = std::make_shared<contract::Clocks>();
  RadosOptions options;
  options.path = "ceph";
  options.signer = contract::plain_signer();
  options.clock = [clocks = subject.clocks] { return clocks->wall; };
  options.boot_clock = [clocks = subject.clocks] { return clocks->boot; };
  options.most_unseen = contract::kUnlimited;
  REQUIRE(create_rados_store(*ceph_client(where), subject.vault, as_bytes("age1test"), options.clock));
  auto opened = open_rados_store(ceph_client(where), subject.vault, options);
  INFO((opened ? "" : opened.error().text()));
  REQUIRE(opened);
  subject.store = std::move(*opened);
  return subject;
}
const contract::Test kRados("RadosStore on a Ceph cluster", make_rados);

// What a sender was told about a mail.
struct Answer {
  contract::Mail mail;
  std::optional<Code> failed;
};

// Stops the senders when a requirement is not met.
struct Stopping {
  ~Stopping() { stop = true; }
  std::atomic<bool>& stop;
};

TEST_CASE("mail that was accepted while the cluster did not answer is there once, and refused mail is not") {
  LibradosOptions where = ceph_options();
  const VaultId vault = VaultId::parse(where.vault).value();
  REQUIRE(create_rados_store(*ceph_client(where), vault, as_bytes("age1test")));
  where.osd_timeout = std::chrono::seconds(3);
  RadosOptions options;
  options.path = "ceph";
  options.signer = contract::plain_signer();
  auto opened = open_rados_store(ceph_client(where), vault, options);
  REQUIRE(opened);
  Store& store = **opened;
  const MailboxId mailbox = contract::put(store, contract::new_mailbox("journal")).id;

  constexpr std::size_t kSenders = 8;
  std::array<std::vector<Answer>, kSenders> answers;
  std::atomic<bool> stop = false;
  std::vector<std::jthread> senders;
  for (std::size_t i = 0; i < kSenders; ++i)
    senders.emplace_back([&, i] {
      std::mt19937_64 random(i);
      while (!stop) {
        Answer answer;
        answer.mail = contract::new_mail(1000 + random() % 20'000);
        if (const auto done = contract::deliver(store, mailbox, answer.mail); !done)
          answer.failed = done.error().code();
        answers[i].push_back(std::move(answer));
      }
    });
  const Stopping stopping{stop};
  const auto probe = ceph_client(where);
  const auto accepted = [&] { return store.stat(mailbox).value_or(MailboxStat{}).accepted; };
  for (int round = 0; round < 2; ++round) {
    const std::uint64_t before = accepted();
    test::await(
        "mail", [&] { return accepted() > before + 20; }, std::chrono::seconds(60));
    REQUIRE(ceph("stop", "osd.0"));
    // The changes that were in flight have had as much time as this read.
    CHECK(probe->read(Pool::Meta, "v", {}).outcome == Outcome::Unanswered);
    CHECK(ceph("continue", "osd.0"));
  }
  const std::uint64_t before = accepted();
  test::await(
      "mail", [&] { return accepted() > before + 20; }, std::chrono::seconds(60));
  stop = true;
  for (std::jthread& sender : senders) sender.join();

  std::map<MessageId, int> stored;
  std::uint64_t after = 0;
  for (;;) {
    const auto page = store.list(mailbox, after, 1000);
    REQUIRE(page);
    if (page->empty()) break;
    for (const MessageRecord& record : *page) {
      ++stored[record.id];
      after = record.seq;
    }
  }
  for (const std::vector<Answer>& of_sender : answers)
    for (const Answer& answer : of_sender) {
      const int count = stored[answer.mail.id];
      if (!answer.failed) {
        REQUIRE(count == 1);
        REQUIRE(contract::read_all(store, mailbox, answer.mail.id) == answer.mail.container);
      } else {
        INFO(name(*answer.failed));
        REQUIRE((count == 0 || *answer.failed == Code::Unknown));
      }
    }
}

}  // namespace
}  // namespace gw::store
