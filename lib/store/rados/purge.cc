// The purge: rewrites packs in which something is that no key names any more, and removes the old
// ones.
#include <system_error>

#include "base/log.h"
#include "store/rados/rados_store_private.h"

namespace gw::store::rados {

Result<Purge> RadosStore::purge(std::uint64_t number) {
  constexpr std::chrono::seconds kTimeout{2};
  if (auto refused = context_.refusal()) return *refused;
  std::unique_lock lock(purging_.mutex);
  if (number > purging_.asked) return Error(Code::NotFound, "no such purge: the keeper was restarted");
  if (number == 0) {
    // Always a new run, as in LocalStore.
    try {
      if (!purging_.thread.joinable()) purging_.thread = std::thread([this] { purge_as_asked(); });
    } catch (const std::system_error& error) {
      return Error(Code::Busy, std::string("cannot start a thread: ") + error.what());
    }
    number = ++purging_.asked;
    purging_.changed.notify_all();
  }
  purging_.changed.wait_for(lock, kTimeout, [&] { return purging_.done >= number || purging_.stopping; });
  if (purging_.done < number) return Purge{number, false};
  if (purging_.failed) return *purging_.failed;
  return Purge{number, true};
}

void RadosStore::purge_as_asked() {
  std::unique_lock lock(purging_.mutex);
  for (;;) {
    purging_.changed.wait(lock, [this] { return purging_.stopping || purging_.done != purging_.asked; });
    if (purging_.stopping) return;
    const std::uint64_t number = purging_.asked;
    lock.unlock();
    const auto done = purge_now();
    if (!done) log::verbose("purge failed", {{"vault", options_.path}, {"reason", done.error().text()}});
    lock.lock();
    purging_.done = number;
    purging_.failed = done ? std::nullopt : std::optional(done.error());
    purging_.changed.notify_all();
  }
}

Result<void> RadosStore::purge_now() {
  const auto all = directory();
  if (!all) return all.error();
  // What fails in one place must not keep what was removed in all others.
  std::optional<Error> failed;
  const auto note = [&](const Result<void>& done) {
    if (!done && !failed) failed = done.error();
    return done.has_value();
  };
  for (const auto& [mailbox, there] : *all) {
    std::vector<PackId> packs;
    auto found = for_each_pair(context_, {index_object(mailbox), "k", {}, {}, {}},
                               [&](const std::string& key, const std::string& value) {
                                 const auto count = decode_pack_count(value);
                                 if (count && count->living < count->all)
                                   packs.push_back(pack_of(std::string_view(key).substr(1)));
                                 return true;
                               });
    if (!found && found.error().code() == Code::NotFound) continue;
    note(found);
    for (const PackId& pack : packs) {
      if (purging_.stopping) return Error(Code::Busy, "the keeper stopped during the purge");
      if (auto refused = context_.refusal()) return *refused;
      note(rewrite(mailbox, pack));
    }
    if (auto refused = context_.refusal()) return *refused;
    if (note(remove_unnamed(mailbox)) && !there) note(clean(mailbox));
  }
  return failed ? Result<void>(*failed) : Result<void>();
}

Result<void> RadosStore::rewrite(const MailboxId& mailbox, const PackId& old) {
  const auto content = packs_.read(old.object(mailbox));
  // It was removed meanwhile.
  if (!content && content.error().code() == Code::NotFound) return {};
  if (!content) return content.error();
  const auto entries = entries_of(**content, vault_, mailbox, old);
  if (!entries) return entries.error();
  // The key that names an entry tells which message it is of.
  std::vector<std::string> keys;
  for (const PackEntry& entry : *entries) {
    const ByteView body = as_bytes(**content).subspan(entry.place.offset, entry.place.envelope);
    if (entry.record.empty()) {
      const auto removed = decode_removal_record(body);
      if (!removed) return removed.error();
      keys.push_back(spot(Family::Messages, removal_record_key(mailbox, removed->record.id)).key);
    } else {
      const auto record = decode_message(entry.record);
      if (!record) return record.error();
      keys.push_back(body_spot(record->id));
    }
  }
  const std::string object = index_object(mailbox);
  // An entry that differs from its place in the index stays where it is: a copy would have a check of
  // the damaged bytes, and the original would be removed.
  std::optional<Error> damage;
  // Returns whether the key of an entry still names it, and it is what was stored.
  const auto named = [&](const ClusterReader& reader, std::size_t i) -> Result<bool> {
    const auto stored = reader.value({object, keys[i]});
    if (!stored) return stored.error();
    if (!*stored) return false;
    const auto place = decode_place(**stored);
    if (!place) return place.error();
    const Place& found = (*entries)[i].place;
    if (place->pack != old || place->offset != found.offset) return false;
    if (place->check == found.check && place->envelope == found.envelope &&
        place->container == found.container)
      return true;
    packs_.forget(old.object(mailbox));
    damage = Error(Code::Corrupt, "the pack " + old.object(mailbox) + " is damaged");
    return false;
  };
  const auto as_result = [&] { return damage ? Result<void>(*damage) : Result<void>(); };
  const auto box = at(mailbox);
  const auto number = box->index.new_pack();
  if (!number) return number.error();
  const PackId fresh{context_.inc, *number};
  const char kind = entries->empty() || !entries->front().record.empty() ? 'm' : 'r';
  PackBuilder builder(vault_, mailbox, fresh, kind);
  ClusterReader reader(context_);
  if (auto fetched = reader.fetch(object, keys); !fetched) return fetched;
  std::vector<std::pair<std::size_t, Place>> moved;
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const auto living = named(reader, i);
    if (!living) return living.error();
    const PackEntry& entry = (*entries)[i];
    // A container in parts is alone in its pack, and all of it is living or dead.
    if (!*living || entry.place.parts != 0) continue;
    const ByteView body = as_bytes(**content).subspan(entry.place.offset);
    moved.emplace_back(i, builder.add(entry.record, body.first(entry.place.envelope),
                                      body.subspan(entry.place.envelope, entry.place.container)));
  }
  if (moved.empty()) {
    box->index.done_with(*number);
    return as_result();
  }
  const PackCount count = builder.count();
  if (auto written = write_pack(mailbox, fresh, builder.take()); !written) {
    if (written.error().code() != Code::Internal) abandon(*box, fresh, 0, false);
    return written;
  }
  bool any = false;
  auto changed = change(mailbox, 256 * moved.size(), true, [&](Batch& batch) -> Result<ChangeResult> {
    any = false;
    if (!batch.claim_messages(mailbox)) return ChangeResult::NextBatch;
    if (auto fetched = batch.reader().fetch(object, keys); !fetched) return fetched.error();
    for (const auto& [i, place] : moved) {
      const auto living = named(batch.reader(), i);
      if (!living) return living.error();
      if (!*living) continue;
      batch.move_place(mailbox, keys[i], place);
      any = true;
    }
    if (any) batch.new_pack(mailbox, fresh, count);
    return ChangeResult::Done;
  });
  if (!changed) {
    if (changed.error().code() != Code::Unknown) abandon(*box, fresh, 0, true);
    return changed;
  }
  if (any) {
    box->index.done_with(*number);
  } else {
    abandon(*box, fresh, 0, true);
  }
  return as_result();
}

}  // namespace gw::store::rados
