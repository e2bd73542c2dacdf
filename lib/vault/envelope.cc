#include "vault/envelope.h"

#include <algorithm>

#include "vault/envelope.pb.h"

namespace gw::vault {
namespace {

Error corrupt() {
  return Error(Code::Corrupt, "not a valid envelope");
}

}  // namespace

Bytes encode(const Envelope& envelope) {
  proto::Envelope out;
  out.set_reverse_path(envelope.reverse_path);
  out.set_parameters(envelope.parameters);
  for (const EnvelopeRecipient& recipient : envelope.recipients) {
    proto::EnvelopeRecipient& to = *out.add_recipients();
    to.set_address(recipient.address);
    to.set_parameters(recipient.parameters);
    to.set_refusal(recipient.refusal);
  }
  out.set_helo(envelope.helo);
  out.set_host(envelope.host);
  out.set_peer(envelope.peer);
  out.set_tls(envelope.tls);
  out.set_client_certificate(envelope.client_certificate);
  out.set_auth(envelope.auth);
  out.set_listener(envelope.listener);
  out.set_transaction(envelope.transaction);
  out.set_origin(static_cast<std::uint32_t>(envelope.origin));
  out.set_route(envelope.route);
  out.set_login(envelope.login);
  out.set_source(envelope.source);
  for (const std::string& line : envelope.trace) out.add_trace(line);
  out.set_received(envelope.received);
  out.set_size(envelope.size);
  out.set_sha256(std::string(as_text(envelope.sha256)));
  out.set_bare_newline(envelope.bare_newline);
  out.set_eight_bit(envelope.eight_bit);
  out.set_long_line(envelope.long_line);
  out.set_nul(envelope.nul);
  for (const MessageIdPrint& print : envelope.message_ids) out.add_message_ids(std::string(as_text(print)));
  out.set_identified(envelope.identified);
  Bytes stored(out.ByteSizeLong());
  (void)out.SerializeToArray(stored.data(), static_cast<int>(stored.size()));
  return stored;
}

Result<Envelope> decode_envelope(ByteView stored) {
  proto::Envelope in;
  Envelope envelope;
  if (!in.ParseFromArray(stored.data(), static_cast<int>(stored.size())) ||
      in.sha256().size() != envelope.sha256.size() || in.origin() < 1 || in.origin() > 4)
    return corrupt();
  envelope.reverse_path = std::move(*in.mutable_reverse_path());
  envelope.parameters = std::move(*in.mutable_parameters());
  for (proto::EnvelopeRecipient& from : *in.mutable_recipients())
    envelope.recipients.push_back({std::move(*from.mutable_address()), std::move(*from.mutable_parameters()),
                                   std::move(*from.mutable_refusal())});
  envelope.helo = std::move(*in.mutable_helo());
  envelope.host = std::move(*in.mutable_host());
  envelope.peer = std::move(*in.mutable_peer());
  envelope.tls = std::move(*in.mutable_tls());
  envelope.client_certificate = std::move(*in.mutable_client_certificate());
  envelope.auth = std::move(*in.mutable_auth());
  envelope.listener = std::move(*in.mutable_listener());
  envelope.transaction = std::move(*in.mutable_transaction());
  envelope.origin = static_cast<Origin>(in.origin());
  envelope.route = std::move(*in.mutable_route());
  envelope.login = std::move(*in.mutable_login());
  envelope.source = std::move(*in.mutable_source());
  // A line ending in a trace line would begin a header line of its own in what POP3 sends.
  for (std::string& line : *in.mutable_trace()) {
    if (line.find_first_of("\r\n") != std::string::npos) return corrupt();
    envelope.trace.push_back(std::move(line));
  }
  envelope.received = in.received();
  envelope.size = in.size();
  std::ranges::copy(as_bytes(in.sha256()), envelope.sha256.begin());
  envelope.bare_newline = in.bare_newline();
  envelope.eight_bit = in.eight_bit();
  envelope.long_line = in.long_line();
  envelope.nul = in.nul();
  envelope.identified = in.identified();
  for (const std::string& stored_print : in.message_ids()) {
    MessageIdPrint print;
    // Fingerprints of another size are those of a newer version: unknown, but no damage.
    if (stored_print.size() != print.size()) {
      envelope.identified = false;
      continue;
    }
    std::ranges::copy(as_bytes(stored_print), print.begin());
    envelope.message_ids.push_back(print);
  }
  return envelope;
}

}  // namespace gw::vault
