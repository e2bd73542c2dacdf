// Reads the bodies of API requests: moves secrets to locked memory, then parses the rest and checks
// it against the operation's schema.
#include <algorithm>

#include "base/text.h"
#include "web/api/api_private.h"

namespace gw::web::api {
namespace {

// The deepest nesting of a body. The parser recurses once per level, so a body of brackets could
// otherwise exhaust the stack.
constexpr std::size_t kMaxDepth = 16;

Error unreadable(const char* why) {
  return Error(Code::BadInput, std::string("the body is not JSON: ") + why);
}

// Returns the position of the quote that ends the string whose content starts at `begin`; npos if
// it does not end.
std::size_t end_of_string(std::string_view text, std::size_t begin) {
  for (std::size_t at = begin; at < text.size(); ++at) {
    if (text[at] == '\\')
      ++at;
    else if (text[at] == '"')
      return at;
  }
  return std::string_view::npos;
}

// Returns the value of four hexadecimal digits of a \u escape.
std::optional<unsigned> code_unit(std::string_view text, std::size_t at) {
  if (at + 4 > text.size()) return std::nullopt;
  unsigned value = 0;
  for (const char c : text.substr(at, 4)) {
    const char small = lower(c);
    const int digit = c >= '0' && c <= '9' ? c - '0' : small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  return value;
}

void put_utf8(unsigned point, std::span<char> to, std::size_t& size) {
  const auto put = [&](unsigned byte) { to[size++] = static_cast<char>(byte); };
  if (point < 0x80) return put(point);
  if (point < 0x800) {
    put(0xc0 | point >> 6);
  } else {
    if (point < 0x10000) {
      put(0xe0 | point >> 12);
    } else {
      put(0xf0 | point >> 18);
      put(0x80 | (point >> 12 & 0x3f));
    }
    put(0x80 | (point >> 6 & 0x3f));
  }
  put(0x80 | (point & 0x3f));
}

// Returns the value of a JSON string from its content between the quotes (RFC 8259, section 7).
// Returns nullopt if the content is malformed. It works in locked memory only, unlike the JSON
// library.
std::optional<Secret> unescaped(std::string_view inside) {
  Secret out(inside.size());  // decoding never makes it longer
  const std::span<char> to(reinterpret_cast<char*>(out.span().data()), out.size());
  std::size_t size = 0;
  for (std::size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\') {
      to[size++] = inside[at];
      continue;
    }
    constexpr std::string_view kShort = "\"\\/bfnrt", kMeant = "\"\\/\b\f\n\r\t";
    const char kind = at + 1 < inside.size() ? inside[++at] : '\0';
    if (const std::size_t known = kShort.find(kind); kind != '\0' && known != std::string_view::npos) {
      to[size++] = kMeant[known];
      continue;
    }
    std::optional<unsigned> point = kind == 'u' ? code_unit(inside, at + 1) : std::nullopt;
    if (!point) return std::nullopt;
    at += 4;
    // A high surrogate must be followed by a low one; together they are one code point.
    if (*point >= 0xd800 && *point < 0xdc00) {
      const auto low = inside.substr(at + 1, 2) == "\\u" ? code_unit(inside, at + 3) : std::nullopt;
      if (!low || *low < 0xdc00 || *low > 0xdfff) return std::nullopt;
      point = 0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00);
      at += 6;
    }
    put_utf8(*point, to, size);
  }
  out.shorten(size);
  return out;
}

std::size_t skip_blanks(std::string_view text, std::size_t at) {
  return std::min(text.find_first_not_of(" \t\r\n", at), text.size());
}

// Moves the values of secret fields of the outermost object to `secrets` and overwrites them with
// spaces, so that the body stays valid JSON of the same length. Returns false if the body is nested
// too deeply or is not JSON. It understands only strings and brackets: everything else is left to
// the parser.
bool take_secrets(std::span<char> body, Secrets& secrets) {
  const std::string_view text(body.data(), body.size());
  std::size_t depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{' || text[at] == '[') {
      if (++depth > kMaxDepth) return false;
    } else if (text[at] == '}' || text[at] == ']') {
      if (depth-- == 0) return false;
    } else if (text[at] == '"') {
      const std::size_t end = end_of_string(text, at + 1);
      if (end == std::string_view::npos) return false;
      const std::string_view name = text.substr(at + 1, end - at - 1);
      at = end;
      const std::size_t colon = skip_blanks(text, end + 1);
      if (depth != 1 || colon >= text.size() || text[colon] != ':') continue;
      // `"pass\u0077ord"` is the same name to the parser but would not be recognised here, and the
      // password would be copied into ordinary memory. No field needs escapes in its name.
      if (name.find('\\') != std::string_view::npos) return false;
      const std::size_t begin = skip_blanks(text, colon + 1);
      if (std::ranges::find(kSecretFields, name) == std::end(kSecretFields)) continue;
      // A secret field that is not a string holds no secret; the schema refuses it.
      if (begin >= text.size() || text[begin] != '"') continue;
      const std::size_t last = end_of_string(text, begin + 1);
      if (last == std::string_view::npos) return false;
      std::optional<Secret> secret = unescaped(text.substr(begin + 1, last - begin - 1));
      if (!secret) return false;
      // If a name occurs twice the last one counts, as in the parser.
      secrets.insert_or_assign(std::string(name), std::move(*secret));
      std::fill(body.begin() + static_cast<std::ptrdiff_t>(begin) + 1,
                body.begin() + static_cast<std::ptrdiff_t>(last), ' ');
      at = last;
    }
  }
  return true;
}

bool is_type(const Json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer() || value.is_number_unsigned();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return type == "null" && value.is_null();
}

std::string named(const std::string& where) {
  return where.empty() ? "the body" : "`" + where + "`";
}

std::optional<std::string> wrong_type(const Json& value, const Json& schema, const std::string& where) {
  const auto type = schema.find("type");
  if (type == schema.end()) return std::nullopt;
  if (type->is_string()) {
    if (is_type(value, type->get<std::string>())) return std::nullopt;
    return named(where) + " is not of the type " + type->get<std::string>();
  }
  for (const Json& each : *type)
    if (is_type(value, each.get<std::string>())) return std::nullopt;
  return named(where) + " is not of the types " + type->dump();
}

// Checks the members of an object: each must be listed in the schema, and all required ones must be
// there.
std::optional<std::string> wrong_members(const Json& value, const Json& schema, const std::string& where) {
  const Json none = Json::object();
  const Json& properties = schema.contains("properties") ? schema["properties"] : none;
  const std::string before = where.empty() ? "" : where + ".";
  for (const auto& [name, member] : value.items()) {
    const auto known = properties.find(name);
    if (known == properties.end()) return "unknown field `" + printable(before + name) + "`";
    if (auto wrong = misfit(member, *known, before + name)) return wrong;
  }
  if (!schema.contains("required")) return std::nullopt;
  for (const Json& name : schema["required"])
    if (!value.contains(name.get<std::string>()))
      return "`" + before + name.get<std::string>() + "` is missing";
  return std::nullopt;
}

}  // namespace

const Secret& Call::secret(std::string_view name) const {
  static const Secret none;
  const auto found = secrets.find(name);
  return found == secrets.end() ? none : found->second;
}

std::optional<Secret> Call::secret_if_any(std::string_view name) const {
  const auto found = secrets.find(name);
  return found == secrets.end() ? std::nullopt : std::optional(found->second.clone());
}

std::optional<std::string> misfit(const Json& value, const Json& schema, const std::string& where) {
  if (schema.contains("$ref")) {
    const std::string ref = schema["$ref"].get<std::string>();
    return misfit(value, schemas()[ref.substr(ref.rfind('/') + 1)], where);
  }
  if (auto wrong = wrong_type(value, schema, where)) return wrong;
  if (schema.contains("enum") && std::ranges::find(schema["enum"], value) == schema["enum"].end())
    return named(where) + " is not one of " + schema["enum"].dump();
  if (schema.contains("minimum") && value.is_number_integer() && !value.is_number_unsigned() &&
      value.get<std::int64_t>() < schema["minimum"].get<std::int64_t>())
    return named(where) + " is less than " + schema["minimum"].dump();
  // The library stores a number without a sign as unsigned and a negative one as signed. A negative
  // number is below every maximum.
  if (schema.contains("maximum") && value.is_number_unsigned() &&
      value.get<std::uint64_t>() > schema["maximum"].get<std::uint64_t>())
    return named(where) + " is more than " + schema["maximum"].dump();
  if (schema.contains("maxItems") && value.is_array() && value.size() > schema["maxItems"].get<std::size_t>())
    return named(where) + " has more than " + schema["maxItems"].dump() + " items";
  if (value.is_object()) return wrong_members(value, schema, where);
  if (!value.is_array() || !schema.contains("items")) return std::nullopt;
  for (std::size_t at = 0; at < value.size(); ++at)
    if (auto wrong = misfit(value[at], schema["items"], where + "[" + std::to_string(at) + "]")) return wrong;
  return std::nullopt;
}

Result<Json> read_body(Request& request, Secrets& secrets) {
  const std::span<char> body(reinterpret_cast<char*>(request.body.span().data()), request.body.size());
  if (!take_secrets(body, secrets)) return unreadable("it is incomplete or nested too deeply");
  // Without exceptions: a malformed body is the client's error.
  Json read = Json::parse(body.begin(), body.end(), nullptr, false);
  if (read.is_discarded()) return unreadable("it is malformed");
  return read;
}

Answer list_of(Json items, std::uint64_t next) {
  Answer answer;
  answer.json["items"] = std::move(items);
  answer.json["next"] = next == 0 ? Json() : Json(next);
  return answer;
}

Answer nothing() {
  return {};
}

Result<std::uint64_t> number_in(const Call& call, std::string_view name, std::uint64_t otherwise,
                                std::uint64_t least, std::uint64_t most) {
  if (!call.request.query.has(name)) return otherwise;
  const auto number = parse_number(call.request.query.get(name));
  if (number && *number >= least && *number <= most) return *number;
  return Error(Code::Usage, "`" + std::string(name) + "` is not an integer from " + std::to_string(least) +
                                " to " + std::to_string(most));
}

Result<std::optional<Micros>> time_in(const Call& call, std::string_view name) {
  if (!call.request.query.has(name)) return std::optional<Micros>();
  const auto time = parse_time(call.request.query.get(name));
  if (time) return std::optional(*time);
  return Error(Code::Usage, "`" + std::string(name) + "` is not a time in the format of RFC 3339");
}

std::optional<std::string> text_in(const Json& body, std::string_view name) {
  const auto found = body.find(name);
  if (found == body.end()) return std::nullopt;
  return found->is_null() ? std::string() : found->get<std::string>();
}

std::optional<std::vector<std::string>> list_in(const Json& body, std::string_view name) {
  const auto found = body.find(name);
  return found == body.end() ? std::nullopt : std::optional(found->get<std::vector<std::string>>());
}

Error not_with_patterns(std::string_view what) {
  return Error(Code::Denied, std::string(what) + " requires a token that is not limited to some names");
}

}  // namespace gw::web::api
