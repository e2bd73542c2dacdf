#include "sessions.h"

#include <sys/socket.h>

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "dump.h"
#include "vault/mailbox.h"

namespace gw::simulation {
namespace {

constexpr std::string_view kPassword = "correct horse battery staple";
constexpr std::size_t kMailboxes = 2;

// The body of a mail: a number that tells it from all others, and lines, some of which begin with a
// dot.
std::string new_text(std::size_t number, std::uint64_t size, std::uint64_t content) {
  Random random(content);
  std::string text = "Subject: " + std::to_string(number) + "\r\n\r\n";
  while (text.size() < size) {
    if (random.once_in(5)) text += '.';
    text += std::string(random.below(100), static_cast<char>('a' + random.below(26))) + "\r\n";
  }
  return text;
}

std::string stuffed(const std::string& text) {
  std::string out = text.starts_with('.') ? "." : "";
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] == '\n' && i + 1 < text.size() && text[i + 1] == '.') out += '.';
  }
  return out;
}

}  // namespace

// The client's end of a connection. After as many bytes as it may send it is gone, and every further
// call has no effect.
class Connection {
 public:
  Connection(std::function<void(net::Stream)> serve, std::uint64_t most) : left_(most) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
    stream_.emplace(Fd(ends[0]), net::Peer{});
    net::Peer peer;
    peer.address = "unix";
    server_ = std::thread([end = Fd(ends[1]), peer, serve = std::move(serve)]() mutable {
      serve(net::Stream(std::move(end), peer));
    });
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    stream_.reset();
    server_.join();
  }

  void send(std::string_view data) {
    if (!stream_) return;
    const std::size_t size = std::min<std::size_t>(data.size(), left_);
    left_ -= size;
    if (!stream_->write(as_bytes(data.substr(0, size))) || size < data.size()) stream_.reset();
  }
  // Returns the next line without its CRLF; empty if the connection has ended.
  std::string line() {
    for (;;) {
      if (const std::size_t end = received_.find("\r\n"); end != std::string::npos) {
        std::string found = received_.substr(0, end);
        received_.erase(0, end + 2);
        return found;
      }
      std::array<std::byte, 4096> part;
      const auto got = stream_ ? stream_->read(part) : Result<std::size_t>(0);
      if (!got || *got == 0) {
        stream_.reset();
        return {};
      }
      received_ += as_text(std::span(part).first(*got));
    }
  }
  // Returns the last line of an SMTP reply.
  std::string reply() {
    for (;;) {
      std::string found = line();
      if (found.size() < 4 || found[3] != '-') return found;
    }
  }
  std::string ask(std::string_view command) {
    send(std::string(command) + "\r\n");
    return line();
  }
  // Returns the lines up to the final dot; nullopt if the connection ends before.
  std::optional<std::string> text() {
    std::string all;
    for (;;) {
      const std::string next = line();
      if (next.empty() && !stream_) return std::nullopt;
      if (next == ".") return all;
      all += (next.starts_with('.') ? next.substr(1) : next) + "\r\n";
    }
  }

 private:
  std::optional<net::Stream> stream_;
  std::thread server_;
  std::string received_;
  std::uint64_t left_;
};

Sessions::Sessions(const std::string& base, std::uint64_t seed, Plant plant) : Host(base, seed, plant) {
  create({});
  open();
  vault::Settings settings;
  settings.host = "gw.example";
  settings.argon2_memory = 8 << 10;
  settings.argon2_passes = 1;
  settings.cheap_passwords = true;
  if (auto done = vault::write_settings(*store_, settings, "simulation"); !done)
    throw Violation("the settings cannot be written: " + done.error().text());
  for (std::size_t i = 0; i < kMailboxes; ++i) {
    vault::NewMailbox wanted;
    wanted.name = std::string(1, static_cast<char>('a' + i));
    wanted.trace = store::Trace::Off;
    wanted.recovery = false;
    wanted.grace = i == 0 ? 0 : 86'400;
    wanted.id = id_of<MailboxId>(100 + i);
    auto made = vault::add_mailbox(*store_, wanted, Secret(as_bytes(kPassword)), "simulation");
    if (!made) throw Violation("a mailbox cannot be created: " + made.error().text());
    mailboxes_.push_back(made->record.local_part() + "@gw.example");
  }
  const auto store = [this]() -> Result<store::Store*> { return store_.get(); };
  smtp_.host = pop3_.host = "gw.example";
  smtp_.store = store;
  pop3_.store = store;
  smtp_.scarce = [] { return false; };
  pop3_.allow_plaintext_auth = true;
  pop3_.clock = options_.boot_clock;
}

void Sessions::check_reply(const std::string& reply) const {
  if (reply.starts_with('5')) throw Violation("a server answers " + reply);
}

void Sessions::check_pop3(const std::string& reply) const {
  if (reply.starts_with("-ERR") && reply.find("[SYS/TEMP]") == std::string::npos &&
      reply.find("[IN-USE]") == std::string::npos)
    throw Violation("a server answers " + reply);
}

// Commits the fault that is planted, if it is one of these.
void Sessions::commit_fault(std::size_t mailbox, bool after_delete) {
  const bool removes = plant_ == Plant::Vanished || plant_ == Plant::Lost;
  if (after_delete ? plant_ != Plant::Returned : !removes) return;
  const auto id = id_of<MailboxId>(100 + mailbox);
  const auto list = store_->list(id, 0, 100'000);
  if (!list) return;
  store::Transition moved;
  moved.mailbox = id;
  moved.from = after_delete ? store::State::Drained : store::State::Live;
  for (const store::MessageRecord& record : *list) {
    if (record.state == moved.from) moved.messages = {record.id};
  }
  if (after_delete) moved.to = store::State::Live;
  (void)store_->transition(moved);
}

// A server ends when its store has failed. What was said after a crash has reached nobody.
void Sessions::after_session() {
  if (disk_.crashed() == Crash::None && !has_failed()) return;
  if (disk_.crashed() == Crash::None) disk_.crash(mails_.size() % 2 == 0 ? Crash::Kill : Crash::PowerCut);
  recover();
}

void Sessions::recover() {
  ++counts_.crashes;
  open();
  disk_.forget_plans();
  check_contents();
}

void Sessions::send(const Step& step) {
  Mail mail;
  mail.mailbox = step.at(0) % kMailboxes;
  mail.text = new_text(mails_.size(), step.at(1), step.at(2));
  {
    Connection client([this](net::Stream stream) { smtpd::serve_smtp(std::move(stream), {}, smtp_); },
                      step.at(3) == 0 ? ~std::uint64_t{0} : step.at(3));
    send(client, mail, step.at(2) % 2 == 0);
  }
  counts_.changes += mail.acknowledged ? 1 : 0;
  if (mail.acknowledged) commit_fault(mail.mailbox, false);
  mails_.push_back(std::move(mail));
  after_session();
}

void Sessions::send(Connection& client, Mail& mail, bool pipelined) {
  std::vector<std::string> commands{"MAIL FROM:<sender@example.com>\r\n",
                                    "RCPT TO:<" + mailboxes_[mail.mailbox] + ">\r\n", "DATA\r\n"};
  if (client.reply().empty()) return;
  client.send("EHLO client.example\r\n");
  if (client.reply().empty()) return;
  if (pipelined) {
    for (std::size_t i = 1; i < commands.size(); ++i) commands[0] += commands[i];
    client.send(commands[0]);
  }
  for (const std::string& command : commands) {
    if (!pipelined) client.send(command);
    const std::string reply = client.reply();
    // After a refused RCPT, 503 or 554 is the answer to DATA in a pipeline, and no mail is lost.
    if (!reply.starts_with('2') && !reply.starts_with('3')) return check_reply(reply);
  }
  client.send(stuffed(mail.text));
  client.send(".\r\n");
  const std::string reply = client.reply();
  check_reply(reply);
  mail.acknowledged = reply.starts_with("250") && disk_.crashed() == Crash::None;
  client.send("QUIT\r\n");
  client.reply();
}

std::optional<std::size_t> Sessions::log_in(Connection& client, std::size_t mailbox) {
  if (!client.line().starts_with("+OK")) return std::nullopt;
  if (!client.ask("USER " + mailboxes_[mailbox]).starts_with("+OK")) return std::nullopt;
  std::string reply = client.ask("PASS " + std::string(kPassword));
  check_pop3(reply);
  if (!reply.starts_with("+OK")) return std::nullopt;
  reply = client.ask("STAT");
  check_pop3(reply);
  if (!reply.starts_with("+OK ")) return std::nullopt;
  return std::strtoull(reply.c_str() + 4, nullptr, 10);
}

std::size_t Sessions::mail_of(const std::string& text, std::size_t mailbox) const {
  for (std::size_t i = 0; i < mails_.size(); ++i) {
    if (mails_[i].text == text && mails_[i].mailbox == mailbox) return i;
  }
  throw Violation("a message of " + std::to_string(text.size()) +
                  " bytes is none that was sent: " + text.substr(0, 60));
}

void Sessions::fetch(const Step& step) {
  const std::size_t mailbox = step.at(0) % kMailboxes;
  std::vector<std::size_t> chosen;
  bool confirmed = false;
  {
    Connection client([this](net::Stream stream) { pop3d::serve_pop3(std::move(stream), false, pop3_); },
                      step.at(2) == 0 ? ~std::uint64_t{0} : step.at(2));
    const auto count = log_in(client, mailbox);
    if (count) {
      for (std::size_t number = 1; number <= std::min<std::size_t>(*count, step.at(1)); ++number) {
        const std::string reply = client.ask("RETR " + std::to_string(number));
        check_pop3(reply);
        const auto text = reply.starts_with("+OK") ? client.text() : std::nullopt;
        if (!text) break;
        const std::size_t mail = mail_of(*text, mailbox);
        if (!client.ask("DELE " + std::to_string(number)).starts_with("+OK")) break;
        chosen.push_back(mail);
      }
      // A client that stalls loses its lease, but what it has deleted must not be half deleted.
      if (step.at(3) == 1) sleep_for(400'000 * kMillisecond);
      const std::string reply = client.ask("QUIT");
      confirmed = reply.starts_with("+OK") && disk_.crashed() == Crash::None;
    }
  }
  for (const std::size_t mail : chosen) {
    mails_[mail].asked = true;
    mails_[mail].deleted = confirmed;
  }
  counts_.changes += confirmed ? 1 : 0;
  if (confirmed && !chosen.empty()) commit_fault(mailbox, true);
  after_session();
}

// Fetches everything without deleting, and compares with what clients were told.
void Sessions::check_contents() {
  for (std::size_t mailbox = 0; mailbox < kMailboxes; ++mailbox) {
    Connection client([this](net::Stream stream) { pop3d::serve_pop3(std::move(stream), false, pop3_); },
                      ~std::uint64_t{0});
    const auto count = log_in(client, mailbox);
    if (!count) throw Violation("a mailbox cannot be opened");
    std::set<std::size_t> there;
    for (std::size_t number = 1; number <= *count; ++number) {
      const std::string reply = client.ask("RETR " + std::to_string(number));
      const auto text = reply.starts_with("+OK") ? client.text() : std::nullopt;
      if (!text) throw Violation("a message cannot be fetched: " + reply);
      const std::size_t mail = mail_of(*text, mailbox);
      if (!there.insert(mail).second) throw Violation("mail " + std::to_string(mail) + " is there twice");
    }
    client.ask("QUIT");
    for (std::size_t i = 0; i < mails_.size(); ++i) {
      Mail& mail = mails_[i];
      if (mail.mailbox != mailbox) continue;
      const bool is_there = there.contains(i);
      if (mail.deleted && is_there)
        throw Violation("mail " + std::to_string(i) + " was deleted and is there");
      if (mail.acknowledged && !mail.asked && !is_there)
        throw Violation("mail " + std::to_string(i) + " was acknowledged and is lost");
      // Now it is known.
      mail.acknowledged = is_there;
      mail.asked = mail.deleted = mail.deleted || (mail.asked && !is_there);
    }
  }
}

void Sessions::run(const Step& step) {
  if (disk_.crashed() != Crash::None) recover();
  if (plan(step)) return;
  if (step.word == "restart") {
    stop(step);
    recover();
  } else if (step.word == "send") {
    send(step);
  } else if (step.word == "fetch") {
    fetch(step);
  } else if (step.word != "sessions") {
    throw Violation("no such step: " + to_text(step));
  }
}

void Sessions::finish() {
  if (disk_.crashed() == Crash::None) disk_.forget_plans();
  recover();
}

}  // namespace gw::simulation
