// The options of gw-export(1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/exit_status.h"
#include "base/result.h"
#include "cli/password.h"
#include "cli/vault_options.h"
#include "store/store.h"
#include "vault/drain.h"

namespace gw::cmd {

// Who exports, in histories and leases.
inline constexpr std::string_view kActor = "gw-export";

struct Options {
  cli::VaultOptions vault;
  cli::PasswordOptions password;
  std::string mailbox;
  std::string to;      // a path, `-`, or a URL of push/target.h
  std::string format;  // empty: by the ending of `to`
  std::string envelope = "none";
  std::string state;
  std::vector<std::string> addresses;  // of --match
  std::optional<std::string> manifest;
  std::optional<std::string> cursor;
  std::optional<Micros> since, until;
  unsigned jobs = 1;
  bool unwrap = false;
  bool remove = false;
  bool resume = false;
  bool follow = false;  // only with a URL
  // Messages that are drained in one transaction, and that a single file takes. Bounds the
  // transaction and the memory for what is to be read back.
  std::size_t drain_batch = vault::Drain::kMaxMessages;

  // Only with a URL. Empty: not given.
  std::vector<std::string> recipients;
  std::string sender;
  std::string tls;
  std::string ca_file;
  std::string pin;
  std::string user;
  cli::PasswordOptions user_password{{}, {}, "user-"};

  // Adds the options to `app`. This object must outlive the parsing.
  void declare(CLI::App& app);
  // Returns whether mail that was received at this time is wanted by --since and --until.
  bool in_time(Micros received) const {
    return (!since || received >= *since) && (!until || received < *until);
  }
  // Finds MAILBOX. Fails with the exit status 67 if there is none.
  Result<store::MailboxRecord> find_mailbox(store::Store& store) const;
  // Returns whether an option was given that only a URL can have.
  bool names_server() const {
    return !recipients.empty() || !sender.empty() || !tls.empty() || !ca_file.empty() || !pin.empty() ||
           !user.empty() || user_password.given() || follow || envelope == "original";
  }

 private:
  void declare_push(CLI::App& app);
};

}  // namespace gw::cmd
