#include "smtp/client.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace gw::smtp {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}

// Returns the code at the start of a line of a reply, or 0 if there is none (RFC 5321 section 4.2).
int code_of(std::string_view line) {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5' || !digit(line[1]) || !digit(line[2])) return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  return (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
}

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> found;
  for (const std::string_view word : split(text, ' '))
    if (!word.empty()) found.push_back(word);
  return found;
}

void add_mechanisms(std::vector<std::string>& to, const std::vector<std::string_view>& named) {
  for (const std::string_view each : named) {
    std::string mechanism = upper(each);
    if (std::ranges::find(to, mechanism) == to.end()) to.push_back(std::move(mechanism));
  }
}

// Returns the parameters of `all` whose keyword `keep` accepts, each with a space before it.
template <class Keep>
std::string kept(std::string_view all, const Keep& keep) {
  std::string result;
  for (const std::string_view parameter : words(all))
    if (keep(upper(parameter.substr(0, parameter.find('='))))) result.append(" ").append(parameter);
  return result;
}

}  // namespace

const Client::Event& Client::broken(std::string reason) {
  input_ = {};
  eof_ = true;
  reader_.forget();
  return event_ = Broken{std::move(reason)};
}

const Client::Event& Client::next_event() {
  if (std::holds_alternative<Broken>(event_)) return event_;
  if (due_ == 0) {
    // Bytes before the next command can only come from an attacker or a broken server; accepting
    // them would make every later reply belong to the wrong command.
    if (!input_.empty()) return broken("unexpected data from the server");
    if (eof_) return broken("the server closed the connection");
    return event_ = Idle{};
  }
  for (;;) {
    const wire::LineReader::Found found = reader_.next(input_);
    if (found.kind == wire::LineReader::Kind::Fault)
      return broken(found.fault == wire::LineReader::Fault::TooLong
                        ? "a line of the reply is too long"
                        : "the reply contains NUL or a bare CR or LF");
    if (found.kind == wire::LineReader::Kind::NeedMore) {
      if (eof_) return broken("the server closed the connection");
      return event_ = NeedInput{};
    }
    const Event& event = line(found.text);
    if (!std::holds_alternative<NeedInput>(event)) return event;
  }
}

// Adds one line to the reply. Returns NeedInput if more lines follow.
const Client::Event& Client::line(std::string_view text) {
  const int code = code_of(text);
  if (code == 0) return broken("not an SMTP reply");
  if (!reply_.lines.empty() && code != reply_.code)
    return broken("the lines of the reply have different codes");
  size_ += text.size();
  if (reply_.lines.size() >= kMaxLines || size_ > kMaxReply) return broken("the reply is too long");
  reply_.code = code;
  reply_.lines.emplace_back(text.substr(std::min<std::size_t>(text.size(), 4)));
  if (text.size() > 3 && text[3] == '-') return event_ = NeedInput{};
  // Bytes after the last reply arrived before the next command was sent.
  if (due_ == 1 && !input_.empty()) return broken("the server sent more than one reply");
  --due_;
  size_ = 0;
  return event_ = Answer{std::exchange(reply_, {})};
}

Capabilities parse_capabilities(const Reply& ehlo) {
  Capabilities found;
  for (std::size_t i = 1; i < ehlo.lines.size(); ++i) {
    std::vector<std::string_view> line = words(ehlo.lines[i]);
    if (line.empty()) continue;
    const std::string keyword = upper(line.front());
    line.erase(line.begin());
    if (keyword == "STARTTLS") found.starttls = true;
    if (keyword == "PIPELINING") found.pipelining = true;
    if (keyword == "8BITMIME") found.eight_bit = true;
    if (keyword == "SMTPUTF8") found.smtputf8 = true;
    if (keyword == "CHUNKING") found.chunking = true;
    if (keyword == "BINARYMIME") found.binary = true;
    if (keyword == "ENHANCEDSTATUSCODES") found.enhanced_codes = true;
    if (keyword == "DSN") found.dsn = true;
    if (keyword == "SIZE") {
      found.size = true;
      if (!line.empty()) found.max_size = parse_number(line.front()).value_or(0);
    }
    if (keyword == "AUTH") add_mechanisms(found.mechanisms, line);
    if (keyword.starts_with("AUTH=")) {  // the form before RFC 2554; some servers still send it
      line.insert(line.begin(), std::string_view(keyword).substr(5));
      add_mechanisms(found.mechanisms, line);
    }
  }
  return found;
}

std::string enhanced_code(const Reply& reply) {
  if (reply.lines.empty()) return {};
  const std::string_view text = reply.lines.front();
  const std::string_view word = text.substr(0, text.find(' '));
  const auto parts = split(word, '.');
  const auto number = [](std::string_view part) {
    return !part.empty() && part.size() <= 3 && std::ranges::all_of(part, digit);
  };
  if (parts.size() != 3 || !std::ranges::all_of(parts, number)) return {};
  // RFC 2034 section 4: the class must match the first digit of the code. Otherwise the text only
  // looks like a code.
  return parts[0] == std::to_string(reply.code / 100) ? std::string(word) : std::string();
}

std::string mail_command(const MailArguments& mail, const Capabilities& server) {
  return "MAIL FROM:<" + mail.address + ">" +
         kept(mail.parameters,
              [&](const std::string& keyword) {
                // SMTPUTF8 is not left out: without it the address would be invalid, and the caller
                // has checked for it.
                if (keyword == "SIZE") return server.size;
                if (keyword == "BODY") return server.eight_bit;
                if (keyword == "AUTH") return !server.mechanisms.empty();
                if (keyword == "RET" || keyword == "ENVID") return server.dsn;
                return true;
              }) +
         "\r\n";
}

std::string rcpt_command(const RcptArguments& rcpt, const Capabilities& server) {
  return "RCPT TO:<" + rcpt.address + ">" +
         kept(rcpt.parameters, [&](const std::string&) { return server.dsn; }) + "\r\n";
}

}  // namespace gw::smtp
