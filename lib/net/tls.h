// TLS policy and certificates (OpenSSL; RFC 9325, Mozilla's intermediate profile: 1.2 and 1.3 only).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

typedef struct ssl_ctx_st SSL_CTX;  // OpenSSL's, opaque here

namespace gw::net {

struct CertificateFiles {
  std::string certificate;  // PEM, the chain
  std::string key;          // PEM
};

// What a listener shows. Immutable: a reload makes a new one, connections keep theirs.
class ServerTls {
 public:
  // Config, with file and reason, where a file cannot be read, does not parse, or key and certificate differ.
  // Several are told apart by SNI, the first is the default.
  static Result<std::shared_ptr<const ServerTls>> load(const std::vector<CertificateFiles>& files);
  ServerTls(const ServerTls&) = delete;
  ServerTls& operator=(const ServerTls&) = delete;
  ~ServerTls();
  SSL_CTX* context() const { return context_; }
  // The others, for other names.
  const std::vector<SSL_CTX*>& others() const { return others_; }
  Micros not_after() const { return not_after_; }  // of the default certificate
  bool covers(const std::string& host) const;      // the default certificate, by its names

 private:
  ServerTls() = default;
  SSL_CTX* context_ = nullptr;
  std::vector<SSL_CTX*> others_;
  Micros not_after_ = 0;
};

struct ClientPolicy {
  std::string ca_file;  // empty: the system's
  std::string pin;      // hex SHA-256 of the certificate (DER); checked instead of name and chain
  bool verify = true;   // false: any certificate will do; what is wrong with it can still be asked
};
class ClientTls {
 public:
  // Config where the file of authorities or the pin cannot be used.
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

// A self-signed P-256 certificate for `host` (and localhost, 127.0.0.1, ::1), ten years; key 0600. For the
// first steps. Exists where one of the files is there already; then neither is written.
Result<void> make_self_signed(const std::string& host, const CertificateFiles& files);

}  // namespace gw::net
