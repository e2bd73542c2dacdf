// An accepted loss: the histories say that there is a gap, and the vault opens for writing again.
#include "store/local/store_on_disk.h"

namespace gw::store {

Result<std::uint64_t> LocalStore::accept_loss(const std::string& lost, std::string_view actor) {
  space_.look([&] { return engine_->promised(); });
  auto files = fill_gap(lost, actor);
  // A store that failed leaves the head file alone when it is closed, and with it what tells of the loss.
  if (!files) commits_.fail(files.error());
  return files;
}

Result<std::uint64_t> LocalStore::fill_gap(const std::string& lost, std::string_view actor) {
  // They may be all that is left of the missing messages, and the next start would remove them.
  auto files = large_->set_unnamed_aside(lost, [this](const MessageId& message) { return named(message); });
  if (!files) return files;
  const std::vector<MailboxId> logs = table_.logs();
  auto noted = change(512 * (logs.size() + 1), [&](Batch& batch) -> Result<Verdict> {
    for (const MailboxId& log : logs) {
      const Entry* entry = batch.at(log);
      if (entry == nullptr || (!entry->record && !log.zero())) continue;  // a dropped mailbox
      Leaf leaf;
      leaf.type = LeafType::Gap;
      leaf.mailbox = log;
      leaf.value = head_->head().point.number;
      leaf.actor = std::string(actor);
      batch.leaf(log, leaf);
    }
    return Verdict::Done;
  });
  if (!noted) return noted.error();
  if (auto flushed = engine_->flush(); !flushed) return flushed.error();
  // Both slots: a torn write must not bring the old one back.
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
    const Code code = opened->room_wanted != 0    ? Code::Full
                      : opened->space.read_only() ? Code::Unavailable
                                                  : Code::Corrupt;
    return Error(code, "this is not what repair mends: " + opened->reason);
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
