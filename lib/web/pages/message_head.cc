#include "web/pages/message_head.h"

#include <algorithm>

#include "base/text.h"
#include "mail/header.h"
#include "mime/charset.h"
#include "mime/journal_report.h"
#include "vault/drain.h"

namespace gw::web {
namespace {

// Longer texts are cut, between two characters.
constexpr std::size_t kMaxText = 300;
// What is read of a message: a list opens many of them.
constexpr std::size_t kMaxHeader = 64 << 10;
constexpr std::uint64_t kMaxReport = 64 << 10;

// The beginning of a message, as if it ended there. A journal report begins with what it says about the
// mail; the mail itself, which may be large, follows.
class Beginning final : public mime::Source {
 public:
  explicit Beginning(vault::Message& message) : message_(message) {}
  std::uint64_t size() const override { return std::min(message_.size(), kMaxReport); }
  Result<void> read(std::uint64_t offset, std::span<std::byte> to) override {
    return message_.read(offset, to);
  }

 private:
  vault::Message& message_;
};

std::string printable_text(std::string_view value) {
  std::string text = printable(value);
  if (text.size() <= kMaxText) return text;
  std::size_t end = kMaxText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + "…";
}

std::string decoded_field(const mail::HeaderWalker& header, const char* name) {
  const std::string* value = header.field(name);
  return value == nullptr ? std::string() : printable_text(mime::decode_words(*value));
}

Result<MessageHead> read(vault::Message& message) {
  mail::HeaderWalker header({"From", "Subject", "X-MS-Journal-Report"}, {.size = kMaxHeader});
  while (!header.done()) {
    const auto piece = message.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    header.write(*piece);
  }
  header.finish();
  MessageHead head{decoded_field(header, "Subject"), decoded_field(header, "From"),
                   printable_text(message.envelope().reverse_path), false};
  if (header.field("X-MS-Journal-Report") == nullptr) return head;
  // The report's own sender is always the same: readers look for that of the mail.
  Beginning source(message);
  const auto report = mime::read_journal_report(source);
  if (!report) return report.error();
  if (!report->is_journal_report) return head;
  if (!report->sender.empty()) head.from = printable_text(report->sender);
  if (report->subject) head.subject = printable_text(*report->subject);
  return head;
}

}  // namespace

Result<MessageHead> read_head(store::Store& store, const seal::KeyRing& ring, const VaultId& vault,
                              const MailboxId& mailbox, const store::MessageRecord& record) {
  auto message = vault::open_message(store, ring, vault, mailbox, record);
  auto head = message ? read(*message) : Result<MessageHead>(message.error());
  if (head) return head;
  const Code code = head.error().code();
  if (code == Code::Corrupt || code == Code::NotFound) return MessageHead{{}, {}, {}, true};
  return head.error();
}

bool contains_text(std::string_view text, std::string_view part) {
  return lower(text).find(lower(part)) != std::string::npos;
}

}  // namespace gw::web
