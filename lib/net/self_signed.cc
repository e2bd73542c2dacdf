// A self-signed certificate for first experiments. Its own file, because only gw-store needs it.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "net/certificate.h"
#include "net/openssl_private.h"
#include "net/tls.h"

namespace gw::net {
namespace {

constexpr long kDay = 24 * 60 * 60;
constexpr long kLifetime = 3653 * kDay;
constexpr std::size_t kMaxCommonName = 64;  // RFC 5280, ub-common-name

Error failed(std::string_view what) {
  return {Code::Internal, "cannot create a certificate: " + std::string(what) + ": " + openssl_reason()};
}

// The name is put into OpenSSL's configuration syntax, in which a comma begins another entry. Only
// characters of host names are therefore allowed.
bool is_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 &&
         host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._*") ==
             std::string_view::npos;
}

bool is_address(const std::string& host) {
  in6_addr any{};
  return ::inet_pton(AF_INET, host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
}

// localhost and the loopback addresses are included, so that a client on the same host can verify
// the certificate.
std::string alternative_names(const std::string& host) {
  std::string names = "DNS:localhost,IP:127.0.0.1,IP:::1";
  if (is_address(host)) {
    if (host != "127.0.0.1" && host != "::1") names = "IP:" + host + "," + names;
  } else if (!iequals(host, "localhost")) {
    names = "DNS:" + host + "," + names;
  }
  return names;
}

bool add_extension(X509* certificate, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
  if (extension == nullptr) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool set_serial(X509* certificate) {
  unsigned char data[16];
  random_bytes(std::as_writable_bytes(std::span(data)));
  data[0] &= 0x7f;  // positive (RFC 5280, section 4.1.2.2)
  BIGNUM* number = BN_bin2bn(data, sizeof data, nullptr);
  const bool set =
      number != nullptr && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return set;
}

Result<X509Ptr> build(const std::string& host, EVP_PKEY* key) {
  X509Ptr made(X509_new());
  X509* certificate = made.get();
  if (!made || X509_set_version(certificate, X509_VERSION_3) != 1 || !set_serial(certificate) ||
      X509_gmtime_adj(X509_getm_notBefore(certificate), -kDay) == nullptr ||
      X509_gmtime_adj(X509_getm_notAfter(certificate), kLifetime) == nullptr ||
      X509_set_pubkey(certificate, key) != 1) {
    return failed("fields");
  }
  X509_NAME* name = X509_get_subject_name(certificate);
  // Clients compare the alternative names; the common name is only shown to people.
  const std::string& common = host.size() <= kMaxCommonName ? host : "localhost";
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common.c_str()), -1, -1, 0) != 1 ||
      X509_set_issuer_name(certificate, name) != 1) {
    return failed("subject");
  }
  if (!add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(certificate, NID_key_usage, "critical,digitalSignature") ||
      !add_extension(certificate, NID_ext_key_usage, "serverAuth") ||
      !add_extension(certificate, NID_subject_key_identifier, "hash") ||
      !add_extension(certificate, NID_authority_key_identifier, "keyid") ||
      !add_extension(certificate, NID_subject_alt_name, alternative_names(host))) {
    return failed("extensions");
  }
  if (X509_sign(certificate, key, EVP_sha256()) == 0) return failed("signature");
  return made;
}

ByteView contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return as_bytes(std::string_view(data, static_cast<std::size_t>(size)));
}

}  // namespace

Result<CertificateText> self_signed_certificate(const std::string& host) {
  if (!is_address(host) && !is_name(host)) {
    return Error(Code::Usage, "`" + printable(host) + "` is not a valid host name for a certificate");
  }
  ERR_clear_error();
  const KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return failed("key");
  auto certificate = build(host, key.get());
  if (!certificate) return certificate.error();

  const BioPtr key_text(BIO_new(BIO_s_secmem()));  // wiped when freed
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  if (!key_text || !certificate_text ||
      PEM_write_bio_PKCS8PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_text.get(), certificate->get()) != 1) {
    return failed("PEM");
  }
  return CertificateText{std::string(as_text(contents(certificate_text.get()))),
                         Secret(contents(key_text.get()))};
}

Result<void> make_self_signed(const std::string& host, const CertificateFiles& files) {
  const auto made = self_signed_certificate(host);
  if (!made) return made.error();
  // The key is written first: its creation fails if a pair is there already, and no certificate
  // without a key is ever visible.
  if (auto written = create_file(files.key, made->key.view(), 0600); !written) return written;
  if (auto written = create_file(files.certificate, as_bytes(made->certificate), 0644); !written) {
    ::unlink(files.key.c_str());  // created just now, and of no use alone
    return written;
  }
  return {};
}

}  // namespace gw::net
