// Compares the store with RocksDB's own synced puts of the
// same values: alternating rounds, medians and a ratio.
//   store_bench DIRECTORY [--seconds 2] [--rounds 5] [--threads 64] [--size 8192] [--alone] [--json]
#include <fcntl.h>
#include <malloc.h>
#include <rocksdb/db.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/secret.h"
#include "base/text.h"
#include "store/local/local_store.h"

namespace {

using namespace gw;
using Clock = std::chrono::steady_clock;

struct Options {
  std::string directory;
  double seconds = 2;
  int rounds = 5;
  int threads = 64;
  std::size_t size = 8192;
  bool json = false;
  bool alone = false;  // skips RocksDB's rounds, for a profile
};

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "store_bench: %s\n", what.c_str());
  std::exit(1);
}

template <class T>
T must(Result<T> result) {
  if (!result) fail(result.error().text());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

struct Rate {
  double per_second = 0;
  double written_per_kept = 0;
  double cpu = 0;  // microseconds of processor time for each message
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t written_bytes() {
  std::ifstream io("/proc/self/io");
  std::string key;
  std::uint64_t value = 0;
  while (io >> key >> value) {
    if (key == "write_bytes:") return value;
  }
  return 0;
}

// Runs `work` in all threads until the time is over. Each call of `work` stores one message.
Rate run(const Options& options, const std::function<void(const Bytes& value, const Digest& digest)>& work) {
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> done = 0;
  std::vector<std::thread> threads;
  const std::uint64_t before = written_bytes();
  const double cpu = cpu_seconds();
  const auto start = Clock::now();
  for (int i = 0; i < options.threads; ++i) {
    threads.emplace_back([&] {
      Bytes value(options.size);
      random_bytes(value);
      const Digest digest = sha256(value);  // the sender's work
      std::uint64_t count = 0;
      while (!stop) {
        work(value, digest);
        ++count;
      }
      done += count;
    });
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double kept = static_cast<double>(done) * static_cast<double>(options.size);
  return {static_cast<double>(done) / seconds, static_cast<double>(written_bytes() - before) / kept,
          1e6 * (cpu_seconds() - cpu) / static_cast<double>(done)};
}

Rate ours(const Options& options, const std::string& path) {
  must(store::create_local_store(path, random_id<VaultId>(), {}));
  store::LocalOptions local;
  local.path = path;
  const auto store = must(store::open_local_store(local));
  store::MailboxRecord mailbox;
  mailbox.id = random_id<MailboxId>();
  mailbox.name = "bench";
  mailbox.generations = {{1, {}, 0}};
  must(store->put_mailbox(mailbox, {}, {store::LeafType::MailboxMade, "bench", 0}));
  return run(options, [&](const Bytes& value, const Digest& digest) {
    const MessageId id = new_message_id(now());
    store::Commit commit;
    commit.received = now();
    commit.size = value.size();
    commit.wire_size = value.size();
    commit.generation = 1;
    commit.container = digest;
    commit.envelope.resize(400);
    commit.actor = "bench";
    auto append = must(store->begin(mailbox.id, id));
    must(append->put(value));
    must(append->commit(commit));
  });
}

Rate plain(const Options& options, const std::string& path) {
  rocksdb::Options engine;
  engine.create_if_missing = true;
  engine.compression = rocksdb::kNoCompression;
  engine.write_buffer_size = 16 << 20;
  engine.max_background_jobs = 2;
  rocksdb::DB* raw = nullptr;
  if (const auto status = rocksdb::DB::Open(engine, path, &raw); !status.ok()) fail(status.ToString());
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions write;
  write.sync = true;
  return run(options, [&](const Bytes& value, const Digest&) {
    const MessageId id = new_message_id(now());
    const auto status = db->Put(write, rocksdb::Slice(reinterpret_cast<const char*>(id.data.data()), 16),
                                rocksdb::Slice(reinterpret_cast<const char*>(value.data()), value.size()));
    if (!status.ok()) fail(status.ToString());
  });
}

// Returns how many syncs one thread reaches on this disk per second. Every other rate must be read beside it.
double syncs(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) fail("cannot write to the directory");
  const std::string block(4096, 'x');
  const auto start = Clock::now();
  int count = 0;
  while (Clock::now() - start < std::chrono::seconds(1)) {
    if (::write(fd, block.data(), block.size()) < 0 || ::fdatasync(fd) != 0) fail("the disk does not sync");
    ++count;
  }
  ::close(fd);
  ::unlink(path.c_str());
  return count / std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? std::string(argv[++i]) : std::string("0"); };
    if (argument == "--seconds")
      options.seconds = std::strtod(value().c_str(), nullptr);
    else if (argument == "--rounds")
      options.rounds = std::atoi(value().c_str());
    else if (argument == "--threads")
      options.threads = std::atoi(value().c_str());
    else if (argument == "--size")
      options.size = parse_size(value()).value_or(8192);
    else if (argument == "--alone")
      options.alone = true;
    else if (argument == "--json")
      options.json = true;
    else
      options.directory = argument;
  }
  if (options.directory.empty() || options.rounds < 1 || options.threads < 1 || options.size < 16)
    fail(
        "usage: store_bench DIRECTORY [--seconds N] [--rounds N] [--threads N] [--size N] [--alone] "
        "[--json]");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  ::mallopt(M_ARENA_MAX, 4);  // as the keeper does
  ::mallopt(M_MMAP_THRESHOLD, 128 << 10);
  std::string directory = options.directory + "/store_bench-XXXXXX";
  if (::mkdtemp(directory.data()) == nullptr) fail("cannot make a directory in " + options.directory);
  std::vector<double> store_rates, plain_rates, ratios, store_written, plain_written, store_cpu, plain_cpu;
  const double disk = syncs(directory + "/disk");
  for (int round = 0; round < options.rounds; ++round) {
    const Rate a = ours(options, directory + "/vault");
    std::filesystem::remove_all(directory + "/vault");
    const Rate b = options.alone ? a : plain(options, directory + "/plain");
    std::filesystem::remove_all(directory + "/plain");
    store_rates.push_back(a.per_second);
    plain_rates.push_back(b.per_second);
    ratios.push_back(a.per_second / b.per_second);
    store_written.push_back(a.written_per_kept);
    plain_written.push_back(b.written_per_kept);
    store_cpu.push_back(a.cpu);
    plain_cpu.push_back(b.cpu);
    if (!options.json)
      std::printf("round %d: store %.0f/s, rocksdb %.0f/s, ratio %.2f\n", round + 1, a.per_second,
                  b.per_second, a.per_second / b.per_second);
  }
  std::filesystem::remove_all(directory);
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const char* form =
      options.json ? "{\"threads\":%d,\"bytes\":%zu,\"store\":%.0f,\"rocksdb\":%.0f,\"ratio\":%.3f,"
                     "\"store_cpu_us\":%.1f,\"rocksdb_cpu_us\":%.1f,\"store_written\":%.2f,\"rocksdb_"
                     "written\":%.2f,\"disk_syncs\":%.0f,\"peak_kib\":%ld}\n"
                   : "%d threads, %zu bytes: store %.0f/s, rocksdb %.0f/s, ratio %.2f; processor %.1f and "
                     "%.1f us each; written per byte kept %.2f and %.2f; the disk alone %.0f syncs/s; "
                     "peak %ld KiB\n";
  std::printf(form, options.threads, options.size, median(store_rates), median(plain_rates), median(ratios),
              median(store_cpu), median(plain_cpu), median(store_written), median(plain_written), disk,
              usage.ru_maxrss);
  return 0;
}
