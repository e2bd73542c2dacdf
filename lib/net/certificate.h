// What the two files of a certificate contain and what is wrong with them, for the tools that
// check, install and show certificates. The servers load them with ServerTls (net/tls.h).
//
//   auto text = read_certificate(files);
//   if (!text) return text.error();
//   auto facts = inspect_certificate(*text, files);
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret.h"
#include "net/stream.h"
#include "net/tls.h"

namespace gw::net {

// The contents of two PEM files.
struct CertificateText {
  std::string certificate;  // the certificate, followed by its chain
  Secret key;
};

struct CertificateFacts {
  ServerCertificate own;  // the first one, without a verdict
  bool self_signed = false;
  std::size_t count = 0;  // of certificates in the file
  // What is wrong with the chain, e.g. `certificate 3 did not sign certificate 2`. Empty if
  // nothing is: each certificate is followed by the one that signed it.
  std::string chain_fault;
};

// Reads both files. Fails with the error of open(2) or read(2), and with BadInput if a file is
// empty or too large to be a PEM file.
Result<CertificateText> read_certificate(const CertificateFiles& files);

// Examines the contents of two files, which `files` names in errors. Fails with BadInput if the
// first holds no certificate, the second no key without a passphrase, or if they do not belong
// together. Recognises files in exchanged order and a chain whose first certificate is not the
// one of the key, and says so in the hint. Does not compare the dates with the clock.
Result<CertificateFacts> inspect_certificate(const CertificateText& text, const CertificateFiles& files);

// Returns why clients that verify certificates reject this one at the time `at`: `expired on …` or
// `is not valid before …`. Empty if it is valid then.
std::string validity_fault(const CertificateFacts& facts, Micros at);

// Returns what is wrong with the dates of the authorities in the PEM file `ca_file` at the time `at`,
// e.g. `1 of 2 certificates is not valid: the certificate expired on …`. Empty if all are valid then.
// Fails as read_file(), and with BadInput if the file holds no certificate or one that cannot be read.
Result<std::string> authorities_fault(const std::string& ca_file, Micros at);

// Creates a self-signed P-256 certificate for `host`, localhost, 127.0.0.1 and ::1 that is valid
// for ten years, and its key. For first experiments, and for senders that do not verify. Fails with
// Usage if `host` is not a host name or address.
Result<CertificateText> self_signed_certificate(const std::string& host);

}  // namespace gw::net
