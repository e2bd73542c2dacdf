#include "store/record.h"

#include <algorithm>

#include "store/record.pb.h"

namespace gw::store {
namespace {

template <std::size_t N>
// Digests and ids must have exactly their size.
bool copy(const std::string& from, std::array<std::byte, N>& to) {
  if (from.size() != N) return false;
  const ByteView view = as_bytes(from);
  std::copy(view.begin(), view.end(), to.begin());
  return true;
}

std::string text(ByteView data) {
  return std::string(as_text(data));
}

Bytes serialized(const google::protobuf::MessageLite& message) {
  Bytes bytes(message.ByteSizeLong());
  message.SerializeToArray(bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

// The limit bounds what a damaged length can make protobuf allocate.
bool parse(google::protobuf::MessageLite& message, ByteView stored) {
  constexpr std::size_t kMaxCount = 1 << 20;
  return stored.size() <= kMaxCount && message.ParseFromArray(stored.data(), static_cast<int>(stored.size()));
}

Error corrupt(std::string_view what) {
  return Error(Code::Corrupt, "malformed " + std::string(what));
}

bool is_state(std::uint32_t number) {
  return number >= static_cast<std::uint32_t>(State::Pending) &&
         number <= static_cast<std::uint32_t>(State::Quarantined);
}

// Returns the fields that this version does not know: everything that is left after the known ones
// are cleared. A new field must be cleared here too, otherwise it would be stored twice.
std::string unknown_of(proto::Mailbox mailbox) {
  mailbox.clear_id();
  mailbox.clear_name();
  mailbox.clear_description();
  mailbox.clear_status();
  mailbox.clear_generations();
  mailbox.clear_aliases();
  mailbox.clear_domains();
  mailbox.clear_quota();
  mailbox.clear_grace();
  mailbox.clear_hold();
  mailbox.clear_trace();
  mailbox.clear_allow();
  mailbox.clear_allow_reject();
  mailbox.clear_require_tls();
  mailbox.clear_token_hash();
  mailbox.clear_created();
  mailbox.clear_receipts();
  return mailbox.SerializeAsString();
}

}  // namespace

// These words are part of the command line and of --json.
std::string_view name(State state) {
  switch (state) {
    case State::Pending:
      return "pending";
    case State::Live:
      return "live";
    case State::Unconfirmed:
      return "unconfirmed";
    case State::Drained:
      return "drained";
    case State::Quarantined:
      return "quarantined";
  }
  return "?";
}

std::string_view name(Status status) {
  return status == Status::Active ? "active" : "suspended";
}

std::string_view name(Trace trace) {
  return trace == Trace::On ? "on" : trace == Trace::Off ? "off" : "auto";
}

std::optional<Status> parse_status(std::string_view word) {
  for (const Status each : {Status::Active, Status::Suspended}) {
    if (name(each) == word) return each;
  }
  return std::nullopt;
}

std::optional<Trace> parse_trace(std::string_view word) {
  for (const Trace each : {Trace::Auto, Trace::On, Trace::Off}) {
    if (name(each) == word) return each;
  }
  return std::nullopt;
}

std::optional<State> parse_state(std::string_view text) {
  for (const State state :
       {State::Pending, State::Live, State::Unconfirmed, State::Drained, State::Quarantined}) {
    if (text == name(state)) return state;
  }
  return std::nullopt;
}

Bytes encode(const MessageRecord& record) {
  proto::Message message;
  message.set_id(text(record.id.view()));
  message.set_seq(record.seq);
  message.set_state(static_cast<std::uint32_t>(record.state));
  message.set_received(record.received);
  message.set_changed(record.changed);
  message.set_size(record.size);
  message.set_wire_size(record.wire_size);
  message.set_container_size(record.container_size);
  message.set_generation(record.generation);
  message.set_container(text(record.container));
  message.set_envelope(text(record.envelope));
  message.set_commitment(text(record.commitment));
  message.set_large(record.large);
  return serialized(message);
}

Result<MessageRecord> decode_message(ByteView stored) {
  proto::Message message;
  MessageRecord record;
  if (!parse(message, stored) || !copy(message.id(), record.id.data) || !is_state(message.state()) ||
      !copy(message.container(), record.container) || !copy(message.envelope(), record.envelope) ||
      !copy(message.commitment(), record.commitment)) {
    return corrupt("message record");
  }
  record.seq = message.seq();
  record.state = static_cast<State>(message.state());
  record.received = message.received();
  record.changed = message.changed();
  record.size = message.size();
  record.wire_size = message.wire_size();
  record.container_size = message.container_size();
  record.generation = message.generation();
  record.large = message.large();
  return record;
}

// The header ends with the line "--- MAC"; what follows is the payload, of which the removal record
// must not keep anything.
ByteView age_header(ByteView container) {
  const std::string_view text = as_text(container.first(std::min(container.size(), kMaxHeader)));
  if (!text.starts_with("age-encryption.org/v1\n")) return {};
  const std::size_t mac = text.find("\n--- ");
  const std::size_t end = mac == std::string_view::npos ? mac : text.find('\n', mac + 1);
  return end == std::string_view::npos ? ByteView() : container.first(end + 1);
}

// A fixed layout around the encoded message record. The envelope is the rest of the value and needs
// no length.
Bytes encode(const RemovalRecord& swept) {
  const Bytes record = encode(swept.record);
  ByteWriter writer;
  writer.u8(1).u64(static_cast<std::uint64_t>(swept.gone));
  writer.u32(static_cast<std::uint32_t>(record.size())).bytes(record);
  writer.u32(static_cast<std::uint32_t>(swept.header.size())).bytes(swept.header);
  return writer.bytes(swept.envelope).take();
}

Result<RemovalRecord> decode_removal_record(ByteView stored) {
  ByteReader reader(stored);
  const std::uint8_t version = reader.u8();
  if (reader.ok() && version > 1) return Error(Code::Version, "the removal record needs a newer gw");
  RemovalRecord swept;
  swept.gone = static_cast<Micros>(reader.u64());
  const ByteView encoded = reader.bytes(reader.u32());
  swept.header = to_bytes(reader.bytes(reader.u32()));
  if (!reader.ok() || version != 1) return corrupt("receipt");
  auto record = decode_message(encoded);
  if (!record) return record.error();
  swept.record = *record;
  swept.envelope = to_bytes(reader.rest());
  return swept;
}

Bytes encode(const MailboxRecord& record) {
  proto::Mailbox mailbox;
  mailbox.set_id(text(record.id.view()));
  mailbox.set_name(record.name);
  mailbox.set_description(record.description);
  mailbox.set_status(static_cast<std::uint32_t>(record.status));
  for (const Generation& generation : record.generations) {
    proto::Generation& stored = *mailbox.add_generations();
    stored.set_number(generation.number);
    stored.set_public_key(text(generation.public_key));
    stored.set_since(generation.since);
  }
  for (const std::string& alias : record.aliases) mailbox.add_aliases(alias);
  for (const std::string& domain : record.domains) mailbox.add_domains(domain);
  mailbox.set_quota(record.quota);
  mailbox.set_grace(record.grace);
  mailbox.set_hold(record.hold);
  // The default is not stored: a record of an older version, without the field, means the same.
  if (record.receipts != kReceipts) mailbox.set_receipts(record.receipts);
  mailbox.set_trace(static_cast<std::uint32_t>(record.trace));
  for (const std::string& block : record.allow) mailbox.add_allow(block);
  mailbox.set_allow_reject(record.allow_reject);
  mailbox.set_require_tls(record.require_tls);
  if (record.token_hash) mailbox.set_token_hash(text(*record.token_hash));
  mailbox.set_created(record.created);
  // The concatenation of two protobuf messages is the encoding of their merge, so the unknown
  // fields can simply be appended.
  Bytes bytes = serialized(mailbox);
  append(bytes, as_bytes(record.unknown));
  return bytes;
}

Result<MailboxRecord> decode_mailbox(ByteView stored) {
  proto::Mailbox mailbox;
  MailboxRecord record;
  if (!parse(mailbox, stored) || !copy(mailbox.id(), record.id.data)) return corrupt("mailbox record");
  if (mailbox.status() != 1 && mailbox.status() != 2) return corrupt("mailbox record");
  if (mailbox.trace() > 2 || mailbox.generations().empty()) return corrupt("mailbox record");
  for (const proto::Generation& found : mailbox.generations()) {
    Generation generation;
    generation.number = found.number();
    generation.since = found.since();
    if (!copy(found.public_key(), generation.public_key)) return corrupt("mailbox record");
    record.generations.push_back(generation);
  }
  if (!mailbox.token_hash().empty() && !copy(mailbox.token_hash(), record.token_hash.emplace()))
    return corrupt("mailbox record");
  record.name = mailbox.name();
  record.description = mailbox.description();
  record.status = static_cast<Status>(mailbox.status());
  record.aliases.assign(mailbox.aliases().begin(), mailbox.aliases().end());
  record.domains.assign(mailbox.domains().begin(), mailbox.domains().end());
  record.quota = mailbox.quota();
  record.grace = mailbox.grace();
  record.hold = mailbox.hold();
  if (mailbox.has_receipts()) record.receipts = mailbox.receipts();
  record.trace = static_cast<Trace>(mailbox.trace());
  record.allow.assign(mailbox.allow().begin(), mailbox.allow().end());
  record.allow_reject = mailbox.allow_reject();
  record.require_tls = mailbox.require_tls();
  record.created = mailbox.created();
  record.unknown = unknown_of(std::move(mailbox));
  return record;
}

}  // namespace gw::store
