#include "web/http/http.h"

#include <algorithm>

#include "base/text.h"

namespace gw::web {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = lower(c);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Decodes `text` in place and returns the new length; nullopt for a malformed escape. The result is
// never longer than the source, so a secret needs no second buffer.
std::optional<std::size_t> decode(std::span<char> text, bool plus) {
  std::size_t to = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '+' && plus) c = ' ';
    if (c == '%') {
      if (at + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[at + 1]);
      const int low = hex_value(text[at + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      at += 2;
    }
    text[to++] = c;
  }
  return to;
}

bool unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

// The content security policy of every page: only files of the console itself. Without
// `unsafe-inline`, a script or style that is injected into a page despite escaping does not run.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

}  // namespace

const std::string* Fields::find(std::string_view name) const {
  for (const auto& [each, value] : all_)
    if (each == name) return &value;
  return nullptr;
}

std::string_view Fields::get(std::string_view name) const {
  const std::string* found = find(name);
  return found != nullptr ? std::string_view(*found) : std::string_view();
}

std::vector<std::string_view> Fields::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [each, value] : all_)
    if (each == name) found.emplace_back(value);
  return found;
}

std::optional<Form> Form::parse(ByteView body) {
  Form form;
  if (body.empty()) return form;
  // The fields point into this copy; Secret keeps its bytes in place when the Form is moved.
  form.data_ = Secret(body);
  const std::span<char> text(reinterpret_cast<char*>(form.data_.span().data()), form.data_.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = static_cast<std::size_t>(
        std::find(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '&') - text.begin());
    const std::span<char> field = text.subspan(begin, end - begin);
    begin = end + 1;
    if (field.empty()) continue;
    const auto equals = static_cast<std::size_t>(std::find(field.begin(), field.end(), '=') - field.begin());
    const std::span<char> value = field.subspan(std::min(equals + 1, field.size()));
    const auto name_size = decode(field.first(equals), true);
    // Name and value are decoded separately, so that an escaped `&` or `=` is data and no
    // separator.
    const auto value_size = decode(value, true);
    if (!name_size || !value_size || form.fields_.size() >= kMaxFields) return std::nullopt;
    form.fields_.emplace_back(std::string_view(field.data(), *name_size),
                              std::string_view(value.data(), *value_size));
    // A NUL would cut the value short in any C interface that it reaches.
    if (form.fields_.back().second.find('\0') != std::string_view::npos) return std::nullopt;
  }
  return form;
}

bool Form::has(std::string_view name) const {
  return std::ranges::any_of(fields_, [&](const auto& field) { return field.first == name; });
}

std::string_view Form::get(std::string_view name) const {
  for (const auto& [each, value] : fields_)
    if (each == name) return value;
  return {};
}

std::vector<std::string_view> Form::all(std::string_view name) const {
  std::vector<std::string_view> found;
  for (const auto& [each, value] : fields_)
    if (each == name) found.push_back(value);
  return found;
}

Response& Response::set(std::string_view name, std::string value) {
  Fields kept;
  for (const auto& [each, old] : headers.items())
    if (!iequals(each, name)) kept.add(each, old);
  kept.add(std::string(name), std::move(value));
  headers = std::move(kept);
  return *this;
}

Response redirect(std::string to) {
  Response response;
  response.status = 303;
  response.content_type = "text/plain; charset=utf-8";
  response.set("Location", std::move(to));
  return response;
}

Response plain(int status, std::string text) {
  Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

bool is_own_address(std::string_view address) {
  // Redirects follow this check, so control characters matter too: browsers drop tabs and line
  // endings before they resolve an address, and `/<tab>/host` becomes `//host`.
  return address.starts_with('/') && !address.starts_with("//") && !address.starts_with("/\\") &&
         !has_control(address) && address.size() <= 2000;
}

std::string url_part(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (unreserved(c))
      out += c;
    else
      // Every byte is escaped by itself: `text` need not be UTF-8.
      out += "%" + upper(to_hex(as_bytes(std::string_view(&c, 1))));
  }
  return out;
}

std::optional<std::string> url_decoded(std::string_view text, bool plus) {
  std::string out(text);
  const auto size = decode(out, plus);
  if (!size) return std::nullopt;
  out.resize(*size);
  return out;
}

std::optional<Fields> parse_query(std::string_view text) {
  Fields fields;
  if (text.starts_with('?')) text.remove_prefix(1);
  for (const std::string_view piece : split(text, '&')) {
    if (piece.empty()) continue;
    const std::size_t equals = std::min(piece.find('='), piece.size());
    auto name = url_decoded(piece.substr(0, equals), true);
    auto value = url_decoded(piece.substr(std::min(equals + 1, piece.size())), true);
    if (!name || !value || fields.items().size() >= Form::kMaxFields) return std::nullopt;
    fields.add(std::move(*name), std::move(*value));
  }
  return fields;
}

void harden(Response& response, bool tls) {
  const auto put = [&](std::string_view name, std::string_view value) {
    // A page may set a header of its own, such as another policy for the frame of a mail.
    const bool there = std::ranges::any_of(response.headers.items(),
                                           [&](const auto& each) { return iequals(each.first, name); });
    if (!there) response.headers.add(std::string(name), std::string(value));
  };
  put("Content-Security-Policy", kPolicy);
  put("X-Content-Type-Options", "nosniff");
  put("X-Frame-Options", "DENY");
  // `same-origin`, not `no-referrer`: from_our_origin() in console.cc uses Referer if a browser
  // sends no Origin.
  put("Referrer-Policy", "same-origin");
  put("Cache-Control", "no-store");
  put("Cross-Origin-Opener-Policy", "same-origin");
  put("Cross-Origin-Resource-Policy", "same-origin");
  put("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()");
  if (tls) put("Strict-Transport-Security", kStrictTransport);
}

bool valid_header(std::string_view name, std::string_view value) {
  const auto token = [](char c) {
    return unreserved(c) || std::string_view("!#$%&'*+^`|").find(c) != std::string_view::npos;
  };
  return !name.empty() && std::ranges::all_of(name, token) && !has_control(value);
}

}  // namespace gw::web
