// Verifies that a vault is intact, from its ciphertext and histories alone: no password is needed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/first_few.h"
#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/checkpoint.h"

namespace gw::vault {

// One contradiction between what is stored and what the histories say.
struct Finding {
  MailboxId mailbox;                 // zero if it is about the vault itself
  std::optional<MessageId> message;  // nullopt if it is not about one message
  std::string what;                  // for people, as `the container is not what was accepted`
};

// Findings that a report describes; all of them are counted.
inline constexpr std::size_t kMaxFindings = 10'000;

struct VerifyReport {
  std::uint64_t mailboxes = 0;
  std::uint64_t messages = 0;  // present and checked
  std::uint64_t leaves = 0;    // history entries
  std::uint64_t receipts = 0;  // removal records, checked against their leaves
  // Losses that an administrator accepted (`repair --accept-loss`); they are not findings.
  std::uint64_t gaps = 0;
  FirstFew<Finding, kMaxFindings> findings;
};

// By mailbox: messages with a smaller sequence number were read by an earlier verification of the
// same files.
using ReadBefore = std::unordered_map<MailboxId, std::uint64_t>;
// Recomputes every history, compares it with its tree head, and accounts for every message ever
// accepted: either it is present with the digests of its leaf, or a later leaf says where it went.
// Reads every container. Runs beside other clients; a message that changes meanwhile is looked at
// again. `progress` is called with the number of messages checked so far and may be null.
//
// `against` may be a checkpoint that was kept outside the vault: the vault's history must pass
// through that tree head, and each mailbox's history through the heads that it covers. A vault that
// was rolled back to an earlier state does not. `before` may name messages whose containers need
// not be read again.
//
// Fails with BadInput if the checkpoint is of another vault, otherwise only if the store cannot be
// reached; damage is in the report.
Result<VerifyReport> verify(store::Store& store, const std::function<void(std::uint64_t)>& progress = {},
                            const Checkpoint* against = nullptr, const ReadBefore* before = nullptr);
// Verifies one mailbox, and also decrypts every message with the keys in `ring`.
Result<VerifyReport> verify_deep(store::Store& store, const store::MailboxRecord& mailbox,
                                 const seal::KeyRing& ring,
                                 const std::function<void(std::uint64_t)>& progress = {});

}  // namespace gw::vault
