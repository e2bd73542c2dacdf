// Any bytes, cut anywhere, never harm a POP3 session, and what it says does not depend on the cuts.
#include <algorithm>
#include <cstdlib>

#include "pop3/session.h"
#include "pop3/top.h"

namespace {

using namespace gw::pop3;

constexpr std::string_view kMail = "A: 1\r\n\r\n.one\r\ntwo\r\n";

std::string play(gw::ByteView input, std::size_t cut, bool tls) {
  Options options;
  options.tls = tls;
  options.tls_available = true;
  options.allow_plaintext = true;
  options.output_mark = 256;
  Session session(options);
  std::string out;
  const auto send = [&] {
    if (session.output().size() > 4096) std::abort();
    out += gw::as_text(session.output());
    session.output_sent();
  };
  for (;;) {
    const Event& event = session.next_event();
    if (std::holds_alternative<NeedInput>(event)) {
      send();
      const gw::ByteView piece = input.first(std::min(cut, input.size()));
      input = input.subspan(piece.size());
      if (piece.empty())
        session.receive_eof();
      else
        session.receive(piece);
    } else if (std::holds_alternative<Flush>(event)) {
      send();
    } else if (std::holds_alternative<Closed>(event)) {
      send();
      return out;
    } else if (std::holds_alternative<StartTls>(event)) {
      // Where the input is cut decides whether something follows STLS, so it is always refused here.
      session.close("no");
    } else if (const auto* login = std::get_if<Login>(&event)) {
      if (login->user.empty() || login->password.empty()) std::abort();
      session.accept(std::vector<Listed>(3, Listed{{}, kMail.size()}));
    } else if (const auto* retrieve = std::get_if<Retrieve>(&event)) {
      if (retrieve->number == 0 || retrieve->number > 3) std::abort();
      if (retrieve->number == 2) {
        session.refuse_damaged("[SYS/PERM] no");
        continue;
      }
      session.accept();
      session.body(gw::as_bytes(kMail));
      session.body_end();
    } else if (const auto* top = std::get_if<Top>(&event)) {
      TopCut cut_lines(top->lines);
      session.accept();
      session.body(cut_lines.take(gw::as_bytes(kMail)));
      session.body_end();
    } else if (const auto* update = std::get_if<Update>(&event)) {
      for (const std::size_t number : update->deleted)
        if (number == 0 || number > 3) std::abort();
      session.accept();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const gw::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  const bool tls = (data[0] & 1U) != 0;
  const std::string whole = play(input, std::max<std::size_t>(input.size(), 1), tls);
  const std::string cut = play(input, (data[0] >> 1U) % 7U + 1U, tls);
  // The one reply that may differ says that something followed STLS.
  if (whole != cut && (tls || whole.find("STLS") == std::string::npos)) std::abort();
  return 0;
}
