// A vault in memory with cheap passwords, and what tests do with it.
#pragma once

#include <catch2/catch.hpp>

#include "support/memory_store.h"
#include "vault/checkpoint.h"
#include "vault/delivery.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::vault::test {

inline Settings cheap_settings() {
  Settings settings;
  settings.host = "gw.example";
  settings.argon2_memory = 8 << 10;
  settings.argon2_passes = 1;
  settings.cheap_passwords = true;
  return settings;
}

struct Vault {
  VaultId id = random_id<VaultId>();
  seal::SecretKey recovery = seal::generate_key();
  Secret history_key = generate_history_key();
  std::unique_ptr<store::Store> store;

  Vault() {
    Settings settings = cheap_settings();
    settings.recovery_recipient = seal::recipient(seal::public_key(recovery));
    store::MemoryOptions options;
    options.vault = id;
    options.recovery_recipient = to_bytes(settings.recovery_recipient);
    options.signer = *make_signer(history_key);
    store = store::make_memory_store(options);
    REQUIRE(write_settings(*store, settings, "test"));
  }

  CreatedMailbox mailbox(std::string name = "journal", NewMailbox wanted = {},
                         std::optional<Secret> token = std::nullopt) {
    wanted.name = std::move(name);
    Result<CreatedMailbox> made = add_mailbox(*store, wanted, generate_password(), "test", std::move(token));
    if (!made) FAIL(made.error().text());
    return std::move(*made);
  }
};

inline store::Recipient recipient_of(store::Store& store, const store::MailboxRecord& mailbox) {
  Result<store::Recipient> recipient = store.resolve(mailbox.local_part(), store::Lookup::Recipient);
  REQUIRE(recipient);
  return *recipient;
}

inline Envelope some_envelope() {
  Envelope envelope;
  envelope.reverse_path = "sender@example.com";
  envelope.recipients.push_back({"someone@elsewhere.example", "", ""});
  envelope.helo = "client.example";
  envelope.host = "gw.example";
  envelope.peer = "192.0.2.7";
  envelope.listener = "smtp";
  envelope.transaction = "abc";
  return envelope;
}

// Delivers `data` in pieces of `piece`.
inline Result<Stored> deliver(store::Store& store, const store::MailboxRecord& mailbox, ByteView data,
                              Envelope envelope = some_envelope(), std::size_t piece = 10'000) {
  Result<Delivery> delivery =
      Delivery::begin(store, recipient_of(store, mailbox), std::move(envelope), "test");
  if (!delivery) return delivery.error();
  while (!data.empty()) {
    const ByteView now = data.first(std::min(piece, data.size()));
    data = data.subspan(now.size());
    if (const Result<void> written = delivery->write(now); !written) return written.error();
  }
  return delivery->finish();
}

// All of a message, or the error that ended it.
inline Result<Bytes> read_all(Result<Message>& message) {
  if (!message) return message.error();
  Bytes all;
  for (;;) {
    const Result<ByteView> chunk = message->next();
    if (!chunk) return chunk.error();
    if (chunk->empty()) return all;
    append(all, *chunk);
  }
}
inline Result<Bytes> read_all(Result<Message>&& message) {
  return read_all(message);
}

inline Bytes container_of(store::Store& store, const MailboxId& mailbox, const store::MessageRecord& record) {
  Bytes container(record.container_size + 1);
  std::size_t size = 0;
  for (;;) {
    const Result<std::size_t> got = store.read(mailbox, record.id, size, std::span(container).subspan(size));
    REQUIRE(got);
    if (*got == 0) break;
    size += *got;
  }
  container.resize(size);
  return container;
}

}  // namespace gw::vault::test
