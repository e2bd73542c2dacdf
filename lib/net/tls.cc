#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/bytes.h"
#include "base/file.h"
#include "base/text.h"
#include "net/openssl_private.h"

namespace gw::net {
namespace {

// Mozilla's intermediate profile without the DHE suites, whose parameters would have to be
// maintained. OpenSSL's defaults for TLS 1.3 are all acceptable.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";
// Session id context: OpenSSL refuses to resume sessions with client certificates without one.
constexpr const char* kSessions = "gw";

Error internal(std::string_view what) {
  return {Code::Internal, std::string(what) + ": " + openssl_reason()};
}

Result<SslContextPtr> new_context(const SSL_METHOD* method) {
  ERR_clear_error();
  SslContextPtr context(SSL_CTX_new(method));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) != 1 ||
      SSL_CTX_set_cipher_list(context.get(), kCiphers) != 1 ||
      SSL_CTX_set1_groups_list(context.get(), kGroups) != 1) {
    return internal("cannot set up TLS");
  }
  // Renegotiation is a denial-of-service risk, and compression leaks plaintext (CRIME,
  // CVE-2012-4929). RELEASE_BUFFERS saves about 34 KB for each idle connection.
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  return context;
}

// Without this callback OpenSSL asks for the passphrase of the key on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

// Selects the ALPN protocol: the one of this connection, or without one either mail protocol. A
// handshake that asks for another protocol is rejected, so that TLS traffic meant for a different
// service with the same certificate cannot be redirected here (the ALPACA attack; RFC 7301). A
// client without ALPN is served.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* length,
                    const unsigned char* offered, unsigned int size, void*) {
  const auto* wanted = static_cast<const std::string*>(SSL_get_app_data(ssl));
  // OpenSSL has checked the lengths in the list; the min keeps the read within it regardless.
  for (unsigned at = 0; at < size; at += 1u + offered[at]) {
    const std::string_view name(reinterpret_cast<const char*>(offered) + at + 1,
                                std::min<std::size_t>(offered[at], size - at - 1));
    const bool fits =
        wanted != nullptr && !wanted->empty() ? name == *wanted : name == "smtp" || name == "pop3";
    if (!fits) continue;
    *chosen = offered + at + 1;
    *length = static_cast<unsigned char>(name.size());
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// The default certificate takes precedence if it fits. An unknown name gets the default
// certificate, not an alert: many mail clients send the name of the domain instead of that of the
// host.
int choose_certificate(SSL* ssl, int*, void* argument) {
  const auto* tls = static_cast<const ServerTls*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_NOACK;
  const auto covers = [name](SSL_CTX* context) {
    return X509_check_host(SSL_CTX_get0_certificate(context), name, 0, 0, nullptr) == 1;
  };
  if (covers(tls->context())) return SSL_TLSEXT_ERR_OK;
  const auto fitting = std::find_if(tls->others().begin(), tls->others().end(), covers);
  if (fitting == tls->others().end()) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_SSL_CTX(ssl, *fitting);
  return SSL_TLSEXT_ERR_OK;
}

Result<SslContextPtr> server_context(const CertificateFiles& files) {
  // OpenSSL's error for a missing file does not name it, so the files are opened here first.
  for (const std::string& path : {files.certificate, files.key}) {
    if (auto opened = open_for_reading(path); !opened) {
      return Error(Code::Config, opened.error().text());
    }
  }
  auto context = new_context(TLS_server_method());
  if (!context) return context;
  SSL_CTX* raw = context->get();
  SSL_CTX_set_default_passwd_cb(raw, no_password);
  if (SSL_CTX_use_certificate_chain_file(raw, files.certificate.c_str()) != 1) {
    return Error(Code::Config, files.certificate + ": no usable certificate: " + openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(raw, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    // OpenSSL may notice a wrong pair while it loads the key. That is a different mistake of the
    // operator than an unreadable key, and gets its own message.
    const unsigned long last = ERR_peek_last_error();
    const bool differ =
        ERR_GET_LIB(last) == ERR_LIB_X509 && (ERR_GET_REASON(last) == X509_R_KEY_VALUES_MISMATCH ||
                                              ERR_GET_REASON(last) == X509_R_KEY_TYPE_MISMATCH);
    const std::string reason = openssl_reason();
    if (differ)
      return Error(Code::Config,
                   files.key + ": the key does not match the certificate in " + files.certificate);
    return Error(Code::Config, files.key + ": no usable private key: " + reason);
  }
  if (SSL_CTX_check_private_key(raw) != 1) {
    return Error(Code::Config,
                 files.key + ": the key does not match the certificate in " + files.certificate);
  }
  // Sessions are resumed by tickets only: they need no memory on this side. A reload creates a new
  // context with new ticket keys.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context(raw, reinterpret_cast<const unsigned char*>(kSessions), 2);
  SSL_CTX_set_num_tickets(raw, 1);
  // Any client certificate is accepted. The handshake proves possession of its key; which authority
  // signed it is not checked, and TlsFacts says so.
  SSL_CTX_set_cert_verify_callback(
      raw, [](X509_STORE_CTX*, void*) { return 1; }, nullptr);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  return context;
}

Micros expiry(SSL_CTX* context) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(SSL_CTX_get0_certificate(context)), &parts) != 1) return 0;
  return static_cast<Micros>(::timegm(&parts)) * 1'000'000;
}

}  // namespace

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown reason";
  const char* reason = ERR_reason_error_string(code);
  if (reason != nullptr) return reason;
  char text[256];
  ERR_error_string_n(code, text, sizeof text);
  return text;
}

bool ServerTls::covers(const std::string& host) const {
  return X509_check_host(SSL_CTX_get0_certificate(context_), host.data(), host.size(), 0, nullptr) == 1;
}

Result<std::shared_ptr<const ServerTls>> ServerTls::load(const std::vector<CertificateFiles>& files) {
  if (files.empty()) return Error(Code::Config, "no certificate is configured");
  std::shared_ptr<ServerTls> tls(new ServerTls);
  for (const CertificateFiles& pair : files) {
    auto context = server_context(pair);
    if (!context) return context.error();
    if (tls->context_ == nullptr) {
      tls->context_ = context->release();
    } else {
      tls->others_.push_back(context->release());
    }
  }
  // Replaces the macro SSL_CTX_set_tlsext_servername_callback, which contains C casts. The callback
  // runs in handshakes only, while the caller of accept_tls() holds this object.
  SSL_CTX_callback_ctrl(tls->context_, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB,
                        reinterpret_cast<void (*)()>(choose_certificate));
  SSL_CTX_ctrl(tls->context_, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, tls.get());
  tls->not_after_ = expiry(tls->context_);
  return std::shared_ptr<const ServerTls>(std::move(tls));
}

ServerTls::~ServerTls() {
  SSL_CTX_free(context_);
  for (SSL_CTX* other : others_) SSL_CTX_free(other);
}

Result<std::shared_ptr<const ClientTls>> ClientTls::make(const ClientPolicy& policy) {
  auto context = new_context(TLS_client_method());
  if (!context) return context.error();
  if (!policy.pin.empty() && (policy.pin.size() != 64 || !from_hex(policy.pin))) {
    return Error(Code::Config, "the pin is not 64 hexadecimal digits");
  }
  // With a pin the handshake itself accepts any certificate; TlsSession::connect compares the pin.
  if (policy.verify && policy.pin.empty()) SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  // The authorities are loaded even if nothing is rejected, so that server_certificate() can report
  // what is wrong.
  if (policy.pin.empty()) {
    if (policy.ca_file.empty()) {
      if (SSL_CTX_set_default_verify_paths(context->get()) != 1 && policy.verify)
        return internal("cannot load the system's CA certificates");
    } else {
      if (auto opened = open_for_reading(policy.ca_file); !opened)
        return Error(Code::Config, opened.error().text());
      if (SSL_CTX_load_verify_file(context->get(), policy.ca_file.c_str()) != 1) {
        return Error(Code::Config, policy.ca_file + ": no usable certificate: " + openssl_reason());
      }
    }
  }
  std::shared_ptr<ClientTls> tls(new ClientTls);
  tls->context_ = context->release();
  tls->policy_ = policy;
  return std::shared_ptr<const ClientTls>(std::move(tls));
}

ClientTls::~ClientTls() {
  SSL_CTX_free(context_);
}

}  // namespace gw::net
