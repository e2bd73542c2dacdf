#include <algorithm>

#include "seal/age.h"
#include "seal/envelope.h"
#include "vault/drain.h"

namespace gw::vault {
namespace {

constexpr std::size_t kRead = 64 << 10;  // what one exchange with the store brings
constexpr std::size_t kBuffer = kRead + seal::kSealedChunk;

// Whatever the peculiar failure: this message's octets are not what was written.
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
  Bytes buffer{};  // container octets [`offset` - size, `offset`), of which `used` are done with
  std::size_t used = 0;
  std::uint64_t offset = 0;  // of the next read
  std::uint64_t chunk = 0;   // number of the next one
  std::uint64_t given = 0;   // plain octets so far
  Sha256 digest{};
  bool whole = false;  // all was given and it was all there
  std::optional<Error> failed{};
  ByteView only{};        // all octets of a message of one chunk, once it is opened; within `buffer`
  bool only_set = false;  // it may be empty
  Bytes piece{};          // one opened chunk for read()
  std::optional<std::uint64_t> piece_number{};
  std::size_t piece_plain = 0;  // octets of it

  Result<void> begin(const seal::KeyRing& ring, const VaultId& vault);
  Result<void> fill(std::size_t wanted);
  Result<ByteView> open_chunk();
  Result<ByteView> piece_at(std::uint64_t number);
  bool single() const { return record.octets <= seal::kChunk; }
};

Result<void> Message::State::begin(const seal::KeyRing& ring, const VaultId& vault) {
  const auto wrong = [](const char* text) { return Error(Code::Corrupt, text); };
  const seal::RingKey* key = ring.find(record.generation);
  if (key == nullptr) return wrong("sealed to a key that the mailbox does not hold");
  if (record.container_octets != seal::container_size(record.octets))
    return wrong("its container is cut or longer");

  buffer.resize(std::min<std::uint64_t>(record.container_octets, kRead));
  const Result<store::Opening> opening = store.opening(mailbox, record.id, buffer);
  if (!opening) return opening.error();
  if (opening->octets < std::min(buffer.size(), seal::kHeader)) return wrong("its container is cut");
  buffer.resize(opening->octets);
  offset = buffer.size();
  // Freed room is used again for what follows of a large one.
  if (record.container_octets > kRead)
    buffer.reserve(std::min<std::uint64_t>(record.container_octets, kBuffer));

  const Result<seal::OpenedHeader> header = seal::open_header(buffer, std::span(key, 1), seal::Shape::Own);
  if (!header) return Error(Code::Corrupt, header.error().text());
  if (header->octets + seal::kNonce != seal::kHeader) return wrong("not a header of ours");
  used = seal::kHeader;

  seal::EnvelopePlace place;
  place.vault = vault;
  place.mailbox = mailbox;
  place.message = record.id;
  place.generation = record.generation;
  place.received = record.received;
  place.octets = record.octets;
  place.wire_octets = record.wire_octets;
  place.container = record.container;
  const Result<Bytes> plain = seal::open_envelope(header->file_key, place, opening->envelope);
  if (!plain) return plain.error();
  Result<Envelope> decoded = decode_envelope(*plain);
  if (!decoded) return decoded.error();
  envelope = std::move(*decoded);
  if (envelope.octets != record.octets || envelope.received != record.received)
    return wrong("the envelope says otherwise than the record");
  // What the history holds of the content must be true as well: proofs rest on it.
  commitment_key = seal::commitment_key(header->file_key);
  if (seal::commitment(commitment_key->view(), envelope.sha256) != record.commitment)
    return wrong("the history's commitment is to other octets");
  opener.emplace(header->file_key, ByteView(buffer).subspan(header->octets).first<seal::kNonce>());
  return {};
}

// Reads until `wanted` octets are at hand.
Result<void> Message::State::fill(std::size_t wanted) {
  if (buffer.size() - used >= wanted) return {};
  buffer.erase(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(used));
  used = 0;
  while (buffer.size() < wanted) {
    const std::size_t have = buffer.size();
    const std::uint64_t left = record.container_octets - offset;
    buffer.resize(have + std::min<std::uint64_t>({left, kRead, kBuffer - have}));
    const Result<std::size_t> got = store.read(mailbox, record.id, offset, std::span(buffer).subspan(have));
    buffer.resize(have + (got ? std::min(*got, buffer.size() - have) : 0));
    if (!got) return got.error();
    if (buffer.size() == have) return Error(Code::Corrupt, "its container is cut");
    offset += buffer.size() - have;
  }
  return {};
}

Result<ByteView> Message::State::open_chunk() {
  const std::uint64_t left = record.octets - given;
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
  if (last) {
    if (digest.finish() != envelope.sha256) return Error(Code::Corrupt, "not the octets that were received");
    whole = true;
  }
  if (single()) {
    only = *plain;
    only_set = true;
  }
  return plain;
}

// Chunk `number`, opened for read(). The last one stays opened: who walks over a message reads near by.
Result<ByteView> Message::State::piece_at(std::uint64_t number) {
  if (single()) {
    if (!only_set) {
      if (const Result<ByteView> opened = open_chunk(); !opened) return opened;
      whole = false;  // next() has not given it yet
    }
    return only;
  }
  if (piece_number == number) return ByteView(piece).first(piece_plain);
  const std::uint64_t from = number * seal::kChunk;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(record.octets - from, seal::kChunk));
  const bool last = from + size == record.octets;
  piece_number.reset();
  piece.resize(size + seal::kTag);
  const std::uint64_t at = seal::kHeader + number * seal::kSealedChunk;
  for (std::size_t have = 0; have < piece.size();) {
    const Result<std::size_t> got = store.read(mailbox, record.id, at + have, std::span(piece).subspan(have));
    if (!got) return got.error();
    if (*got == 0) return Error(Code::Corrupt, "its container is cut");
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
  if (state.only_set || state.given == 0) return;
  state.buffer.clear();
  state.used = 0;
  state.offset = seal::kHeader;
  state.chunk = 0;
  state.given = 0;
  state.digest = Sha256();
}

std::uint64_t Message::octets() const {
  return state_->record.octets;
}

Result<void> Message::read(std::uint64_t offset, std::span<std::byte> to) {
  State& state = *state_;
  if (offset > state.record.octets || to.size() > state.record.octets - offset)
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
