#include "web/http/http_connection.h"

#include <array>

#include "base/log.h"
#include "base/text.h"
#include "net/serve.h"
#include "web/api/api.h"
#include "web/http/http_head.h"
#include "web/http/response_writer.h"

namespace gw::web {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kFirstOfBody = 64 << 10;  // more than data_ ever holds
constexpr milliseconds kGrace{20'000};  // for the current response, after the process is asked to stop

milliseconds left_until(Clock::time_point end) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - Clock::now()));
}

// Returns the target of a request line, which may be incomplete or malformed: a refusal needs it to
// choose its form.
std::string_view target_of(std::string_view head) {
  head = head.substr(0, head.find('\r'));
  const std::size_t blank = std::min(head.find(' '), head.size());
  return head.substr(std::min(blank + 1, head.size()));
}

// Returns the API's error code for a request that is refused before the API sees it (gw-api(7)).
std::string_view code_of(int status) {
  switch (status) {
    case 408:
      return "request_timeout";
    case 411:
      return "length_required";
    case 413:
      return "body_too_large";
    case 415:
      return "unsupported_media_type";
    case 417:
      return "expectation_failed";
    case 431:
      return "head_too_large";
    case 500:
      return "internal";
    case 503:
      return "busy";
    default:
      return "bad_request";
  }
}
// Reserves `size` bytes of the budget of all larger bodies (HttpService::most_bodies) for its own
// life; `taken` says whether they were available. It counts first and compares afterwards, so that
// concurrent requests together never exceed the budget; near its limit, a request may be refused
// that would have fitted.
class Share {
 public:
  Share(std::shared_ptr<std::atomic<std::size_t>> all, std::size_t size, std::size_t most)
      : all_(std::move(all)), size_(size) {
    taken = all_->fetch_add(size_) + size_ <= most;
  }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;
  ~Share() { all_->fetch_sub(size_); }
  bool taken = false;

 private:
  std::shared_ptr<std::atomic<std::size_t>> all_;
  std::size_t size_;
};

// Returns whether all headers are valid. Otherwise a page has put data with a line ending into a
// header, which the client would read as another header or another response (response splitting).
bool sound(const Response& response) {
  for (const auto& [name, value] : response.headers.items())
    if (!valid_header(name, value)) return false;
  return valid_header("content-type", response.content_type);
}

class Connection {
 public:
  Connection(net::Stream& stream, const HttpService& service) : stream_(stream), service_(service) {}

  void run() {
    for (std::size_t count = 1; read_head(); ++count) {
      if (!serve_one(count >= service_.most_requests)) break;
    }
    // Only now: a refused request must not hold its share of the bodies meanwhile.
    if (refused_) stream_.close_lingering();
  }

 private:
  // Waits for the next request and reads until its head is complete. Returns false if there is no
  // further request, or after it has refused one.
  //
  // There are two deadlines: `idle` for the first byte, which passes silently, and `head_timeout`
  // for the whole head from then on, which is answered with 408. Each is a point in time rather
  // than a timeout per read, so that a client that sends one byte at a time gains nothing
  // (Slowloris).
  bool read_head() {
    stream_.set_timeout(service_.idle);
    Clock::time_point end = Clock::now() + service_.idle;
    bool begun = !data_.empty();
    // The client has sent the next request together with the one before (pipelining).
    if (begun) end = Clock::now() + service_.head_timeout;
    for (;;) {
      // Empty lines before a request are skipped (RFC 9112, section 2.2).
      while (data_.starts_with("\r\n")) data_.erase(0, 2);
      head_size_ = data_.find("\r\n\r\n");
      if (head_size_ != std::string::npos) {
        head_size_ += 4;
        // Also set below for an incomplete head, since 408 and 431 need it.
        look_at_request_line();
        if (head_size_ <= kMaxHead) return true;
      }
      look_at_request_line();
      if (data_.size() >= kMaxHead) return refuse(431, "the head of the request is too long");
      if (!begun && !data_.empty()) {
        begun = true;
        end = Clock::now() + service_.head_timeout;
      }
      const milliseconds left = left_until(end);
      stream_.set_timeout(std::max(left, milliseconds(1)));
      const auto got =
          left.count() > 0 ? stream_.read(piece_) : Result<std::size_t>(Error(Code::Timeout, ""));
      if (!got && got.error().code() == Code::Timeout && begun)
        return refuse(408, "the head of the request was not received in time");
      if (!got || *got == 0) return false;
      take(*got);
    }
  }

  // Remembers from the request line, which need not be complete, how a refusal must look.
  void look_at_request_line() {
    for_api_ = is_api(target_of(data_));
    for_head_ = data_.starts_with("HEAD ");
  }

  // Answers the request whose head is complete. Returns whether the connection goes on.
  bool serve_one(bool last) {
    auto parsed = parse_head(std::string_view(data_).substr(0, head_size_));
    // The bytes after the head are the body or the next request, and remain in data_.
    forget(head_size_);
    if (const auto* bad = std::get_if<BadHead>(&parsed)) return refuse(bad->status, bad->why);
    Head& head = std::get<Head>(parsed);

    Request request;
    old_ = head.old;
    request.method = head.method;
    request.target = head.target;
    request.cookies = parse_cookies(head.headers);
    request.headers = std::move(head.headers);
    request.peer = stream_.peer();
    request.tls = stream_.tls().has_value();
    // The order matters: a large body is refused by its size (413) or by the budget (503) before
    // any of it is read or memory is allocated for it. Both refusals, and those of parse_head(),
    // leave a body unread that the client may still be sending.
    const bool large = head.body > service_.small_body;
    if (large && head.body > service_.most_body(request))
      return refuse(413, "the body of the request is too long");
    const Share share(service_.bodies, large ? static_cast<std::size_t>(head.body) : 0, service_.most_bodies);
    if (!share.taken) return refuse(503, "too many large requests at the same time; try again later");
    if (head.body > 0 && !(large ? read_body(head, request) : read_small_body(head, request))) return false;
    const std::string_view type = request.headers.get("content-type");
    if (istarts_with(type, "application/x-www-form-urlencoded")) {
      auto form = Form::parse(request.body.view());
      if (!form) return refuse(400, "the form is malformed");
      request.form = std::move(*form);
    }
    // From here on a request to stop the process lets this response finish. Before, a stop ends the
    // connection without a response; the client can repeat the request, because nothing has been
    // done.
    stream_.finish(kGrace);
    const bool closes = last || head.closes || net::stop::requested();
    const bool goes_on = answer(request, closes);
    stream_.finish(milliseconds(0));
    return goes_on && !closes;
  }

  // Reads a small body into ordinary memory and moves it to locked memory when it is complete. Any
  // client may begin such a body and never complete it, and locked memory is scarce
  // (RLIMIT_MEMLOCK).
  bool read_small_body(const Head& head, Request& request) {
    Bytes body(static_cast<std::size_t>(head.body));
    std::size_t have = take_body(body);
    const bool whole = may_send_body(head, have, body.size()) && read_rest(body, have, body_end());
    if (whole) request.body = Secret(body);
    wipe(body);
    return whole;
  }

  // Reads a large body into locked memory, which grows with the bytes that have arrived: a head
  // alone must not allocate a mebibyte.
  bool read_body(const Head& head, Request& request) {
    const auto size = static_cast<std::size_t>(head.body);
    Secret body(std::min(size, kFirstOfBody));
    std::size_t have = take_body(body.span());
    if (!may_send_body(head, have, size)) return false;
    const Clock::time_point end = body_end();
    while (read_rest(body.span(), have, end)) {
      if (have == size) {
        request.body = std::move(body);
        return true;
      }
      Secret larger(std::min(size, 2 * body.size()));
      std::ranges::copy(body.view(), larger.span().begin());
      body = std::move(larger);
    }
    return false;
  }

  // Moves the part of the body that arrived together with the head to `to`. Returns its length.
  std::size_t take_body(std::span<std::byte> to) {
    const std::size_t have = std::min(data_.size(), to.size());
    std::copy_n(as_bytes(data_).begin(), have, to.begin());
    forget(have);
    return have;
  }

  // Sends `100 Continue` if the client waits for it, but not if a part of the body is already here
  // (RFC 9110, section 10.1.1). Returns false if the connection is broken.
  bool may_send_body(const Head& head, std::size_t have, std::size_t size) {
    if (have == size || !data_.empty() || !head.awaits_continue) return true;
    stream_.set_timeout(service_.write_timeout);
    return stream_.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")).has_value();
  }

  Clock::time_point body_end() const { return Clock::now() + service_.body_timeout; }

  // Fills `to`, which already holds `have` bytes. Returns false if the client has closed the
  // connection, or after it has refused the request.
  bool read_rest(std::span<std::byte> to, std::size_t& have, Clock::time_point end) {
    while (have < to.size()) {
      const milliseconds left = left_until(end);
      stream_.set_timeout(std::max(left, milliseconds(1)));
      const auto got =
          left.count() > 0 ? stream_.read(to.subspan(have)) : Result<std::size_t>(Error(Code::Timeout, ""));
      if (!got && got.error().code() == Code::Timeout)
        return refuse(408, "the body of the request was not received in time");
      if (!got || *got == 0) return false;
      have += *got;
    }
    return true;
  }

  bool answer(Request& request, bool closes) {
    const std::size_t question = std::min(request.target.find('?'), request.target.size());
    const auto path = url_decoded(std::string_view(request.target).substr(0, question), false);
    auto query = parse_query(std::string_view(request.target).substr(question));
    if (!path || !query || has_control(*path) || !valid_utf8(*path))
      return write(explained(400, "the address is not valid"), closes);
    request.path = *path;
    request.query = std::move(*query);
    return write(handled(request), closes);
  }

  Response handled(Request& request) {
    try {
      return service_.handler(request);
    } catch (const std::exception& trouble) {
      log::error("request failed", {{"reason", trouble.what()}, {"rhost", request.peer.address}});
      return explained(500, "internal error");
    }
  }

  // Sends an error response and always returns false: after a request that is not understood, the
  // position of the next one in the stream is unknown, so the connection is closed. The client may
  // still be sending, so the close lingers.
  bool refuse(int status, std::string_view why) {
    log::verbose("request refused", {{"status", status}, {"reason", why}, {"rhost", stream_.peer().address}});
    stream_.finish(kGrace);
    write(explained(status, why), true);
    refused_ = true;
    return false;
  }

  // Returns the error as JSON for the API, else as plain text.
  Response explained(int status, std::string_view why) const {
    return for_api_ ? problem(status, code_of(status), why) : plain(status, std::string(why) + "\n");
  }

  // Returns whether the connection can be used for another request.
  bool write(Response response, bool closes) {
    if (!sound(response)) {
      log::error("response header invalid", {{"rhost", stream_.peer().address}});
      // Nothing of the unsound response is sent, also none of its other headers.
      response = plain(500, "internal error\n");
    }
    // Only the end of the connection would end this body for such a client, which could not tell a part
    // of it from the whole.
    if (old_ && response.stream && !response.length)
      response = explained(505, "this response needs HTTP/1.1");
    harden(response, stream_.tls().has_value());
    stream_.set_timeout(service_.write_timeout);
    return write_response(stream_, std::move(response), for_head_, closes);
  }

  // Moves `count` bytes from the read buffer to data_. All bytes of the client may hold
  // passwords, so they are wiped where they are no longer needed.
  void take(std::size_t count) {
    data_.append(as_text(ByteView(piece_).first(count)));
    wipe(std::span(piece_).first(count));
  }
  void forget(std::size_t count) {
    wipe({reinterpret_cast<std::byte*>(data_.data()), count});
    data_.erase(0, count);
    // Returns the memory: most connections of a browser are idle most of the time.
    if (data_.empty()) data_ = {};
  }

  net::Stream& stream_;
  const HttpService& service_;
  std::array<std::byte, 4096> piece_{};
  std::string data_;  // received and not yet used
  std::size_t head_size_ = 0;
  bool old_ = false;       // whether the current request is HTTP/1.0
  bool for_api_ = false;   // whether the current request is one for the API
  bool refused_ = false;   // the last request was refused
  bool for_head_ = false;  // whether its method is HEAD
};

}  // namespace

void serve_http(net::Stream stream, bool implicit_tls, const HttpService& service) {
  if (implicit_tls) {
    auto tls = service.tls
                   ? service.tls()
                   : Result<std::shared_ptr<const net::ServerTls>>(Error(Code::Config, "no certificate"));
    if (!tls) {
      log::error("tls unavailable", {{"reason", tls.error().text()}});
      return;
    }
    if (auto shaken = stream.accept_tls(**tls, service.head_timeout, "http/1.1"); !shaken) {
      log::verbose("tls handshake failed",
                   {{"reason", shaken.error().text()}, {"rhost", stream.peer().address}});
      return;
    }
  }
  Connection(stream, service).run();
  stream.close();
}

}  // namespace gw::web
