// Presents a message of the vault as a mime::Source, for parsing its parts. Only the chunks that
// are read are decrypted; the message is never in memory as a whole.
#pragma once

#include "mime/source.h"
#include "vault/drain.h"

namespace gw::transfer {

class MessageSource final : public mime::Source {
 public:
  // `message` must outlive the source.
  explicit MessageSource(vault::Message& message) : message_(message) {}
  std::uint64_t size() const override { return message_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    return message_.read(offset, to);
  }

 private:
  vault::Message& message_;
};

}  // namespace gw::transfer
