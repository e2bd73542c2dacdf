// Group commit: the content of a batch, with change functions that succeed, fail or ask for the next batch.
#include "store/local/commit.h"

#include <atomic>
#include <thread>

#include <catch2/catch.hpp>

#include "base/id.h"
#include "support/temp_folder.h"

namespace gw::store {
namespace {

// A database with one history, and the group commits to it.
struct Database {
  test::TempFolder folder{test::quick_folder()};
  std::unique_ptr<Engine> engine = Engine::open(folder.path() + "/db", Engine::Mode::Create, 1 << 20).value();
  Table table;
  DiskSpace space = DiskSpace::open(folder.path(), 1 << 20, 2 << 20, 0).value();
  Commits commits{*engine, table, space, {}, {[] { return Micros{1}; }, {}}};
  const MailboxId log = random_id<MailboxId>();

  Database() {
    REQUIRE(commits.run(100, [&](Batch& batch) -> Result<ChangeResult> {
      batch.make(log);
      batch.leaf(log, leaf("first"));
      return ChangeResult::Done;
    }));
  }

  Leaf leaf(std::string actor) const {
    Leaf made;
    made.type = LeafType::Setting;
    made.mailbox = log;
    made.actor = std::move(actor);
    return made;
  }
  bool has(std::string_view key) const {
    return engine->get(Family::Records, as_bytes(key)).value().has_value();
  }
  std::uint64_t leaves() const {
    std::uint64_t count = 0;
    REQUIRE(engine->scan(Family::History, leaf_key(log, 0), after(Key().id(log)), [&](ByteView, ByteView) {
      ++count;
      return true;
    }));
    return count;
  }
};

// Adds a write of each kind, and then fails or asks for the next batch.
Result<ChangeResult> half_a_change(Batch& batch, const Database& database, const MailboxId& other,
                                   const Result<ChangeResult>& verdict) {
  Entry* entry = batch.state(database.log);
  ++entry->epoch;
  entry->log.stat.live = 99;
  batch.touch(database.log);
  batch.leaf(database.log, database.leaf("half"));
  batch.put(Family::Records, as_bytes("half"), as_bytes("x"));
  batch.erase(Family::Records, as_bytes("good"));
  batch.erase_range(Family::Records, as_bytes("a"), as_bytes("z"));
  batch.make(other);
  batch.leaf(other, database.leaf("half"));
  return verdict;
}

TEST_CASE("a change function that fails after it has added writes leaves nothing in the batch") {
  Database database;
  const MailboxId other = random_id<MailboxId>();
  const LogHead head = database.table.find(database.log)->log.head();
  const CommitPoint point = database.commits.point();
  SECTION("alone in its batch") {
    const auto failed = database.commits.run(100, [&](Batch& batch) {
      return half_a_change(batch, database, other, Error(Code::Io, "in the middle"));
    });
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code() == Code::Io);
    CHECK(database.commits.point() == point);
    CHECK(database.table.find(database.log)->log.head() == head);
    CHECK(database.leaves() == 1);
  }
  SECTION("between others in one batch") {
    // While the first change runs, the others wait in the queue.
    std::atomic<bool> begun = false;
    std::atomic<bool> go = false;
    std::vector<std::thread> threads;
    Result<void> good;
    Result<void> bad;
    Result<void> again;
    threads.emplace_back([&] {
      (void)database.commits.run(100, [&](Batch&) -> Result<ChangeResult> {
        begun = true;
        while (!go) std::this_thread::yield();
        return ChangeResult::Done;
      });
    });
    while (!begun) std::this_thread::yield();
    const auto queue = [&](std::size_t queued, auto work) {
      threads.emplace_back(work);
      while (database.commits.queued() < queued) std::this_thread::yield();
    };
    const auto add = [&](Batch& batch) -> Result<ChangeResult> {
      batch.state(database.log)->log.stat.live += 1;
      batch.leaf(database.log, database.leaf("good"));
      batch.put(Family::Records, as_bytes("good"), as_bytes("x"));
      return ChangeResult::Done;
    };
    queue(2, [&] { good = database.commits.run(100, add); });
    queue(3, [&] {
      bad = database.commits.run(100, [&](Batch& batch) {
        return half_a_change(batch, database, other, Error(Code::Io, "in the middle"));
      });
    });
    queue(4, [&] {
      int calls = 0;
      again = database.commits.run(100, [&](Batch& batch) -> Result<ChangeResult> {
        if (++calls == 1) return half_a_change(batch, database, other, ChangeResult::NextBatch);
        return add(batch);
      });
    });
    go = true;
    for (std::thread& thread : threads) thread.join();
    CHECK(good);
    CHECK(again);
    REQUIRE_FALSE(bad);
    CHECK(bad.error().code() == Code::Io);
    CHECK(database.commits.point().number == point.number + 2);
    CHECK(database.leaves() == 3);
    CHECK(database.has("good"));
    CHECK(database.table.find(database.log)->log.stat.live == 2);
    // The head covers the leaves that are there, in their order.
    CompactRange range;
    REQUIRE(database.engine->scan(Family::History, leaf_key(database.log, 0), after(Key().id(database.log)),
                                  [&](ByteView, ByteView value) {
                                    range.append(leaf_hash(value));
                                    return true;
                                  }));
    CHECK(range.root() == database.table.find(database.log)->log.head().root);
  }
  CHECK_FALSE(database.has("half"));
  CHECK(database.table.find(database.log)->epoch == 0);
  CHECK_FALSE(database.table.find(other));
}

}  // namespace
}  // namespace gw::store
