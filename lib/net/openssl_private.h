// Owning pointers for OpenSSL objects, and OpenSSL's errors as text. Private to net.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace gw::net {

struct ServerCertificate;  // net/stream.h

template <auto Free>
// A deleter for std::unique_ptr that calls the function `Free`.
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SslContextPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;

// Returns OpenSSL's text for the oldest error in this thread's queue, which is usually the cause of
// the others, and empties the queue.
std::string openssl_reason();

// Returns what is in the certificate, without a verdict.
ServerCertificate facts_of(const X509* certificate);

}  // namespace gw::net
