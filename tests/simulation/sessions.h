// A simulated host with SMTP and POP3 sessions on its store, over connections that are cut, reset
// and stall.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host.h"
#include "pop3d/server.h"
#include "smtpd/server.h"

namespace gw::simulation {

class Connection;

class Sessions : public Host {
 public:
  Sessions(const std::string& base, std::uint64_t seed, Plant plant);
  void run(const Step& step) override;
  void finish() override;

 private:
  // A mail that a client has sent, as often as once.
  struct Mail {
    std::string text;
    std::size_t mailbox = 0;
    bool acknowledged = false;
    bool asked = false;    // a client has asked to delete it
    bool deleted = false;  // and was told that it is deleted
  };

  void recover();
  void send(const Step& step);
  void send(Connection& client, Mail& mail, bool pipelined);
  void fetch(const Step& step);
  // Logs in, and returns the number of messages; nullopt if the server answers that it has trouble,
  // or not at all.
  std::optional<std::size_t> log_in(Connection& client, std::size_t mailbox);
  // Returns the mail that a retrieved text is. Throws a Violation if no such mail was sent.
  std::size_t mail_of(const std::string& text, std::size_t mailbox) const;
  void check_contents();
  // Throws a Violation if the answer blames the client for the server's trouble.
  void check_reply(const std::string& reply) const;
  void check_pop3(const std::string& reply) const;
  void commit_fault(std::size_t mailbox, bool after_delete);
  // Ends the process if the store has failed or the host has crashed.
  void after_session();

  smtpd::SmtpService smtp_;
  pop3d::Pop3Service pop3_;
  std::vector<std::string> mailboxes_;  // addresses
  std::vector<Mail> mails_;
};

}  // namespace gw::simulation
