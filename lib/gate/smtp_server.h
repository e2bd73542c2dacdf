// One SMTP connection: the session (smtp/session.h), the network and the vault joined.
//
// Each RCPT is looked up in the store and judged; the message is sealed as it streams by, in constant memory,
// and 250 is sent only when it is durable in every mailbox. Our own trouble is always 4xx. The store is first
// asked for at the first RCPT or, where AUTH may be used, at EHLO; certificates are loaded at STARTTLS: a
// connection that needs neither costs neither.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "gate/auth_limits.h"
#include "gate/session_tally.h"
#include "net/serve.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::gate {

struct SmtpService {
  std::string host;
  // The vault; the store outlives the connection.
  std::function<Result<store::Store*>()> store;
  Report report;  // where sessions say what they did
  // Certificates in force. Empty: there are none, and STARTTLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  std::uint64_t max_size = 512ull << 20;
  std::size_t max_recipients = 1000;
  bool require_tls = false;
  bool reject_bare_newline = false;
  bool allow_plaintext_auth = false;  // from loopback addresses only
  bool listen_for_early_talk = true;  // off where input is a file or pipe, which is ready at once
  std::chrono::milliseconds idle_timeout{300'000};
  std::chrono::milliseconds data_timeout{180'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  // While connections are scarce a client may be silent for `scarce_timeout` only, and a message that takes
  // longer must bring `scarce_rate` octets a second.
  std::function<bool()> scarce = net::crowded;
  // A session that names so many unknown recipients ends. `guesses` counts them by source over sessions and
  // makes a source with many wait for each further refusal; null: it does not wait.
  std::size_t max_unknown = 50;
  AuthLimits* guesses = nullptr;
  std::chrono::milliseconds scarce_timeout{30'000};
  std::uint64_t scarce_rate = 1024;
  std::chrono::milliseconds grace{
      20'000};  // for a message that is coming in when the process is asked to stop
};

// How SmtpService::guesses is set up: a source has 100 unknown recipients in ten minutes without a wait, and
// then one every four seconds on a connection.
AuthPolicy guess_policy();

struct SmtpListener {
  std::string name = "smtp";  // as the envelope calls it
  bool implicit_tls = false;  // the connection begins with a handshake
};

// Serves the connection until it ends.
void serve_smtp(net::Stream stream, const SmtpListener& listener, const SmtpService& service);

// What a connection over a cap is told.
std::string too_many_connections();

}  // namespace gw::gate
