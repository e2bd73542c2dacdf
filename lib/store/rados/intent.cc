#include "store/rados/intent.h"

#include "store/rados/layout.h"

namespace gw::store::rados {
namespace {

// The first part of an intent's id is the keeper that made it, for people who look at it.
std::string new_intent_id(const Context& context) {
  return context.inc + random_id<MessageId>().hex();
}

constexpr int kMostRepeats = 4;  // of a write that failed

struct VaultState {
  std::uint64_t version = 0;
  std::string intent;  // the stored one; empty if there is none of the id
};

Result<VaultState> read_vault(Context& context, const std::string& id) {
  ReadOp op;
  op.attributes = {kVersion};
  op.keys = {"y" + id};
  const Reply reply = context.cluster.read(Pool::Meta, index_object({}), std::move(op));
  if (!reply.done()) return context.error(reply, "cannot read the index of the vault");
  VaultState state;
  state.version = from_hex16(reply.attributes.at(kVersion));
  if (const auto found = reply.pairs.find("y" + id); found != reply.pairs.end()) state.intent = found->second;
  return state;
}

// Writes to an index without being its leader. The leader's next write is then refused once.
Result<Sent> write_past(Context& context, const std::string& object, std::uint64_t version, WriteOp op) {
  op.must_exist = true;
  op.although_full = true;
  op.attribute_is[kVersion] = hex16(version);
  op.set_attributes[kVersion] = hex16(version + 1);
  const Reply reply = context.cluster.write(Pool::Meta, object, std::move(op));
  if (reply.done()) return Sent::Done;
  if (reply.outcome == Outcome::Differs) return Sent::Again;
  return context.error(reply, "cannot change " + object);
}

// Steps 3 and 4 of an intent.
Result<void> finish_intent(Context& context, const std::string& id, const std::string& stored) {
  auto write = decode_write(stored);
  if (!write) return write.error();
  write->op.although_full = true;
  // It may be done twice, so one that failed is simply repeated.
  Reply reply;
  for (int asked = 0; asked < kMostRepeats; ++asked) {
    reply = context.cluster.write(Pool::Meta, write->object, write->op);
    if (reply.done() || reply.outcome == Outcome::Differs || reply.outcome == Outcome::Exists) break;
    if (reply.outcome == Outcome::Shut || reply.outcome == Outcome::Refused) break;
  }
  // It was done before, if the mailbox is there or has another version: its turn let nothing else
  // change it.
  if (!reply.done() && reply.outcome != Outcome::Differs && reply.outcome != Outcome::Exists)
    return context.error(reply, "cannot change " + write->object);
  constexpr int kMostTries = 100;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto vault = read_vault(context, id);
    if (!vault) return vault.error();
    if (vault->intent.empty()) return {};
    WriteOp op;
    op.erase = {"y" + id};
    const auto sent = write_past(context, index_object({}), vault->version, std::move(op));
    if (!sent) return sent.error();
    if (*sent == Sent::Done) return {};
  }
  return Error(Code::Busy, "other keepers are changing the vault all the time");
}

}  // namespace

Result<void> end_turn(Context& context, const MailboxId& mailbox, const std::string& id) {
  constexpr int kMostTries = 100;
  for (int tries = 0; tries < kMostTries; ++tries) {
    const auto vault = read_vault(context, id);
    if (!vault) return vault.error();
    if (!vault->intent.empty()) return finish_intent(context, id, vault->intent);
    // Step 2 has not been done. With another version of the vault it never will be.
    const auto bumped = write_past(context, index_object({}), vault->version, {});
    if (!bumped) return bumped.error();
    if (*bumped == Sent::Again) continue;
    const auto loaded = load_index(context, mailbox);
    if (!loaded) return loaded.error();
    if (loaded->turn != id) return {};
    WriteOp op;
    op.key_is[kTurn] = id;
    op.erase = {kTurn};
    const auto ended = write_past(context, index_object(mailbox), loaded->version, std::move(op));
    if (!ended) return ended.error();
    if (*ended == Sent::Done) return {};
  }
  return Error(Code::Busy, "other keepers are changing the vault all the time");
}

Result<void> finish_intents(Context& context) {
  std::vector<std::pair<std::string, std::string>> intents;
  auto found = for_each_pair(context, {index_object({}), "y", {}, {}, {}},
                             [&](const std::string& key, const std::string& value) {
                               intents.emplace_back(key.substr(1), value);
                               return true;
                             });
  if (!found) return found;
  for (const auto& [id, stored] : intents) {
    if (auto finished = finish_intent(context, id, stored); !finished) return finished;
  }
  return {};
}

Result<void> change_both(Context& context, Index& vault, Index& mailbox, const Change& change) {
  constexpr int kMostTries = 100;
  const Index::Lead lead_vault(vault);
  const Index::Lead lead_mailbox(mailbox);
  for (int tries = 0; tries < kMostTries; ++tries) {
    if (auto refused = context.refusal()) return *refused;
    // Such changes are rare, so both are read: a refusal is then always by what is true.
    vault.forget();
    mailbox.forget();
    if (auto ready = vault.prepare(); !ready) return ready;
    if (auto ready = mailbox.prepare(); !ready && ready.error().code() != Code::NotFound) return ready;
    Batch batch(context, {vault.part(), mailbox.part()});
    mailbox.give_numbers(batch);
    batch.begin();
    const auto verdict = change.run(batch);
    if (!verdict) return verdict.error();
    if (*verdict != ChangeResult::Done) return Error(Code::Unavailable, "a change waits for itself");
    batch.keep();
    auto op = batch.finish(mailbox.log());
    if (!op) return op.error();
    auto vault_op = batch.finish({});
    if (!vault_op) return vault_op.error();
    if (!*op || !*vault_op) return Error(Code::Internal, "a change of a mailbox must change the vault too");

    const std::string id = new_intent_id(context);
    const std::string object = index_object(mailbox.log());
    if (mailbox.exists()) {
      WriteOp turn;
      turn.must_exist = true;
      turn.although_full = true;
      turn.attribute_is = (*op)->attribute_is;
      turn.key_is = (*op)->key_is;
      Loaded after = mailbox.loaded();
      ++after.version;
      ++after.writes;
      after.turn = id;
      turn.set = {{kTurn, id}, {"w" + context.inc, hex16(after.writes)}};
      turn.set_attributes = {{kVersion, hex16(after.version)}};
      const auto sent = mailbox.send(std::move(turn), after);
      // Without step 2 nothing is done, whatever became of the turn.
      if (!sent && sent.error().code() == Code::Unknown) return Error(Code::Unavailable, sent.error().text());
      if (!sent) return sent.error();
      if (*sent == Sent::Again) continue;
      // Whoever finishes the intent writes it, so it does not depend on who that is.
      (*op)->attribute_is = {{kVersion, hex16(after.version)}};
      (*op)->key_is = {{kTurn, id}};
      (*op)->erase.emplace_back(kTurn);
      (*op)->set.erase("w" + context.inc);
      (*op)->set_attributes = {{kVersion, hex16(after.version + 1)}};
    }
    const std::string intent = encode(object, **op);
    (*vault_op)->set["y" + id] = intent;
    (*vault_op)->although_full = change.frees;
    const auto sent = vault.send(std::move(**vault_op), batch.after({}));
    mailbox.forget();
    if (!sent || *sent == Sent::Again) {
      // If it is not known whether it was done, the next change of the mailbox finds out.
      if (mailbox.exists() && (sent || sent.error().code() != Code::Unknown)) {
        if (auto ended = end_turn(context, mailbox.log(), id); !ended && sent) return ended;
        vault.forget();
      }
      if (!sent) return sent.error();
      continue;
    }
    vault.forget();
    if (auto finished = finish_intent(context, id, intent); !finished)
      return Error(Code::Unknown, "the change is decided, but not complete: " + finished.error().text());
    return {};
  }
  return Error(Code::Busy, "other keepers are changing the vault all the time");
}

}  // namespace gw::store::rados
