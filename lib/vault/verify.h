// Whether the vault is whole: recomputed from the ciphertext, without any password.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "seal/keypair.h"
#include "store/store.h"
#include "vault/checkpoint.h"

namespace gw::vault {

struct Finding {
  MailboxId mailbox;  // zero: the vault itself
  std::optional<MessageId> message;
  std::string what;  // `the container is not what was accepted`
};

struct VerifyReport {
  std::uint64_t mailboxes = 0;
  std::uint64_t messages = 0;  // present and checked
  std::uint64_t leaves = 0;
  std::uint64_t receipts = 0;  // of swept messages, checked against their leaves
  std::uint64_t gaps = 0;      // accepted losses, named and not counted as findings
  std::vector<Finding> findings;
};

// Recomputes every history, compares it with its head, and accounts for every message ever accepted: it is
// here with the digests of its leaf, or a later leaf says where it went. Reads every container. `progress` is
// called now and then with the number of messages done. An Error only where checking itself failed.
//
// With `against`, a checkpoint that was kept elsewhere: the vault's history must go through that head, and
// with it each mailbox's through the heads under it. A vault that was put back to an earlier state does not.
//
// With `before`, by mailbox: what messages of a smaller seq hold was read by an earlier verification of the
// same files, and is not read again.
using ReadBefore = std::unordered_map<MailboxId, std::uint64_t>;
Result<VerifyReport> verify(store::Store& store, const std::function<void(std::uint64_t)>& progress = {},
                            const Checkpoint* against = nullptr, const ReadBefore* before = nullptr);
// Also opens every message of one mailbox.
Result<VerifyReport> verify_deep(store::Store& store, const store::MailboxRecord& mailbox,
                                 const seal::KeyRing& ring,
                                 const std::function<void(std::uint64_t)>& progress = {});

}  // namespace gw::vault
