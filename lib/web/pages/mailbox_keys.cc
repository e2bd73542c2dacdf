#include "web/pages/mailbox_keys.h"

#include "base/log.h"
#include "vault/mailbox.h"

namespace gw::web {
namespace {

// Calls `work`, which opens the mailbox, within the limit on wrong passwords. The limit is per
// account and mailbox rather than per mailbox, so that an account that guesses does not keep others
// away from the mailbox.
template <class Work>
Unlocked limited(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                 const Work& work) {
  // Unambiguous: an account's name has no space.
  const std::string key = context.account().name + " " + mailbox.id.hex();
  Unlocked tried = attempt(context.console().accounts(), key, work);
  if (tried.is_wrong())
    log::warning(
        "mailbox password refused",
        {{"user", context.account().name}, {"mailbox", mailbox.id.hex()}, {"rhost", request.peer.address}});
  return tried;
}

}  // namespace

Unlocked unlock_mailbox(const Context& context, const Request& request, const store::MailboxRecord& mailbox,
                        const Secret& password) {
  return limited(context, request, mailbox,
                 [&] { return vault::unlock(context.store(), mailbox, password); });
}

Unlocked unlock_mailbox_by_recovery(const Context& context, const Request& request,
                                    const store::MailboxRecord& mailbox, const Secret& key) {
  return limited(context, request, mailbox, [&]() -> Result<seal::KeyRing> {
    const Result<seal::SecretKey> identity = seal::read_identity_file(key.text());
    // A key file that cannot be read is a wrong key for the user, and costs a try.
    if (!identity) return Error(Code::Denied, "not a recovery key");
    return vault::unlock_with_recovery(context.store(), mailbox, *identity);
  });
}

Response PasswordComplaint::on(Response page) const {
  if (!retry_after.empty()) page.set("Retry-After", retry_after);
  return page;
}

std::optional<PasswordComplaint> password_complaint(const Context& context, const Unlocked& tried,
                                                    bool recovery) {
  if (tried.wait) return PasswordComplaint{context.w.plain("error.429"), 429, web::retry_after(*tried.wait)};
  const Code code = tried.error().code();
  if (code == Code::Denied)
    return PasswordComplaint{
        context.w.plain(recovery ? Text("mailbox.wrong.recovery") : Text("mailbox.wrong.password"))};
  if (code == Code::NotFound && recovery)
    return PasswordComplaint{context.w.plain("mailbox.wrong.no-recovery")};
  return std::nullopt;
}

}  // namespace gw::web
