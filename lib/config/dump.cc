#include "base/bytes.h"
#include "base/text.h"
#include "config/config.h"

namespace gw::config {
namespace {

// Returns a TOML basic string. A parsed Config holds no control characters, but one built from
// options may.
std::string quoted_text(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : valid_text(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += "\\u00" + to_hex(as_bytes(std::string_view(&c, 1)));
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void put(std::string& to, std::string_view key, std::string_view value) {
  to.append(key).append(" = ").append(value).append("\n");
}
void put(std::string& to, std::string_view key, bool value) {
  put(to, key, std::string_view(value ? "true" : "false"));
}
void put(std::string& to, std::string_view key, std::uint64_t value) {
  put(to, key, std::to_string(value));
}
void put(std::string& to, std::string_view key, std::chrono::seconds value) {
  put(to, key, std::to_string(value.count()));
}
void put_text(std::string& to, std::string_view key, std::string_view value) {
  put(to, key, quoted_text(value));
}

void put_texts(std::string& to, std::string_view key, const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& each : texts) list += (list.empty() ? "" : ", ") + quoted_text(each);
  put(to, key, "[" + list + "]");
}

// Keys whose default depends on other things (`user`, `host`, `run`) are left out if they are
// empty: an empty string in the file would not mean the same.
void put_serving(std::string& to, const Server& server) {
  put_texts(to, "listen", server.listen);
  put(to, "max-connections", std::uint64_t{server.max_connections});
  put(to, "max-per-source", std::uint64_t{server.max_per_source});
  put_texts(to, "exempt", server.exempt);
  put(to, "idle-timeout", server.idle_timeout);
  if (!server.user.empty()) put_text(to, "user", server.user);
  put_text(to, "sandbox", server.sandbox);
  put_texts(to, "proxy-protocol", server.proxy_protocol);
}

void put_server(std::string& to, const Server& server) {
  put_serving(to, server);
  put(to, "require-tls", server.require_tls);
  put(to, "allow-plaintext-auth", server.allow_plaintext_auth);
}

}  // namespace

std::string dump(const Config& config) {
  std::string to;
  if (!config.host.empty()) put_text(to, "host", config.host);
  if (!config.vault.empty()) put_text(to, "vault", config.vault);
  if (!config.run.empty()) put_text(to, "run", config.run);
  put_text(to, "log", config.log);
  // [tls] holds the first pair; parse() puts it before those in [[tls.certificates]].
  bool first = true;
  for (const Certificate& pair : config.certificates) {
    to += first ? "\n[tls]\n" : "\n[[tls.certificates]]\n";
    put_text(to, "certificate", pair.certificate);
    put_text(to, "key", pair.key);
    first = false;
  }
  to += "\n[smtpd]\n";
  put_server(to, config.smtpd);
  put(to, "max-size", config.smtpd.max_size);
  put(to, "max-recipients", std::uint64_t{config.smtpd.max_recipients});
  put_text(to, "bare-newline", config.smtpd.reject_bare_newline ? "reject" : "keep");
  put(to, "data-timeout", config.smtpd.data_timeout);
  to += "\n[pop3d]\n";
  put_server(to, config.pop3d);
  put(to, "login-timeout", config.pop3d.login_timeout);
  to += "\n[proxy]\n";
  put_server(to, config.proxy);
  put(to, "login-timeout", config.proxy.login_timeout);
  put(to, "max-size", config.proxy.max_size);
  put(to, "max-recipients", std::uint64_t{config.proxy.max_recipients});
  put(to, "data-timeout", config.proxy.data_timeout);
  if (!config.proxy.fingerprint_key.empty()) put_text(to, "fingerprint-key", config.proxy.fingerprint_key);
  to += "\n[webd]\n";
  put_serving(to, config.webd);
  put_texts(to, "hosts", config.webd.hosts);
  put_texts(to, "trusted-proxy", config.webd.trusted_proxy);
  put(to, "session-idle", config.webd.session_idle);
  put(to, "session-length", config.webd.session_length);
  to += "\n[store]\n";
  put(to, "metrics", config.store.metrics);
  return to;
}

}  // namespace gw::config
