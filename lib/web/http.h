// HTTP requests and answers as the console sees them, without a library's types and without a socket.
//
// A Request was checked before anybody sees it (http_connection.h): its head and body are of bounded size,
// its fields are well formed, and it came whole. What a user typed, passwords among it, lies in locked memory
// (Form, Request::body) and goes when the request goes.
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

// Names and values in their order; a name may come more than once.
class Fields {
 public:
  void add(std::string name, std::string value) { all_.emplace_back(std::move(name), std::move(value)); }
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // The first of this name; empty where there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return all_; }

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> all_;
};

// A form as a browser sends it (application/x-www-form-urlencoded), decoded in locked memory. Views live as
// long as the Form.
class Form {
 public:
  static constexpr std::size_t kMostFields = 1000;

  // None: a bad escape, a NUL, or too many fields.
  static std::optional<Form> parse(ByteView body);

  bool has(std::string_view name) const;
  std::string_view get(std::string_view name) const;  // the first; empty where there is none
  std::vector<std::string_view> all(std::string_view name) const;
  // A field that is a secret: a copy that may outlive the form.
  Secret secret(std::string_view name) const { return Secret(as_bytes(get(name))); }
  const std::vector<std::pair<std::string_view, std::string_view>>& fields() const { return fields_; }

 private:
  Secret octets_;
  std::vector<std::pair<std::string_view, std::string_view>> fields_;
};

struct Request {
  std::string method;  // `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`
  std::string target;  // as sent: `/mailboxes?after=3`
  std::string path;    // decoded, without the query; begins with `/`; no control characters, valid UTF-8
  Fields query;        // decoded
  Fields headers;      // names in lower case
  Fields cookies;
  Form form;            // of a body that is a form
  Secret body;          // as sent
  net::Peer peer;       // the client; behind a trusted web server, whom that server names
  bool tls = false;     // this connection
  bool secure = false;  // the browser speaks TLS, with us or with a web server in front

  // What the router found at `:name` in the route's pattern.
  Fields parameters;
  std::string_view parameter(std::string_view name) const { return parameters.get(name); }

  bool reads() const { return method == "GET" || method == "HEAD"; }
};

// Takes octets of an answer's body; false: the other side has gone, there is no use in more.
using Sink = std::function<bool(ByteView)>;

struct Response {
  int status = 200;
  std::string content_type = "text/html; charset=utf-8";
  Fields headers;
  std::string body;
  // Instead of `body`: gives the body piece by piece. False: it broke off; the connection is cut, so that
  // nobody takes what came for the whole.
  std::function<bool(const Sink&)> stream;
  std::optional<std::uint64_t> length;  // of what `stream` gives, where it is known
  bool secret = false;                  // the body shows a secret: wiped once it is sent

  // Replaces what was set under this name.
  Response& set(std::string_view name, std::string value);
};

// 303: the browser goes on with GET. `to` is a path of ours.
Response redirect(std::string to);
Response plain(int status, std::string text);  // text/plain, for programs

// Whether this is a path of ours to go on to, and nothing that a browser takes for another host.
bool is_own_address(std::string_view address);

// The octets of a path or query's part: all but letters, digits and `-._~` as %XX.
std::string url_part(std::string_view text);
// Undoes it; none for a bad escape. `+` is a blank where `plus`.
std::optional<std::string> url_decoded(std::string_view text, bool plus);

// `?a=b&c=d`, or nothing; none for a bad escape or too many.
std::optional<Fields> parse_query(std::string_view text);

inline constexpr std::string_view kStrictTransport = "max-age=31536000";

// Puts the headers that every answer has where it has none of this name: content security policy, no
// sniffing, no framing, no referrer to others, no caching, and over TLS strict transport security.
void harden(Response& response, bool tls);

// Whether a name and value may stand in a head: no octet that ends a line, no NUL (CVE-2023-26130).
bool valid_header(std::string_view name, std::string_view value);

}  // namespace gw::web
