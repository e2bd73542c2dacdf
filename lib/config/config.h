// gw.toml (gw.toml(5)): where and how this host listens. Users, mailboxes and routes are in the
// vault, not here.
//
//   auto config = config::find(config_option, vault_option);
//   if (!config) return config.error();
//   serve(config->smtpd.listen);
//
// All keys are known to the parser. An unknown key is an error that names the key, its line, and
// the nearest known key. Relative paths in the file start from the file's directory. The defaults
// below are those of gw.toml(5).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::config {

// The settings that all servers have in common.
struct Server {
  // Values of --listen: `[::]:25`, `[::]:465,tls`; for the proxy `work=[::]:587`.
  std::vector<std::string> listen;
  std::size_t max_connections = 1000;
  // Connections at one time from one IPv4 address or IPv6 /64.
  std::size_t max_per_source = 250;
  // How long a client may be silent.
  std::chrono::seconds idle_timeout{300};
  std::vector<std::string> exempt;  // CIDR blocks whose connections max_per_source does not limit
  // On a connection without TLS only STARTTLS or STLS is answered.
  bool require_tls = false;
  bool allow_plaintext_auth = false;  // takes passwords without TLS, but from this host only
  // The user that the server changes to if root starts it. Empty: chosen as daemon/confinement.h
  // describes.
  std::string user;
  std::string sandbox = "auto";  // "auto" | "off" | "require": sandbox::Mode
  // CIDR blocks of load balancers: connections from there begin with a PROXY header.
  std::vector<std::string> proxy_protocol;
};

// [smtpd]: gw-smtpd.
struct Smtpd : Server {
  // Largest mail, in bytes.
  std::uint64_t max_size = 512ull << 20;
  // Recipients in one SMTP transaction.
  std::size_t max_recipients = 1000;
  // `bare-newline` in the file: "reject" refuses mail with a CR or LF that is not part of a CRLF,
  // "keep" stores it unchanged.
  bool reject_bare_newline = false;
  // How long the next piece of a mail may take.
  std::chrono::seconds data_timeout{180};
};

// [pop3d]: gw-pop3d.
struct Pop3d : Server {
  Pop3d() { idle_timeout = std::chrono::seconds(600); }
  // How long a client may keep the server waiting in total before it has logged in.
  std::chrono::seconds login_timeout{60};
};

// [proxy]: gw-proxy. The members mean the same as those of Smtpd and Pop3d.
struct Proxy : Server {
  Proxy() { idle_timeout = std::chrono::seconds(600); }
  std::chrono::seconds login_timeout{60};
  std::uint64_t max_size = 512ull << 20;
  std::size_t max_recipients = 1000;
  std::chrono::seconds data_timeout{180};
  // Path of the key file. Empty: chosen as proxy/fingerprint_key.h describes.
  std::string fingerprint_key;
};

// [webd]: gw-webd.
struct Webd : Server {
  Webd() { idle_timeout = std::chrono::seconds(30); }
  // Names beside `host` and those in the certificate that the console answers to.
  std::vector<std::string> hosts;
  // CIDR blocks, or `unix`: web servers whose X-Forwarded-For header is believed.
  std::vector<std::string> trusted_proxy;
  // A session ends after this time without a request,
  std::chrono::seconds session_idle{15 * 60};
  // and after this time in any case.
  std::chrono::seconds session_length{12 * 60 * 60};
};

// [store]: the keeper, `gw-store serve`.
struct Keeper {
  // Creates the socket RUN/metrics, from which collectors read OpenMetrics (daemon/metrics_socket.h).
  bool metrics = false;
};

// Paths of two PEM files.
struct Certificate {
  // The certificate and its chain.
  std::string certificate;
  std::string key;
};

// The whole file. Defaults stand for keys that are absent.
struct Config {
  std::string host;                       // this host's name; empty: the system's host name
  std::string vault;                      // directory; empty: /var/lib/gw
  std::string run;                        // directory of the keeper's sockets; empty: see keeper/start.h
  std::string log = "auto";               // "auto" | "stderr" | "syslog" | "journal"
  std::vector<Certificate> certificates;  // [tls], then [[tls.certificates]]
  Smtpd smtpd;
  Pop3d pop3d;
  Proxy proxy;
  Webd webd;
  Keeper store;  // [store]
};

// Reads the file `path`. Fails with Config; the error text begins with `FILE:LINE:COLUMN: `, or
// names the reason why the file cannot be read.
Result<Config> load(const std::string& path);
// Parses `text` as the contents of the file `path`, which need not exist. Fails like load().
Result<Config> parse(std::string_view text, const std::string& path);

// Finds and reads the configuration of this process: the file `config_option` (--config), else
// $GW_CONFIG, else /etc/gw/gw.toml if it exists, else the defaults alone.
//
// Sets `vault` to an absolute path: `vault_option` (--vault), else $GW_VAULT, else the file's
// `vault`, else /var/lib/gw. If no certificate is configured and the vault holds the one that
// `gw-store init --self-signed` creates, uses that. Fails like load(), also if a file that was
// named does not exist.
Result<Config> find(const std::optional<std::string>& config_option,
                    const std::optional<std::string>& vault_option);

// Returns the port of the first `,tls` address in [pop3d], for instructions to users; `995` if
// there is none.
std::string pop3s_port(const Config& config);

// Returns the settings as the text of a gw.toml that parse() reads back to the same values.
std::string dump(const Config& config);

}  // namespace gw::config
