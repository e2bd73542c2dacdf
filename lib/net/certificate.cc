#include "net/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <vector>

#include "base/file.h"
#include "net/openssl_private.h"

namespace gw::net {
namespace {

constexpr std::size_t kMaxCertificateFile = 1 << 20;
constexpr std::size_t kMaxKeyFile = 64 << 10;
constexpr std::size_t kMaxAuthorityFile = 16 << 20;
constexpr std::size_t kMaxChain = 32;
constexpr std::size_t kMaxAuthorities = 4096;  // bundles of public authorities have about 150

bool contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// OpenSSL's parsers read BEGIN lines of other kinds too, so this only explains their failures.
bool holds_key(std::string_view text) {
  return contains(text, "PRIVATE KEY-----");
}
bool holds_certificate(std::string_view text) {
  return contains(text, "CERTIFICATE-----");
}

BioPtr reader(std::string_view text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Error wrong(const std::string& path, std::string_view what) {
  return {Code::BadInput, path + ": " + std::string(what)};
}

// Reads all certificates in a PEM file, at most `most`.
Result<std::vector<X509Ptr>> read_all(std::string_view text, const std::string& path, std::size_t most) {
  const BioPtr from = reader(text);
  std::vector<X509Ptr> found;
  while (from && found.size() < most) {
    X509Ptr next(PEM_read_bio_X509_AUX(from.get(), nullptr, nullptr, nullptr));
    if (!next) break;
    found.push_back(std::move(next));
  }
  const unsigned long last = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_reason();
  if (found.size() == most) return wrong(path, "holds " + std::to_string(most) + " certificates or more");
  if (!end || found.empty())
    return wrong(path, "certificate " + std::to_string(found.size() + 1) + " cannot be read: " + reason);
  return found;
}

Result<std::vector<X509Ptr>> certificates_in(const CertificateText& text, const CertificateFiles& files) {
  if (!holds_certificate(text.certificate)) {
    if (holds_key(text.certificate) && holds_certificate(text.key.text()))
      return wrong(files.certificate, "holds the private key, and " + files.key + " the certificate")
          .with_hint("exchange the two files: the certificate comes first");
    if (holds_key(text.certificate))
      return wrong(files.certificate, "holds a private key, not a certificate");
    return wrong(files.certificate, "holds no certificate in PEM form");
  }
  return read_all(text.certificate, files.certificate, kMaxChain);
}

Result<KeyPtr> key_in(const CertificateText& text, const CertificateFiles& files) {
  if (!holds_key(text.key.text())) {
    if (holds_certificate(text.key.text())) return wrong(files.key, "holds a certificate and no private key");
    return wrong(files.key, "holds no private key in PEM form");
  }
  const BioPtr from = reader(text.key.text());
  // The callback gives no passphrase. Without one, OpenSSL would ask for it on the terminal.
  KeyPtr key(PEM_read_bio_PrivateKey(
      from.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  const std::string reason = openssl_reason();
  if (key) return key;
  if (contains(text.key.text(), "ENCRYPTED"))
    return wrong(files.key, "the key is protected by a passphrase, which no server can ask for")
        .with_hint("openssl pkey -in " + files.key + " -out NEWKEY");
  return wrong(files.key, "the private key cannot be read: " + reason);
}

std::string dates_fault(const ServerCertificate& facts, Micros at) {
  if (at > facts.not_after) return "the certificate expired on " + rfc3339(facts.not_after).substr(0, 10);
  if (at < facts.not_before)
    return "the certificate is not valid before " + rfc3339(facts.not_before).substr(0, 10);
  return {};
}

std::string chain_fault(const std::vector<X509Ptr>& chain) {
  for (std::size_t at = 1; at < chain.size(); ++at)
    if (X509_check_issued(chain[at].get(), chain[at - 1].get()) != X509_V_OK)
      return "certificate " + std::to_string(at + 1) + " in the file did not sign certificate " +
             std::to_string(at);
  return {};
}

}  // namespace

Result<CertificateText> read_certificate(const CertificateFiles& files) {
  CertificateText text;
  auto certificate = read_file(files.certificate, kMaxCertificateFile);
  if (!certificate) return certificate.error();
  text.certificate = std::move(*certificate);
  const auto from = open_for_reading(files.key);
  if (!from) return from.error();
  auto key = read_secret(from->get(), files.key, kMaxKeyFile, true);
  if (!key) return key.error();
  text.key = std::move(*key);
  return text;
}

Result<CertificateFacts> inspect_certificate(const CertificateText& text, const CertificateFiles& files) {
  ERR_clear_error();
  const auto chain = certificates_in(text, files);
  if (!chain) return chain.error();
  const auto key = key_in(text, files);
  if (!key) return key.error();
  X509* first = chain->front().get();
  if (X509_check_private_key(first, key->get()) != 1) {
    ERR_clear_error();
    const auto own = std::ranges::find_if(
        *chain, [&](const X509Ptr& each) { return X509_check_private_key(each.get(), key->get()) == 1; });
    ERR_clear_error();
    if (own != chain->end())
      return wrong(files.certificate, "certificate " + std::to_string(own - chain->begin() + 1) +
                                          " is the one that belongs to the key, and must be the first")
          .with_hint("put the server's certificate first, then the one that signed it");
    return wrong(files.key, "the key does not match the certificate in " + files.certificate);
  }
  CertificateFacts facts;
  facts.own = facts_of(first);
  facts.self_signed = X509_check_issued(first, first) == X509_V_OK;
  facts.count = chain->size();
  facts.chain_fault = chain_fault(*chain);
  ERR_clear_error();
  return facts;
}

std::string validity_fault(const CertificateFacts& facts, Micros at) {
  return dates_fault(facts.own, at);
}

Result<std::string> authorities_fault(const std::string& ca_file, Micros at) {
  const auto text = read_file(ca_file, kMaxAuthorityFile);
  if (!text) return text.error();
  if (!holds_certificate(*text)) return wrong(ca_file, "holds no certificate in PEM form");
  ERR_clear_error();
  const auto all = read_all(*text, ca_file, kMaxAuthorities);
  if (!all) return all.error();
  std::size_t bad = 0;
  std::string first;
  for (const X509Ptr& each : *all) {
    const std::string fault = dates_fault(facts_of(each.get()), at);
    if (fault.empty()) continue;
    if (bad++ == 0) first = fault;
  }
  ERR_clear_error();
  if (bad == 0 || all->size() == 1) return first;
  return std::to_string(bad) + " of " + std::to_string(all->size()) + " certificates " +
         (bad == 1 ? "is" : "are") + " not valid: " + first;
}

}  // namespace gw::net
