// A failed write ends the store: it acknowledges nothing, does not try again, and opens cleanly afterwards.
#include <sys/resource.h>

#include <atomic>
#include <csignal>

#include "local_vault.h"

namespace gw::store {
namespace {

using contract::deliver;
using contract::Mail;
using contract::new_mail;
using contract::new_mailbox;

// While it lives, no file of this process grows beyond this size: write fails with EFBIG.
class FileLimit {
 public:
  explicit FileLimit(rlim_t size) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = size;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FileLimit(const FileLimit&) = delete;
  FileLimit& operator=(const FileLimit&) = delete;
  ~FileLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_CASE("a failed write is Unknown, ends the store, and damages nothing that was acknowledged") {
  LocalVault vault;
  std::atomic<int> failed = 0;
  vault.options.failed = [&](const Error&) { ++failed; };
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  std::vector<Mail> mails;
  for (int i = 0; i < 20; ++i) {
    mails.push_back(new_mail(3000));
    REQUIRE(deliver(*store, mailbox, mails.back()));
  }
  const std::string before = contract::dump(*store);
  {
    const FileLimit limit(fs::file_size(vault.files("db", ".log").at(0)) + 1000);
    std::vector<std::thread> threads;
    std::atomic<int> answered = 0;
    std::atomic<int> right = 0;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        const auto committed = deliver(*store, mailbox, new_mail(3000));
        ++answered;
        const Code code = committed ? Code::Internal : committed.error().code();
        right += code == Code::Unknown || code == Code::Unavailable ? 1 : 0;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(right == answered);
    CHECK(failed == 1);
  }
  // The limit is lifted, and the store still does not write again.
  CHECK(deliver(*store, mailbox, new_mail()).error().code() == Code::Unavailable);
  CHECK(contract::move(*store, mailbox, {mails[0].id}, State::Live, State::Drained).error().code() ==
        Code::Unavailable);
  CHECK_FALSE(store->health().value().writable);
  CHECK(failed == 1);
  CHECK(contract::dump(*store) == before);
  SECTION("closed") {
    store.reset();
  }
  SECTION("killed") {
    vault.kill(std::move(store));
  }
  store = vault.open();
  CHECK(store->health().value().writable);
  CHECK(contract::dump(*store) == before);
  CHECK(deliver(*store, mailbox, new_mail()));
}

TEST_CASE("a large message that cannot be written is refused and leaves no file") {
  LocalVault vault;
  vault.options.large_threshold = 1000;
  std::atomic<int> failed = 0;
  vault.options.failed = [&](const Error&) { ++failed; };
  auto store = vault.open();
  const MailboxId mailbox = contract::put(*store, new_mailbox("journal")).id;
  const std::string before = contract::dump(*store);
  {
    const FileLimit limit(1 << 20);
    const auto committed = deliver(*store, mailbox, new_mail(2 << 20));
    REQUIRE_FALSE(committed);
    CHECK(committed.error().code() == Code::Unavailable);
  }
  CHECK(failed == 1);
  CHECK(vault.files("large/tmp", "").empty());
  CHECK(vault.files("large", "").empty());
  store.reset();
  store = vault.open();
  CHECK(contract::dump(*store) == before);
  CHECK(deliver(*store, mailbox, new_mail(2 << 20)));
}

}  // namespace
}  // namespace gw::store
