#include "pop3/capabilities.h"

#include <algorithm>

#include "base/text.h"
#include "sasl/credential_forwarder.h"

namespace gw::pop3 {
namespace {

constexpr std::size_t kMaxMechanisms = 50;

// Joins words with one space between.
std::string tidy(const std::vector<std::string_view>& words) {
  std::string line;
  for (const std::string_view word : words) {
    if (!line.empty()) line += ' ';
    line += word;
  }
  return line;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

}  // namespace

void Capabilities::add(std::string_view line) {
  // The line is sent again to the client, so it must be clean.
  if (has_8bit(line) || has_control(line)) return;
  const std::vector<std::string_view> words = words_of(line);
  if (words.empty()) return;
  const std::string_view tag = words.front();
  if (iequals(tag, "TOP")) top = true;
  if (iequals(tag, "UIDL")) uidl = true;
  if (iequals(tag, "USER")) user = true;
  if (iequals(tag, "RESP-CODES")) resp_codes = true;
  if (iequals(tag, "AUTH-RESP-CODE")) auth_resp_code = true;
  if (iequals(tag, "STLS")) stls = true;
  if (iequals(tag, "UTF8")) utf8 = tidy(words);
  if (iequals(tag, "EXPIRE")) expire = tidy(words);
  if (iequals(tag, "LOGIN-DELAY")) login_delay = tidy(words);
  if (iequals(tag, "SASL"))
    for (std::size_t i = 1; i < words.size() && sasl.size() < kMaxMechanisms; ++i)
      sasl.push_back(upper(words[i]));
}

bool Capabilities::offers(std::string_view mechanism) const {
  return std::any_of(sasl.begin(), sasl.end(),
                     [&](const std::string& each) { return iequals(each, mechanism); });
}

Capabilities Capabilities::without_capa() {
  Capabilities all;
  all.user = true;
  return all;
}

Capabilities Capabilities::unchosen() {
  Capabilities all;
  all.known = true;
  all.top = all.uidl = all.user = all.resp_codes = all.auth_resp_code = true;
  for (const std::string_view mechanism : sasl::kPassedMechanisms) all.sasl.emplace_back(mechanism);
  return all;
}

std::vector<std::string> announced(const Capabilities& upstream, const Hop& hop) {
  std::vector<std::string> lines;
  const auto say = [&](bool offered, std::string_view line) {
    if (offered) lines.emplace_back(line);
  };
  say(upstream.top, "TOP");
  say(upstream.uidl, "UIDL");
  say(upstream.resp_codes, "RESP-CODES");
  say(upstream.auth_resp_code, "AUTH-RESP-CODE");
  lines.emplace_back("PIPELINING");  // the session queues commands itself
  say(!upstream.utf8.empty(), upstream.utf8);
  say(!upstream.expire.empty(), upstream.expire);
  say(!upstream.login_delay.empty(), upstream.login_delay);
  say(hop.stls && !hop.logged_in, "STLS");
  // Only mechanisms that both sides support. Without TLS none is announced, so that clients do not
  // send a password in clear.
  if (hop.login && !hop.logged_in) {
    say(upstream.user, "USER");
    std::string mechanisms;
    for (const std::string_view mechanism : sasl::kPassedMechanisms)
      if (upstream.offers(mechanism)) mechanisms += " " + std::string(mechanism);
    say(!mechanisms.empty(), "SASL" + mechanisms);
  }
  lines.emplace_back("IMPLEMENTATION gw");
  return lines;
}

}  // namespace gw::pop3
