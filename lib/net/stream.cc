#include "net/stream.h"

#include <algorithm>
#include <array>

#include "net/channel.h"
#include "net/serve.h"
#include "net/tls_session.h"

namespace gw::net {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kDefaultTimeout{300'000};
// A longer timeout would overflow the clock.
constexpr milliseconds kMaxTimeout{std::chrono::hours(24 * 365)};
constexpr milliseconds kLinger{2'000};  // after a refusal
constexpr std::size_t kPieces = 64;     // in one system call

Channel::Clock::time_point after(milliseconds timeout) {
  return Channel::Clock::now() + std::clamp(timeout, milliseconds(0), kMaxTimeout);
}

}  // namespace

struct Stream::State {
  State(Fd input, Fd output, Peer who) : channel(std::move(input), std::move(output)), peer(std::move(who)) {}

  Result<void> send(std::span<const ByteView> pieces);

  Channel channel;
  Peer peer;
  milliseconds timeout = kDefaultTimeout;
  std::unique_ptr<TlsSession> session;
  std::optional<TlsFacts> facts;
  bool open = true;
};

Stream::Stream(Fd socket, Peer peer) : Stream(std::move(socket), Fd(), std::move(peer)) {}
Stream::Stream(Fd input, Fd output, Peer peer)
    : state_(std::make_unique<State>(std::move(input), std::move(output), std::move(peer))) {}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&& other) noexcept {
  close();
  state_ = std::move(other.state_);
  return *this;
}
Stream::~Stream() {
  close();
}

const Peer& Stream::peer() const {
  return state_->peer;
}
void Stream::set_peer(Peer peer) {
  state_->peer = std::move(peer);
}
const std::optional<TlsFacts>& Stream::tls() const {
  return state_->facts;
}
std::optional<ServerCertificate> Stream::server_certificate() const {
  return state_->session ? state_->session->server_certificate() : std::nullopt;
}
void Stream::set_timeout(milliseconds timeout) {
  state_->timeout = timeout;
}
void Stream::finish(milliseconds grace) {
  state_->channel.set_grace(grace);
}

void Stream::allow_final_write(milliseconds grace) {
  const auto passed =
      stop::requested() ? Channel::Clock::now() - stop::time() : Channel::Clock::duration::zero();
  state_->channel.set_grace(std::chrono::ceil<milliseconds>(passed) + grace);
}

Result<std::size_t> Stream::read(std::span<std::byte> to) {
  State& state = *state_;
  if (!state.open) return Error(Code::Closed, "the connection is closed");
  // Checked before every read, not only while waiting: a peer that always has data ready could
  // otherwise keep the session going after a stop request.
  if (auto going = state.channel.may_go_on(); !going) return going.error();
  const auto deadline = after(state.timeout);
  if (state.session) return state.session->read(to, deadline);
  // Reading is tried first. Most reads find data, and the poll is then saved.
  for (;;) {
    const ssize_t got = state.channel.receive(to);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EAGAIN && errno != EWOULDBLOCK) return Error::from_errno("cannot receive");
    if (auto ready = state.channel.wait_readable(deadline); !ready) return ready.error();
  }
}

Result<void> Stream::write(ByteView data) {
  return write(std::span(&data, 1));
}

Result<void> Stream::write(std::span<const ByteView> pieces) {
  State& state = *state_;
  if (!state.open) return Error(Code::Closed, "the connection is closed");
  if (auto going = state.channel.may_go_on(); !going) return going.error();
  if (state.session) return state.session->write(pieces, after(state.timeout));
  return state.send(pieces);
}

Result<void> Stream::State::send(std::span<const ByteView> pieces) {
  const auto deadline = after(timeout);
  std::size_t at = 0;      // the first piece that is not sent completely
  std::size_t offset = 0;  // bytes of it that are sent
  for (;;) {
    std::array<iovec, kPieces> vector;
    std::size_t count = 0;
    for (std::size_t i = at; i < pieces.size() && count < kPieces; ++i) {
      const ByteView rest = pieces[i].subspan(i == at ? offset : 0);
      if (!rest.empty()) vector[count++] = {const_cast<std::byte*>(rest.data()), rest.size()};
    }
    if (count == 0) return {};
    const ssize_t result = channel.send({vector.data(), count});
    if (result < 0) {
      if (errno != EAGAIN && errno != EWOULDBLOCK) return Error::from_errno("cannot send");
      if (auto ready = channel.wait_writable(deadline); !ready) return ready;
      continue;
    }
    offset += static_cast<std::size_t>(result);
    // A partial write may end within any piece, and empty pieces are skipped.
    while (at < pieces.size() && offset >= pieces[at].size()) offset -= pieces[at++].size();
  }
}

bool Stream::pending() {
  if (!state_->open) return false;
  return state_->session ? state_->session->pending() : state_->channel.waiting();
}

Result<void> Stream::accept_tls(const ServerTls& tls, milliseconds timeout, std::string_view protocol) {
  State& state = *state_;
  if (state.session || !state.open)
    return Error(Code::Internal, "cannot start TLS: it is already active or the connection is closed");
  // The session stays even if the handshake fails, so that no caller can go on in plaintext, and
  // server_certificate() can report what the server presented.
  state.session = std::make_unique<TlsSession>(state.channel);
  if (auto done = state.session->accept(tls, protocol, after(timeout)); !done) return done;
  state.facts = state.session->facts();
  return {};
}

Result<void> Stream::connect_tls(const ClientTls& tls, const std::string& host, milliseconds timeout) {
  State& state = *state_;
  if (state.session || !state.open)
    return Error(Code::Internal, "cannot start TLS: it is already active or the connection is closed");
  state.session = std::make_unique<TlsSession>(state.channel);
  if (auto done = state.session->connect(tls, host, after(timeout)); !done) return done;
  state.facts = state.session->facts();
  return {};
}

void Stream::close() {
  close(milliseconds(0));
}
void Stream::close_lingering() {
  close(kLinger);
}
void Stream::close(milliseconds linger) {
  if (!state_ || !state_->open) return;
  state_->open = false;
  // The order matters: close_notify must be sent before the FIN.
  if (state_->session) state_->session->say_goodbye();
  state_->session.reset();
  state_->channel.close(linger);
}

}  // namespace gw::net
