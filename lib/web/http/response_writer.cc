#include "web/http/response_writer.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/clock.h"
#include "base/log.h"

namespace gw::web {
namespace {

constexpr std::size_t kPiece = 16 << 10;  // bytes of one write: one TLS record

// The reason phrases of RFC 9110, section 15, and RFC 6585. A status that is not listed has an
// empty phrase, which is permitted (RFC 9112, section 4).
std::string_view reason_of(int status) {
  struct Entry {
    int status;
    std::string_view reason;
  };
  static constexpr Entry kReasons[]{
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {411, "Length Required"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {421, "Misdirected Request"},
      {422, "Unprocessable Content"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
      {507, "Insufficient Storage"},
  };
  const auto* found = std::ranges::find(kReasons, status, &Entry::status);
  return found == std::end(kReasons) ? "" : found->reason;
}

// Returns the time in the form of RFC 9110, section 5.6.7: `Wed, 25 Nov 2026 03:12:34 GMT`. The day
// has two digits there, but not always in RFC 5322.
std::string http_date(Micros time) {
  std::string date = rfc5322(time);
  if (date[6] == ' ') date.insert(5, "0");
  date.replace(date.rfind(' ') + 1, std::string::npos, "GMT");
  return date;
}

// Collects bytes and writes them to the connection piece by piece.
class Output {
 public:
  explicit Output(net::Stream& stream) : stream_(stream), piece_(kPiece) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { wipe(piece_); }

  // Both return false if a write has failed, now or before. A failure is final, because a later
  // part of the response must not be sent after a gap.
  bool write(ByteView data) {
    while (!failed_ && !data.empty()) {
      const std::size_t count = std::min(data.size(), piece_.size() - used_);
      std::ranges::copy(data.first(count), piece_.begin() + static_cast<std::ptrdiff_t>(used_));
      used_ += count;
      data = data.subspan(count);
      if (used_ == piece_.size()) flush();
    }
    return !failed_;
  }
  bool write(std::string_view text) { return write(as_bytes(text)); }
  bool flush() {
    if (!failed_ && used_ > 0 && !stream_.write(ByteView(piece_).first(used_))) failed_ = true;
    used_ = 0;
    return !failed_;
  }

 private:
  net::Stream& stream_;
  Bytes piece_;
  std::size_t used_ = 0;
  bool failed_ = false;
};

// Whether a response with this status never has a body (RFC 9110, section 6.4.1).
bool is_bodiless(int status) {
  return status == 204 || status == 304;
}

void write_field(Output& out, std::string_view name, std::string_view value) {
  out.write(name);
  out.write(": ");
  out.write(value);
  out.write("\r\n");
}

void write_head(Output& out, const Response& response, bool closes) {
  out.write("HTTP/1.1 " + std::to_string(response.status) + " ");
  out.write(reason_of(response.status));
  out.write("\r\n");
  for (const auto& [name, value] : response.headers.items()) write_field(out, name, value);
  write_field(out, "Date", http_date(now()));
  if (closes) write_field(out, "Connection", "close");
  if (!is_bodiless(response.status)) {
    write_field(out, "Content-Type", response.content_type);
    if (response.stream && !response.length)
      write_field(out, "Transfer-Encoding", "chunked");
    else
      write_field(out, "Content-Length",
                  std::to_string(response.stream ? *response.length : response.body.size()));
  }
  out.write("\r\n");
}

// Writes one chunk (RFC 9112, section 7.1). An empty one would end the body.
bool write_chunk(Output& out, ByteView data) {
  if (data.empty()) return true;
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.begin(), size.end(), data.size(), 16).ptr;
  out.write(std::string_view(size.data(), end));
  out.write("\r\n");
  out.write(data);
  return out.write("\r\n");
}

// Writes the body that Response::stream produces. Returns whether it is complete.
bool write_stream(Output& out, const Response& response) {
  try {
    if (!response.length) {
      const bool complete = response.stream([&](ByteView data) { return write_chunk(out, data); });
      return complete && out.write("0\r\n\r\n");
    }
    std::uint64_t left = *response.length;
    const bool complete = response.stream([&](ByteView data) {
      if (data.size() > left) return false;  // the client would take the rest for the next response
      left -= data.size();
      return out.write(data);
    });
    return complete && left == 0;
  } catch (const std::exception& trouble) {
    log::error("response broken off", {{"reason", trouble.what()}});
    return false;
  }
}

}  // namespace

bool write_response(net::Stream& stream, Response response, bool head_only, bool closes) {
  Output out(stream);
  write_head(out, response, closes);
  bool complete = true;
  if (!head_only && !is_bodiless(response.status))
    complete = response.stream ? write_stream(out, response) : out.write(response.body);
  if (response.secret) wipe({reinterpret_cast<std::byte*>(response.body.data()), response.body.size()});
  return out.flush() && complete && !closes;
}

}  // namespace gw::web
