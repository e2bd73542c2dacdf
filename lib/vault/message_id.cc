#include "vault/message_id.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/digest.h"

namespace gw::vault {

MessageIdPrint message_id_print(const VaultId& vault, const MailboxId& mailbox,
                                std::string_view comparable_id) {
  ByteWriter fields;
  fields.text("gw message id v1").bytes(vault.view()).bytes(mailbox.view()).text(comparable_id);
  const Digest digest = sha256(fields.data());
  MessageIdPrint print;
  std::copy_n(digest.begin(), print.size(), print.begin());
  return print;
}

}  // namespace gw::vault
