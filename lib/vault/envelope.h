// What is known of a message beside its octets: the SMTP envelope and how it came. Sealed with the message.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"

namespace gw::vault {

enum class Origin : std::uint8_t { Smtp = 1, ProxySmtp = 2, ProxyPop3 = 3, Import = 4 };

struct EnvelopeRecipient {
  std::string address;     // as sent, without <>
  std::string parameters;  // ESMTP parameters of RCPT as sent, blanks between
  std::string refusal;     // the reply of an upstream that refused it; empty: accepted
};

struct Envelope {
  std::string reverse_path;  // as sent, without <>; empty: the null sender
  std::string parameters;    // ESMTP parameters of MAIL as sent
  std::vector<EnvelopeRecipient> recipients;
  std::string helo;
  std::string host;                // ours
  std::string peer;                // address of the client, `192.0.2.1` or `2001:db8::1`
  std::string tls;                 // `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty: plain text
  std::string client_certificate;  // its subject
  std::string auth;                // authenticated identity
  std::string listener;            // `smtp`, `smtps`, a route's name
  std::string transaction;         // id that follows a mail through the logs
  Origin origin = Origin::Smtp;
  std::string route;
  std::string login;
  std::string source;  // import: where it came from, as `Inbox/cur/…:2,S`

  // Filled in by Delivery.
  std::vector<std::string>
      trace;  // lines that POP3 puts in front, without line ends, made once (mail/trace.h)
  Micros received = 0;
  std::uint64_t octets = 0;
  Digest sha256{};            // of the octets as received
  bool bare_newline = false;  // a CR or LF that is not part of a CRLF
  bool eight_bit = false;
  bool long_line = false;  // over 998 octets without the line end
  bool nul = false;
};

Bytes encode(const Envelope& envelope);
Result<Envelope> decode_envelope(ByteView stored);  // Corrupt

}  // namespace gw::vault
