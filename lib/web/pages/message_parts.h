// Shows an opened message: its envelope, what a journal report says, its header, text and
// attachments.
#pragma once

#include "mime/reading.h"
#include "mime/source.h"
#include "vault/drain.h"
#include "web/context.h"
#include "web/ui/html.h"

namespace gw::web {

// How many bytes of a message's text and of its HTML are shown.
inline constexpr std::size_t kShownText = 256 << 10;
inline constexpr std::size_t kShownHtml = 1 << 20;

// Lets the MIME reader (mime/source.h) read an opened message. The message is decrypted piece by
// piece as it is read, never as a whole. `message` must outlive the source.
class ViewSource final : public mime::Source {
 public:
  explicit ViewSource(vault::Message& message) : message_(message) {}
  std::uint64_t size() const override { return message_.size(); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    return message_.read(offset, to);
  }

 private:
  vault::Message& message_;
};

// Returns the limits with which the console reads a message for people.
mime::ReadingLimits reading_limits();

// Returns how the message arrived: sender, recipients, peer, TLS, size and SHA-256.
Html envelope_section(const Context& context, const vault::Envelope& envelope);
// Returns what Microsoft's journal report says; empty if the message is none.
Html journal_section(const Context& context, const mime::JournalReport& report);
// Returns header, text, HTML and attachments. `html_path` is the path of the document that the
// frame with the HTML part loads.
Html content_sections(const Context& context, const mime::Reading& reading, const std::string& html_path);

// Returns the state of a message as a coloured word.
Html state_pill(const Context& context, store::State state);

}  // namespace gw::web
