#include "sasl/credential_forwarder.h"

#include "base/encoding.h"
#include "base/text.h"
#include "sasl/login.h"
#include "sasl/plain.h"

namespace gw::sasl {
namespace {

constexpr std::size_t kMaxForwardedName = 255;
constexpr char kSeparator = '\x01';

// Concatenates directly into locked memory: a std::string would leave copies of the password.
Secret joined(std::initializer_list<std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view piece : pieces) size += piece.size();
  Secret all(size);
  std::size_t at = 0;
  for (const std::string_view piece : pieces) {
    std::ranges::copy(as_bytes(piece), all.span().begin() + static_cast<std::ptrdiff_t>(at));
    at += piece.size();
  }
  return all;
}

// Secret does not copy, so a std::vector of them has no initializer list.
template <class... Secrets>
std::vector<Secret> listed(Secrets... secrets) {
  std::vector<Secret> list;
  (list.push_back(std::move(secrets)), ...);
  return list;
}

// The common part of PLAIN and LOGIN: parses with the server-side mechanism.
class NameAndPassword : public CredentialForwarder {
 public:
  const Secret* password() const override { return &password_; }
  std::string_view acts_as() const override {
    return authorization_.empty() || acts_as_itself_ ? login_ : authorization_;
  }

 protected:
  explicit NameAndPassword(std::unique_ptr<Mechanism> mechanism) : mechanism_(std::move(mechanism)) {}

  Step take(Secret message) override {
    if (!std::exchange(started_, true)) return step(mechanism_->start(std::move(message)));
    return step(mechanism_->respond(std::move(message)));
  }
  // Returns the authorization identity for upstream. Some clients repeat the login there;
  // set_login() must then change both, or upstream would see a foreign identity.
  std::string_view authorization() const { return acts_as_itself_ ? login_ : authorization_; }

 private:
  Step step(sasl::Step step) {
    if (auto* challenge = std::get_if<Challenge>(&step))
      return Challenge{to_base64(as_bytes(challenge->text))};
    auto* credentials = std::get_if<Credentials>(&step);
    if (credentials == nullptr) return Malformed{};
    login_ = std::move(credentials->authentication);
    authorization_ = std::move(credentials->authorization);
    acts_as_itself_ = authorization_ == login_;
    password_ = std::move(credentials->password);
    return Ready{};
  }

  std::unique_ptr<Mechanism> mechanism_;
  bool started_ = false;
  bool acts_as_itself_ = false;
  std::string authorization_;
  Secret password_;
};

class PlainPassed : public NameAndPassword {
 public:
  PlainPassed() : NameAndPassword(std::make_unique<Plain>()) {}
  std::string_view mechanism() const override { return "PLAIN"; }

 protected:
  std::vector<Secret> give() const override {
    constexpr std::string_view kNul("\0", 1);
    return listed(joined({authorization(), kNul, login_, kNul, password()->text()}));
  }
};

class LoginPassed : public NameAndPassword {
 public:
  LoginPassed() : NameAndPassword(std::make_unique<Login>()) {}
  std::string_view mechanism() const override { return "LOGIN"; }

 protected:
  std::string_view first_challenge() const override { return "Username:"; }
  std::vector<Secret> give() const override { return listed(Secret(as_bytes(login_)), password()->clone()); }
};

bool valid_login(std::string_view login) {
  return login.size() <= kMaxForwardedName && valid_utf8(login) && !has_control(login);
}

// `user=NAME^Aauth=Bearer TOKEN^A^A`, defined by Google and also used by Microsoft. Only the name
// is parsed; the rest, which has the token, is passed on unchanged.
class Xoauth2 : public CredentialForwarder {
 public:
  std::string_view mechanism() const override { return "XOAUTH2"; }

 protected:
  Step take(Secret message) override {
    constexpr std::string_view kUser = "user=";
    const std::string_view text = message.text();
    const std::size_t end = text.find(kSeparator);
    if (!text.starts_with(kUser) || end == std::string_view::npos) return Malformed{};
    const std::string_view name = text.substr(kUser.size(), end - kUser.size());
    if (name.empty() || !valid_login(name)) return Malformed{};
    login_ = name;
    rest_ = Secret(as_bytes(text.substr(end)));
    return Ready{};
  }
  std::vector<Secret> give() const override { return listed(joined({"user=", login_, rest_.text()})); }

 private:
  Secret rest_;
};

// Decodes a saslname. RFC 5801 section 4: a GS2 header writes a comma as `=2C` and an equals sign
// as `=3D`. Returns nullopt for any other use of `=`.
std::optional<std::string> from_saslname(std::string_view text) {
  std::string name;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
    } else if (text.substr(i, 3) == "=2C" || text.substr(i, 3) == "=3D") {
      name += text[i + 1] == '2' ? ',' : '=';
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return name;
}

std::string to_saslname(std::string_view name) {
  std::string text;
  for (const char c : name) {
    if (c == ',')
      text += "=2C";
    else if (c == '=')
      text += "=3D";
    else
      text += c;
  }
  return text;
}

// `n,a=NAME,^Ahost=…^Aauth=Bearer TOKEN^A^A` (RFC 7628 section 3.1).
class OauthBearer : public CredentialForwarder {
 public:
  std::string_view mechanism() const override { return "OAUTHBEARER"; }

 protected:
  Step take(Secret message) override {
    const std::string_view text = message.text();
    const std::size_t end = text.find(kSeparator);
    // Only `n`, no channel binding: it would bind to the TLS connection between client and proxy,
    // and fail at upstream.
    if (end == std::string_view::npos || !text.starts_with("n,") || text[end - 1] != ',' || end < 3)
      return Malformed{};
    std::string_view name = text.substr(2, end - 3);
    if (name.find(',') != std::string_view::npos) return Malformed{};
    if (!name.empty()) {
      if (!name.starts_with("a=")) return Malformed{};
      const auto decoded = from_saslname(name.substr(2));
      if (!decoded || decoded->empty() || !valid_login(*decoded)) return Malformed{};
      login_ = *decoded;
    }
    rest_ = Secret(as_bytes(text.substr(end)));
    return Ready{};
  }
  std::vector<Secret> give() const override {
    const std::string name = login_.empty() ? "" : "a=" + to_saslname(login_);
    return listed(joined({"n,", name, ",", rest_.text()}));
  }

 private:
  Secret rest_;
};

}  // namespace

std::unique_ptr<CredentialForwarder> CredentialForwarder::begin(std::string_view mechanism) {
  if (iequals(mechanism, "PLAIN")) return std::make_unique<PlainPassed>();
  if (iequals(mechanism, "LOGIN")) return std::make_unique<LoginPassed>();
  if (iequals(mechanism, "XOAUTH2")) return std::make_unique<Xoauth2>();
  if (iequals(mechanism, "OAUTHBEARER")) return std::make_unique<OauthBearer>();
  return nullptr;
}

CredentialForwarder::Step CredentialForwarder::start(std::optional<std::string_view> initial) {
  if (!initial) return Challenge{to_base64(as_bytes(first_challenge()))};
  if (*initial == "=") return take(Secret());
  // As in Exchange::start(): a response of zero bytes is written `=`.
  if (initial->empty()) return Malformed{};
  return respond(*initial);
}

CredentialForwarder::Step CredentialForwarder::respond(std::string_view line) {
  if (line == "*") return Cancelled{};
  auto message = from_base64_secret(line);
  if (!message) return Malformed{};
  return take(std::move(*message));
}

std::vector<Secret> CredentialForwarder::messages() const {
  std::vector<Secret> encoded;
  for (const Secret& message : give()) encoded.push_back(to_base64_secret(message.view()));
  return encoded;
}

}  // namespace gw::sasl
