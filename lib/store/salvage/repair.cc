// Accepting a loss (`gw-store repair --accept-loss`): the histories record the gap, and the vault
// opens for writing again.
#include "store/local/local_store_private.h"

namespace gw::store {

Result<std::uint64_t> LocalStore::accept_loss(const std::string& lost, std::string_view actor) {
  space_.look([&] { return engine_->promised(); });
  auto files = fill_gap(lost, actor);
  // A failed store does not touch the head file when it closes. The head file is the only evidence
  // of the loss.
  if (!files) commits_.fail(files.error());
  return files;
}

Result<std::uint64_t> LocalStore::fill_gap(const std::string& lost, std::string_view actor) {
  // First of all: these files may be all that is left of the missing messages, and the next regular
  // start would remove them as unnamed.
  auto files = large_->set_unnamed_aside(lost, [this](const MessageId& message) { return named(message); });
  if (!files) return files;
  // All histories get their Gap leaf in one commit: after a crash either all have it or the repair
  // starts again.
  const std::vector<MailboxId> logs = table_.logs();
  auto noted = change(512 * (logs.size() + 1), [&](Batch& batch) -> Result<ChangeResult> {
    for (const MailboxId& log : logs) {
      const Entry* entry = batch.state(log);
      // Skips removed mailboxes, whose histories have ended.
      if (entry == nullptr || (!entry->record && !log.zero())) continue;
      Leaf leaf;
      leaf.type = LeafType::Gap;
      leaf.mailbox = log;
      leaf.value = head_->head().point.number;
      leaf.actor = std::string(actor);
      batch.leaf(log, leaf);
    }
    return ChangeResult::Done;
  });
  if (!noted) return noted.error();
  // Durable before the head file changes. Once that agrees with the database, the loss is no longer
  // detected.
  if (auto flushed = engine_->flush(); !flushed) return flushed.error();
  // Both slots are written: a torn write must not bring the old commit point back.
  for (int slot = 0; slot < 2; ++slot) {
    if (auto written = head_->write({commits_.point(), false}); !written) return written.error();
  }
  return files;
}

Result<std::optional<Loss>> repair_local_store(LocalOptions options, bool accept, std::string_view actor) {
  const std::string lost = options.path + "/lost";
  auto opened = open_files(std::move(options), true);
  if (!opened) return opened.error();
  if (!opened->reason.empty()) {
    // Only a complete database that is merely too old can be accepted. Anything else needs space, a
    // writable mount, or salvage.
    const Code code = opened->room_wanted != 0    ? Code::Full
                      : opened->space.read_only() ? Code::Unavailable
                                                  : Code::Corrupt;
    return Error(code, "repair cannot fix this: " + opened->reason);
  }
  std::optional<Loss> loss = opened->loss;
  if (!loss || !accept) return loss;
  LocalStore store(std::move(*opened));
  auto files = store.accept_loss(lost, actor);
  if (!files) return files.error();
  loss->files = *files;
  return loss;
}

}  // namespace gw::store
