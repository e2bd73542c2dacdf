// The contract of every Store: a table of subjects. The test of a store passes a factory, and each
// subject becomes a test case, such as `LocalStore: messages`.
//   const gw::store::contract::Test kLocal("LocalStore", make_local);
// SharedTest does the same with what several clients of one storage may rely on.
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

// A storage with several clients.
struct Shared {
  Subject subject;                               // its store is the first client
  std::function<std::unique_ptr<Store>()> join;  // returns one more; the subject must outlive it
};
using MakeShared = std::function<Shared()>;

// Register a test case for each subject of the contract, at static initialization.
class Test {
 public:
  Test(const std::string& store, const Make& make);
};
class SharedTest {
 public:
  SharedTest(const std::string& store, const MakeShared& make);
};

}  // namespace gw::store::contract
