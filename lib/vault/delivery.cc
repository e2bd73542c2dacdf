#include "vault/delivery.h"

#include <algorithm>
#include <array>

#include "mail/wire_form.h"
#include "mime/message_ids.h"
#include "seal/age.h"
#include "seal/envelope.h"
#include "vault/content_scan.h"
#include "vault/trace.h"

namespace gw::vault {
namespace {

constexpr std::size_t kSmallMessage = 8 << 10;  // initial space in the buffer
// Bytes that identify() reads at a time. Most headers end within a few of these, and buffers of this
// size are allocated faster than larger ones.
constexpr std::size_t kIdentifyRead = 2 << 10;

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
  std::uint64_t size = 0;
  Bytes buffer{};         // the age header before the first chunk, then the chunk's plain bytes
  std::size_t chunk = 0;  // where in `buffer` the chunk begins
  std::unique_ptr<store::Append> append{};
  std::vector<Digest> fingerprints{};
  mime::MessageIds message_ids{};
  std::optional<Error> failed{};

  std::size_t plain() const { return buffer.size() - chunk; }
  Result<void> flush(bool last);
  void identify(bool last);
  Result<Stored> commit(bool pending);
  Result<Stored> ask(const store::Commit& commit, const Error& unknown);
};

// Looks for Message-IDs in the first chunk, the only one that is looked at: a delivery must not get
// slower with what a mail contains, and never fails because of it. A header that is longer, or a report
// whose mail begins later, is not identified; gw-store reconcile then opens the mail itself.
void Delivery::State::identify(bool last) {
  mime::MemorySource source(ByteView(buffer).subspan(chunk));
  if (auto found = mime::read_message_ids(source, last, {.read_size = kIdentifyRead}); found)
    message_ids = std::move(*found);
}

// Seals the current chunk in place and passes it to the store. The store is contacted only here, so
// that a client that breaks off before the first chunk is full costs the store nothing.
Result<void> Delivery::State::flush(bool last) {
  if (!append) identify(last);
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
  // The wire form is computed only for its length: POP3's LIST must announce the size that RETR
  // will send (RFC 1939, section 11), trace lines included.
  const auto nowhere = [](ByteView) {};
  wire_form.finish(nowhere);
  envelope.size = size;
  envelope.sha256 = raw_digest.finish();
  envelope.bare_newline = scan.bare_newline();
  envelope.eight_bit = scan.eight_bit();
  envelope.long_line = scan.long_line();
  envelope.nul = scan.nul();
  for (const std::string& message_id : message_ids.ids)
    envelope.message_ids.push_back(message_id_print(*vault, mailbox, message_id));
  envelope.identified = message_ids.complete;

  store::Commit commit;
  commit.received = envelope.received;
  commit.size = size;
  commit.wire_size = wire_form.size();
  commit.generation = generation;
  commit.container = container_digest.finish();
  // The envelope is authenticated together with everything that the record says about the message,
  // so that neither can be exchanged on its own.
  seal::EnvelopePlace place;
  place.vault = *vault;
  place.mailbox = mailbox;
  place.message = id;
  place.generation = generation;
  place.received = commit.received;
  place.size = commit.size;
  place.wire_size = commit.wire_size;
  place.container = commit.container;
  commit.envelope = seal::seal_envelope(sealer.file_key(), place, encode(envelope));
  commit.commitment = seal::commitment(seal::commitment_key(sealer.file_key()).view(), envelope.sha256);
  commit.fingerprints = std::move(fingerprints);
  commit.pending = pending;
  commit.actor = std::move(actor);
  const Result<store::CommitResult> committed = append->commit(commit);
  if (committed) return Stored{id, *committed, commit.container};
  if (committed.error().code() == Code::Unknown) return ask(commit, committed.error());
  return committed.error();
}

// Called if the reply to a commit was lost. A pending message without its pending token cannot be
// settled, so its outcome stays Unknown; the keeper makes such a message unconfirmed. Otherwise the
// store is asked once.
Result<Stored> Delivery::State::ask(const store::Commit& commit, const Error& unknown) {
  if (commit.pending) return unknown;
  const Result<store::MessageRecord> found = store.find(mailbox, id);
  if (found) {
    // The id may have been chosen by the caller; only the digest tells that it is this delivery.
    if (found->container != commit.container)
      return Error(Code::Corrupt, "another message already has this id");
    return Stored{id, {found->seq, {}}, commit.container};
  }
  // Certainly not committed: Unavailable lets the client try again.
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
  if (mailbox.generations.empty()) return Error(Code::Corrupt, "the mailbox has no key");
  Result<seal::Sealer> sealer = seal::Sealer::begin(mailbox.newest().public_key);
  if (!sealer) return Error(Code::Corrupt, "cannot seal to the mailbox's key: " + sealer.error().text());
  // The trace lines contain the time and count towards the message's size, so both are fixed now.
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

Result<void> Delivery::write(ByteView data) {
  State& state = *state_;
  if (state.failed) return *state.failed;
  static const mail::WireForm::Sink kNowhere = [](ByteView) {};
  state.size += data.size();
  state.raw_digest.update(data);
  state.scan.write(data);
  state.wire_form.write(data, kNowhere);
  while (!data.empty()) {
    // A full chunk waits for the next byte, because the last chunk is sealed with a flag that says
    // so (age STREAM).
    if (state.plain() == seal::kChunk) {
      if (const Result<void> flushed = state.flush(false); !flushed) {
        state.failed = flushed.error();
        state.append.reset();
        return flushed;
      }
    }
    const ByteView now = data.first(std::min(data.size(), seal::kChunk - state.plain()));
    // The message is not small. Reserving a whole chunk now avoids copying it several times while
    // it grows.
    if (state.buffer.size() + now.size() + seal::kTag > state.buffer.capacity())
      state.buffer.reserve(state.chunk + seal::kChunk + seal::kTag);
    append(state.buffer, now);
    data = data.subspan(now.size());
  }
  return {};
}

Result<Stored> Delivery::finish(bool pending) {
  State& state = *state_;
  if (state.failed) return *state.failed;
  // A second finish() must not commit again.
  state.failed = Error(Code::Usage, "the delivery has already ended");
  if (const Result<void> flushed = state.flush(true); !flushed) return flushed.error();
  Result<Stored> stored = state.commit(pending);
  state.append.reset();
  return stored;
}

void Delivery::add_fingerprint(const Digest& fingerprint) {
  state_->fingerprints.push_back(fingerprint);
}

}  // namespace gw::vault
