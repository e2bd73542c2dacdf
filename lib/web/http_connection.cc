#include "web/http_connection.h"

#include <httplib.h>

#include <array>

#include "base/log.h"
#include "base/text.h"
#include "net/serve.h"
#include "web/api.h"
#include "web/http_head.h"

namespace gw::web {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kPiece = 16 << 10;        // of an answer: one TLS record
constexpr std::size_t kFirstOfBody = 64 << 10;  // more than octets_ ever holds
constexpr milliseconds kGrace{20'000};          // for the answer in hand, once the process is asked to stop

milliseconds left_until(Clock::time_point end) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(end - Clock::now()));
}

// What the library reads from and writes to: a head of ours, and the connection.
class Wire : public httplib::Stream {
 public:
  Wire(net::Stream& stream, std::string head) : stream_(stream), head_(std::move(head)) {}

  bool is_readable() const override { return read_ < head_.size(); }
  bool is_writable() const override { return !failed_; }
  ssize_t read(char* to, std::size_t size) override {
    const std::size_t count = head_.copy(to, size, read_);
    read_ += count;
    return static_cast<ssize_t>(count);
  }
  ssize_t write(const char* from, std::size_t size) override {
    waiting_.append(from, size);
    if (waiting_.size() >= kPiece) flush();
    return failed_ ? -1 : static_cast<ssize_t>(size);
  }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    ip.clear();
    port = 0;
  }
  socket_t socket() const override { return INVALID_SOCKET; }

  bool flush() {
    if (!failed_ && !waiting_.empty() && !stream_.write(as_bytes(waiting_))) failed_ = true;
    // Pages may show a secret.
    wipe({reinterpret_cast<std::byte*>(waiting_.data()), waiting_.size()});
    waiting_.clear();
    return !failed_;
  }

 private:
  net::Stream& stream_;
  std::string head_;
  std::size_t read_ = 0;
  std::string waiting_;
  bool failed_ = false;
};

// The library's server, used for one answer: it reads the request line that it is given, and writes what
// `make` gives.
class Engine : public httplib::Server {
 public:
  using Make = std::function<Response(const httplib::Request&)>;

  // What it tells clients of how long and how often a connection may be used.
  Engine(std::chrono::seconds idle, std::size_t most_requests) {
    set_keep_alive_timeout(idle.count());
    set_keep_alive_max_count(most_requests);
    // Anything but the invalid one, by which it knows that it is to stop and writes no body.
    svr_sock_ = 0;
  }

  // False: the connection is of no more use.
  bool answer(Wire& wire, bool closes, const Make& make) {
    bool broke_off = false;
    set_pre_routing_handler([&](const httplib::Request& request, httplib::Response& to) {
      give(make(request), to, broke_off);
      return HandlerResponse::Handled;
    });
    bool client_closes = false;
    const bool written = process_request(wire, closes, client_closes, nullptr);
    return wire.flush() && written && !broke_off && !closes;
  }

 private:
  static void give(Response response, httplib::Response& to, bool& broke_off) {
    to.status = response.status;
    for (const auto& [name, value] : response.headers.items()) to.headers.emplace(name, value);
    auto body = std::make_shared<Response>(std::move(response));
    const bool bodiless = body->status == 304 || body->status == 204;
    if (bodiless) return;
    if (!body->stream) {
      if (body->body.empty()) {
        to.set_content("", body->content_type);
        return;
      }
      to.set_content_provider(
          body->body.size(), body->content_type,
          [body](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
            return sink.write(body->body.data() + offset, length);
          },
          [body](bool) {
            if (body->secret) wipe({reinterpret_cast<std::byte*>(body->body.data()), body->body.size()});
          });
      return;
    }
    const auto run = [body, &broke_off](httplib::DataSink& sink) {
      const bool whole = body->stream([&](ByteView octets) {
        return octets.empty() || sink.write(as_text(octets).data(), octets.size());
      });
      broke_off = broke_off || !whole;
      return whole;
    };
    if (body->length && *body->length > 0) {
      to.set_content_provider(*body->length, body->content_type,
                              [run](std::size_t, std::size_t, httplib::DataSink& sink) { return run(sink); });
    } else if (body->length) {
      to.set_content("", body->content_type);
    } else {
      to.set_chunked_content_provider(body->content_type, [run](std::size_t, httplib::DataSink& sink) {
        if (!run(sink)) return false;
        sink.done();
        return true;
      });
    }
  }
};

// The target in a request line, which need not be whole or good.
std::string_view target_of(std::string_view head) {
  head = head.substr(0, head.find('\r'));
  const std::size_t blank = std::min(head.find(' '), head.size());
  return head.substr(std::min(blank + 1, head.size()));
}

// What the API calls the errors that a request is refused with before anybody has seen it.
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
// The share of a request in what all larger bodies may take together.
class Share {
 public:
  // None is left: `taken` is false.
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

// Headers that hold what no header may: a bug of a page, which must not become a second answer.
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
  }

 private:
  // Waits for the next request and reads until its head is complete. False: there is none.
  bool read_head() {
    stream_.set_timeout(service_.idle);
    Clock::time_point end = Clock::now() + service_.idle;
    bool begun = !octets_.empty();
    if (begun) end = Clock::now() + service_.head_timeout;
    for (;;) {
      // Blank lines in front of a request are passed over (RFC 9112 section 2.2).
      while (octets_.starts_with("\r\n")) octets_.erase(0, 2);
      head_size_ = octets_.find("\r\n\r\n");
      if (head_size_ != std::string::npos) {
        head_size_ += 4;
        for_api_ = is_api(target_of(octets_));
        if (head_size_ <= kMostHead) return true;
      }
      for_api_ = is_api(target_of(octets_));
      if (octets_.size() >= kMostHead) return refuse(431, "the head of the request is too long");
      if (!begun && !octets_.empty()) {
        begun = true;
        end = Clock::now() + service_.head_timeout;
      }
      const milliseconds left = left_until(end);
      stream_.set_timeout(std::max(left, milliseconds(1)));
      const auto got =
          left.count() > 0 ? stream_.read(piece_) : Result<std::size_t>(Error(Code::Timeout, ""));
      if (!got && got.error().code() == Code::Timeout && begun)
        return refuse(408, "the head of the request took too long");
      if (!got || *got == 0) return false;
      take(*got);
    }
  }

  bool serve_one(bool last) {
    auto parsed = parse_head(std::string_view(octets_).substr(0, head_size_));
    forget(head_size_);
    if (const auto* bad = std::get_if<BadHead>(&parsed)) return refuse(bad->status, bad->why);
    Head& head = std::get<Head>(parsed);

    Request request;
    request.method = head.method;
    request.target = head.target;
    request.cookies = parse_cookies(head.headers);
    request.headers = std::move(head.headers);
    request.peer = stream_.peer();
    request.tls = stream_.tls().has_value();
    const bool large = head.body > service_.small_body;
    if (large && head.body > service_.most_body(request))
      return refuse(413, "the body of the request is too long");
    const Share share(service_.bodies, large ? static_cast<std::size_t>(head.body) : 0, service_.most_bodies);
    if (!share.taken) return refuse(503, "too many large requests at one time");
    if (head.body > 0 && !(large ? read_body(head, request) : read_small_body(head, request))) return false;
    const std::string_view type = request.headers.get("content-type");
    if (istarts_with(type, "application/x-www-form-urlencoded")) {
      auto form = Form::parse(request.body.view());
      if (!form) return refuse(400, "the form cannot be read");
      request.form = std::move(*form);
    }
    // What the process is asked to stop for waits until this answer is out.
    stream_.finish(kGrace);
    const bool closes = last || head.closes || net::stop::requested();
    const bool goes_on = answer(request, closes);
    stream_.finish(milliseconds(0));
    return goes_on && !closes;
  }

  // Anybody may begin such a body and never end it: until it is whole it takes no locked memory, of which
  // there is little.
  bool read_small_body(const Head& head, Request& request) {
    Bytes body(static_cast<std::size_t>(head.body));
    std::size_t have = take_body(body);
    const bool whole = may_send_body(head, have, body.size()) && read_rest(body, have, body_end());
    if (whole) request.body = Secret(body);
    wipe(body);
    return whole;
  }

  bool read_body(const Head& head, Request& request) {
    const auto size = static_cast<std::size_t>(head.body);
    // Memory comes with the octets: a head alone must not take a mebibyte of it.
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

  // What came along with the head.
  std::size_t take_body(std::span<std::byte> to) {
    const std::size_t have = std::min(octets_.size(), to.size());
    std::copy_n(as_bytes(octets_).begin(), have, to.begin());
    forget(have);
    return have;
  }

  bool may_send_body(const Head& head, std::size_t have, std::size_t size) {
    if (have == size || !octets_.empty() || !head.awaits_continue) return true;
    stream_.set_timeout(service_.write_timeout);
    return stream_.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n")).has_value();
  }

  Clock::time_point body_end() const { return Clock::now() + service_.body_timeout; }

  // Fills `to`, which has the first `have` octets already.
  bool read_rest(std::span<std::byte> to, std::size_t& have, Clock::time_point end) {
    while (have < to.size()) {
      const milliseconds left = left_until(end);
      stream_.set_timeout(std::max(left, milliseconds(1)));
      const auto got =
          left.count() > 0 ? stream_.read(to.subspan(have)) : Result<std::size_t>(Error(Code::Timeout, ""));
      if (!got && got.error().code() == Code::Timeout)
        return refuse(408, "the body of the request took too long");
      if (!got || *got == 0) return false;
      have += *got;
    }
    return true;
  }

  bool answer(Request& request, bool closes) {
    // Only the request line, which was found good; nothing else of what came.
    std::string line = request.method;
    line += " " + request.target + " HTTP/1.1\r\n\r\n";
    return write(std::move(line), closes, [&](const httplib::Request&) {
      // Its own decoding loses what stands behind a second `=`.
      const std::size_t question = std::min(request.target.find('?'), request.target.size());
      const auto path = url_decoded(std::string_view(request.target).substr(0, question), false);
      auto query = parse_query(std::string_view(request.target).substr(question));
      if (!path || !query || has_control(*path) || !valid_utf8(*path))
        return explained(400, "not an address");
      request.path = *path;
      request.query = std::move(*query);
      return handled(request);
    });
  }

  Response handled(Request& request) {
    try {
      return service_.handler(request);
    } catch (const std::exception& trouble) {
      log::error("request failed", {{"reason", trouble.what()}, {"rhost", request.peer.address}});
      return explained(500, "internal error");
    }
  }

  // Always false: a client that is not understood is not listened to any longer.
  bool refuse(int status, std::string_view why) {
    log::verbose("request refused", {{"status", status}, {"reason", why}, {"rhost", stream_.peer().address}});
    write("GET / HTTP/1.1\r\n\r\n", true, [&](const httplib::Request&) { return explained(status, why); });
    return false;
  }

  // In the form that the client expects.
  Response explained(int status, std::string_view why) const {
    return for_api_ ? problem(status, code_of(status), why) : plain(status, std::string(why) + "\n");
  }

  bool write(std::string head, bool closes, const Engine::Make& make) {
    stream_.set_timeout(service_.write_timeout);
    Wire wire(stream_, std::move(head));
    Engine engine(std::chrono::duration_cast<std::chrono::seconds>(service_.idle), service_.most_requests);
    return engine.answer(wire, closes, [&](const httplib::Request& read) {
      Response response = make(read);
      if (!sound(response)) {
        log::error("an answer with a header that cannot be", {{"path", printable(read.path)}});
        response = plain(500, "internal error\n");
      }
      harden(response, stream_.tls().has_value());
      return response;
    });
  }

  void take(std::size_t count) {
    octets_.append(as_text(ByteView(piece_).first(count)));
    wipe(std::span(piece_).first(count));
  }
  void forget(std::size_t count) {
    wipe({reinterpret_cast<std::byte*>(octets_.data()), count});
    octets_.erase(0, count);
    if (octets_.empty()) octets_ = {};
  }

  net::Stream& stream_;
  const HttpService& service_;
  std::array<std::byte, 4096> piece_{};
  std::string octets_;  // arrived and not yet used
  std::size_t head_size_ = 0;
  bool for_api_ = false;  // the request in hand
};

}  // namespace

void serve_http(net::Stream stream, bool implicit_tls, const HttpService& service) {
  if (implicit_tls) {
    auto tls = service.tls
                   ? service.tls()
                   : Result<std::shared_ptr<const net::ServerTls>>(Error(Code::Config, "no certificate"));
    if (!tls) {
      log::error("no TLS", {{"reason", tls.error().text()}});
      return;
    }
    if (auto shaken = stream.accept_tls(**tls, service.head_timeout, "http/1.1"); !shaken) {
      log::verbose("TLS failed", {{"reason", shaken.error().text()}, {"rhost", stream.peer().address}});
      return;
    }
  }
  Connection(stream, service).run();
  stream.close();
}

}  // namespace gw::web
