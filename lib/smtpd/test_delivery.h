// A test delivery: sends a small mail to an SMTP server of this host like any other sender, and
// records the whole dialog, so that an operator sees where a delivery fails. gw-webd and gw-store
// use it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/listener.h"
#include "net/stream.h"
#include "store/store.h"

namespace gw::smtpd {

struct TestMail {
  net::ListenSpec server;  // listener of gw-smtpd; for 0.0.0.0 and :: the loopback address is used
  std::string host;        // name for EHLO, and the name that the certificate should have
  std::string recipient;   // address for RCPT; the caller has checked that it has no CR, LF or `>`
  std::string message_id;  // for the Message-ID field, without angle brackets
};

struct TestDelivery {
  struct Line {
    bool ours = false;  // sent by the test, not by the server
    std::string text;   // printable, without its line ending
  };
  std::vector<Line> dialog;  // in order, with the lines of the mail
  std::string trouble;       // why the mail was not delivered, as text for people; empty if it was
  std::string address;       // `ADDRESS, PORT` of the server; empty if no connection was made
  std::optional<net::TlsFacts> tls;
  // The server's certificate. It is accepted even if its verdict is bad: the connection does not
  // leave the host.
  std::optional<net::ServerCertificate> certificate;
  std::uint64_t size = 0;             // bytes of the mail as sent
  std::chrono::milliseconds took{0};  // from the final dot to its reply
};

// Sends the mail and returns what happened. Never fails: `trouble` says what went wrong. Blocks the
// caller; each reply may take 10 seconds, and the one to the final dot 30.
TestDelivery deliver_test(const TestMail& mail);

// The result of a test delivery to a mailbox.
struct MailboxTest {
  TestDelivery sent;
  // The message in the mailbox; nullopt if the delivery failed (`sent.trouble`) or if it was not
  // found there.
  std::optional<MessageId> message;

  // Returns why the mail is not in the mailbox, as text for people; empty if it is.
  std::string trouble() const {
    if (!sent.trouble.empty() || message) return sent.trouble;
    return "the server accepted the mail, but it is not in the mailbox";
  }
};
// Delivers a test mail to the mailbox through `server`, with `host` as TestMail::host, and looks
// for it in the mailbox. A delivery that the server refuses is a result, not an error. Fails with
// the error of the store.
Result<MailboxTest> test_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                                 const net::ListenSpec& server, const std::string& host);

// Returns those of the listeners of gw-smtpd in gw.toml (`0.0.0.0:465,tls`) that a test can use;
// 127.0.0.1:25 if there are none. Never empty.
std::vector<std::string> own_servers(const std::vector<std::string>& listen);

}  // namespace gw::smtpd
