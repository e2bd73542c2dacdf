// HTTP requests and responses as the console sees them: plain values without a socket and without
// the types of an HTTP library.
//
// The connection (http_connection.h) checks every Request before a handler sees it: the head and
// the body have bounded size, the header fields are well formed, and the request is complete.
// Passwords that a user types lie in locked memory (Form, Request::body) and are wiped with the
// request.
//
// A handler reads the request and returns a Response by value:
//
//   Response show(const Request& request) {
//     if (!request.reads()) return plain(405, "read only\n");
//     Response response;
//     response.body = "<p>" + ... + "</p>";  // text/html unless content_type says otherwise
//     return response;
//   }
//
// None of these types is thread-safe. A Request belongs to the thread of its connection.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/secret.h"
#include "net/peer.h"

namespace gw::web {

// An ordered list of names and values: header fields, cookies, query parameters or path parameters.
// A name may occur more than once. Names are compared byte for byte, so the names of header fields
// are stored in lower case (http_head.h).
//
// Views that get() and all() return stay valid until the next add() and no longer than the Fields.
class Fields {
 public:
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Returns the first value with this name; empty if there is none. Use has() to tell a missing
  // value from an empty one.
  std::string_view get(std::string_view name) const;
  // Returns all values with this name in their order.
  std::vector<std::string_view> all(std::string_view name) const;
  // Returns everything, in the order in which it was added.
  const std::vector<std::pair<std::string, std::string>>& items() const { return all_; }

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> all_;
};

// A form as a browser sends it (application/x-www-form-urlencoded), decoded in locked memory, since
// a field may hold a password. All views point into that memory and stay valid as long as the Form,
// also after it is moved.
class Form {
 public:
  // The largest number of fields that parse() and parse_query() accept.
  static constexpr std::size_t kMaxFields = 1000;

  // Decodes `body`, which is copied. Returns nullopt if the body holds a malformed percent escape,
  // a NUL in a value, or more than kMaxFields fields. An empty body is an empty form.
  static std::optional<Form> parse(ByteView body);

  bool has(std::string_view name) const;
  // Returns the first value with this name; empty if there is none.
  std::string_view get(std::string_view name) const;
  // Returns all values with this name in their order, for example those of several checkboxes.
  std::vector<std::string_view> all(std::string_view name) const;
  // Returns a copy of the value in locked memory, which may outlive the form. Empty if there is no
  // such field.
  Secret secret(std::string_view name) const { return Secret(as_bytes(get(name))); }
  // Returns all fields in the order in which the browser sent them.
  const std::vector<std::pair<std::string_view, std::string_view>>& fields() const { return fields_; }

 private:
  // The decoded body: decoding works in place, so that no copy of a secret remains elsewhere.
  Secret data_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

// One complete request. The connection fills in everything up to `tls`; Console::answer() sets
// `secure` and replaces `peer.address` if a trusted web server names the client; the router sets
// `parameters`.
struct Request {
  // `GET`, `HEAD`, `POST`, `PUT`, `PATCH` or `DELETE`.
  std::string method;
  // The request target as the client sent it, for example `/mailboxes?after=3`.
  std::string target;
  // The path of the target, percent-decoded and without the query. It begins with `/`, is valid
  // UTF-8 and holds no control characters. A decoded path may hold a `/` that the client sent as
  // `%2f`.
  std::string path;
  // The parameters of the query, percent-decoded, with `+` decoded to a space.
  Fields query;
  Fields headers;  // names in lower case
  // The cookies of all Cookie fields (parse_cookies()).
  Fields cookies;
  // The decoded body if the Content-Type is application/x-www-form-urlencoded, else empty.
  Form form;
  // The body as the client sent it; empty if there is none. At most HttpService::most_body bytes.
  Secret body;
  // The client: the peer of the connection, or the client that a trusted reverse proxy names in
  // X-Forwarded-For (forwarded.h).
  net::Peer peer;
  // Whether this connection itself is encrypted with TLS.
  bool tls = false;
  // Whether the browser speaks TLS, either with this process or with a reverse proxy. It decides on
  // the cookie's `Secure` attribute and on Strict-Transport-Security.
  bool secure = false;

  // The segments of the path that matched `:name` in the route's pattern, by that name (pages.h).
  Fields parameters;
  std::string_view parameter(std::string_view name) const { return parameters.get(name); }

  // Returns whether the method must not change anything (RFC 9110, section 9.2.1: safe methods).
  bool reads() const { return method == "GET" || method == "HEAD"; }
};

// Accepts one piece of a response's body, which it copies or sends before it returns. Returns false
// if the client has closed the connection; the caller then stops, since further pieces cannot be
// sent.
using Sink = std::function<bool(ByteView)>;

// One response. The connection adds Content-Length, Connection and the headers of harden(). A
// header that valid_header() rejects turns the whole response into a 500, so that an error in a
// page cannot become a second response on the wire.
struct Response {
  int status = 200;
  std::string content_type = "text/html; charset=utf-8";
  // Header fields in addition to Content-Type, which `content_type` sets.
  Fields headers;
  std::string body;
  // If set, writes the body piece by piece and `body` is not used. It runs after the handler has
  // returned, on the same thread, and must own or share everything that it reads. It returns false
  // if the body cannot be completed; the connection is then cut without the end of the body, so
  // that the client does not mistake the part that it received for the whole.
  std::function<bool(const Sink&)> stream;
  // The number of bytes that `stream` writes; nullopt sends the body in chunks (RFC 9112, section
  // 7.1).
  std::optional<std::uint64_t> length;
  // Whether the body shows a secret. Such a body is wiped from memory after it is sent.
  bool secret = false;

  // Sets a header and removes earlier ones of the same name, in any case of letters. Use
  // headers.add() for a header that may occur several times (Set-Cookie). Returns *this.
  Response& set(std::string_view name, std::string value);
};

// Returns a 303 response, on which the browser continues with GET at `to`. `to` is a path of the
// console; a path that a client supplied must first pass is_own_address().
Response redirect(std::string to);
Response plain(int status, std::string text);

// Returns whether `address` is a path of the console to which a redirect is safe: it begins with
// one `/`, holds no control characters and has at most 2000 bytes. `//host` and `/\host` are
// refused, because browsers resolve both to another host (open redirect).
bool is_own_address(std::string_view address);

// Returns `text` encoded for one segment of a path or one part of a query: every byte except
// letters, digits and `-._~` becomes %XX (RFC 3986, section 2.1).
std::string url_part(std::string_view text);
// Decodes percent escapes, and `+` to a space if `plus`. Returns nullopt for a malformed escape.
// The result may hold any byte, including NUL and control characters: the caller checks it.
std::optional<std::string> url_decoded(std::string_view text, bool plus);

// Decodes a query of the form `?a=b&c=d`; the `?` and the `=` are optional, and an empty text has
// no fields. Returns nullopt for a malformed escape or more than Form::kMaxFields fields.
std::optional<Fields> parse_query(std::string_view text);

// The value of Strict-Transport-Security (RFC 6797): one year, this host only.
inline constexpr std::string_view kStrictTransport = "max-age=31536000";

// Adds the security headers to a response, except those that it has set itself: a content security
// policy that allows only files of the console, no sniffing of types, no framing, no referrer to
// other sites, no caching and, if `tls`, Strict-Transport-Security.
void harden(Response& response, bool tls);

// Returns whether a name and value may be sent as a header field: the name is a token (RFC 9110,
// section 5.6.2) and the value holds no control characters, hence no line ending (CVE-2023-26130).
bool valid_header(std::string_view name, std::string_view value);

}  // namespace gw::web
