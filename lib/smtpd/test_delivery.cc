#include "smtpd/test_delivery.h"

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/text.h"
#include "net/connect.h"
#include "net/tls.h"
#include "smtp/client.h"
#include "vault/mailbox.h"

namespace gw::smtpd {
namespace {

using Clock = std::chrono::steady_clock;
using smtp::Client;
using smtp::Reply;
using std::chrono::milliseconds;

constexpr milliseconds kConnect{5'000};
constexpr milliseconds kReply{10'000};  // for each reply, write and handshake
// For the reply to the final dot, which includes the commit.
constexpr milliseconds kDelivered{30'000};

constexpr std::string_view kUsual = "127.0.0.1:25";  // if gw.toml does not state a listener

// Returns the address to connect to for a listener's address.
std::string loopback_of(const std::string& host) {
  if (host.empty() || host == "0.0.0.0") return "127.0.0.1";
  return host == "::" ? "::1" : host;
}

// The SMTP client of the test. It does not use SmtpUpstream, because that needs a route, and
// because every line must be recorded.
class Dialog {
 public:
  explicit Dialog(TestDelivery& kept) : kept_(kept) {}

  Result<void> deliver(const TestMail& mail) {
    if (auto done = connect(mail); !done) return done;
    if (auto greeted = wanted(reply(kReply), 220); !greeted) return greeted;
    if (auto done = hello(mail); !done) return done;
    // The null reverse path: a bounce of the test mail must go nowhere.
    if (auto done = say("MAIL FROM:<>", 250); !done) return done;
    if (auto done = say("RCPT TO:<" + mail.recipient + ">", 250); !done) return done;
    if (auto done = say("DATA", 354); !done) return done;
    const std::string data = content(mail);
    kept_.size = data.size();
    if (auto done = send(data); !done) return done;
    const auto begun = Clock::now();
    if (auto done = say(".", 250, kDelivered); !done) return done;
    kept_.took = std::chrono::duration_cast<milliseconds>(Clock::now() - begun);
    (void)say("QUIT", 221);
    return {};
  }

 private:
  Result<void> connect(const TestMail& mail) {
    Result<net::Stream> stream =
        net::connect_to({loopback_of(mail.server.host), mail.server.port, true, kConnect});
    if (!stream) return stream.error();
    stream_.emplace(std::move(*stream));
    kept_.address = stream_->peer().address + ", " + std::to_string(mail.server.port);
    return mail.server.implicit_tls ? start_tls(mail) : Result<void>();
  }

  Result<void> start_tls(const TestMail& mail) {
    // Accept any certificate, and report it: the operator must see a delivery that works with a bad
    // certificate.
    const auto tls = net::ClientTls::make({"", "", false});
    if (!tls) return tls.error();
    if (stream_->pending()) return Error(Code::Closed, "the server sent data before the TLS handshake");
    if (auto done = stream_->connect_tls(**tls, mail.host, kReply); !done) return done;
    kept_.tls = stream_->tls();
    kept_.certificate = stream_->server_certificate();
    return {};
  }

  Result<void> hello(const TestMail& mail) {
    if (auto done = say("EHLO " + mail.host, 250); !done) return done;
    if (stream_->tls() || !smtp::parse_capabilities(last_).starttls) return {};
    // Use STARTTLS whenever it is offered, as most senders do.
    if (auto done = say("STARTTLS", 220); !done) return done;
    if (auto done = start_tls(mail); !done) return done;
    client_.tls_started();
    return say("EHLO " + mail.host, 250);
  }

  std::string content(const TestMail& mail) {
    return "Date: " + rfc5322(now()) + "\r\nFrom: gw <postmaster@" + mail.host + ">\r\nTo: <" +
           mail.recipient + ">\r\nSubject: Test delivery\r\nMessage-ID: <" + mail.message_id +
           ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
           "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
           "An operator of this gateway sent this mail, to see that mail arrives.\r\n";
  }

  // Sends lines and records each of them in the dialog. They need no dot stuffing: no line of
  // content() begins with a dot.
  Result<void> send(const std::string& lines) {
    for (const std::string_view line : split(lines, '\n'))
      if (!line.empty()) kept_.dialog.push_back({true, printable(trim(line))});
    stream_->set_timeout(kReply);
    return stream_->write(as_bytes(lines));
  }

  // Sends a command and waits for a reply with this code. Any other code is an error.
  Result<void> say(const std::string& command, int code, milliseconds timeout = kReply) {
    if (stream_->pending()) return Error(Code::Closed, "unexpected data from the server");
    client_.expect();
    if (auto sent = send(command + "\r\n"); !sent) return sent;
    return wanted(reply(timeout), code);
  }

  Result<void> wanted(const Result<Reply>& reply, int code) {
    if (!reply) return reply.error();
    last_ = *reply;
    if (reply->code == code) return {};
    return Error(Code::Unavailable, std::to_string(reply->code) + " " +
                                        printable(reply->lines.empty() ? "" : reply->lines.front()));
  }

  void keep(const Reply& reply) {
    for (std::size_t at = 0; at < reply.lines.size(); ++at)
      kept_.dialog.push_back({false, std::to_string(reply.code) + (at + 1 < reply.lines.size() ? "-" : " ") +
                                         printable(reply.lines[at])});
  }

  Result<Reply> reply(milliseconds timeout) {
    // One deadline for the whole reply, see SmtpUpstream::reply().
    const auto deadline = Clock::now() + timeout;
    for (;;) {
      const Client::Event& event = client_.next_event();
      if (const auto* answer = std::get_if<Client::Answer>(&event)) {
        keep(answer->reply);
        return answer->reply;
      }
      if (const auto* broken = std::get_if<Client::Broken>(&event))
        return Error(Code::Closed, broken->reason);
      const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
      if (left.count() <= 0) return Error(Code::Timeout, "timed out waiting for a reply");
      stream_->set_timeout(left);
      const Result<std::size_t> got = stream_->read(buffer_);
      if (!got) return got.error();
      *got == 0 ? client_.receive_eof() : client_.receive(ByteView(buffer_).first(*got));
    }
  }

  TestDelivery& kept_;
  std::optional<net::Stream> stream_;
  Client client_;
  Reply last_;
  std::array<std::byte, 4096> buffer_{};
};

// Returns the message of `size` bytes that was accepted after the first `leaf_count` entries of the
// mailbox's history; nullopt if there is none. Other mail may arrive at the same time, hence the
// comparison of the size.
Result<std::optional<MessageId>> arrived(store::Store& store, const MailboxId& mailbox,
                                         std::uint64_t leaf_count, std::uint64_t size) {
  const auto leaves = store.history_read(mailbox, leaf_count, 100);
  if (!leaves) return leaves.error();
  for (const Bytes& each : *leaves) {
    const auto leaf = store::decode_leaf(each);
    if (leaf && leaf->type == store::LeafType::Accepted && leaf->value == size)
      return std::optional(leaf->message);
  }
  return std::optional<MessageId>();
}

}  // namespace

TestDelivery deliver_test(const TestMail& mail) {
  TestDelivery kept;
  Dialog dialog(kept);
  if (const auto done = dialog.deliver(mail); !done) kept.trouble = done.error().text();
  return kept;
}

Result<MailboxTest> test_mailbox(store::Store& store, const store::MailboxRecord& mailbox,
                                 const net::ListenSpec& server, const std::string& host) {
  const auto settings = vault::read_settings(store);
  if (!settings) return settings.error();
  // Before the delivery, so that the entry of the test mail is certainly after it.
  const auto before = store.history_head(mailbox.id);
  if (!before) return before.error();
  const std::string message_id = "test-" + random_id<MessageId>().hex() + "@" + host;
  MailboxTest done{deliver_test({server, host, vault::address_of(mailbox, *settings), message_id}),
                   std::nullopt};
  if (!done.sent.trouble.empty()) return done;
  const auto message = arrived(store, mailbox.id, before->size, done.sent.size);
  if (!message) return message.error();
  done.message = *message;
  return done;
}

std::vector<std::string> own_servers(const std::vector<std::string>& listen) {
  std::vector<std::string> all;
  for (const std::string& each : listen)
    // For port 0 the kernel chooses a port when gw-smtpd starts, which other processes do not know.
    if (const auto spec = net::parse_listen(each); spec && spec->port != 0) all.push_back(each);
  if (all.empty()) all.emplace_back(kUsual);
  return all;
}

}  // namespace gw::smtpd
