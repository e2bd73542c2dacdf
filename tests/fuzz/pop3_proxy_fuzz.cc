// Any bytes of a client, cut anywhere, never harm a relay's session, what it says does not depend on the
// cuts, and what goes to the server behind is one whole command each time.
#include <algorithm>
#include <cstdlib>

#include "pop3/proxy_session.h"

namespace {

using namespace gw::pop3;
using Session = ProxySession;

std::string play(gw::ByteView input, std::size_t cut, bool tls) {
  ProxyOptions options;
  options.tls = tls;
  options.tls_available = true;
  options.allow_plaintext = true;
  Session session(options);
  session.set_mechanisms({"PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"});
  session.ok("ready");
  std::string out;
  unsigned turn = 0;
  const auto take = [&] {
    out += gw::as_text(session.output());
    session.output_sent();
  };
  const auto refused = [&] { return turn++ % 4U == 3U; };
  for (;;) {
    const Session::Event& event = session.next_event();
    if (std::holds_alternative<Session::NeedInput>(event) || std::holds_alternative<Session::Closed>(event)) {
      const bool over = std::holds_alternative<Session::Closed>(event);
      take();
      if (over) return out;
      const gw::ByteView piece = input.first(std::min(cut, input.size()));
      input = input.subspan(piece.size());
      if (piece.empty())
        session.receive_eof();
      else
        session.receive(piece);
    } else if (std::holds_alternative<Session::StartTls>(event)) {
      session.close("no");  // where the input is cut decides whether something follows
    } else if (std::holds_alternative<Session::Capa>(event)) {
      session.list({"TOP"});
    } else if (const auto* user = std::get_if<Session::User>(&event)) {
      if (user->name.empty() || user->name.find_first_of("\r\n") != std::string::npos) std::abort();
      refused() ? session.refuse("no") : session.ok("");
    } else if (const auto* pass = std::get_if<Session::Pass>(&event)) {
      if (pass->password.empty()) std::abort();
      refused() ? session.refuse("no") : session.ok("");
    } else if (const auto* auth = std::get_if<Session::Auth>(&event)) {
      if (auth->said->login().empty()) std::abort();
      refused() ? session.challenge("Zm9v") : session.ok("");
    } else if (std::holds_alternative<Session::Response>(event)) {
      session.refuse("no");
    } else if (const auto* ask = std::get_if<Session::Ask>(&event)) {
      take();
      out += "<" + ask->command + ">";
      for (const char c : ask->command)
        if (c < ' ' || c > '~') std::abort();
      if (refused()) {
        session.refuse("no");
        continue;
      }
      session.ok("");
      if (!ask->text) continue;
      session.text(gw::as_bytes("x\r\n"), true);
      session.text_end();
    } else if (std::holds_alternative<Session::Quit>(event)) {
      session.ok("");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const gw::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  const bool tls = (data[0] & 1U) != 0;
  std::string whole = play(input, std::max<std::size_t>(input.size(), 1), tls);
  std::string cut = play(input, (data[0] >> 1U) % 7U + 1U, tls);
  // The one reply that may differ says that something followed STLS.
  if (whole != cut && (tls || whole.find("STLS") == std::string::npos)) std::abort();
  return 0;
}
