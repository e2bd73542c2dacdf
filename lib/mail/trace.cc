#include "mail/trace.h"

#include "base/text.h"

namespace gw::mail {
namespace {

constexpr std::size_t kLook = 16 << 10;  // bytes that are searched for a field

// Writes an address in angle brackets. printable() removes line endings, so that a client cannot
// inject header fields through its address.
std::string path(std::string_view address) {
  return "<" + printable(address) + ">";
}

// Returns the client's name for a header line, which may have at most 998 bytes (RFC 5322, section
// 2.1.1). A longer name than a domain may have (RFC 1035) is cut.
std::string client_name(std::string_view helo) {
  constexpr std::size_t kMaxName = 255;
  return helo.empty() ? "unknown" : printable(helo.substr(0, kMaxName));
}

// Adds the Received field of RFC 5321 section 4.4, folded to three lines.
void add_received(const TraceFacts& facts, std::vector<std::string>& lines) {
  std::string from = "Received: from " + client_name(facts.helo);
  if (!facts.peer.empty()) {
    const bool v6 = facts.peer.find(':') != std::string_view::npos;
    from += std::string(" ([") + (v6 ? "IPv6:" : "") + printable(facts.peer) + "])";
  }
  lines.push_back(std::move(from));
  std::string by = "\tby " + (facts.host.empty() ? "localhost" : printable(facts.host));
  if (!facts.protocol.empty()) by += " with " + printable(facts.protocol);
  if (!facts.transaction.empty()) by += " id " + printable(facts.transaction);
  lines.push_back(by + ";");
  lines.push_back("\t" + rfc5322(facts.received));
}

}  // namespace

std::vector<std::string> trace_lines(TraceMode mode, const TraceFacts& facts,
                                     std::span<const std::string> foreign) {
  std::vector<std::string> lines;
  if (mode == TraceMode::Off) return lines;
  if (mode == TraceMode::On) {
    lines.push_back("Return-Path: " + path(facts.reverse_path));
    add_received(facts, lines);
  }
  const bool login = facts.login.find('@') != std::string_view::npos;
  // An archive copy from POP3 has no SMTP envelope, so its sender is not known.
  if (!foreign.empty() || (mode == TraceMode::On && facts.login.empty()))
    lines.push_back("X-Envelope-From: " + path(facts.reverse_path));
  for (const std::string& recipient : foreign) lines.push_back("X-Envelope-To: " + path(recipient));
  if (login) lines.push_back("X-Envelope-To: " + path(facts.login));
  return lines;
}

// One field is enough: everything before it is lead(), and the place does not depend on later
// fields.
TracePlacer::TracePlacer() : walker_({}, {.size = kLook, .fields = 1}) {}

TracePlace TracePlacer::place() const {
  return walker_.fields() > 0 ? TracePlace{walker_.lead(), false} : TracePlace{0, true};
}

}  // namespace gw::mail
