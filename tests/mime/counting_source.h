// A message in memory that counts the bytes read from it.
#pragma once

#include <algorithm>
#include <string>

#include "mime/source.h"

namespace gw::mime {

class CountingSource final : public Source {
 public:
  explicit CountingSource(std::string mail) : mail_(std::move(mail)), memory_(as_bytes(mail_)) {}
  std::uint64_t size() const override { return memory_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    read_bytes += to.size();
    largest = std::max(largest, to.size());
    return memory_.read(offset, to);
  }
  std::string text(Range range) const { return mail_.substr(range.offset, range.length); }

  std::uint64_t read_bytes = 0;
  std::size_t largest = 0;

 private:
  std::string mail_;
  MemorySource memory_;
};

}  // namespace gw::mime
