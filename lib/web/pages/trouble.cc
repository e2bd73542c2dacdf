#include "web/pages/trouble.h"

#include <array>

#include "base/text.h"

namespace gw::web {
namespace {

// A part of an error, in lower case, and its text. Those of the C library and of OpenSSL are stable.
struct Sign {
  std::string_view part;
  Text word;
};

// The first that fits counts, so what is more specific comes first.
constexpr std::array kSigns{
    Sign{"certificate has expired", "trouble.expired"},
    Sign{"not yet valid", "trouble.not-yet"},
    Sign{"hostname mismatch", "trouble.host"},
    Sign{"ip address mismatch", "trouble.host"},
    Sign{"self-signed", "trouble.self-signed"},
    Sign{"self signed", "trouble.self-signed"},
    Sign{"issuer certificate", "trouble.issuer"},
    Sign{"first certificate", "trouble.issuer"},
    Sign{"connection refused", "trouble.refused"},
    Sign{"timed out", "trouble.timeout"},
    Sign{"unreachable", "trouble.unreachable"},
    Sign{"no route to host", "trouble.unreachable"},
    Sign{"connection reset", "trouble.reset"},
    Sign{"broken pipe", "trouble.reset"},
    Sign{"closed the connection", "trouble.reset"},
    Sign{"name or service not known", "trouble.name"},
    Sign{"name resolution", "trouble.name"},
    Sign{"no address associated", "trouble.name"},
    Sign{"private address", "trouble.private"},
    Sign{"public address", "trouble.private"},
    Sign{"not public", "trouble.private"},
    Sign{"no space left", "trouble.space"},
    Sign{"authentication", "trouble.login"},
    Sign{"login", "trouble.login"},
    Sign{"certificate", "trouble.certificate"},
    Sign{"tls", "trouble.tls"},
    Sign{"ssl", "trouble.tls"},
};

}  // namespace

Text trouble_word(std::string_view error) {
  const std::string small = lower(error);
  for (const Sign& sign : kSigns)
    if (small.find(sign.part) != std::string::npos) return sign.word;
  return "trouble.other";
}

Html trouble_text(const Context& context, std::string_view error) {
  const Words& w = context.w;
  if (w.language() == Language::English) return escaped(error);
  return w(trouble_word(error)) + tag("details", {{"class", "detail"}},
                                      tag("summary", {}, w("error.detail")) + tag("pre", {}, escaped(error)));
}

}  // namespace gw::web
