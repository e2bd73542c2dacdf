// What every Store must do. A store's test gives a factory and runs these; each is one test case's content.
//
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

// The clocks of the store under test, moved by hand. The store must be made with a signer.
struct Clocks {
  Micros wall = 1'800'000'000'000'000;
  BootClock::time_point boot{std::chrono::hours(1)};

  // Time goes by, on both.
  void pass(Micros time) {
    wall += time;
    boot += std::chrono::microseconds(time);
  }
};

// For the `most_unseen` of a store whose clocks are moved by days.
inline constexpr std::chrono::hours kUnlimited{24 * 3650};

struct Subject {
  VaultId vault;
  std::shared_ptr<Clocks> clocks;
  std::shared_ptr<void> keep;  // what the store needs to live
  std::unique_ptr<Store> store;
  std::string actor;  // what the keeper puts in front of each actor
};
using Make = std::function<Subject()>;

inline constexpr Micros kSecond = 1'000'000;
inline constexpr Micros kDay = 86'400 * kSecond;

// The signer that a store under test is given: vault, size and root, nothing signed.
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

// Puts it and gives it back with its version.
MailboxRecord put(Store& store, MailboxRecord record, LeafType type = LeafType::Setting);

struct Mail {
  MessageId id = new_message_id(1'800'000'000'000'000);
  Bytes container;
  Commit commit;
};
Mail new_mail(std::size_t size = 100);
Mail sealed_mail(std::size_t size);  // so many behind an age header
Result<CommitResult> deliver(Store& store, const MailboxId& mailbox, const Mail& mail);
Result<std::size_t> move(Store& store, const MailboxId& mailbox, std::vector<MessageId> messages, State from,
                         std::optional<State> to);
std::vector<Leaf> history(Store& store, const MailboxId& log);
std::vector<LeafType> types(Store& store, const MailboxId& log);
Bytes read_all(Store& store, const MailboxId& mailbox, const MessageId& message);
// The logical content as text, for comparing two stores that were given the same operations and times.
std::string dump(Store& store);

// The suite.
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
