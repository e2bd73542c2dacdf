// The contract of every Store. The test of a store passes a factory
// to these functions; each is the content of one test case.
//   TEST_CASE("LocalStore: messages") { gw::store::contract::messages(make_local); }
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.h"
#include "store/store.h"

namespace gw::store::contract {

// The clocks of the store under test, which tests advance. The store must be created with a signer.
struct Clocks {
  Micros wall = 1'800'000'000'000'000;
  BootClock::time_point boot{std::chrono::hours(1)};

  // Advances both clocks.
  void pass(Micros time) {
    wall += time;
    boot += std::chrono::microseconds(time);
  }
};

// The value of `most_unseen` for a store whose clocks are advanced by days.
inline constexpr std::chrono::hours kUnlimited{24 * 3650};

struct Subject {
  VaultId vault;
  std::shared_ptr<Clocks> clocks;
  std::shared_ptr<void> keep;  // objects that the store needs
  std::unique_ptr<Store> store;
  std::string actor;  // the text that the keeper puts before each actor
};
using Make = std::function<Subject()>;

inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kDay = 86'400 * kSecond;

// The signer of a store under test. It returns vault, size and root without a signature.
inline Result<std::string> sign_plainly(const VaultId& vault, const LogHead& head) {
  return vault.hex() + " " + std::to_string(head.size) + " " + to_hex(head.root);
}

inline Signer plain_signer() {
  return {sign_plainly, [](const VaultId& vault) { return "plain " + vault.hex(); }};
}

inline MailboxRecord new_mailbox(std::string name) {
  MailboxRecord record;
  record.id = random_id<MailboxId>();
  record.name = std::move(name);
  record.generations = {{1, {}, 5}};
  record.created = 7;
  return record;
}

// Stores the record and returns it with its version.
MailboxRecord put(Store& store, MailboxRecord record, LeafType type = LeafType::Setting);

struct Mail {
  MessageId id = new_message_id(1'800'000'000'000'000);
  Bytes container;
  Commit commit;
};
Mail new_mail(std::size_t size = 100);
Mail sealed_mail(std::size_t size);  // `size` bytes after an age header
Result<CommitResult> deliver(Store& store, const MailboxId& mailbox, const Mail& mail);
Result<std::size_t> move(Store& store, const MailboxId& mailbox, std::vector<MessageId> messages, State from,
                         std::optional<State> to);
std::vector<Leaf> history(Store& store, const MailboxId& log);
std::vector<LeafType> types(Store& store, const MailboxId& log);
Bytes read_all(Store& store, const MailboxId& mailbox, const MessageId& message);
// Returns the logical content as text, to compare two stores after the same operations at the same times.
std::string dump(Store& store);

// The tests.
void mailboxes(const Make& make);
void addresses(const Make& make);
void records(const Make& make);
void messages(const Make& make);
void transitions(const Make& make);
void pending(const Make& make);
void leases(const Make& make);
void quota(const Make& make);
void histories(const Make& make);
void grace(const Make& make);
void receipts(const Make& make);
void purges(const Make& make);
void server_stats(const Make& make);
void big(const Make& make, std::size_t size);  // a container of this size

}  // namespace gw::store::contract
