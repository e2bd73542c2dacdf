// Conversion between the structs of store/store.h and the messages of protocol.proto, used by the
// client and by the keeper.
//
// put() never fails. from_proto() and the functions named *_of() check what came over the socket:
// they fail with BadInput if an id, a digest or a number has the wrong size or range. On the
// client's side that error must pass through understood() in remote_private.h before a caller of
// the Store sees it.
#pragma once

#include <array>
#include <string>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "keeper/protocol.pb.h"
#include "store/store.h"

namespace gw::keeper {

// Copies bytes to a protobuf `bytes` field.
inline void put_bytes(ByteView data, std::string& field) {
  field.assign(as_text(data));
}

// Returns the field's content as an array. Fails with BadInput unless it has exactly kSize bytes;
// `what` names the field in the error text.
template <std::size_t kSize>
Result<std::array<std::byte, kSize>> bytes_of(std::string_view field, std::string_view what) {
  std::array<std::byte, kSize> data;
  if (field.size() != kSize)
    return Error(Code::BadInput, "keeper protocol: " + std::string(what) + " of wrong size");
  std::copy(as_bytes(field).begin(), as_bytes(field).end(), data.begin());
  return data;
}

// Returns the field's content as a 16-byte id (MailboxId, MessageId, VaultId). Fails with BadInput
// on any other size.
template <class T>
Result<T> id_of(std::string_view field, std::string_view what) {
  auto data = bytes_of<16>(field, what);
  if (!data) return data.error();
  return T{*data};
}

// The mailbox of a request, and the message in it.
template <class Request>
Result<MailboxId> mailbox_id(const Request& request) {
  return id_of<MailboxId>(request.mailbox(), "mailbox id");
}
struct MessageKey {
  MailboxId mailbox;
  MessageId message;
};
template <class Request>
Result<MessageKey> message_key(const Request& request) {
  const auto mailbox = mailbox_id(request);
  if (!mailbox) return mailbox.error();
  const auto message = id_of<MessageId>(request.message(), "message id");
  if (!message) return message.error();
  return MessageKey{*mailbox, *message};
}

void put(const store::Commit& commit, proto::CommitRequest& to);
// The actor is left empty: it travels in the request, and the keeper completes it with user and
// socket.
Result<store::Commit> from_proto(const proto::CommitRequest& commit);

// A sync histogram with other bounds than this version's is dropped.
void put(const store::Health& health, proto::Health& to);
Result<store::Health> from_proto(const proto::Health& health);

void put(const store::MailboxStat& stat, proto::MailboxStat& to);
store::MailboxStat from_proto(const proto::MailboxStat& stat);

void put(const store::Record& record, proto::Record& to);
Result<store::Record> from_proto(const proto::Record& record);

// Counts that only one side knows are dropped, or stay 0.
void put(const store::ServerStats& stats, proto::ServerStats& to);
store::ServerStats from_proto(const proto::ServerStats& stats);

void put(const store::RecordKey& key, proto::RecordKey& to);
Result<store::RecordKey> from_proto(const proto::RecordKey& key);

// The record and its version, which is not part of the encoded record.
void put(const store::MailboxRecord& record, proto::Mailbox& to);
Result<store::MailboxRecord> from_proto(const proto::Mailbox& mailbox);

// The actor of a note travels in the request.
void put(const store::Note& note, proto::Note& to);

// Returns the message state with this number on the wire, or nullopt if there is none. 0, which is
// not a state, stands for "removed" in a transition.
std::optional<store::State> state_of(std::uint32_t number);

}  // namespace gw::keeper
