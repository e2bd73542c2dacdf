// The part of gw-store doctor that examines this host: permissions, certificates, listeners.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "base/clock.h"
#include "net/listener.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/doctor.h"
#include "store/format.h"

namespace gw::cmd {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kBannerTimeout{5'000};
constexpr const char* kInstall = "gw-store certificate install FULLCHAIN KEY";

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777u);
  return text.data();
}

// Adds a finding about the permissions of a file or directory, which may have at most those in
// `allowed`. Skips one that cannot be examined: doctor may run as a user who may not see it, and
// other findings report what is missing.
void examine_mode(const std::string& path, mode_t allowed, std::string_view what,
                  std::vector<Diagnosis>& findings) {
  struct stat state {};
  if (::stat(path.c_str(), &state) != 0) return;
  const mode_t mode = state.st_mode & 07777u;
  Diagnosis finding{"permissions", Level::Good, path, "mode " + octal(mode), {}};
  if ((mode & 0777u & ~allowed) != 0) {
    finding.level = Level::Trouble;
    finding.text =
        std::string(what) + " has mode " + octal(mode) + "; at most " + octal(allowed) + " is safe";
    finding.hint = "chmod " + octal(mode & allowed) + " " + path;
  }
  findings.push_back(std::move(finding));
}

// Returns why this user may not read the file; empty if nothing prevents it, or another error does.
std::string denied(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (fd) return {};
  const Error error = Error::from_errno(path);
  return error.code() == Code::Denied ? error.text() : std::string();
}

void examine_certificate(const config::Certificate& pair, bool first, const std::string& host,
                         const std::string& more, const DiagnosisLimits& limits,
                         std::vector<Diagnosis>& findings) {
  Diagnosis finding{"certificate", Level::Good, pair.certificate, {}, {}};
  std::string why = denied(pair.certificate);
  if (why.empty()) why = denied(pair.key);
  if (!why.empty()) {
    // The servers run as other users, who may read it.
    finding.level = Level::Unknown;
    finding.text = "cannot be examined: " + why;
    finding.hint = more;
    findings.push_back(std::move(finding));
    return;
  }
  const auto tls = net::ServerTls::load({{pair.certificate, pair.key}});
  if (!tls) {
    finding.level = Level::Trouble;
    finding.text = tls.error().text();
    finding.hint = kInstall;
    findings.push_back(std::move(finding));
    return;
  }
  const std::int64_t left = ((*tls)->not_after() - now()) / 1'000'000;
  finding.text = left < 0 ? "expired " + shown_age(-left) + " ago" : "expires in " + shown_age(left);
  if (left < limits.certificate.count()) {
    finding.level = left < 0 ? Level::Trouble : Level::Warning;
    finding.hint = kInstall;
  }
  findings.push_back(std::move(finding));
  // The first certificate is the default, sent to clients without SNI; the others may be for other
  // names.
  if (first && !host.empty() && !(*tls)->covers(host)) {
    findings.push_back({"certificate", Level::Warning, pair.certificate, "is not valid for " + host,
                        "get a certificate for this host: senders that verify names do not deliver"});
  }
}

Result<Fd> connect_to(const net::ListenSpec& spec) {
  sockaddr_storage to{};
  socklen_t length = 0;
  auto* four = reinterpret_cast<sockaddr_in*>(&to);
  auto* six = reinterpret_cast<sockaddr_in6*>(&to);
  if (::inet_pton(AF_INET, spec.host.c_str(), &four->sin_addr) == 1) {
    // A listener on all addresses is reached over the loopback address.
    if (four->sin_addr.s_addr == htonl(INADDR_ANY)) four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    four->sin_family = AF_INET;
    four->sin_port = htons(spec.port);
    length = sizeof *four;
  } else if (::inet_pton(AF_INET6, spec.host.c_str(), &six->sin6_addr) == 1) {
    if (IN6_IS_ADDR_UNSPECIFIED(&six->sin6_addr)) six->sin6_addr = in6addr_loopback;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(spec.port);
    length = sizeof *six;
  } else {
    return Error(Code::Usage, "`" + spec.host + "` is not an IP address");
  }
  Fd fd(::socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return Error::from_errno("socket");
  const timeval patience{std::chrono::duration_cast<std::chrono::seconds>(kBannerTimeout).count(), 0};
  // SO_SNDTIMEO also limits connect(2).
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), length) != 0) return Error::from_errno("connect");
  return fd;
}

// Returns the greeting, the first line that a client receives.
Result<std::string> greeting(const net::ListenSpec& spec) {
  auto fd = connect_to(spec);
  if (!fd) return fd.error();
  net::Stream stream(std::move(*fd), net::Peer{});
  stream.set_timeout(kBannerTimeout);
  if (spec.implicit_tls) {
    net::ClientPolicy any;
    any.verify = false;  // examine_certificate() checks the certificate's file
    const auto tls = net::ClientTls::make(any);
    if (!tls) return tls.error();
    if (auto done = stream.connect_tls(**tls, "localhost", kBannerTimeout); !done) return done.error();
  }
  std::array<std::byte, 512> data{};
  const auto got = stream.read(data);
  if (!got) return got.error();
  // The first read is enough: a greeting is one short line, sent at the same time.
  const std::string_view text = as_text(ByteView(data).first(*got));
  return std::string(text.substr(0, text.find_first_of("\r\n")));
}

void examine_listener(const std::string& where, std::string_view protocol, std::string_view expected,
                      std::vector<Diagnosis>& findings) {
  Diagnosis finding{"listener", Level::Good, std::string(protocol) + " " + where, {}, {}};
  const auto spec = net::parse_listen(where);
  const Result<std::string> heard = spec ? greeting(*spec) : spec.error();
  if (heard && heard->starts_with(expected)) {
    finding.text = "responds";
  } else {
    finding.level = Level::Trouble;
    finding.text = !heard           ? heard.error().text()
                   : heard->empty() ? std::string("closes the connection")
                                    : "replied `" + *heard + "`";
    finding.hint = "start gw-" + std::string(protocol) + "d, or remove the address from gw.toml";
  }
  findings.push_back(std::move(finding));
}

}  // namespace

std::string permitted(const config::Config& config) {
  return config.vault == "/var/lib/gw" ? "sudo -u gw-admin gw-store doctor" : "sudo gw-store doctor";
}

void examine_host(const config::Config& config, const DiagnosisLimits& limits,
                  std::vector<Diagnosis>& findings) {
  examine_mode(config.vault, 0700, "the vault directory", findings);
  examine_mode(config.vault + "/history.key", 0600, "the history key", findings);
  bool first = true;
  for (const config::Certificate& pair : config.certificates) {
    // The servers run as different users and share the key by a group.
    examine_mode(pair.key, 0640, "a certificate's key", findings);
    examine_certificate(pair, std::exchange(first, false), config.host, permitted(config), limits, findings);
  }
  // RFC 5321, section 4.2 (220) and RFC 1939, section 3 (+OK).
  for (const std::string& where : config.smtpd.listen) examine_listener(where, "smtp", "220", findings);
  for (const std::string& where : config.pop3d.listen) examine_listener(where, "pop3", "+OK", findings);
}

}  // namespace gw::cmd
