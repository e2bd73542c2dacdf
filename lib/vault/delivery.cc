#include "vault/delivery.h"

#include <algorithm>
#include <array>

#include "mail/wire_form.h"
#include "seal/age.h"
#include "seal/envelope.h"
#include "vault/content_scan.h"
#include "vault/trace.h"

namespace gw::vault {
namespace {

constexpr std::size_t kSmallMessage = 8 << 10;  // room from the start

}  // namespace

struct Delivery::State {
  store::Store& store;
  MailboxId mailbox;
  MessageId id;
  std::uint32_t generation;
  Envelope envelope;
  std::string actor;
  seal::Sealer sealer;
  mail::WireForm wire_form;
  ContentScan scan{};
  Sha256 raw_digest{};
  Sha256 container_digest{};
  std::uint64_t octets = 0;
  Bytes buffer{};         // the header before the first chunk, then the chunk's plain octets
  std::size_t chunk = 0;  // where in `buffer` the chunk begins
  std::unique_ptr<store::Append> append{};
  std::vector<Digest> fingerprints{};
  std::optional<Error> failed{};

  std::size_t plain() const { return buffer.size() - chunk; }
  Result<void> flush(bool last);
  Result<Stored> commit(bool pending);
  Result<Stored> ask(const store::Commit& commit, const Error& unknown);
};

// Seals the chunk in hand and gives it to the store.
Result<void> Delivery::State::flush(bool last) {
  buffer.resize(buffer.size() + seal::kTag);
  sealer.seal(std::span(buffer).subspan(chunk), last);
  container_digest.update(buffer);
  if (!append) {
    Result<std::unique_ptr<store::Append>> begun = store.begin(mailbox, id);
    if (!begun) return begun.error();
    append = std::move(*begun);
  }
  if (const Result<void> put = append->put(buffer); !put) return put.error();
  buffer.clear();
  chunk = 0;
  return {};
}

Result<Stored> Delivery::State::commit(bool pending) {
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  scan.finish();
  const auto nowhere = [](ByteView) {};
  wire_form.finish(nowhere);
  envelope.octets = octets;
  envelope.sha256 = raw_digest.finish();
  envelope.bare_newline = scan.bare_newline();
  envelope.eight_bit = scan.eight_bit();
  envelope.long_line = scan.long_line();
  envelope.nul = scan.nul();

  store::Commit commit;
  commit.received = envelope.received;
  commit.octets = octets;
  commit.wire_octets = wire_form.octets();
  commit.generation = generation;
  commit.container = container_digest.finish();
  seal::EnvelopePlace place;
  place.vault = *vault;
  place.mailbox = mailbox;
  place.message = id;
  place.generation = generation;
  place.received = commit.received;
  place.octets = commit.octets;
  place.wire_octets = commit.wire_octets;
  place.container = commit.container;
  commit.envelope = seal::seal_envelope(sealer.file_key(), place, encode(envelope));
  commit.commitment = seal::commitment(seal::commitment_key(sealer.file_key()).view(), envelope.sha256);
  commit.fingerprints = std::move(fingerprints);
  commit.pending = pending;
  commit.actor = std::move(actor);
  const Result<store::Receipt> receipt = append->commit(commit);
  if (receipt) return Stored{id, *receipt, commit.container};
  if (receipt.error().code() == Code::Unknown) return ask(commit, receipt.error());
  return receipt.error();
}

// The answer to a commit was lost. A pending message is of no use without its receipt: that stays Unknown.
Result<Stored> Delivery::State::ask(const store::Commit& commit, const Error& unknown) {
  if (commit.pending) return unknown;
  const Result<store::MessageRecord> found = store.find(mailbox, id);
  if (found) {
    if (found->container != commit.container) return Error(Code::Corrupt, "another message has this id");
    return Stored{id, {found->seq, {}}, commit.container};
  }
  if (found.error().code() == Code::NotFound) return Error(Code::Unavailable, unknown.text());
  return unknown;
}

Delivery::Delivery(std::unique_ptr<State> state) : state_(std::move(state)) {}
Delivery::Delivery(Delivery&&) noexcept = default;
Delivery& Delivery::operator=(Delivery&&) noexcept = default;
Delivery::~Delivery() = default;

Result<Delivery> Delivery::begin(store::Store& store, const store::Recipient& recipient, Envelope envelope,
                                 std::string actor, std::optional<MessageId> given) {
  const store::MailboxRecord& mailbox = recipient.mailbox;
  if (mailbox.generations.empty()) return Error(Code::Corrupt, "a mailbox without a key");
  Result<seal::Sealer> sealer = seal::Sealer::begin(mailbox.newest().public_key);
  if (!sealer) return Error(Code::Corrupt, "a mailbox's public key: " + sealer.error().text());
  envelope.received = now();
  envelope.trace = trace_of(mailbox, envelope);
  mail::WireForm wire_form(envelope.trace);
  const MessageId id = given ? *given : new_message_id(envelope.received);
  std::unique_ptr<State> state(new State{store, mailbox.id, id, mailbox.newest().number, std::move(envelope),
                                         std::move(actor), std::move(*sealer), std::move(wire_form)});
  state->buffer.reserve(seal::kHeader + kSmallMessage + seal::kTag);
  append(state->buffer, state->sealer.header());
  state->chunk = state->buffer.size();
  return Delivery(std::move(state));
}

const MessageId& Delivery::id() const {
  return state_->id;
}

Result<void> Delivery::write(ByteView octets) {
  State& state = *state_;
  if (state.failed) return *state.failed;
  static const mail::WireForm::Sink kNowhere = [](ByteView) {};
  state.octets += octets.size();
  state.raw_digest.update(octets);
  state.scan.write(octets);
  state.wire_form.write(octets, kNowhere);
  while (!octets.empty()) {
    // A full chunk waits for more: only what follows tells that it is not the last.
    if (state.plain() == seal::kChunk) {
      if (const Result<void> flushed = state.flush(false); !flushed) {
        state.failed = flushed.error();
        state.append.reset();
        return flushed;
      }
    }
    const ByteView now = octets.first(std::min(octets.size(), seal::kChunk - state.plain()));
    // Not small: growing step by step would copy it several times.
    if (state.buffer.size() + now.size() + seal::kTag > state.buffer.capacity())
      state.buffer.reserve(state.chunk + seal::kChunk + seal::kTag);
    append(state.buffer, now);
    octets = octets.subspan(now.size());
  }
  return {};
}

Result<Stored> Delivery::finish(bool pending) {
  State& state = *state_;
  if (state.failed) return *state.failed;
  state.failed = Error(Code::Usage, "the delivery is done");
  if (const Result<void> flushed = state.flush(true); !flushed) return flushed.error();
  Result<Stored> stored = state.commit(pending);
  state.append.reset();
  return stored;
}

void Delivery::add_fingerprint(const Digest& fingerprint) {
  state_->fingerprints.push_back(fingerprint);
}

}  // namespace gw::vault
