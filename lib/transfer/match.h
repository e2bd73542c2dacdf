// Decides which mails concern an address, for `gw-export --match`. Exporting a mail too many does
// no harm, but a missing one is noticed only when it is needed. Therefore everything counts that
// may be the address.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mime/journal_report.h"
#include "vault/envelope.h"

namespace gw::transfer {

// Immutable after of(); may be used from several threads.
class Match {
 public:
  // Each address is `someone@example.com`, or `@example.com` for everyone in that domain. Addresses
  // are compared in their comparable form (mail::comparable()), with and without their `+tag`.
  // Fails with Usage if one is neither.
  static Result<Match> of(const std::vector<std::string>& addresses);

  // Checks whether there is no address, in which case every mail shall be exported.
  bool empty() const { return wanted_.empty(); }
  // Checks sender, login and recipients of the envelope.
  bool envelope(const vault::Envelope& envelope) const;
  // Checks a header field as mail::HeaderWalker visits it. Only fields that name a sender or
  // recipient count.
  bool field(std::string_view name, std::string_view value) const;
  // Checks the addresses in a journal report and in the reports within it.
  bool report(const mime::JournalReport& report) const;

 private:
  // Checks whether the text contains one of the addresses.
  bool any(std::string_view text) const;
  bool is_wanted(const std::string& comparable) const;

  std::vector<std::string> wanted_;  // comparable forms; a domain begins with @
};

}  // namespace gw::transfer
