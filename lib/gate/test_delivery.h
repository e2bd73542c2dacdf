// A mail to oneself: brings a small mail to an SMTP server of this host as any sender would, and keeps the
// whole conversation, so that people see where a delivery goes wrong.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "net/listener.h"
#include "net/stream.h"

namespace gw::gate {

struct TestMail {
  net::ListenSpec server;  // of ours; an unspecified address is asked at loopback
  std::string host;        // what we say that we are, and what its certificate is compared with
  std::string recipient;
  std::string message_id;  // without angle brackets
};

struct TestDelivery {
  struct Line {
    bool ours = false;
    std::string text;  // printable
  };
  std::vector<Line> dialog;
  std::string trouble;  // why it was not delivered, for people; empty: it was
  std::string address;
  std::optional<net::TlsFacts> tls;
  std::optional<net::ServerCertificate> certificate;  // taken whatever it is: this host is not left
  std::uint64_t octets = 0;                           // of the mail as sent
  std::chrono::milliseconds took{0};                  // from the final dot to its reply
};

// Takes a minute at most.
TestDelivery deliver_test(const TestMail& mail);

}  // namespace gw::gate
