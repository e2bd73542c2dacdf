// The envelope: what gw knows about a message besides its bytes, namely the SMTP envelope and how
// the message arrived. It is stored sealed, next to the container, and its plaintext is
// vault/envelope.proto. Strings from a peer are kept as the peer sent them; they need not be UTF-8.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/result.h"
#include "vault/message_id.h"

namespace gw::vault {

// How the message entered the vault: received by gw-smtpd, copied by gw-proxy from an SMTP
// submission or a POP3 retrieval, or imported from files. The values are stored.
enum class Origin : std::uint8_t { Smtp = 1, ProxySmtp = 2, ProxyPop3 = 3, Import = 4 };

struct EnvelopeRecipient {
  std::string address;     // as sent in RCPT TO, without <>
  std::string parameters;  // ESMTP parameters of RCPT as sent, separated by spaces
  std::string refusal;     // reply of an upstream that refused it; empty if accepted
};

struct Envelope {
  std::string reverse_path;  // as sent in MAIL FROM, without <>; empty for the null sender
  std::string parameters;    // ESMTP parameters of MAIL as sent
  std::vector<EnvelopeRecipient> recipients;
  std::string helo;                // argument of HELO or EHLO
  std::string host;                // name of the receiving host
  std::string peer;                // address of the client, `192.0.2.1` or `2001:db8::1`
  std::string tls;                 // `TLSv1.3 TLS_AES_256_GCM_SHA384`; empty without TLS
  std::string client_certificate;  // its subject
  std::string auth;                // authenticated identity
  std::string listener;            // `smtp`, `smtps` or the name of a route
  std::string transaction;         // session id, `.`, number of the mail, as in the logs
  Origin origin = Origin::Smtp;
  std::string route;   // gw-proxy: name of the route
  std::string login;   // gw-proxy: login at the upstream
  std::string source;  // import: where the mail came from, as `Inbox/cur/…:2,S`

  // The remaining fields are filled in by Delivery.
  //
  // Header lines that POP3 sends before the message, without line endings. They are composed once,
  // at delivery, so that the size of the message never changes (mail/trace.h).
  std::vector<std::string> trace;
  Micros received = 0;        // microseconds since the epoch
  std::uint64_t size = 0;     // length of the message as received, in bytes
  Digest sha256{};            // of the message as received
  bool bare_newline = false;  // this and the next three: see vault/content_scan.h
  bool eight_bit = false;
  bool long_line = false;
  bool nul = false;
  // Fingerprints of the Message-IDs of the mail and of the mails in its journal reports.
  std::vector<MessageIdPrint> message_ids;
  // Whether message_ids has all of them. False if the start of the mail did not tell, and in
  // envelopes of versions that kept none.
  bool identified = false;
};

// Serialises the envelope.
Bytes encode(const Envelope& envelope);
// Parses a serialised envelope. Fails with Corrupt if it is not one, also if a trace line contains
// a line ending.
Result<Envelope> decode_envelope(ByteView stored);

}  // namespace gw::vault
