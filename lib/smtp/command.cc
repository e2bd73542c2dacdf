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

// Where the path at the front of `text` ends: behind its closing bracket, or at the blank behind it. Quoted
// strings are honoured where they are whole, and taken for plain characters where they are not.
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

// `@one,@two:user@domain` without the route (RFC 5321 section 4.1.1.3: it may be ignored).
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

// Takes the path from the front of `text`.
std::optional<std::string_view> take_path(std::string_view& text) {
  std::size_t end = path_end(text, true);
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
  std::string keyword;  // upper case
  std::string_view value;
  bool has_value = false;
};

bool keyword_char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

// Parameters whose value is somebody's text and is only recorded. It is xtext, which writes `=` as `+3D`;
// Postfix and Exim take a bare one, as X.400 addresses and those of SRS have it, and so it is kept as it
// came.
bool recorded_text(std::string_view keyword) {
  return keyword == "ORCPT" || keyword == "ENVID" || keyword == "AUTH";
}

// esmtp-param of RFC 5321 section 4.1.2; with SMTPUTF8 a value may be UTF-8 (RFC 6531 section 3.3).
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

// None: right. ENVID, RET, NOTIFY and ORCPT are DSN's (RFC 3461): not offered, and kept where they are sent.
std::optional<Refusal> judge(const Parameter& parameter, MailArguments& mail) {
  if (parameter.keyword == "SIZE") {
    if (!digits(parameter.value)) return Refusal::Malformed;
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

// The part of the argument behind `FROM:` or `TO:`; none if it does not begin so.
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
  const std::string_view size = first_word(argument);
  const std::string_view rest = trim(argument.substr(size.size()));
  const auto octets = digits(size) ? parse_number(size) : std::nullopt;
  if (!octets || (!rest.empty() && !iequals(rest, "LAST"))) return std::nullopt;
  return Chunk{*octets, !rest.empty()};
}

std::optional<AuthArguments> parse_auth(std::string_view argument) {
  const std::string_view mechanism = first_word(argument);
  const std::string_view rest = trim(argument.substr(mechanism.size()));
  if (mechanism.empty() || first_word(rest) != rest) return std::nullopt;
  if (rest.empty()) return AuthArguments{mechanism, std::nullopt};
  return AuthArguments{mechanism, rest};
}

}  // namespace gw::smtp
