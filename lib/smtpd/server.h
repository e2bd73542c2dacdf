// One SMTP connection of gw-smtpd: joins the session (smtp/session.h), the network and the vault.
//
// Each RCPT is looked up in the store and checked against the policy of its mailbox
// (recipient_policy.h). The message is sealed while it arrives, in constant memory, and 250 is sent only
// after it is durable in every mailbox. Internal errors are always replied to with 4xx, so that the
// sender retries. The store is first used at the first RCPT or, if AUTH is possible, at EHLO, and
// certificates are loaded at STARTTLS: a connection that needs neither does not cause the work.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "daemon/session_stats.h"
#include "net/login_throttle.h"
#include "net/serve.h"
#include "net/stream.h"
#include "net/tls.h"
#include "store/store.h"

namespace gw::smtpd {

// The settings and objects that all connections share. The functions are called from the threads of
// all connections at the same time. The object, and everything that it points to, must outlive
// every connection.
struct SmtpService {
  std::string host;  // name of this server, for the greeting, EHLO and the envelope
  // Returns the vault's store; the store must outlive the connection.
  std::function<Result<store::Store*>()> store;
  daemon::Report report;  // receives the statistics of each session; may be null
  // Returns the current certificates. Null: there are none, and STARTTLS is not offered.
  std::function<Result<std::shared_ptr<const net::ServerTls>>()> tls;
  std::uint64_t max_size = 512ull << 20;  // bytes of a message
  std::size_t max_recipients = 1000;      // in one mail
  bool require_tls = false;               // accept no mail before STARTTLS
  bool reject_bare_newline = false;       // refuse messages with a bare CR or LF
  bool allow_plaintext_auth = false;      // AUTH without TLS, from loopback addresses only
  // Refuse clients that send before the greeting. Turn it off if the input is a file or a pipe,
  // which is readable immediately.
  bool listen_for_early_talk = true;
  std::chrono::milliseconds idle_timeout{300'000};  // see SmtpConnection::Timeouts
  std::chrono::milliseconds data_timeout{180'000};
  std::chrono::milliseconds handshake_timeout{30'000};
  // Returns whether connections are scarce; must not be null. While they are, a client may be
  // silent for `scarce_timeout` only, and a message that takes longer than that must arrive at
  // `scarce_rate` bytes per second on average.
  std::function<bool()> scarce = net::crowded;
  // The session ends at this number of unknown recipients. `guesses` counts unknown recipients per
  // source across sessions and delays the refusals of a source with many; null: no delay.
  std::size_t max_unknown = 50;
  net::LoginThrottle* guesses = nullptr;
  // Counts wrong sender tokens per source and delays the next attempts; null: no delay.
  net::LoginThrottle* logins = nullptr;
  std::chrono::milliseconds scarce_timeout{30'000};
  std::uint64_t scarce_rate = 1024;
  // Time that a message in transfer gets after the process is asked to stop.
  std::chrono::milliseconds grace{20'000};
};

// Returns the settings for SmtpService::guesses. A source may name 100 unknown recipients without a
// delay; then each further refusal on a connection is delayed by up to four seconds. The count is
// forgotten ten minutes after the last one.
net::ThrottlePolicy guess_policy();

struct SmtpListener {
  std::string name = "smtp";  // for the envelope
  bool implicit_tls = false;  // the connection begins with a TLS handshake
};

// Serves one connection on the calling thread and returns when it has ended. Never fails: errors
// are replied to the client and logged.
void serve_smtp(net::Stream stream, const SmtpListener& listener, const SmtpService& service);

}  // namespace gw::smtpd
