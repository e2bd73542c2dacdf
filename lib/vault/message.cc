// Reads messages (vault/drain.h). next() streams through `buffer`; read() opens single chunks in
// `piece`. A message of one chunk, which most are, is opened once and serves both.
#include <algorithm>

#include "seal/age.h"
#include "seal/envelope.h"
#include "vault/drain.h"

namespace gw::vault {
namespace {

constexpr std::size_t kRead = 64 << 10;  // bytes per exchange with the store
// Space for one read and an incomplete chunk before it.
constexpr std::size_t kBuffer = kRead + seal::kSealedChunk;

// Wraps any damage into one error that names the message: its bytes are not those that were
// written.
Error corrupt(const MessageId& id, const Error& why) {
  return Error(Code::Corrupt, "message " + id.hex() + ": " + why.text());
}

}  // namespace

struct Message::State {
  store::Store& store;
  MailboxId mailbox;
  store::MessageRecord record;
  Envelope envelope{};
  std::optional<seal::Key> commitment_key{};
  std::optional<seal::Opener> opener{};
  // Container bytes [`offset` - size, `offset`); the first `used` of them are done with.
  Bytes buffer{};
  std::size_t used = 0;
  std::uint64_t offset = 0;  // of the next read
  std::uint64_t chunk = 0;   // number of the next chunk
  std::uint64_t given = 0;   // plain bytes returned so far
  Sha256 digest{};
  bool whole = false;  // everything was returned and the digest matched
  std::optional<Error> failed{};
  // All bytes of a message of one chunk, after it was opened; points into `buffer`.
  ByteView only{};
  bool only_set = false;  // `only` may be empty and still be set
  Bytes piece{};          // a chunk opened for read()
  std::optional<std::uint64_t> piece_number{};
  std::size_t piece_plain = 0;  // its plain bytes

  Result<void> begin(const seal::KeyRing& ring, const VaultId& vault);
  Result<void> fill(std::size_t wanted);
  Result<ByteView> open_chunk();
  Result<ByteView> piece_at(std::uint64_t number);
  bool single() const { return record.size <= seal::kChunk; }
};

Result<void> Message::State::begin(const seal::KeyRing& ring, const VaultId& vault) {
  const auto wrong = [](const char* text) { return Error(Code::Corrupt, text); };
  const seal::RingKey* key = ring.find(record.generation);
  if (key == nullptr) return wrong("it is sealed to a key that the mailbox does not have");
  // The size of a container follows from the size of the message. A difference is found before
  // anything is read.
  if (record.container_size != seal::container_size(record.size))
    return wrong("its container has the wrong size");

  buffer.resize(std::min<std::uint64_t>(record.container_size, kRead));
  // One exchange brings the envelope and the beginning of the container, which for a small message
  // is all of it.
  const Result<store::MessageStart> opening = store.opening(mailbox, record.id, buffer);
  if (!opening) return opening.error();
  if (opening->size < std::min(buffer.size(), seal::kHeader)) return wrong("its container is truncated");
  buffer.resize(opening->size);
  offset = buffer.size();
  // Only a message that needs more than one read gets space to carry over a partial chunk.
  if (record.container_size > kRead) buffer.reserve(std::min<std::uint64_t>(record.container_size, kBuffer));

  const Result<seal::OpenedHeader> header = seal::open_header(buffer, std::span(key, 1), seal::Shape::Own);
  if (!header) return Error(Code::Corrupt, header.error().text());
  if (header->size + seal::kNonce != seal::kHeader) return wrong("its age header was not written by gw");
  used = seal::kHeader;

  // The envelope opens only for exactly this place, so that a thief with write access cannot move a
  // container to another mailbox or under another message id.
  seal::EnvelopePlace place;
  place.vault = vault;
  place.mailbox = mailbox;
  place.message = record.id;
  place.generation = record.generation;
  place.received = record.received;
  place.size = record.size;
  place.wire_size = record.wire_size;
  place.container = record.container;
  const Result<Bytes> plain = seal::open_envelope(header->file_key, place, opening->envelope);
  if (!plain) return plain.error();
  Result<Envelope> decoded = decode_envelope(*plain);
  if (!decoded) return decoded.error();
  envelope = std::move(*decoded);
  // These values are stored twice and must agree.
  if (envelope.size != record.size || envelope.received != record.received)
    return wrong("its envelope and its record differ");
  // The commitment in the history must be to this content as well, because proofs rest on it.
  commitment_key = seal::commitment_key(header->file_key);
  if (seal::commitment(commitment_key->view(), envelope.sha256) != record.commitment)
    return wrong("its content does not match the commitment in the history");
  opener.emplace(header->file_key, ByteView(buffer).subspan(header->size).first<seal::kNonce>());
  return {};
}

// Reads until `wanted` bytes are in the buffer. Moves the unused rest to the front first.
Result<void> Message::State::fill(std::size_t wanted) {
  if (buffer.size() - used >= wanted) return {};
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(used));
  used = 0;
  while (buffer.size() < wanted) {
    const std::size_t have = buffer.size();
    const std::uint64_t left = record.container_size - offset;
    buffer.resize(have + std::min<std::uint64_t>({left, kRead, kBuffer - have}));
    const Result<std::size_t> got = store.read(mailbox, record.id, offset, std::span(buffer).subspan(have));
    buffer.resize(have + (got ? std::min(*got, buffer.size() - have) : 0));
    if (!got) return got.error();
    if (buffer.size() == have) return Error(Code::Corrupt, "its container is truncated");
    offset += buffer.size() - have;
  }
  return {};
}

// Opens the next chunk in place.
Result<ByteView> Message::State::open_chunk() {
  const std::uint64_t left = record.size - given;
  const bool last = left <= seal::kChunk;
  const std::size_t sealed =
      static_cast<std::size_t>(std::min<std::uint64_t>(left, seal::kChunk)) + seal::kTag;
  if (const Result<void> filled = fill(sealed); !filled) return filled.error();
  const Result<ByteView> plain = opener->open(chunk, last, std::span(buffer).subspan(used, sealed));
  if (!plain) return plain;
  used += sealed;
  ++chunk;
  given += plain->size();
  digest.update(*plain);
  // The chunks are authenticated one by one; the digest also compares the whole with what was
  // received.
  if (last) {
    if (digest.finish() != envelope.sha256)
      return Error(Code::Corrupt, "its content differs from the received mail");
    whole = true;
  }
  if (single()) {
    only = *plain;
    only_set = true;
  }
  return plain;
}

// Returns chunk `number` for read(). The last opened chunk is kept, because a parser that walks
// over a message reads nearby places.
Result<ByteView> Message::State::piece_at(std::uint64_t number) {
  if (single()) {
    if (!only_set) {
      if (const Result<ByteView> opened = open_chunk(); !opened) return opened;
      whole = false;  // next() has not returned it yet
    }
    return only;
  }
  if (piece_number == number) return ByteView(piece).first(piece_plain);
  const std::uint64_t from = number * seal::kChunk;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(record.size - from, seal::kChunk));
  const bool last = from + size == record.size;
  // If opening fails, `piece` holds neither the old chunk nor the new one.
  piece_number.reset();
  piece.resize(size + seal::kTag);
  const std::uint64_t at = seal::kHeader + number * seal::kSealedChunk;
  for (std::size_t have = 0; have < piece.size();) {
    const Result<std::size_t> got = store.read(mailbox, record.id, at + have, std::span(piece).subspan(have));
    if (!got) return got.error();
    if (*got == 0) return Error(Code::Corrupt, "its container is truncated");
    have += *got;
  }
  const Result<ByteView> plain = opener->open(number, last, piece);
  if (!plain) return plain;
  piece_number = number;
  piece_plain = plain->size();
  return plain;
}

Message::Message(std::unique_ptr<State> state) : state_(std::move(state)) {}
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

const Envelope& Message::envelope() const {
  return state_->envelope;
}
ByteView Message::commitment_key() const {
  return state_->commitment_key->view();
}

Result<ByteView> Message::next() {
  State& state = *state_;
  if (state.failed) return *state.failed;
  if (state.whole) return ByteView();
  // The chunk was opened in place; opening it again would fail.
  if (state.only_set) {
    state.whole = true;
    return state.only;
  }
  Result<ByteView> plain = state.open_chunk();
  if (plain) return plain;
  state.failed =
      plain.error().code() == Code::Corrupt ? corrupt(state.record.id, plain.error()) : plain.error();
  return *state.failed;
}

void Message::rewind() {
  State& state = *state_;
  state.whole = false;
  // A message of one chunk stays opened, and before the first next() nothing has moved. Otherwise
  // the chunks have to be read from the store again, because they were opened in place.
  if (state.only_set || state.given == 0) return;
  state.buffer.clear();
  state.used = 0;
  state.offset = seal::kHeader;
  state.chunk = 0;
  state.given = 0;
  state.digest = Sha256();
}

std::uint64_t Message::size() const {
  return state_->record.size;
}

Result<void> Message::read(std::uint64_t offset, std::span<std::byte> to) {
  State& state = *state_;
  if (offset > state.record.size || to.size() > state.record.size - offset)
    return Error(Code::Internal, "read past the end of a message");
  while (!to.empty()) {
    const Result<ByteView> piece = state.piece_at(offset / seal::kChunk);
    if (!piece)
      return piece.error().code() == Code::Corrupt ? corrupt(state.record.id, piece.error()) : piece.error();
    const ByteView from = piece->subspan(static_cast<std::size_t>(offset % seal::kChunk));
    const std::size_t size = std::min(from.size(), to.size());
    std::copy_n(from.begin(), size, to.begin());
    to = to.subspan(size);
    offset += size;
  }
  return {};
}

Result<Message> open_message(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                             const MailboxId& mailbox, const store::MessageRecord& record) {
  std::unique_ptr<Message::State> state(new Message::State{store, mailbox, record});
  const Result<void> begun = state->begin(ring, vault);
  if (begun) return Message(std::move(state));
  return begun.error().code() == Code::Corrupt ? corrupt(record.id, begun.error()) : begun.error();
}

}  // namespace gw::vault
