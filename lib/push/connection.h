// One connection over which gw-export(1) hands over mail.
//
//   auto connection = Connection::open(upstreams, target, host, login);
//   Result<Outcome> outcome = (*connection)->send(mail);
//   (*connection)->quit();
//
// A mail is handed over to all its recipients or to none: if one of them is refused, nothing is
// sent. Only LMTP can accept a mail for some recipients and refuse it for others, because it
// replies for each of them at the end.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "proxy/smtp_upstream.h"
#include "push/content.h"
#include "push/target.h"

namespace gw::push {

// The login for AUTH.
struct Login {
  std::string name;
  Secret password;
};

struct Mail {
  std::string sender;  // without <>; empty for the null sender
  std::vector<std::string> recipients;
  // The envelope belongs to this mail, so that its refusal does too. false: it is the same for all
  // mails, and its refusal concerns all mails.
  bool own_envelope = false;
  bool smtputf8 = false;  // it was submitted with SMTPUTF8, so its header may have UTF-8
  Feed feed;
  Form form;  // of `feed`
};

struct Outcome {
  enum class Kind : unsigned char {
    Accepted,  // the server has the mail, for all recipients
    Rejected,  // a 5xx reply that concerns this mail
    Deferred,  // a 4xx reply: the same mail may be accepted later
  };
  Kind kind = Kind::Accepted;
  std::string reply;  // as `550 5.7.1 No`; empty if accepted
};

// Not thread safe.
class Connection {
 public:
  // Connects, starts TLS and logs in, if `login` is not null. `host` is this host's name. Fails with
  // Usage if the password would cross a network in clear; with Denied if the server's certificate
  // or the login is not accepted; with Unavailable, Timeout or Closed if the server cannot be used
  // now.
  static Result<std::unique_ptr<Connection>> open(proxy::Upstreams& upstreams, const Target& target,
                                                  const std::string& host, const Login* login,
                                                  const proxy::SmtpTimeouts& timeouts = {});

  // Returns what the mail needs and the server does not offer, as `needs 8BITMIME`; empty if the
  // mail can be sent.
  std::string missing(const Mail& mail) const;
  // Hands over a mail of which nothing is missing(). Fails with Denied if the server's refusal
  // concerns not this mail but every one: for example, it demands a login, or does not know the
  // recipient of all mails. After any other error the connection is lost, and uncertain() tells
  // whether the server may have accepted the mail.
  Result<Outcome> send(const Mail& mail);
  bool uncertain() const { return uncertain_; }

  void quit() { upstream_->quit(); }

 private:
  explicit Connection(std::unique_ptr<proxy::SmtpUpstream> upstream, const Target& target)
      : upstream_(std::move(upstream)), target_(target) {}
  Result<void> log_in(const Login& login);
  std::vector<std::string> envelope(const Mail& mail) const;
  // Where in the transaction a reply belongs: to MAIL or RCPT, to DATA, or to the end of the mail.
  enum class Stage : unsigned char { Envelope, Data, End };
  Result<Outcome> refused(const Mail& mail, const smtp::Reply& reply, Stage stage);
  // Does the same and ends the transaction with RSET.
  Result<Outcome> give_up(const Mail& mail, const smtp::Reply& reply, Stage stage);
  Result<Outcome> transfer(const Mail& mail);

  std::unique_ptr<proxy::SmtpUpstream> upstream_;
  const Target& target_;
  bool uncertain_ = false;
  // The server announces CHUNKING and has refused BDAT.
  bool without_chunks_ = false;
};

// Returns whether the text is an address that can be put between < and >.
bool valid_address(std::string_view text);

}  // namespace gw::push
