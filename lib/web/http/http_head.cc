#include "web/http/http_head.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gw::web {
namespace {

constexpr std::array<std::string_view, 6> kMethods{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
constexpr std::size_t kMaxCookies = 50;

// Returns the next line without its CRLF and removes it from `rest`. Returns nullopt if the line
// holds a control character except tab. That covers a bare LF and a bare CR, which some servers
// accept as a line ending and others do not: the difference enables request smuggling (RFC 9112,
// section 2.2).
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find("\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 2);
  const bool bad = std::ranges::any_of(line, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
  });
  if (bad) return std::nullopt;
  return line;
}

std::optional<BadHead> read_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return BadHead{400, "the request line is malformed"};
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    // Also HTTP/2 with prior knowledge, whose preface is `PRI * HTTP/2.0`.
    if (version.starts_with("HTTP/")) return BadHead{505, "only HTTP/1.1 is supported"};
    return BadHead{400, "the request line is malformed"};
  }
  head.method = line.substr(0, first);
  if (std::ranges::find(kMethods, head.method) == kMethods.end())
    return BadHead{501, "the method is not supported"};
  if (target.size() > kMaxTarget) return BadHead{414, "the address is too long"};
  // Accepts only the form that browsers send to a server: a path (RFC 9112, section 3.2.1). An
  // absolute address or `*` would name a host a second time, besides the Host header.
  const bool good = !target.empty() && target.front() == '/' && !target.starts_with("//") &&
                    std::ranges::all_of(target, [](char c) {
                      return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '\\' &&
                             c != '^' && c != '`' && c != '{' && c != '|' && c != '}' && c != '#';
                    });
  if (!good) return BadHead{400, "the address is not valid"};
  head.target = target;
  head.old = head.closes = version == "HTTP/1.0";
  return std::nullopt;
}

std::optional<BadHead> read_fields(std::string_view rest, Head& head) {
  while (rest != "\r\n") {
    const auto line = take_line(rest);
    if (!line) return BadHead{400, "a header field contains a line ending or control character"};
    const std::size_t colon = line->find(':');
    // A line that begins with white space is obsolete line folding, which a server must reject or
    // unfold (RFC 9112, section 5.2). White space before the colon fails below, because the name is
    // then no token (section 5.1).
    if (colon == std::string_view::npos || line->front() == ' ' || line->front() == '\t')
      return BadHead{400, "a header field is malformed"};
    std::string name = lower(line->substr(0, colon));
    if (!valid_header(name, "")) return BadHead{400, "the name of a header field is not valid"};
    if (head.headers.items().size() >= kMaxFields) return BadHead{431, "too many header fields"};
    head.headers.add(std::move(name), std::string(trim(line->substr(colon + 1))));
  }
  return std::nullopt;
}

// Checks the fields against each other.
std::optional<BadHead> judge(Head& head) {
  const Fields& headers = head.headers;
  const auto hosts = headers.all("host");
  if (hosts.size() > 1 || (hosts.empty() && !head.old))
    return BadHead{400, "exactly one Host field is required"};
  // Chunked bodies are refused. If Content-Length is the only way to delimit a body, no two
  // programs can disagree on where it ends (RFC 9112, section 6.3).
  if (headers.has("transfer-encoding")) return BadHead{411, "a body requires Content-Length"};
  // A compressed body could expand beyond every limit on its size.
  if (headers.has("content-encoding")) return BadHead{415, "a body must not be compressed"};
  const auto lengths = headers.all("content-length");
  // Two equal values would be allowed (RFC 9110, section 8.6), but no client needs that.
  if (lengths.size() > 1) return BadHead{400, "more than one Content-Length"};
  if (!lengths.empty()) {
    const auto length = parse_number(lengths.front());
    if (!length) return BadHead{400, "Content-Length is not valid"};
    head.body = *length;
  }
  if (head.body > 0 && (head.method == "GET" || head.method == "HEAD"))
    return BadHead{400, "GET and HEAD accept no body"};
  if (const std::string_view expect = headers.get("expect"); !expect.empty()) {
    if (!iequals(expect, "100-continue")) return BadHead{417, "only `Expect: 100-continue` is supported"};
    head.awaits_continue = !head.old;
  }
  for (const std::string_view value : headers.all("connection"))
    for (const std::string_view word : split(value, ','))
      if (iequals(trim(word), "close")) head.closes = true;
  return std::nullopt;
}

}  // namespace

std::variant<Head, BadHead> parse_head(std::string_view data) {
  Head head;
  const auto line = take_line(data);
  if (!line) return BadHead{400, "the request line is malformed"};
  if (const auto bad = read_request_line(*line, head)) return *bad;
  if (const auto bad = read_fields(data, head)) return *bad;
  if (const auto bad = judge(head)) return *bad;
  return head;
}

Fields parse_cookies(const Fields& headers) {
  Fields cookies;
  for (const std::string_view line : headers.all("cookie")) {
    for (const std::string_view piece : split(line, ';')) {
      const std::string_view pair = trim(piece);
      // Skips pieces without a name: this console sets no such cookie.
      const std::size_t equals = pair.find('=');
      if (equals == std::string_view::npos || equals == 0) continue;
      if (cookies.items().size() >= kMaxCookies) return cookies;
      cookies.add(std::string(pair.substr(0, equals)), std::string(pair.substr(equals + 1)));
    }
  }
  return cookies;
}

}  // namespace gw::web
