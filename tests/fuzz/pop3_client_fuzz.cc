// Any bytes of a POP3 server, cut anywhere, never harm the client, and what it makes of them does not
// depend on the cuts. What it says was sent of a text is what was sent.
#include <algorithm>
#include <cstdlib>

#include "pop3/capabilities.h"
#include "pop3/client.h"
#include "pop3/list_lines.h"

namespace {

using namespace gw::pop3;

struct Outcome {
  std::string events;
  std::string sent;
  bool operator==(const Outcome&) const = default;
};

// The commands' replies are of each kind in turn.
Outcome play(gw::ByteView input, std::size_t cut, unsigned turn) {
  Client client;
  Outcome outcome;
  ListLines lines;
  Capabilities capabilities;
  gw::Bytes piece;
  for (;;) {
    const Client::Event& event = client.next_event();
    if (std::holds_alternative<Idle>(event)) {
      // If bytes are left, which come only now, the next reply is not early.
      if (input.empty()) return outcome;
      client.expect(static_cast<Due>(turn++ % 3U));
    } else if (std::holds_alternative<NeedInput>(event)) {
      // The bytes of one reply at a time, so that the cuts do not make a reply early: up to the end of a line.
      std::size_t size = std::min(cut, input.size());
      const auto end = std::find(input.begin(), input.end(), std::byte{'\n'});
      size = std::min(size, static_cast<std::size_t>(end - input.begin()) + (end == input.end() ? 0 : 1));
      piece.assign(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(size));
      input = input.subspan(size);
      if (piece.empty())
        client.receive_eof();
      else
        client.receive(piece);
    } else if (const auto* answer = std::get_if<Answer>(&event)) {
      outcome.events += static_cast<char>('a' + static_cast<int>(answer->kind));
      outcome.events += answer->text;
      const std::string passed = passed_text(answer->text);
      if (passed.size() > 505) std::abort();
      for (const char c : passed)
        if (c < ' ' || c > '~') std::abort();
      if (answer->kind == Answer::Kind::Challenge) client.expect(Due::Exchange);
    } else if (const auto* part = std::get_if<TextPart>(&event)) {
      if (part->dot) outcome.sent += '.';
      outcome.sent += gw::as_text(part->data);
      lines.write(part->data, [&](std::string_view line) {
        if (line.size() > ListLines::kMaxLength) std::abort();
        if (const auto uidl = parse_uidl_line(line); uidl && (uidl->number == 0 || uidl->uidl.empty()))
          std::abort();
        capabilities.add(line);
      });
    } else if (std::holds_alternative<TextEnd>(event)) {
      outcome.events += "|";
      outcome.sent += ".\r\n";
    } else if (const auto* broken = std::get_if<Broken>(&event)) {
      outcome.events += broken->reason;
      break;
    }
  }
  for (const std::string& line : announced(capabilities, Hop{true, true, false}))
    for (const char c : line)
      if (c < ' ' || c > '~') std::abort();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const gw::ByteView input = std::as_bytes(std::span(data + 1, size - 1));
  const unsigned turn = data[0] & 3U;
  const Outcome whole = play(input, std::max<std::size_t>(input.size(), 1), turn);
  if (play(input, (data[0] >> 2U) % 7U + 1U, turn) != whole) std::abort();
  // All of a text that is whole was sent so.
  const std::string all(gw::as_text(input));
  if (whole.events.ends_with('|') &&
      all.find(whole.sent.substr(0, whole.sent.find(".\r\n"))) == std::string::npos)
    std::abort();
  return 0;
}
