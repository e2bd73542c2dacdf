// The store's plain structs to and from the messages of protocol.proto. Both ends use these.
//
// from_* answers BadInput where an id, a digest or a number cannot be one.
#pragma once

#include <array>
#include <string>

#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"
#include "keeper/protocol.pb.h"
#include "store/store.h"

namespace gw::keeper {

inline void put_octets(ByteView octets, std::string& field) {
  field.assign(as_text(octets));
}

template <std::size_t kSize>
Result<std::array<std::byte, kSize>> octets_of(std::string_view field, std::string_view what) {
  std::array<std::byte, kSize> octets;
  if (field.size() != kSize)
    return Error(Code::BadInput, "keeper protocol: " + std::string(what) + " of wrong size");
  std::copy(as_bytes(field).begin(), as_bytes(field).end(), octets.begin());
  return octets;
}

template <class T>
Result<T> id_of(std::string_view field, std::string_view what) {
  auto octets = octets_of<16>(field, what);
  if (!octets) return octets.error();
  return T{*octets};
}

void put(const store::Commit& commit, proto::Commit& to);
Result<store::Commit> from_proto(const proto::Commit& commit);  // without the actor

void put(const store::Health& health, proto::Health& to);
Result<store::Health> from_proto(const proto::Health& health);

void put(const store::MailboxStat& stat, proto::Stat& to);
store::MailboxStat from_proto(const proto::Stat& stat);

void put(const store::Record& record, proto::Record& to);
Result<store::Record> from_proto(const proto::Record& record);

void put(const store::Tally& tally, proto::Tally& to);
store::Tally from_proto(const proto::Tally& tally);

// Out of a request: `kind`, `mailbox`, `text`.
Result<store::RecordKey> record_key_of(const proto::Request& request);
void put(const store::RecordKey& key, proto::Request& to);

// Out of a state's number: none for what is no state.
std::optional<store::State> state_of(std::uint32_t number);

}  // namespace gw::keeper
