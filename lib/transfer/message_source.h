// A message of the vault as the walk over its parts reads it: opened where it is looked at, never as a whole.
#pragma once

#include "mime/source.h"
#include "vault/drain.h"

namespace gw::transfer {

class MessageSource final : public mime::Source {
 public:
  // `message` must outlive it.
  explicit MessageSource(vault::Message& message) : message_(message) {}
  std::uint64_t size() const override { return message_.octets(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    return message_.read(offset, to);
  }

 private:
  vault::Message& message_;
};

}  // namespace gw::transfer
