#include "config/config.h"

#include "config/default_certificate.h"

#include <toml++/toml.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "base/file.h"
#include "base/text.h"

namespace gw::config {
namespace {

constexpr std::string_view kSystemFile = "/etc/gw/gw.toml";
constexpr std::string_view kSystemVault = "/var/lib/gw";
constexpr std::string_view kSystemRun = "/run/gw";
constexpr std::string_view kSystemTls = "/etc/gw/tls";

// The file that is being read: its name for error messages, and the directory that relative paths
// start from.
struct Source {
  std::string path;
  std::filesystem::path folder;

  Error at(const toml::source_position& place, std::string_view what) const {
    return Error(Code::Config, path + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) +
                                   ": " + std::string(what));
  }
  Error at(const toml::node& node, std::string_view what) const { return at(node.source().begin, what); }
};

// Stores the value of a key. Returns what is wrong with it, to follow the key's name in the error
// text; empty if nothing is. The functions below return one for each type; it holds a reference to
// the variable.
using Take = std::function<std::string(const toml::node&)>;
struct Key {
  std::string_view name;
  Take take;
};

// value_exact does no conversion: a number is not accepted as a string. Control characters are
// refused because these values end up in log lines and SMTP greetings.
Take text(std::string& to) {
  return [&to](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (!value) return "must be a string";
    if (has_control(*value)) return "must not contain control characters";
    to = *value;
    return {};
  };
}

Take path(std::string& to, const Source& source) {
  return [&to, &source](const toml::node& node) -> std::string {
    std::string given;
    if (std::string wrong = text(given)(node); !wrong.empty()) return wrong;
    if (given.empty()) return "must not be empty";
    to = (source.folder / given).lexically_normal().string();
    return {};
  };
}

Take texts(std::vector<std::string>& to) {
  return [&to](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "must be an array of strings";
    to.clear();
    for (const toml::node& each : *array) {
      std::string one;
      if (!text(one)(each).empty() || one.empty()) return "must be an array of strings";
      to.push_back(std::move(one));
    }
    return {};
  };
}

Take boolean(bool& to) {
  return [&to](const toml::node& node) -> std::string {
    const auto value = node.value_exact<bool>();
    if (!value) return "must be true or false";
    to = *value;
    return {};
  };
}

// A key with two values: `no` stores false, `yes` stores true.
Take choice(bool& to, std::string_view no, std::string_view yes) {
  return [&to, no, yes](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (value && (*value == no || *value == yes)) {
      to = *value == yes;
      return {};
    }
    return "must be \"" + std::string(no) + "\" or \"" + std::string(yes) + "\"";
  };
}

// A key with several values.
Take word(std::string& to, std::vector<std::string_view> words) {
  return [&to, words = std::move(words)](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::string>();
    if (value && std::find(words.begin(), words.end(), *value) != words.end()) {
      to = *value;
      return {};
    }
    std::string list;
    for (const std::string_view each : words)
      list += (list.empty() ? "\"" : each == words.back() ? " or \"" : ", \"") + std::string(each) + "\"";
    return "must be " + list;
  };
}

std::string out_of_range(std::uint64_t least, std::uint64_t most) {
  return "must be from " + std::to_string(least) + " to " + std::to_string(most);
}

template <class Number>
Take count(Number& to, std::uint64_t least, std::uint64_t most) {
  return [&to, least, most](const toml::node& node) -> std::string {
    const auto value = node.value_exact<std::int64_t>();
    if (!value) return "must be an integer";
    // A negative number becomes a huge one by the cast, so the sign is checked on the original.
    const auto number = static_cast<std::uint64_t>(*value);
    if (*value < 0 || number < least || number > most) return out_of_range(least, most);
    to = static_cast<Number>(number);
    return {};
  };
}

// Takes a number of bytes, or a string with a unit.
Take size(std::uint64_t& to, std::uint64_t least, std::uint64_t most) {
  return [&to, least, most](const toml::node& node) -> std::string {
    std::optional<std::uint64_t> size;
    if (const auto words = node.value_exact<std::string>()) {
      size = parse_size(*words);
    } else if (const auto number = node.value_exact<std::int64_t>(); number && *number >= 0) {
      size = static_cast<std::uint64_t>(*number);
    }
    if (!size) return "must be a size: bytes, or a string such as \"200 MiB\"";
    if (*size < least || *size > most) return out_of_range(least, most) + " bytes";
    to = *size;
    return {};
  };
}

// Takes a number of seconds, or a string with a unit.
Take duration(std::chrono::seconds& to, std::chrono::seconds most = std::chrono::hours(24)) {
  return [&to, most](const toml::node& node) -> std::string {
    std::optional<std::chrono::seconds> time;
    if (const auto words = node.value_exact<std::string>()) {
      time = parse_duration(*words);
    } else if (const auto number = node.value_exact<std::int64_t>()) {
      time = std::chrono::seconds(*number);
    }
    if (!time) return "must be a duration: seconds, or a string such as \"10m\"";
    if (*time < std::chrono::seconds(1) || *time > most) {
      return out_of_range(1, static_cast<std::uint64_t>(most.count())) + " seconds";
    }
    to = *time;
    return {};
  };
}

// Stores all keys of a table. The first error ends it.
Result<void> read_table(const toml::table& table, const std::string& name, const std::vector<Key>& keys,
                        const Source& source) {
  for (const auto& [key, node] : table) {
    const std::string_view word = key.str();
    const std::string full = name.empty() ? std::string(word) : name + "." + std::string(word);
    const auto known =
        std::find_if(keys.begin(), keys.end(), [&](const Key& each) { return each.name == word; });
    if (known == keys.end()) {
      std::vector<std::string_view> names;
      for (const Key& each : keys) names.push_back(each.name);
      // Unknown keys are errors, because a mistyped limit or TLS setting would otherwise silently
      // keep its default.
      const std::string_view near = nearest(word, names);
      const std::string hint = near.empty() ? "" : "; did you mean `" + std::string(near) + "`?";
      return source.at(key.source().begin, "unknown key `" + printable(full) + "`" + hint);
    }
    if (const std::string wrong = known->take(node); !wrong.empty()) {
      return source.at(node, "`" + printable(full) + "` " + wrong);
    }
  }
  return {};
}

// A key that holds a table. Errors inside it have their own position in the file, so they are
// returned through `failed` instead of as text about this key.
Take table(std::string name, std::vector<Key> keys, const Source& source, std::optional<Error>& failed) {
  return [name = std::move(name), keys = std::move(keys), &source,
          &failed](const toml::node& node) -> std::string {
    const toml::table* inner = node.as_table();
    if (inner == nullptr) return "must be a table";
    if (auto read = read_table(*inner, name, keys, source); !read && !failed) failed = read.error();
    return {};
  };
}

std::vector<Key> serving_keys(Server& server) {
  return {{"listen", texts(server.listen)},
          {"max-connections", count(server.max_connections, 1, 1'000'000)},
          {"max-per-source", count(server.max_per_source, 1, 1'000'000)},
          {"exempt", texts(server.exempt)},
          {"idle-timeout", duration(server.idle_timeout)},
          {"user", text(server.user)},
          {"sandbox", word(server.sandbox, {"auto", "off", "require"})},
          {"proxy-protocol", texts(server.proxy_protocol)}};
}

// The keys of the servers that speak SMTP or POP3.
std::vector<Key> server_keys(Server& server) {
  std::vector<Key> keys = serving_keys(server);
  keys.push_back({"require-tls", boolean(server.require_tls)});
  keys.push_back({"allow-plaintext-auth", boolean(server.allow_plaintext_auth)});
  return keys;
}

std::vector<Key> smtpd_keys(Smtpd& smtpd) {
  std::vector<Key> keys = server_keys(smtpd);
  keys.push_back({"max-size", size(smtpd.max_size, 1, 1ull << 40)});
  keys.push_back({"max-recipients", count(smtpd.max_recipients, 1, 100'000)});
  keys.push_back({"bare-newline", choice(smtpd.reject_bare_newline, "keep", "reject")});
  keys.push_back({"data-timeout", duration(smtpd.data_timeout)});
  return keys;
}

std::vector<Key> pop3d_keys(Pop3d& pop3d) {
  std::vector<Key> keys = server_keys(pop3d);
  keys.push_back({"login-timeout", duration(pop3d.login_timeout)});
  return keys;
}

std::vector<Key> proxy_keys(Proxy& proxy, const Source& source) {
  std::vector<Key> keys = server_keys(proxy);
  keys.push_back({"login-timeout", duration(proxy.login_timeout)});
  keys.push_back({"max-size", size(proxy.max_size, 1, 1ull << 40)});
  keys.push_back({"max-recipients", count(proxy.max_recipients, 1, 100'000)});
  keys.push_back({"data-timeout", duration(proxy.data_timeout)});
  keys.push_back({"fingerprint-key", path(proxy.fingerprint_key, source)});
  return keys;
}

std::vector<Key> webd_keys(Webd& webd) {
  std::vector<Key> keys = serving_keys(webd);
  keys.push_back({"hosts", texts(webd.hosts)});
  keys.push_back({"trusted-proxy", texts(webd.trusted_proxy)});
  keys.push_back({"session-idle", duration(webd.session_idle)});
  keys.push_back({"session-length", duration(webd.session_length, std::chrono::hours(24 * 7))});
  return keys;
}

std::vector<Key> certificate_keys(Certificate& pair, const Source& source) {
  return {{"certificate", path(pair.certificate, source)}, {"key", path(pair.key, source)}};
}

bool complete(const Certificate& pair) {
  return !pair.certificate.empty() && !pair.key.empty();
}

// [[tls.certificates]]: each table must have both keys.
Take more_certificates(std::vector<Certificate>& to, const Source& source, std::optional<Error>& failed) {
  return [&to, &source, &failed](const toml::node& node) -> std::string {
    const toml::array* array = node.as_array();
    if (array == nullptr) return "must be an array of tables";
    for (const toml::node& each : *array) {
      const toml::table* inner = each.as_table();
      if (inner == nullptr) return "must be an array of tables";
      Certificate pair;
      auto read = read_table(*inner, "tls.certificates", certificate_keys(pair, source), source);
      if (!read && !failed) failed = read.error();
      if (read && !complete(pair) && !failed) failed = source.at(each, "needs both `certificate` and `key`");
      to.push_back(std::move(pair));
    }
    return {};
  };
}

std::filesystem::path absolute(const std::string& given) {
  std::error_code failed;
  std::filesystem::path full = std::filesystem::absolute(given, failed);
  return failed ? std::filesystem::path(given) : full.lexically_normal();
}

Result<Config> read(const toml::table& root, const Source& source) {
  Config config;
  Certificate first;
  std::vector<Certificate> more;
  std::optional<Error> failed;
  std::vector<Key> tls = certificate_keys(first, source);
  tls.push_back({"certificates", more_certificates(more, source, failed)});
  auto done =
      read_table(root, "",
                 {{"host", text(config.host)},
                  {"vault", path(config.vault, source)},
                  {"run", path(config.run, source)},
                  {"log", word(config.log, {"auto", "stderr", "syslog", "journal"})},
                  {"tls", table("tls", std::move(tls), source, failed)},
                  {"smtpd", table("smtpd", smtpd_keys(config.smtpd), source, failed)},
                  {"pop3d", table("pop3d", pop3d_keys(config.pop3d), source, failed)},
                  {"proxy", table("proxy", proxy_keys(config.proxy, source), source, failed)},
                  {"webd", table("webd", webd_keys(config.webd), source, failed)},
                  {"store", table("store", {{"metrics", boolean(config.store.metrics)}}, source, failed)}},
                 source);
  // An error inside a table comes first, since it has the better position.
  if (failed) return *failed;
  if (!done) return done.error();
  if (complete(first)) {
    config.certificates.push_back(std::move(first));
  } else if (!first.certificate.empty() || !first.key.empty()) {
    return source.at(*root.get("tls"), "needs both `certificate` and `key`");
  }
  for (Certificate& pair : more) config.certificates.push_back(std::move(pair));
  return config;
}

}  // namespace

// toml++ reports syntax errors by exceptions; this is the only place that catches them.
Result<Config> parse(std::string_view data, const std::string& path) {
  const Source source{path, absolute(path).parent_path()};
  try {
    return read(toml::parse(data, path), source);
  } catch (const toml::parse_error& error) {
    return source.at(error.source().begin, printable(error.description()));
  }
}

Result<Config> load(const std::string& path) {
  auto data = read_file(path);
  if (!data) return Error(Code::Config, data.error().within("cannot read the configuration").text());
  return parse(*data, path);
}

Result<Config> find(const std::optional<std::string>& config_option,
                    const std::optional<std::string>& vault_option) {
  // An empty variable counts as not set, as is usual for shell scripts.
  const auto from_environment = [](const char* name) {
    const char* value = std::getenv(name);
    return value != nullptr && *value != '\0' ? std::optional<std::string>(value) : std::nullopt;
  };
  std::optional<std::string> path = config_option ? config_option : from_environment("GW_CONFIG");
  std::error_code ignored;
  if (!path && std::filesystem::exists(kSystemFile, ignored)) path = std::string(kSystemFile);
  Config config;
  if (path) {
    auto loaded = load(*path);
    if (!loaded) return loaded.error();
    config = std::move(*loaded);
  }
  const std::optional<std::string> vault = vault_option ? vault_option : from_environment("GW_VAULT");
  if (vault) config.vault = *vault;
  if (config.vault.empty()) config.vault = std::string(kSystemVault);
  // The keeper is started with another working directory, so a relative path would lead elsewhere.
  // Without a final slash two spellings of a directory are the same text.
  config.vault = absolute(config.vault).string();
  if (config.vault.size() > 1 && config.vault.ends_with('/')) config.vault.pop_back();
  if (config.certificates.empty()) {
    const Certificate own = default_certificate(config);
    if (std::filesystem::exists(own.certificate, ignored)) config.certificates.push_back(own);
  }
  return config;
}

Certificate default_certificate(const Config& config) {
  const bool of_the_system = config.vault == kSystemVault || config.run == kSystemRun;
  const std::string folder = of_the_system ? std::string(kSystemTls) : config.vault + "/tls";
  return {folder + "/certificate.pem", folder + "/key.pem"};
}

std::string pop3s_port(const Config& config) {
  for (const std::string& where : config.pop3d.listen) {
    if (!where.ends_with(",tls")) continue;
    const std::string_view address = std::string_view(where).substr(0, where.size() - 4);
    return std::string(address.substr(address.rfind(':') + 1));
  }
  return "995";
}

}  // namespace gw::config
