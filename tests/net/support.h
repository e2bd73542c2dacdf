// Shared by the tests of net: connected pairs, directories, certificates.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "net/listener.h"
#include "net/serve.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gw::net::test {

inline std::pair<Fd, Fd> socket_pair() {
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

inline std::pair<Stream, Stream> stream_pair() {
  auto [a, b] = socket_pair();
  Peer peer;
  peer.address = "unix";
  std::pair<Stream, Stream> pair{Stream(std::move(a), peer), Stream(std::move(b), peer)};
  pair.first.set_timeout(std::chrono::seconds(10));
  pair.second.set_timeout(std::chrono::seconds(10));
  return pair;
}

// Returns the data of one read, or the error's text in angle brackets.
inline std::string read_once(Stream& stream, std::size_t most = 65536) {
  std::string text(most, '\0');
  auto got = stream.read(std::as_writable_bytes(std::span(text)));
  if (!got) return "<" + got.error().text() + ">";
  text.resize(*got);
  return text;
}

// Reads up to and including the first `end`. Returns less if the stream ends before that.
inline std::string read_until(Stream& stream, std::string_view end) {
  std::string text;
  while (text.find(end) == std::string::npos) {
    const std::string more = read_once(stream, 1);
    if (more.empty() || more.front() == '<') break;
    text += more;
  }
  return text;
}

inline std::string read_all(Stream& stream) {
  std::string text;
  for (;;) {
    const std::string more = read_once(stream);
    if (more.empty()) return text;
    if (more.front() == '<') return text + more;
    text += more;
  }
}

class Directory {
 public:
  Directory() {
    std::string name = (std::filesystem::temp_directory_path() / "gw-net-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline CertificateFiles self_signed(const Directory& directory, const std::string& host) {
  CertificateFiles files{directory / (host + ".crt"), directory / (host + ".key")};
  REQUIRE(make_self_signed(host, files));
  return files;
}

// Returns a TCP connection to a listener of this process.
inline Fd connect_to(const std::string& address) {
  const auto spec = parse_listen(address);
  REQUIRE(spec);
  Fd fd(::socket(spec->host.find(':') != std::string::npos ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
                 0));
  REQUIRE(fd);
  const int done = [&] {
    if (spec->host.find(':') != std::string::npos) {
      sockaddr_in6 to{};
      to.sin6_family = AF_INET6;
      to.sin6_port = htons(spec->port);
      ::inet_pton(AF_INET6, spec->host.c_str(), &to.sin6_addr);
      return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(spec->port);
    ::inet_pton(AF_INET, spec->host.c_str(), &to.sin_addr);
    return ::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to);
  }();
  REQUIRE(done == 0);
  return fd;
}

}  // namespace gw::net::test
