// What an opened message looks like: how it came, what a journal report says, its header, text and
// attachments.
#pragma once

#include "mime/reading.h"
#include "mime/source.h"
#include "vault/drain.h"
#include "web/context.h"
#include "web/html.h"

namespace gw::web {

// Most octets of text and of HTML that are shown.
inline constexpr std::size_t kShownText = 256 << 10;
inline constexpr std::size_t kShownHtml = 1 << 20;

// A message of the vault as the walk over its parts reads it: opened where it is looked at.
class ViewSource final : public mime::Source {
 public:
  explicit ViewSource(vault::Message& message) : message_(message) {}
  std::uint64_t size() const override { return message_.octets(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    return message_.read(offset, to);
  }

 private:
  vault::Message& message_;
};

mime::ReadingLimits reading_limits();

Html envelope_section(const Context& context, const vault::Envelope& envelope);
Html journal_section(const Context& context, const mime::JournalReport& report);  // empty: it is none
// `html_path`: the frame's document.
Html content_sections(const Context& context, const mime::Reading& reading, const std::string& html_path);

// A message's state, by colour and word.
Html state_pill(const Context& context, store::State state);

}  // namespace gw::web
