#include "transfer/cursor.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/exit_status.h"
#include "base/file.h"
#include "json/json.h"

namespace gw::transfer {

using json::Json;

// Up to 20 digits and a comma each, for ten million waiting messages.
constexpr std::size_t kMaxLength = 256 << 20;

Result<Cursor> read_cursor(const std::string& path, const VaultId& vault, const MailboxId& mailbox) {
  Cursor cursor{vault, mailbox, 0, std::vector<std::uint64_t>()};
  const auto text = read_file(path, kMaxLength);
  if (!text && text.error().code() == Code::NotFound) return cursor;
  if (!text) return text.error().within("cannot read the cursor");
  const Json json = Json::parse(*text, nullptr, false);
  const auto field = [&](const char* name) { return json.is_object() ? json.value(name, Json()) : Json(); };
  const Error bad(Code::BadInput, path + ": not a cursor of gw-export");
  if (!field("vault").is_string() || !field("mailbox").is_string() || !field("seq").is_number_unsigned())
    return bad;
  // Continuing with the cursor of another mailbox would skip messages without notice.
  if (field("vault") != vault.hex() || field("mailbox") != mailbox.hex()) {
    return Error(Code::Conflict, path + ": is the cursor of another mailbox").with_exit_status(kExitUsage);
  }
  cursor.seq = field("seq").get<std::uint64_t>();
  const Json waiting = field("waiting");
  // The version that wrote the file did not list them. The caller then has to look at all messages.
  if (waiting.is_null()) {
    cursor.waiting.reset();
    return cursor;
  }
  if (!waiting.is_array()) return bad;
  for (const Json& each : waiting) {
    if (!each.is_number_unsigned() || each == 0) return bad;
    cursor.waiting->push_back(each.get<std::uint64_t>());
  }
  std::ranges::sort(*cursor.waiting);
  return cursor;
}

Result<void> write_cursor(const std::string& path, const Cursor& cursor) {
  Json json = {{"vault", cursor.vault.hex()}, {"mailbox", cursor.mailbox.hex()}, {"seq", cursor.seq}};
  if (cursor.waiting) json["waiting"] = *cursor.waiting;
  auto written = replace_file(path, as_bytes(json.dump() + "\n"), 0600);
  if (!written) return written.error().within("cannot write the cursor");
  return written;
}

}  // namespace gw::transfer
