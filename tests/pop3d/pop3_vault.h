// A vault in memory with one mailbox, `journal`, and a POP3 service on it.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"
#include "pop3d/server.h"
#include "support/faulty_store.h"
#include "support/memory_store.h"
#include "vault/delivery.h"
#include "vault/mailbox.h"

namespace gw::test {

constexpr std::string_view kPassword = "correct horse battery staple";

class Pop3Vault {
 public:
  explicit Pop3Vault(store::Trace trace = store::Trace::Auto)
      : memory_(store::make_memory_store(options())), faulty(*memory_) {
    log::open("gate_tests", log::Target::Nowhere);
    vault::Settings settings;
    settings.host = "gw.example";
    settings.argon2_memory = 1 << 20;
    settings.argon2_passes = 1;
    settings.cheap_passwords = true;
    REQUIRE(vault::write_settings(*memory_, settings, "test"));
    vault::NewMailbox wanted;
    wanted.name = "journal";
    wanted.trace = trace;
    auto made = vault::add_mailbox(*memory_, wanted, Secret(as_bytes(kPassword)), "test");
    REQUIRE(made);
    mailbox = made->record;
    service.host = "gw.example";
    service.store = [this]() -> Result<store::Store*> { return &faulty; };
    service.allow_plaintext_auth = true;
    service.limits = &limits;
    service.clock = clock();
  }

  MessageId deliver(std::string_view mail, std::string_view recipient = {}) {
    const std::string own = "mbx-" + mailbox.id.hex() + "@gw.example";
    auto to = memory_->resolve(own, store::Lookup::Recipient);
    REQUIRE(to);
    vault::Envelope envelope;
    envelope.reverse_path = "sender@example.org";
    envelope.recipients.push_back({recipient.empty() ? own : std::string(recipient), {}, {}});
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
  std::uint64_t live() { return memory_->stat(mailbox.id)->live; }

  // Advances the clock of the store and the sessions.
  void pass(std::chrono::seconds time) { *passed_ += time.count(); }

 private:
  std::function<BootClock::time_point()> clock() const {
    return [passed = passed_] { return BootClock::now() + std::chrono::seconds(*passed); };
  }
  store::MemoryOptions options() const {
    store::MemoryOptions options;
    options.vault = random_id<VaultId>();
    options.boot_clock = clock();
    return options;
  }
  std::shared_ptr<std::atomic<std::int64_t>> passed_ = std::make_shared<std::atomic<std::int64_t>>(0);
  std::unique_ptr<store::Store> memory_;

 public:
  FaultyStore faulty;  // the store that the service uses
  store::MailboxRecord mailbox;
  net::LoginThrottle limits;
  pop3d::Pop3Service service;
};

}  // namespace gw::test
