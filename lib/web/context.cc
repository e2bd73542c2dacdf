#include "web/context.h"

#include <optional>

#include "base/log.h"
#include "vault/mailbox.h"
#include "web/status.h"
#include "web/ui/layout.h"

namespace gw::web {
namespace {

// The error for a name that the account may not see is the same as for a name that does not exist.
Error nothing_of(std::string_view name) {
  return Error(Code::NotFound, "nothing of the name `" + std::string(name) + "`");
}

// Returns the text for an error that shares its HTTP status with errors of another cause; nullopt if
// the text of the status is true.
std::optional<Text> cause_text(Code code) {
  switch (code) {
    case Code::Exists:
      return Text("error.exists");
    case Code::Busy:
      return Text("error.busy");
    case Code::Full:
      return Text("error.full");
    case Code::OverQuota:
      return Text("error.quota");
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<store::MailboxRecord> Context::mailbox(std::string_view name) const {
  Result<store::MailboxRecord> found = vault::find_mailbox(*store_, name);
  // `name` may be an id or address: the limit applies to the name of the mailbox that was found.
  if (found && !may_see(found->name)) return nothing_of(name);
  return found;
}

Result<std::vector<store::MailboxRecord>> Context::mailboxes() const {
  Result<std::vector<store::MailboxRecord>> all = store_->mailboxes();
  if (all) std::erase_if(*all, [&](const store::MailboxRecord& each) { return !may_see(each.name); });
  return all;
}

Result<vault::Route> Context::route(std::string_view name) const {
  if (!may_see(name)) return nothing_of(name);
  return vault::find_route(*store_, name);
}

Result<std::vector<vault::Route>> Context::routes() const {
  Result<std::vector<vault::Route>> all = vault::routes(*store_);
  if (all) std::erase_if(*all, [&](const vault::Route& each) { return !may_see(each.name); });
  return all;
}

std::string Context::mailbox_name(const MailboxId& id) const {
  const Result<store::MailboxRecord> found = store_->mailbox(id);
  return found && may_see(found->name) ? found->name : std::string();
}

void Context::sign_in(vault::Account account, Session session, std::string session_id, std::string actor) {
  account_ = std::move(account);
  session_ = std::move(session);
  session_id_ = std::move(session_id);
  actor_ = std::move(actor);
}

Response failed(const Context& context, const Request& request, const Error& error) {
  // The text of the error goes to the log only. The page shows a general text: error texts are in
  // English and may name files of the host.
  const int status = status_of(error.code(), 400);
  if (status == 500)
    log::error("request failed", {{"path", request.path}, {"reason", error.text()}});
  else if (status == 503)
    log::warning("request failed", {{"path", request.path}, {"reason", error.text()}});
  return error_page(context, request, status, cause_text(error.code()));
}

Response refused(const Context& context, const Request& request, int status) {
  return error_page(context, request, status);
}

}  // namespace gw::web
