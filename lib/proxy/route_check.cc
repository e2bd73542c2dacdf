#include "proxy/route_check.h"

#include "proxy/pop3_upstream.h"
#include "proxy/smtp_upstream.h"
#include "proxy/upstream.h"

namespace gw::proxy {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// Shorter than gw-proxy's own timeouts, because a person waits for the result.
constexpr milliseconds kConnect{8'000};
constexpr milliseconds kReply{5'000};

std::string with_words(std::string line, const std::vector<std::string>& words) {
  for (const std::string& word : words) line += " " + word;
  return line;
}

// Returns the capabilities as a server writes them. They are built from the parsed form, so only
// those that gw-proxy understands are shown.
std::vector<std::string> shown(const smtp::Capabilities& server) {
  std::vector<std::string> all;
  const std::pair<bool, const char*> flags[] = {{server.starttls, "STARTTLS"},
                                                {server.pipelining, "PIPELINING"},
                                                {server.eight_bit, "8BITMIME"},
                                                {server.smtputf8, "SMTPUTF8"},
                                                {server.enhanced_codes, "ENHANCEDSTATUSCODES"},
                                                {server.dsn, "DSN"}};
  for (const auto& [has, name] : flags)
    if (has) all.emplace_back(name);
  if (server.size)
    all.push_back("SIZE" + (server.max_size == 0 ? std::string() : " " + std::to_string(server.max_size)));
  if (!server.mechanisms.empty()) all.push_back(with_words("AUTH", server.mechanisms));
  return all;
}

std::vector<std::string> shown(const pop3::Capabilities& server) {
  std::vector<std::string> all;
  const std::pair<bool, const char*> flags[] = {{server.stls, "STLS"},
                                                {server.user, "USER"},
                                                {server.uidl, "UIDL"},
                                                {server.top, "TOP"},
                                                {server.resp_codes, "RESP-CODES"},
                                                {server.auth_resp_code, "AUTH-RESP-CODE"}};
  for (const auto& [has, name] : flags)
    if (has) all.emplace_back(name);
  for (const std::string* text : {&server.utf8, &server.expire, &server.login_delay})
    if (!text->empty()) all.push_back(*text);
  if (!server.sasl.empty()) all.push_back(with_words("SASL", server.sasl));
  return all;
}

void note_stream(const net::Stream& stream, RouteCheck& probe) {
  probe.address = stream.peer().address;
  probe.tls = stream.tls();
  probe.certificate = stream.server_certificate();
}

Result<void> ask_smtp(Upstreams& upstreams, const vault::Route& route, const std::string& host,
                      RouteCheck& probe) {
  SmtpTimeouts timeouts;
  timeouts.open = kConnect;
  timeouts.greeting = timeouts.command = timeouts.block = kReply;
  // A stop of the process ends the test immediately.
  timeouts.grace = milliseconds(0);
  const auto server = SmtpUpstream::open(upstreams, route, host, timeouts);
  if (!server) return server.error();
  note_stream((*server)->stream(), probe);
  probe.capabilities = shown((*server)->capabilities());
  (*server)->quit();
  return {};
}

Result<void> ask_pop3(Upstreams& upstreams, const vault::Route& route, RouteCheck& probe) {
  const auto server = Pop3Upstream::open(upstreams, route, {kConnect, kReply});
  if (!server) return server.error();
  note_stream((*server)->stream(), probe);
  if ((*server)->refusal()) return Error(Code::Unavailable, *(*server)->refusal()).within(route.upstream());
  probe.capabilities = shown((*server)->capabilities());
  (void)(*server)->ask("QUIT");
  return {};
}

// Does one test connection and fills `probe` with what it finds.
Result<void> ask(Upstreams::Verification trusting, const vault::Route& route, const std::string& host,
                 RouteCheck& probe) {
  Upstreams upstreams(trusting);
  return route.protocol == vault::Protocol::Smtp ? ask_smtp(upstreams, route, host, probe)
                                                 : ask_pop3(upstreams, route, probe);
}

}  // namespace

RouteCheck check_route_upstream(const vault::Route& route, const std::string& host) {
  const auto begun = Clock::now();
  RouteCheck probe;
  probe.pinned = route.pin.has_value();
  if (const auto done = ask(Upstreams::Verification::Verify, route, host, probe); !done) {
    probe.trouble = done.error().text();
    probe.hint = done.error().hint();
    if (const auto name = probe.hint.find("ROUTE"); name != std::string::npos)
      probe.hint.replace(name, std::string_view("ROUTE").size(), route.name);
    // A rejected certificate fails with Denied, or with Closed if the server ends the handshake
    // after the alert. Connect again without verification to get the certificate. The trouble of
    // the first connection stays; no credentials or mail are sent, so the missing verification does
    // no harm.
    const bool refused = done.error().code() == Code::Denied || done.error().code() == Code::Closed;
    if (refused && route.tls != vault::UpstreamTls::None && !probe.certificate)
      (void)ask(Upstreams::Verification::Inspect, route, host, probe);
  }
  probe.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
  return probe;
}

}  // namespace gw::proxy
