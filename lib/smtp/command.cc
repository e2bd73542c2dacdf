#include "smtp/command.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "base/text.h"

namespace gw::smtp {
namespace {

struct NamedVerb {
  std::string_view name;
  Verb verb;
};
constexpr std::array kVerbs{
    NamedVerb{"HELO", Verb::Helo},         NamedVerb{"EHLO", Verb::Ehlo},
    NamedVerb{"STARTTLS", Verb::StartTls}, NamedVerb{"AUTH", Verb::Auth},
    NamedVerb{"MAIL", Verb::Mail},         NamedVerb{"RCPT", Verb::Rcpt},
    NamedVerb{"DATA", Verb::Data},         NamedVerb{"BDAT", Verb::Bdat},
    NamedVerb{"RSET", Verb::Rset},         NamedVerb{"NOOP", Verb::Noop},
    NamedVerb{"VRFY", Verb::Vrfy},         NamedVerb{"HELP", Verb::Help},
    NamedVerb{"QUIT", Verb::Quit},         NamedVerb{"EXPN", Verb::NotOffered},
    NamedVerb{"ETRN", Verb::NotOffered},   NamedVerb{"TURN", Verb::NotOffered},
    NamedVerb{"ATRN", Verb::NotOffered},   NamedVerb{"BURL", Verb::NotOffered},
    NamedVerb{"SEND", Verb::NotOffered},   NamedVerb{"SOML", Verb::NotOffered},
    NamedVerb{"SAML", Verb::NotOffered},
};

constexpr std::array<std::string_view, 10> kHttpMethods{"GET",     "POST",   "PUT",   "HEAD",  "OPTIONS",
                                                        "CONNECT", "DELETE", "TRACE", "PATCH", "PRI"};

bool blank(char c) {
  return c == ' ' || c == '\t';
}

std::string_view first_word(std::string_view text) {
  return text.substr(0,
                     static_cast<std::size_t>(std::find_if(text.begin(), text.end(), blank) - text.begin()));
}

// Returns the end of the path at the start of `text`: after its closing bracket, or at the white
// space after a path without brackets; npos if it has no end. A closing bracket that is not
// followed by white space is part of the address.
std::size_t path_end(std::string_view text, bool honour_quotes) {
  const bool bracket = text.starts_with('<');
  bool quoted = false;
  for (std::size_t i = bracket ? 1 : 0; i < text.size(); ++i) {
    if (honour_quotes && quoted && text[i] == '\\') {
      ++i;
    } else if (honour_quotes && text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && bracket && text[i] == '>') {
      if (i + 1 == text.size() || blank(text[i + 1])) return i + 1;
    } else if (!quoted && !bracket && blank(text[i])) {
      return i;
    }
  }
  return bracket || quoted ? std::string_view::npos : text.size();
}

// Removes the source route from `@one,@two:user@domain`. RFC 5321 section 4.1.1.3 allows to ignore
// it. A colon in a domain literal, as in `[IPv6:::1]`, does not end the route.
std::string_view without_route(std::string_view address) {
  if (!address.starts_with('@')) return address;
  bool literal = false;
  for (std::size_t i = 0; i < address.size(); ++i) {
    if (address[i] == '[') literal = true;
    if (address[i] == ']') literal = false;
    if (address[i] == ':' && !literal) return address.substr(i + 1);
  }
  return address;
}

// Removes the path from the start of `text` and returns it without brackets. Brackets are optional,
// because many clients omit them. Returns nullopt if the path is malformed.
std::optional<std::string_view> take_path(std::string_view& text) {
  std::size_t end = path_end(text, true);
  // A quote that is not closed is an ordinary character: such addresses exist.
  if (end == std::string_view::npos) end = path_end(text, false);
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::string_view path = text.substr(0, end);
  text = trim(text.substr(end));
  if (path.starts_with('<')) path = trim(path.substr(1, path.size() - 2));
  path = without_route(path);
  if (path.size() > kMaxPath || has_control(path)) return std::nullopt;
  return path;
}

struct Parameter {
  std::string keyword;  // in upper case
  std::string_view value;
  bool has_value = false;
};

bool keyword_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Returns true for parameters whose value gw only records. The value is xtext, which writes `=` as
// `+3D` (RFC 3461 section 4). X.400 and SRS addresses are often sent with a bare `=`, which Postfix
// and Exim accept, so it is accepted here too.
bool recorded_text(std::string_view keyword) {
  return keyword == "ORCPT" || keyword == "ENVID" || keyword == "AUTH";
}

// Parses esmtp-params (RFC 5321 section 4.1.2). With SMTPUTF8 a value may be UTF-8 (RFC 6531
// section 3.3). Returns nullopt if one is malformed or given twice: two different values of SIZE or
// BODY would be ambiguous.
std::optional<std::vector<Parameter>> parse_parameters(std::string_view text) {
  std::vector<Parameter> parameters;
  for (text = trim(text); !text.empty(); text = trim(text)) {
    const std::string_view word = first_word(text);
    text.remove_prefix(word.size());
    const std::size_t equals = word.find('=');
    const std::string_view keyword = word.substr(0, equals);
    if (keyword.empty() || keyword.starts_with('-') ||
        !std::all_of(keyword.begin(), keyword.end(), keyword_char))
      return std::nullopt;
    Parameter parameter{upper(keyword), {}, equals != std::string_view::npos};
    if (parameter.has_value) parameter.value = word.substr(equals + 1);
    if (parameter.has_value &&
        (parameter.value.empty() ||
         (parameter.value.find('=') != std::string_view::npos && !recorded_text(parameter.keyword)) ||
         has_control(parameter.value) || !valid_utf8(parameter.value)))
      return std::nullopt;
    const auto same = [&](const Parameter& other) { return other.keyword == parameter.keyword; };
    if (std::any_of(parameters.begin(), parameters.end(), same)) return std::nullopt;
    parameters.push_back(std::move(parameter));
  }
  return parameters;
}

std::string joined(std::string_view parameters) {
  std::string result;
  for (parameters = trim(parameters); !parameters.empty(); parameters = trim(parameters)) {
    const std::string_view word = first_word(parameters);
    parameters.remove_prefix(word.size());
    if (!result.empty()) result += ' ';
    result += word;
  }
  return result;
}

bool digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Checks a parameter of MAIL and stores its value in `mail`. Returns nullopt if it is acceptable.
// ENVID and RET, and NOTIFY and ORCPT of RCPT, belong to DSN (RFC 3461). They are accepted even if
// DSN is not offered, because some clients send them without asking; they stay in `parameters`.
std::optional<Refusal> judge(const Parameter& parameter, MailArguments& mail) {
  if (parameter.keyword == "SIZE") {
    if (!digits(parameter.value)) return Refusal::Malformed;
    // A number above 64 bits is valid syntax and certainly too large.
    mail.size = parse_number(parameter.value).value_or(std::numeric_limits<std::uint64_t>::max());
  } else if (parameter.keyword == "BODY") {
    mail.eight_bit = iequals(parameter.value, "8BITMIME");
    if (!mail.eight_bit && !iequals(parameter.value, "7BIT")) return Refusal::Malformed;
  } else if (parameter.keyword == "SMTPUTF8") {
    if (parameter.has_value) return Refusal::Malformed;
    mail.smtputf8 = true;
  } else if (parameter.keyword == "AUTH" || parameter.keyword == "ENVID" || parameter.keyword == "RET") {
    if (!parameter.has_value) return Refusal::Malformed;
  } else {
    return Refusal::UnknownParameter;
  }
  return std::nullopt;
}

// Returns the argument after `FROM:` or `TO:`; nullopt if it does not begin with it. Accepts white
// space after the colon, which RFC 5321 forbids but clients send.
std::optional<std::string_view> behind(std::string_view argument, std::string_view keyword) {
  if (!istarts_with(argument, keyword)) return std::nullopt;
  return trim(argument.substr(keyword.size()));
}

}  // namespace

Command parse_command(std::string_view line) {
  const std::string_view word = first_word(line);
  const auto* const found = std::find_if(kVerbs.begin(), kVerbs.end(),
                                         [&](const NamedVerb& named) { return iequals(named.name, word); });
  if (found == kVerbs.end()) return {};
  return {found->verb, trim(line.substr(word.size()))};
}

bool looks_like_http(std::string_view line) {
  const std::string_view word = first_word(line);
  return std::find(kHttpMethods.begin(), kHttpMethods.end(), word) != kHttpMethods.end();
}

bool looks_like_tls(std::string_view line) {
  return line.starts_with("\x16\x03");
}

bool valid_helo(std::string_view name) {
  return !name.empty() && !has_control(name);
}

std::variant<MailArguments, Refusal> parse_mail(std::string_view argument) {
  auto rest = behind(argument, "FROM:");
  if (!rest) return Refusal::Malformed;
  const auto path = take_path(*rest);
  if (!path) return Refusal::Malformed;
  const auto parameters = parse_parameters(*rest);
  if (!parameters) return Refusal::Malformed;
  MailArguments mail{std::string(*path), joined(*rest)};
  for (const Parameter& parameter : *parameters)
    if (const auto refusal = judge(parameter, mail)) return *refusal;
  if (!mail.smtputf8 && (has_8bit(mail.address) || has_8bit(mail.parameters)))
    return Refusal::Needs8bitAddresses;
  if (!valid_utf8(mail.address)) return Refusal::BadSender;
  return mail;
}

std::variant<RcptArguments, Refusal> parse_rcpt(std::string_view argument, bool smtputf8) {
  auto rest = behind(argument, "TO:");
  if (!rest) return Refusal::Malformed;
  const auto path = take_path(*rest);
  if (!path || path->empty()) return Refusal::Malformed;
  const auto parameters = parse_parameters(*rest);
  if (!parameters) return Refusal::Malformed;
  for (const Parameter& parameter : *parameters) {
    if (parameter.keyword != "NOTIFY" && parameter.keyword != "ORCPT") return Refusal::UnknownParameter;
    if (!parameter.has_value) return Refusal::Malformed;
  }
  RcptArguments rcpt{std::string(*path), joined(*rest)};
  if (!smtputf8 && (has_8bit(rcpt.address) || has_8bit(rcpt.parameters))) return Refusal::Needs8bitAddresses;
  if (!valid_utf8(rcpt.address)) return Refusal::BadRecipient;
  return rcpt;
}

std::optional<Chunk> parse_bdat(std::string_view argument) {
  const std::string_view word = first_word(argument);
  const std::string_view rest = trim(argument.substr(word.size()));
  const auto size = digits(word) ? parse_number(word) : std::nullopt;
  if (!size || (!rest.empty() && !iequals(rest, "LAST"))) return std::nullopt;
  return Chunk{*size, !rest.empty()};
}

std::optional<AuthArguments> parse_auth(std::string_view argument) {
  const std::string_view mechanism = first_word(argument);
  const std::string_view rest = trim(argument.substr(mechanism.size()));
  // An initial response is base64 or `=`, so it has no white space in it.
  if (mechanism.empty() || first_word(rest) != rest) return std::nullopt;
  if (rest.empty()) return AuthArguments{mechanism, std::nullopt};
  return AuthArguments{mechanism, rest};
}

}  // namespace gw::smtp
