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
// Return the fields that readers look for first, and all fields of the header. Of a journal report they
// are those of the mail that it contains.
Html summary_section(const Context& context, const mime::Reading& reading);
Html header_section(const Context& context, const mime::Reading& reading);
// Returns the text part.
Html text_section(const Context& context, const mime::Reading& reading);
// Returns the frame with the HTML part. `html_path` is the path of the document that it loads.
Html html_section(const Context& context, const std::string& html_path);
// Returns the start of the message as it was received.
Result<Html> raw_section(const Context& context, mime::Source& source);
// Returns the list of attachments; empty if there are none. Each has a button that posts `part=N` to
// `path`, its index in Reading::attachments.
Html attachments_section(const Context& context, const mime::Reading& reading, const std::string& path);

// Returns the value of Content-Disposition by which a browser stores a file under this name, which comes
// from a sender: without characters that hide its ending, and with an ASCII form (RFC 6266, appendix D).
// `otherwise` replaces an empty name.
std::string attachment_disposition(std::string_view name, std::string_view otherwise);

// Returns the state of a message as a coloured word.
Html state_pill(const Context& context, store::State state);

}  // namespace gw::web
