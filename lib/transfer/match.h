// Which mails concern an address: for --match.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mail/header.h"
#include "mime/journal.h"
#include "vault/envelope.h"

namespace gw::transfer {

class Match {
 public:
  // `someone@example.com`, or `@example.com` for everyone there. Case is ignored. Usage: not one of these.
  static Result<Match> of(const std::vector<std::string>& addresses);

  bool empty() const { return wanted_.empty(); }
  // The fields that header() wants to see.
  static std::vector<std::string> fields();

  bool envelope(const vault::Envelope& envelope) const;
  bool header(const mail::HeaderWalker& header) const;
  bool report(const mime::JournalReport& report) const;

 private:
  bool any(std::string_view text) const;

  std::vector<std::string> wanted_;
};

}  // namespace gw::transfer
