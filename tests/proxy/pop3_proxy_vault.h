// The POP3 side of gw-proxy on a vault in memory, with a route `work` to a server of the test.
#pragma once

#include "pop3d/pop3_client.h"
#include "pop3d/pop3_vault.h"
#include "proxy/fake_pop3.h"
#include "proxy/pop3_proxy.h"
#include "seal/fingerprint.h"
#include "support/await.h"

namespace gw::test {

class ProxyVault {
 public:
  explicit ProxyVault(FakePop3& server) : server_(server), vault_(store::Trace::Off) {
    vault::Route route;
    route.name = "work";
    route.protocol = vault::Protocol::Pop3;
    route.host = "127.0.0.1";
    route.port = server.port();
    route.tls = vault::UpstreamTls::None;
    route.mailbox = vault_.mailbox.id;
    route.allow_private = true;
    routes.push_back(route);
    service.host = "gw.example";
    service.store = [this]() -> Result<store::Store*> {
      if (keeper_down) return Error(Code::Unavailable, "no keeper");
      return &vault_.faulty;
    };
    service.routes = [this]() -> Result<std::vector<vault::Route>> { return routes; };
    service.upstreams = &upstreams;
    service.fingerprint_key = &key_;
    service.allow_plaintext_auth = true;
    service.times.reply = std::chrono::seconds(10);
    listener.name = "work";
    listener.route = "work";
  }

  vault::Route& route() { return routes.front(); }
  FaultyStore& faulty() { return vault_.faulty; }
  Pop3Vault& vault() { return vault_; }

  std::unique_ptr<Pop3Client> connect(std::string peer = "unix") {
    return std::make_unique<Pop3Client>(
        [this](net::Stream stream) { proxy::serve_pop3_proxy(std::move(stream), listener, service); },
        std::move(peer));
  }
  std::unique_ptr<Pop3Client> log_in(std::string_view user = "joe@example.com") {
    auto client = connect();
    REQUIRE(client->log_in(user, "secret") == "+OK welcome");
    return client;
  }

  // Returns the copies in the vault, in their order, as they were sealed.
  std::vector<std::string> copies() {
    Pop3Client reader(vault_.service);
    REQUIRE(reader.log_in("journal", kPassword).starts_with("+OK"));
    std::vector<std::string> all;
    for (std::size_t n = 1; n <= vault_.live(); ++n) all.push_back(reader.retrieve(n));
    return all;
  }
  std::uint64_t live() { return vault_.live(); }

  // Waits until the server's connection is closed.
  void await_closed() {
    await("the server's connection to end", [&] { return server_.open() == 0; });
  }

 private:
  FakePop3& server_;
  Pop3Vault vault_;
  Secret key_{as_bytes(std::string(seal::kFingerprintKey, 'k'))};

 public:
  std::vector<vault::Route> routes;
  proxy::Upstreams upstreams;
  proxy::Pop3ProxyService service;
  proxy::Pop3ProxyListener listener;
  std::atomic<bool> keeper_down{false};
};

}  // namespace gw::test
