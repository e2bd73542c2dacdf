// TLS policy and certificates, on OpenSSL: TLS 1.2 and 1.3 only, with the cipher suites of
// Mozilla's intermediate profile (RFC 9325).
//
//   auto tls = ServerTls::load({{"fullchain.pem", "privkey.pem"}});
//   stream.accept_tls(**tls, timeout, "smtp");
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

typedef struct ssl_ctx_st SSL_CTX;  // OpenSSL's, opaque here

namespace gw::net {

// Paths of two PEM files.
struct CertificateFiles {
  std::string certificate;  // the certificate, followed by its chain
  std::string key;          // its private key, without a passphrase
};

// The certificates that a listener presents. Immutable and thread-safe: a reload creates a new
// object, and existing connections keep theirs.
class ServerTls {
 public:
  // Reads all pairs. The client's SNI selects one of them by the names in the certificates; the
  // first is the default. Fails with Config, with file and reason, if a file cannot be read or
  // parsed, or if key and certificate do not belong together.
  static Result<std::shared_ptr<const ServerTls>> load(const std::vector<CertificateFiles>& files);
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;
  ~ServerTls();
  // The default certificate's context. Valid as long as this object.
  SSL_CTX* context() const { return context_; }
  // The contexts of the other certificates, for SNI.
  const std::vector<SSL_CTX*>& others() const { return others_; }
  // When the default certificate expires, in microseconds since the epoch; 0 if unknown.
  Micros not_after() const { return not_after_; }
  // Returns whether the default certificate is valid for the name `host`.
  bool covers(const std::string& host) const;

 private:
  ServerTls() = default;
  SSL_CTX* context_ = nullptr;
  std::vector<SSL_CTX*> others_;
  Micros not_after_ = 0;
};

// Which server certificates a client accepts.
struct ClientPolicy {
  std::string ca_file;  // PEM file of authorities; empty: the system's
  // SHA-256 of the server's certificate (DER) in hex. If set, it is checked instead of name and
  // chain. Empty: no pin.
  std::string pin;
  // false: any certificate is accepted, even with a pin. What is wrong with it can still be read
  // from Stream::server_certificate().
  bool verify = true;
};
// The settings of outgoing connections. Immutable and thread-safe, like ServerTls.
class ClientTls {
 public:
  // Fails with Config if `ca_file` cannot be used or `pin` is not 64 hex digits.
  static Result<std::shared_ptr<const ClientTls>> make(const ClientPolicy& policy);
  ClientTls(const ClientTls&) = delete;
  ClientTls& operator=(const ClientTls&) = delete;
  ~ClientTls();
  SSL_CTX* context() const { return context_; }
  const ClientPolicy& policy() const { return policy_; }

 private:
  ClientTls() = default;
  SSL_CTX* context_ = nullptr;
  ClientPolicy policy_;
};

// Creates a self-signed P-256 certificate for `host`, localhost, 127.0.0.1 and ::1 that is valid
// for ten years, and its key with mode 0600. For first experiments. Fails with Exists if one of the
// files exists, and then writes neither; with Usage if `host` is not a host name or address.
Result<void> make_self_signed(const std::string& host, const CertificateFiles& files);

}  // namespace gw::net
