// Creating and opening a vault in a cluster.
#include <array>

#include "base/log.h"
#include "store/rados/rados_store_private.h"

namespace gw::store {

using rados::hex16;

namespace {

constexpr char kFormat[] = "F";
constexpr std::uint8_t kFormatVersion = 1;

std::string format_of(const VaultId& vault) {
  ByteWriter writer;
  writer.u8(kFormatVersion).bytes(vault.view());
  return std::string(as_text(writer.data()));
}

// Returns the latest kept time that an index has.
Result<Moment> kept_in(Cluster& cluster, const std::string& object) {
  ReadOp op;
  op.keys = {rados::kKept};
  const Reply reply = cluster.read(Pool::Meta, object, std::move(op));
  if (reply.outcome == Outcome::Missing) return Moment{};
  if (!reply.done()) return Error(Code::Unavailable, "cannot read " + object + ": " + reply.text);
  const auto found = reply.pairs.find(rados::kKept);
  if (found == reply.pairs.end()) return Moment{};
  ByteReader reader(as_bytes(found->second));
  Moment moment;
  moment.kept = static_cast<Micros>(reader.u64());
  moment.wall = static_cast<Micros>(reader.u64());
  return reader.done() ? Result<Moment>(moment)
                       : Error(Code::Corrupt, "the kept time of " + object + " is malformed");
}

}  // namespace

Result<void> create_rados_store(Cluster& cluster, const VaultId& vault, ByteView recovery_recipient,
                                const std::function<Micros()>& clock) {
  Leaf leaf;
  leaf.type = LeafType::VaultMade;
  if (!recovery_recipient.empty()) leaf.container = sha256(recovery_recipient);
  Bytes encoded = encode(leaf);
  rados::IndexState state;
  state.log.time = clock();
  place(encoded, 0, state.log.time);
  state.log.range.append(leaf_hash(encoded));
  WriteOp op;
  op.create = true;
  op.set[kFormat] = format_of(vault);
  op.set[rados::kState] = rados::encode(state);
  op.set["l" + hex16(0)] = as_text(encoded);
  op.set_attributes[rados::kVersion] = hex16(1);
  const Reply reply = cluster.write(Pool::Meta, rados::index_object({}), std::move(op));
  switch (reply.outcome) {
    case Outcome::Done:
      return {};
    case Outcome::Exists:
      return Error(Code::Exists, "the cluster has a vault in this namespace already");
    case Outcome::Full:
      return Error(Code::Full, "cannot create the vault: " + reply.text);
    case Outcome::Refused:
      return Error(Code::Config, "cannot create the vault: " + reply.text);
    case Outcome::Unanswered:
      return Error(Code::Unknown, "the cluster did not say whether the vault was created");
    default:
      return Error(Code::Unavailable, "cannot create the vault: " + reply.text);
  }
}

Result<std::unique_ptr<Store>> open_rados_store(std::unique_ptr<Cluster> cluster, const VaultId& vault,
                                                RadosOptions options) {
  ReadOp op;
  op.keys = {kFormat};
  const Reply reply = cluster->read(Pool::Meta, rados::index_object({}), std::move(op));
  if (reply.outcome == Outcome::Missing)
    return Error(Code::NotFound, "the cluster has no vault in this namespace");
  if (reply.outcome == Outcome::Refused) return Error(Code::Config, "cannot open the vault: " + reply.text);
  if (!reply.done()) return Error(Code::Unavailable, "cannot open the vault: " + reply.text);
  const auto format = reply.pairs.find(kFormat);
  if (format == reply.pairs.end() || format->second.empty())
    return Error(Code::Corrupt, "the vault in the cluster has no format");
  if (static_cast<std::uint8_t>(format->second.front()) > kFormatVersion)
    return Error(Code::Version, "a newer version of gw created this vault");
  if (format->second != format_of(vault)) return Error(Code::Config, "the namespace has another vault");

  // Each index has the kept time of its own last change, so the latest of them is the vault's.
  Moment kept;
  std::vector<std::string> objects{rados::index_object({})};
  rados::Context context(*cluster, vault, {}, options.clock, nullptr);
  auto listed = rados::for_each_pair(context, {rados::index_object({}), "D", {}, {}, {}},
                                     [&](const std::string& key, const std::string&) {
                                       objects.push_back("m." + key.substr(1));
                                       return true;
                                     });
  if (!listed) return listed.error();
  for (const std::string& object : objects) {
    const auto found = kept_in(*cluster, object);
    if (!found) return found.error();
    if (found->kept >= kept.kept) kept = *found;
  }
  auto store = std::make_unique<rados::RadosStore>(std::move(cluster), vault, std::move(options), kept);
  if (auto settled = store->settle(); !settled) return settled.error();
  return std::unique_ptr<Store>(std::move(store));
}

namespace rados {

namespace {

std::string new_incarnation() {
  std::string inc;
  // Zero is no incarnation.
  do inc = random_id<MessageId>().hex().substr(0, 16);
  while (from_hex16(inc) == 0);
  return inc;
}

}  // namespace

RadosStore::RadosStore(std::unique_ptr<Cluster> cluster, const VaultId& vault, RadosOptions options,
                       const Moment& kept)
    : options_(std::move(options)),
      vault_(vault),
      cluster_(std::move(cluster)),
      context_(*cluster_, vault, new_incarnation(), options_.clock,
               [this](const Error& error) {
                 log::error("store failed", {{"vault", options_.path}, {"reason", error.text()}});
                 if (options_.failed) options_.failed(error);
               }),
      packs_(context_),
      leases_(options_.boot_clock),
      permits_(options_.permit_bytes),
      kept_time_(kept, options_.clock(), options_.boot_clock(), options_.most_unseen),
      kept_noted_(kept.kept) {}

RadosStore::~RadosStore() {
  context_.close();
  {
    const std::lock_guard lock(purging_.mutex);
    purging_.stopping = true;
  }
  purging_.changed.notify_all();
  if (purging_.thread.joinable()) purging_.thread.join();
}

Result<void> RadosStore::settle() {
  if (options_.look_only) {
    context_.close();
    return {};
  }
  if (auto finished = finish_intents(context_); !finished) return finished;
  const auto all = directory();
  if (!all) return all.error();
  for (const auto& [id, there] : *all) {
    if (!there) continue;
    const auto loaded = existing(id);
    if (!loaded) return loaded.error();
    if (loaded->entry.log.stat.pending == 0) continue;
    if (auto done = unconfirm(id); !done) return done;
  }
  return {};
}

Result<void> RadosStore::unconfirm(const MailboxId& mailbox) {
  for (;;) {
    Transition transition;
    transition.mailbox = mailbox;
    transition.from = State::Pending;
    transition.to = State::Unconfirmed;
    transition.actor = "start";
    auto found = for_each_pair(context_, {index_object(mailbox), "p", {}, {}, {}},
                               [&](const std::string&, const std::string& value) {
                                 transition.messages.push_back(MessageId::from(as_bytes(value)));
                                 return transition.messages.size() < limits().batch;
                               });
    if (!found) return found;
    if (transition.messages.empty()) return {};
    if (auto done = this->transition(transition); !done) return done.error();
  }
}

std::shared_ptr<Mailbox> RadosStore::at(const MailboxId& log) {
  const std::lock_guard lock(mailboxes_mutex_);
  std::shared_ptr<Mailbox>& found = mailboxes_[log];
  if (!found) found = std::make_shared<Mailbox>(context_, log);
  return found;
}

Result<void> RadosStore::change(const MailboxId& log, std::size_t size, bool frees, const ChangeFn& change) {
  // Clients may name any number of mailboxes that do not exist; they are not remembered.
  bool known = log.zero();
  if (!known) {
    const std::lock_guard lock(mailboxes_mutex_);
    known = mailboxes_.contains(log);
  }
  if (!known) {
    if (auto found = look(log); !found) return found.error();
  }
  return at(log)->index.run({change, size, frees});
}

}  // namespace rados
}  // namespace gw::store
