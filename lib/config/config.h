// gw.toml: where and how this host listens. The vault says who.
//
// Every key is known here: an unknown one is an error that names it, its line, and the nearest known
// one. Relative paths in a file start from that file's folder.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gw::config {

struct Server {
  std::vector<std::string> listen;  // `[::]:25`, `[::]:465,tls`; of the proxy `work=[::]:587`
  std::size_t max_connections = 1000;
  std::size_t max_per_source = 250;
  std::chrono::seconds idle_timeout{300};
  std::vector<std::string> exempt;  // blocks of sources that max_per_source does not count
  bool require_tls = false;
  bool allow_plaintext_auth = false;  // works on loopback only
  std::string user;                   // that root's server becomes; empty: by the rules of gate/confinement.h
  std::string sandbox = "auto";       // "auto" | "off" | "require"
  std::vector<std::string> proxy_protocol;  // blocks of balancers, `10.0.0.0/8`: a PROXY header comes first
};

struct Smtpd : Server {
  std::uint64_t max_size = 512ull << 20;
  std::size_t max_recipients = 1000;
  bool reject_bare_newline = false;  // bare-newline = "keep" | "reject"
  std::chrono::seconds data_timeout{180};
};

struct Pop3d : Server {
  Pop3d() { idle_timeout = std::chrono::seconds(600); }
  std::chrono::seconds login_timeout{60};  // that clients may keep the server waiting, in all, before a login
};

struct Proxy : Server {
  Proxy() { idle_timeout = std::chrono::seconds(600); }
  std::chrono::seconds login_timeout{60};
  std::uint64_t max_size = 512ull << 20;
  std::size_t max_recipients = 1000;
  std::chrono::seconds data_timeout{180};
  std::string fingerprint_key;  // file; empty: by the rules of gate/fingerprint_key.h
};

struct Webd : Server {
  Webd() { idle_timeout = std::chrono::seconds(30); }
  std::vector<std::string> hosts;                     // names, beside `host`, that the console answers to
  std::vector<std::string> trusted_proxy;             // blocks, or `unix`: web servers that say who asks
  std::chrono::seconds session_idle{15 * 60};         // a session that is not used ends after this
  std::chrono::seconds session_length{12 * 60 * 60};  // and any other after this
};

struct Keeper {
  bool metrics = false;  // whether it makes RUN/metrics, for collectors (gate/metrics_socket.h)
};

struct Certificate {
  std::string certificate;
  std::string key;
};

struct Config {
  std::string host;          // empty: the system's host name
  std::string vault;         // folder; empty: /var/lib/gw
  std::string run;           // folder of the keeper's sockets; empty: by the rules of keeper/start.h
  std::string log = "auto";  // "auto" | "stderr" | "syslog" | "journal"
  std::vector<Certificate> certificates;  // [tls], then [[tls.certificates]]
  Smtpd smtpd;
  Pop3d pop3d;
  Proxy proxy;
  Webd webd;
  Keeper store;  // [store]: of `gw-store serve`
};

// Config, as `FILE:LINE:COLUMN: what`, for a file that cannot be used.
Result<Config> load(const std::string& path);
Result<Config> parse(std::string_view text, const std::string& path);

// `--config`, else $GW_CONFIG, else /etc/gw/gw.toml if it is there, else the defaults. `--vault`,
// else $GW_VAULT, else `vault` in the file, else /var/lib/gw is already in the result, as an absolute
// path. Where no certificate is configured and the vault holds the one that `gw-store init
// --self-signed` makes, that one is in the result.
Result<Config> find(const std::optional<std::string>& config_option,
                    const std::optional<std::string>& vault_option);

// Where POP3 with TLS from the start is listened for, by [pop3d]; 995 where it does not say.
std::string pop3s_port(const Config& config);

// The values in force, as a gw.toml that parses to the same.
std::string dump(const Config& config);

}  // namespace gw::config
