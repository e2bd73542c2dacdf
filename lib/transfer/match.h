// Which mails concern an address: for --match. A mail that is taken without need costs nothing; one that is
// left out is missed by nobody until it is needed. So everything counts that may be the address.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mime/journal.h"
#include "vault/envelope.h"

namespace gw::transfer {

class Match {
 public:
  // Each is `someone@example.com`, or `@example.com` for everyone there; compared by mail::comparable(), and
  // also without its tag. Fails with Usage if one is neither.
  static Result<Match> of(const std::vector<std::string>& addresses);

  bool empty() const { return wanted_.empty(); }
  bool envelope(const vault::Envelope& envelope) const;
  // A field of a mail's header, as mail::HeaderWalker visits it.
  bool field(std::string_view name, std::string_view value) const;
  // A report and those in it.
  bool report(const mime::JournalReport& report) const;

 private:
  bool any(std::string_view text) const;
  bool is_wanted(const std::string& comparable) const;

  std::vector<std::string> wanted_;  // comparable forms; a domain with its @
};

}  // namespace gw::transfer
