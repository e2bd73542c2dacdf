#include "proxy/pop3_upstream.h"

#include <algorithm>
#include <array>

#include "pop3/list_lines.h"

namespace gw::proxy {
namespace {

using pop3::Due;
using Kind = pop3::Answer::Kind;

constexpr std::size_t kReplyBuffer = 4 << 10;  // for status lines and short texts
constexpr std::size_t kTextBuffer = 64 << 10;  // for mails
constexpr std::uint64_t kMaxCapa = 64 << 10;   // bytes of a CAPA reply

}  // namespace

Pop3Upstream::Pop3Upstream(net::Stream stream, const vault::Route& route, const UpstreamTimes& times)
    : stream_(std::move(stream)), route_(route), times_(times) {
  stream_.set_timeout(times_.reply);
}

Result<std::unique_ptr<Pop3Upstream>> Pop3Upstream::open(Upstreams& upstreams, const vault::Route& route,
                                                         const UpstreamTimes& times) {
  Result<net::Stream> stream = upstreams.open(route, times.connect);
  if (!stream) return stream.error();
  std::unique_ptr<Pop3Upstream> opened(new Pop3Upstream(std::move(*stream), route, times));
  if (const Result<void> begun = opened->begin(upstreams); !begun) return begun.error();
  return opened;
}

Result<void> Pop3Upstream::begin(Upstreams& upstreams) {
  const Result<Reply> greeting = reply();
  if (!greeting) return greeting.error();
  // A server that refuses the session is not a broken connection: the client gets the server's own
  // text, for example [IN-USE] or [LOGIN-DELAY].
  if (!greeting->ok()) {
    refusal_ = greeting->text;
    return {};
  }
  if (route_.tls == vault::UpstreamTls::StartTls) {
    const Result<Reply> ready = ask("STLS");
    if (!ready) return ready.error();
    if (!ready->ok()) {
      refusal_ = "[SYS/TEMP] Upstream server refused STLS";
      return {};
    }
    if (auto done = upstreams.start_tls(stream_, route_, times_.connect); !done)
      return done.error().within(route_.upstream());
    client_.tls_started();
  }
  // Ask after TLS only: capabilities that arrived in clear may be forged (RFC 2595, section 4).
  return learn_capabilities();
}

Result<void> Pop3Upstream::learn_capabilities() {
  const Result<Reply> has = ask("CAPA", Due::Text);
  if (!has) return has.error();
  // CAPA is an extension (RFC 2449). A server without it supports at least USER and PASS.
  if (!has->ok()) {
    capabilities_ = pop3::Capabilities::without_capa();
    return {};
  }
  pop3::Capabilities learned;
  learned.known = true;
  pop3::ListLines lines;
  auto listed = listing(kMaxCapa, [&](ByteView piece) {
    lines.write(piece, [&](std::string_view line) { learned.add(line); });
  });
  if (!listed) return listed;
  capabilities_ = std::move(learned);
  return {};
}

Result<Pop3Upstream::Reply> Pop3Upstream::ask(std::string_view command, Due due) {
  const std::array<ByteView, 2> pieces{as_bytes(command), as_bytes("\r\n")};
  if (const auto sent = send(pieces, due); !sent) return sent.error();
  return reply();
}

Result<Pop3Upstream::Reply> Pop3Upstream::ask(std::string_view words, const Secret& secret, Due due) {
  // The line is put together in locked memory. The TLS layer would join several pieces in ordinary
  // memory, but encrypts a single one directly.
  constexpr std::string_view kEnd = "\r\n";
  Secret line(words.size() + secret.size() + kEnd.size());
  auto at = std::ranges::copy(as_bytes(words), line.span().begin()).out;
  at = std::ranges::copy(secret.view(), at).out;
  std::ranges::copy(as_bytes(kEnd), at);
  const std::array<ByteView, 1> pieces{line.view()};
  if (const auto sent = send(pieces, due); !sent) return sent.error();
  return reply();
}

Result<void> Pop3Upstream::send(std::span<const ByteView> pieces, Due due) {
  // Bytes that arrived before the command was sent cannot be its reply, but would be taken for it.
  // Every later reply would then belong to the command before it.
  if (stream_.pending()) return broken({"unexpected data from the server"});
  due_ = due;
  much_ = false;
  client_.expect(due);
  const Result<void> sent = stream_.write(pieces);
  if (!sent) return sent.error().within(route_.upstream());
  return {};
}

Result<Pop3Upstream::Reply> Pop3Upstream::reply() {
  for (;;) {
    const pop3::Client::Event& event = client_.next_event();
    if (std::holds_alternative<pop3::NeedInput>(event) || std::holds_alternative<pop3::Idle>(event)) {
      if (const auto more = read_more(); !more) return more.error();
    } else if (const auto* answer = std::get_if<pop3::Answer>(&event)) {
      Reply found;
      found.kind = answer->kind;
      found.text = found.challenge() ? std::string(answer->text) : pop3::passed_text(answer->text);
      // The text of this reply is still to be read by part().
      if (due_ == Due::Text && found.ok()) return found;
      // The reply is complete: bytes after it are a protocol violation.
      if (const auto* spoke = std::get_if<pop3::Broken>(&client_.next_event())) return broken(*spoke);
      Bytes().swap(buffer_);
      return found;
    } else if (const auto* how = std::get_if<pop3::Broken>(&event)) {
      return broken(*how);
    }
  }
}

Result<std::optional<pop3::TextPart>> Pop3Upstream::part() {
  for (;;) {
    const pop3::Client::Event& event = client_.next_event();
    if (std::holds_alternative<pop3::NeedInput>(event)) {
      if (const auto more = read_more(); !more) return more.error();
    } else if (const auto* found = std::get_if<pop3::TextPart>(&event)) {
      if (!found->data.empty()) return std::optional(*found);
    } else if (const auto* how = std::get_if<pop3::Broken>(&event)) {
      return broken(*how);
    } else if (std::holds_alternative<pop3::TextEnd>(event)) {
      // Bytes after the final dot are a protocol violation. Either the dot was part of the mail, or
      // a reply was injected; in both cases the mail must not count as complete.
      if (const auto* spoke = std::get_if<pop3::Broken>(&client_.next_event())) return broken(*spoke);
      Bytes().swap(buffer_);
      return std::optional<pop3::TextPart>();
    } else {
      return Error(Code::Internal, "no multi-line reply is being read");
    }
  }
}

Result<void> Pop3Upstream::listing(std::uint64_t most, const std::function<void(ByteView)>& each) {
  for (std::uint64_t size = 0;;) {
    const auto found = part();
    if (!found) return found.error();
    if (!*found) return {};
    size += (*found)->data.size();
    if (size > most) return broken({"the listing is too long"});
    each((*found)->data);
  }
}

Result<void> Pop3Upstream::read_more() {
  // Most replies are short. Use the large buffer only after a text has filled the small one, so
  // that many idle connections do not hold 64 KiB each.
  buffer_.resize(due_ == Due::Text && much_ ? kTextBuffer : kReplyBuffer);
  const Result<std::size_t> got = stream_.read(buffer_);
  if (!got) return got.error().within(route_.upstream());
  much_ = much_ || *got == buffer_.size();
  if (*got == 0)
    client_.receive_eof();
  else
    client_.receive(ByteView(buffer_).first(*got));
  return {};
}

Error Pop3Upstream::broken(const pop3::Broken& how) const {
  return Error(Code::Closed, route_.upstream() + ": " + how.reason);
}

}  // namespace gw::proxy
