// The Store on Ceph RADOS. Any keeper changes any mailbox by one write to the mailbox's index, which
// is refused unless the index is as the keeper has read it; bodies are in immutable packs that were
// written before. layout.h has the objects and keys, index.h the changes, intent.h those of two
// indexes. The rules are those of all stores (store/record_changes.h, store/message_changes.h).
//
// For one keeper. The one that opens a vault last stops all others: their next change of a mailbox
// that it has changed is refused, and their stores fail. So a keeper that was only paused does no
// harm when it goes on. Not offered yet, and refused with Unavailable: snapshot() and suspend().
//
// Where this differs from the store on a disk:
//
// - A change is durable when all replicas that act have it. If the cluster gives no answer the store
//   finds out whether a change is done; a caller gets Unknown only if it cannot.
// - A fingerprint is written after its message. If the keeper is killed in between, seen() does not
//   know it, and a mail may be copied twice.
// - health().commits is 0: changes of different mailboxes have no order.
#pragma once

#include <memory>

#include "store/open_options.h"
#include "store/rados/cluster.h"

namespace gw::store {

// The kind of the store, as in VAULT/format.
inline constexpr char kRadosKind[] = "rados";

struct RadosOptions : OpenOptions {
  RadosOptions() = default;
  explicit RadosOptions(const OpenOptions& options) : OpenOptions(options) {}

  // Bytes for all open appends together. Beyond it, containers go to the cluster in small parts.
  std::uint64_t append_memory = 32 << 20;
};

// Creates a vault in the namespace of a cluster. Fails with Exists if there is one, Unknown if the
// cluster did not answer. `recovery_recipient` may be empty.
Result<void> create_rados_store(Cluster& cluster, const VaultId& vault, ByteView recovery_recipient,
                                const std::function<Micros()>& clock = now);

// Opens the vault in the namespace of a cluster. Fails with NotFound if there is none, Config if it
// is another vault, Version if a newer gw created it.
Result<std::unique_ptr<Store>> open_rados_store(std::unique_ptr<Cluster> cluster, const VaultId& vault,
                                                RadosOptions options);

}  // namespace gw::store
