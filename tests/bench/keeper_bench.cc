// Measures commits per second through the keeper's socket: keeper_bench [SECONDS] [DIRECTORY]
//
// 1, 10 and 100 threads share one client and store containers of 4 KiB: in a store in memory and, if
// DIRECTORY is given, in a new vault in that directory. The same is measured without the socket.
#include <sys/resource.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "base/secret.h"
#include "keeper/remote_store.h"
#include "keeper/server/server.h"
#include "store/local/local_store.h"
#include "support/memory_store.h"

namespace {

using namespace gw;
using Clock = std::chrono::steady_clock;

struct Speed {
  double rate = 0;  // commits per second
  double cpu = 0;   // microseconds of processor time for each commit, client and keeper together
};

MailboxId make_mailbox(store::Store& store, const std::string& name) {
  store::MailboxRecord record;
  record.id = random_id<MailboxId>();
  record.name = name;
  record.generations = {{1, {}, 5}};
  if (auto made = store.put_mailbox(record, {}, {store::LeafType::Setting, "bench", 0}); !made) {
    std::fprintf(stderr, "keeper_bench: %s\n", made.error().text().c_str());
    std::exit(1);
  }
  return record.id;
}

double processor_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

template <class Work>
Speed speed_of(int threads, double seconds, Work work) {
  std::atomic<std::uint64_t> count = 0;
  std::atomic<bool> over = false;
  std::vector<std::thread> running;
  const double used_before = processor_seconds();
  const Clock::time_point start = Clock::now();
  for (int number = 0; number < threads; ++number) {
    running.emplace_back([&] {
      std::uint64_t mine = 0;
      while (!over) {
        if (!work()) std::exit(1);
        ++mine;
      }
      count += mine;
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  over = true;
  for (std::thread& thread : running) thread.join();
  const auto total = static_cast<double>(count);
  return {total / std::chrono::duration<double>(Clock::now() - start).count(),
          1e6 * (processor_seconds() - used_before) / total};
}

void measure(const char* what, store::Store& store, int threads, double seconds) {
  const MailboxId mailbox = make_mailbox(store, "bench-" + random_id<MailboxId>().hex());
  Bytes container(4096 + 200);
  random_bytes(container);
  store::Commit commit;
  commit.received = now();
  commit.size = 4096;
  commit.wire_size = 4096;
  commit.generation = 1;
  commit.container = sha256(container);
  commit.envelope.resize(400);
  commit.actor = "smtp 192.0.2.1";
  const Speed commits = speed_of(threads, seconds, [&] {
    auto append = store.begin(mailbox, new_message_id(now()));
    if (!append || !(*append)->put(container)) return false;
    auto committed = (*append)->commit(commit);
    if (!committed) std::fprintf(stderr, "keeper_bench: %s\n", committed.error().text().c_str());
    return committed.has_value();
  });
  const std::string address = "mbx-" + mailbox.hex() + "@example.com";
  const Speed lookups = speed_of(
      threads, seconds / 2, [&] { return store.resolve(address, store::Lookup::Recipient).has_value(); });
  std::printf("%-14s %4d threads  %9.0f commits/s %6.1f us  %9.0f lookups/s %6.1f us\n", what, threads,
              commits.rate, commits.cpu, lookups.rate, lookups.cpu);
  std::fflush(stdout);
}

void compare(const char* what, store::Store& store, double seconds) {
  keeper::Server server(store, {});
  auto remote =
      keeper::make_remote_store({[&]() -> Result<Fd> {
                                   int ends[2];
                                   if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
                                     return Error::from_errno("socketpair");
                                   }
                                   server.adopt(Fd(ends[1]), keeper::Role::Admin);
                                   return Fd(ends[0]);
                                 },
                                 "bench"});
  if (!remote) std::exit(1);
  for (const int threads : {1, 10, 100}) {
    measure(what, store, threads, seconds);
    measure("  by socket", **remote, threads, seconds);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const double seconds = argc > 1 ? std::atof(argv[1]) : 2;
  {
    auto memory = store::make_memory_store({});
    compare("memory", *memory, seconds);
  }
  if (argc < 3) return 0;
  const std::string directory = std::string(argv[2]) + "/keeper-bench-" + random_id<VaultId>().hex();
  if (auto made = store::create_local_store(directory, random_id<VaultId>(), {}); !made) {
    std::fprintf(stderr, "keeper_bench: %s\n", made.error().text().c_str());
    return 1;
  }
  store::LocalOptions options;
  options.path = directory;
  auto local = store::open_local_store(options);
  if (!local) {
    std::fprintf(stderr, "keeper_bench: %s\n", local.error().text().c_str());
    return 1;
  }
  compare("local", **local, seconds);
  return 0;
}
