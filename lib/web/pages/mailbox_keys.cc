#include "web/pages/mailbox_keys.h"

#include "base/log.h"
#include "vault/mailbox.h"

namespace gw::web {
namespace {

// Runs `work`, which opens the mailbox, within the limit on wrong passwords. The limit is per
// account and mailbox rather than per mailbox, so that an account that guesses does not keep others
// away from the mailbox.
template <class Work>
Result<seal::KeyRing> limited(const Context& context, const Request& request,
                              const store::MailboxRecord& mailbox, const Work& work) {
  net::LoginThrottle& limits = context.console().accounts();
  const std::string key =
      context.account().name + " " + mailbox.id.hex();  // unambiguous: an account's name has no space
  if (limits.left(key).count() > 0) return Error(Code::Busy, "too many attempts");
  // Counts the try before the slow work, so that concurrent tries are all counted. An error that is
  // no wrong password takes only this try back: otherwise a guesser who provokes one, such as Busy,
  // would be rid of all wrong passwords before.
  limits.failed(key);
  Result<seal::KeyRing> ring = work();
  if (ring) {
    limits.succeeded(key);
    return ring;
  }
  if (ring.error().code() != Code::Denied) {
    limits.take_back(key);
    return ring;
  }
  log::warning(
      "mailbox password refused",
      {{"user", context.account().name}, {"mailbox", mailbox.id.hex()}, {"rhost", request.peer.address}});
  return ring;
}

}  // namespace

Result<seal::KeyRing> unlock_mailbox(const Context& context, const Request& request,
                                     const store::MailboxRecord& mailbox, const Secret& password) {
  return limited(context, request, mailbox,
                 [&] { return vault::unlock(context.store(), mailbox, password); });
}

Result<seal::KeyRing> unlock_mailbox_by_recovery(const Context& context, const Request& request,
                                                 const store::MailboxRecord& mailbox, const Secret& key) {
  return limited(context, request, mailbox, [&]() -> Result<seal::KeyRing> {
    const Result<seal::SecretKey> identity = seal::read_identity_file(key.text());
    // A key file that cannot be read is a wrong key for the user, and costs a try.
    if (!identity) return Error(Code::Denied, "not a recovery key");
    return vault::unlock_with_recovery(context.store(), mailbox, *identity);
  });
}

std::optional<std::string> password_complaint(const Context& context, const Error& error, bool recovery) {
  if (error.code() == Code::Denied)
    return context.w.plain(recovery ? Text("mailbox.wrong.recovery") : Text("mailbox.wrong.password"));
  if (error.code() == Code::NotFound && recovery) return context.w.plain("mailbox.wrong.no-recovery");
  if (error.code() == Code::Busy) return context.w.plain("error.429");
  return std::nullopt;
}

}  // namespace gw::web
