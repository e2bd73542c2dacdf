// A console over a vault in memory, and a browser that asks it: cookies, redirects, forms with their token.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "support/faulty_store.h"
#include "support/memory_store.h"
#include "vault/account.h"
#include "vault/checkpoint.h"
#include "vault/delivery.h"
#include "vault/mailbox.h"
#include "web/console.h"
#include "web/http/http.h"

namespace gw::test {

constexpr std::string_view kConsolePassword = "correct horse battery staple";

// A vault with one account for each role, `viewer`, `operator` and `administrator`, all with
// kConsolePassword.
class ConsoleVault {
 public:
  ConsoleVault() : memory_(store::make_memory_store(memory_options())), store(*memory_) {
    log::open("web_tests", log::Target::Nowhere);
    vault::Settings settings;
    settings.host = "gw.example";
    settings.argon2_memory = 64 << 10;
    settings.argon2_passes = 1;
    settings.cheap_passwords = true;
    settings.recovery_recipient = recovery_recipient();
    REQUIRE(vault::write_settings(*memory_, settings, "test"));
    for (const vault::Role role : {vault::Role::Viewer, vault::Role::Operator, vault::Role::Administrator})
      add_account(std::string(vault::name(role)), role);
    web::ConsoleOptions options;
    options.store = [this]() -> Result<store::Store*> {
      if (away) return Error(Code::Unavailable, "the keeper is not there");
      return &store;
    };
    options.host = "gw.example";
    options.trusted_proxy = [](std::string_view peer) {
      return peer == "127.0.0.1" || peer == "192.0.2.250";
    };
    options.sessions.clock = options.sign_in.clock = boot_clock();
    options.now = [passed = passed_] { return gw::now() + *passed * 1'000'000; };
    console = std::make_unique<web::Console>(std::move(options));
  }

  vault::Account add_account(const std::string& name, vault::Role role, std::vector<std::string> only = {}) {
    vault::Account wanted;
    wanted.name = name;
    wanted.role = role;
    wanted.only = std::move(only);
    wanted.language = "en";
    auto made = vault::add_account(*memory_, wanted, Secret(as_bytes(kConsolePassword)), "test");
    REQUIRE(made);
    return made->account;
  }
  store::MailboxRecord add_mailbox(const std::string& name) {
    vault::NewMailbox wanted;
    wanted.name = name;
    auto made = vault::add_mailbox(*memory_, wanted, Secret(as_bytes(kConsolePassword)), "test");
    REQUIRE(made);
    return made->record;
  }
  MessageId deliver(const store::MailboxRecord& mailbox, std::string_view mail) {
    const std::string own = "mbx-" + mailbox.id.hex() + "@gw.example";
    auto to = memory_->resolve(own, store::Lookup::Recipient);
    REQUIRE(to);
    vault::Envelope envelope;
    envelope.reverse_path = "sender@example.org";
    envelope.recipients.push_back({own, {}, {}});
    envelope.helo = "mail.example.org";
    envelope.peer = "192.0.2.1";
    envelope.host = "gw.example";
    auto delivery = vault::Delivery::begin(*memory_, *to, std::move(envelope), "test");
    REQUIRE(delivery);
    REQUIRE(delivery->write(as_bytes(mail)));
    auto stored = delivery->finish();
    REQUIRE(stored);
    return stored->id;
  }
  // Lets this much time pass for the console.
  void pass(std::chrono::seconds time) { *passed_ += time.count(); }

  const seal::SecretKey recovery = seal::generate_key();  // opens every mailbox
  const Secret history_key = vault::generate_history_key();

 private:
  std::string recovery_recipient() const { return seal::recipient(seal::public_key(recovery)); }
  std::function<BootClock::time_point()> boot_clock() const {
    return [passed = passed_] { return BootClock::now() + std::chrono::seconds(*passed); };
  }
  store::MemoryOptions memory_options() const {
    store::MemoryOptions options;
    options.vault = random_id<VaultId>();
    options.recovery_recipient = to_bytes(recovery_recipient());
    options.signer = *vault::make_signer(history_key);
    return options;
  }
  std::shared_ptr<std::atomic<std::int64_t>> passed_ = std::make_shared<std::atomic<std::int64_t>>(0);
  std::unique_ptr<store::Store> memory_;

 public:
  FaultyStore store;
  std::atomic<bool> away = false;  // the keeper
  std::unique_ptr<web::Console> console;
};

using Form = std::vector<std::pair<std::string, std::string>>;

class Browser {
 public:
  explicit Browser(ConsoleVault& vault, std::string address = "192.0.2.7")
      : console_(*vault.console), address_(std::move(address)) {}

  std::string host = "gw.example";
  std::string origin = "https://gw.example";  // empty: none is sent
  std::string language = "en";
  bool tls = true;  // of the connection
  std::vector<std::pair<std::string, std::string>> headers;

  web::Response get(const std::string& target) { return ask("GET", target, {}); }
  // With the token of the page that was seen last, as a browser would send it.
  web::Response post(const std::string& target, Form form) {
    form.emplace_back("csrf", csrf);
    return ask("POST", target, form);
  }
  web::Response post_without_token(const std::string& target, const Form& form) {
    return ask("POST", target, form);
  }
  web::Response sign_in(const std::string& name, std::string_view password = kConsolePassword,
                        const std::string& code = "") {
    web::Response response =
        ask("POST", "/sign-in", {{"name", name}, {"password", std::string(password)}, {"code", code}});
    if (response.status == 303) get("/");
    return response;
  }

  std::map<std::string, std::string> cookies;
  std::string csrf;

  web::Response ask(const std::string& method, const std::string& target, const Form& form) {
    web::Request request;
    request.method = method;
    request.target = target;
    const std::size_t question = target.find('?');
    request.path = *web::url_decoded(target.substr(0, question), false);
    if (question != std::string::npos) request.query = *web::parse_query(target.substr(question));
    request.headers.add("host", host);
    request.headers.add("accept-language", language);
    for (const auto& [name, value] : headers) request.headers.add(name, value);
    if (method != "GET" && method != "HEAD") {
      if (!origin.empty()) request.headers.add("origin", origin);
      std::string body;
      for (const auto& [name, value] : form)
        body += (body.empty() ? "" : "&") + web::url_part(name) + "=" + web::url_part(value);
      request.form = *web::Form::parse(as_bytes(body));
      request.body = Secret(as_bytes(body));
    }
    for (const auto& [name, value] : cookies) request.cookies.add(name, value);
    request.peer.address = address_;
    request.peer.local_address = "192.0.2.1";
    request.tls = tls;
    web::Response response = console_.answer(request);
    take_cookies(response);
    constexpr std::string_view kToken = "name=\"csrf\" value=\"";
    if (const std::size_t at = response.body.find(kToken); at != std::string::npos)
      csrf = response.body.substr(at + kToken.size(), 64);
    return response;
  }

 private:
  void take_cookies(const web::Response& response) {
    for (const std::string_view line : response.headers.all("Set-Cookie")) {
      const std::size_t equals = line.find('=');
      const std::string name(line.substr(0, equals));
      const std::string value(line.substr(equals + 1, line.find(';') - equals - 1));
      if (value.empty())
        cookies.erase(name);
      else
        cookies[name] = value;
    }
  }

  web::Console& console_;
  std::string address_;
};

inline bool shows(const web::Response& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}
inline std::string location(const web::Response& response) {
  return std::string(response.headers.get("Location"));
}

}  // namespace gw::test
