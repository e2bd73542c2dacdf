#include "transfer/cursor.h"

#include <nlohmann/json.hpp>

#include "base/file.h"

namespace gw::transfer {

using Json = nlohmann::ordered_json;

Result<Cursor> read_cursor(const std::string& path, const VaultId& vault, const MailboxId& mailbox) {
  Cursor cursor{vault, mailbox, 0};
  const auto text = read_file(path, 4096);
  if (!text && text.error().code() == Code::NotFound) return cursor;
  if (!text) return text.error().within("cannot read the cursor");
  const Json json = Json::parse(*text, nullptr, false);
  const auto field = [&](const char* name) { return json.is_object() ? json.value(name, Json()) : Json(); };
  if (!field("vault").is_string() || !field("mailbox").is_string() || !field("seq").is_number_unsigned())
    return Error(Code::BadInput, path + ": not a cursor of gw-export");
  if (field("vault") != vault.hex() || field("mailbox") != mailbox.hex()) {
    return Error(Code::Conflict, path + ": the cursor of another mailbox")
        .with_exit_status(exit_status(Code::Usage));
  }
  cursor.seq = field("seq").get<std::uint64_t>();
  return cursor;
}

Result<void> write_cursor(const std::string& path, const Cursor& cursor) {
  const Json json = {{"vault", cursor.vault.hex()}, {"mailbox", cursor.mailbox.hex()}, {"seq", cursor.seq}};
  auto written = replace_file(path, as_bytes(json.dump() + "\n"), 0600);
  if (!written) return written.error().within("cannot write the cursor");
  return written;
}

}  // namespace gw::transfer
