#include "support/cluster_contract.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <set>
#include <thread>

#include "support/await.h"

namespace gw::store::contract {
namespace {

using std::chrono::seconds;
using namespace std::string_literals;

// A value with bytes that C strings and text do not have.
const std::string kBinary = "a\0b\xff\n\x80\0"s;

std::string h16(std::uint64_t number) {
  std::string digits(16, '0');
  for (std::size_t i = 16; i > 0; number >>= 4) digits[--i] = "0123456789abcdef"[number & 15];
  return digits;
}

// Does a write to the meta pool, and returns how it ended. An outcome other than Done has a text.
Outcome write(Cluster& cluster, const std::string& object, WriteOp op, Pool pool = Pool::Meta) {
  const Reply reply = cluster.write(pool, object, std::move(op));
  INFO(reply.text);
  CHECK(reply.text.empty() == reply.done());
  return reply.outcome;
}

Reply read(Cluster& cluster, const std::string& object, ReadOp op, Pool pool = Pool::Meta) {
  Reply reply = cluster.read(pool, object, std::move(op));
  INFO(reply.text);
  CHECK(reply.text.empty() == reply.done());
  return reply;
}

// Requires that a call on locks, lists or space is Done.
void require_done(const Reply& reply) {
  INFO(reply.text);
  REQUIRE(reply.done());
}

bool exists(Cluster& cluster, const std::string& object, Pool pool = Pool::Meta) {
  return read(cluster, object, {}, pool).done();
}

std::string whole(Cluster& cluster, const std::string& object, Pool pool = Pool::Meta) {
  const Reply reply = read(cluster, object, {.range = ReadOp::Range{}}, pool);
  REQUIRE(reply.done());
  return reply.data;
}

// All keys of an object that begin with `prefix`, page by page.
Pairs all_pairs(Cluster& cluster, const std::string& object, const std::string& prefix, std::uint64_t most) {
  Pairs all;
  std::string after;
  for (;;) {
    const Reply reply = read(cluster, object, {.page = ReadOp::Page{after, prefix, most}});
    REQUIRE(reply.done());
    REQUIRE(reply.pairs.size() <= most);
    for (const auto& [key, value] : reply.pairs) {
      REQUIRE(key > after);
      REQUIRE(all.emplace(key, value).second);
    }
    if (!reply.more) return all;
    REQUIRE_FALSE(reply.pairs.empty());
    after = reply.pairs.rbegin()->first;
  }
}

void creation(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  for (const Pool pool : {Pool::Meta, Pool::Data}) {
    CHECK(write(cluster, "o", {.must_exist = true, .data = "x"}, pool) == Outcome::Missing);
    CHECK_FALSE(exists(cluster, "o", pool));
    CHECK(write(cluster, "o", {.create = true, .data = "one"}, pool) == Outcome::Done);
    CHECK(write(cluster, "o", {.create = true, .data = "two"}, pool) == Outcome::Exists);
    CHECK(whole(cluster, "o", pool) == "one");
    CHECK(write(cluster, "o", {.must_exist = true, .data = "three"}, pool) == Outcome::Done);
    CHECK(whole(*subject.other, "o", pool) == "three");
    CHECK(write(cluster, "o", {.remove = true}, pool) == Outcome::Done);
    CHECK(write(cluster, "o", {.remove = true}, pool) == Outcome::Missing);
    CHECK(write(cluster, "o", {.must_exist = true, .remove = true}, pool) == Outcome::Missing);
    CHECK_FALSE(exists(cluster, "o", pool));
  }

  // Every change but removal creates the object.
  CHECK(write(cluster, "c1", {.erase = {"k"}}) == Outcome::Done);
  CHECK(write(cluster, "c2", {.erase_ranges = {{"a", "b"}}}) == Outcome::Done);
  CHECK(write(cluster, "c3", {.set = {{"k", "v"}}}) == Outcome::Done);
  CHECK(write(cluster, "c4", {.set_attributes = {{"k", "v"}}}) == Outcome::Done);
  CHECK(write(cluster, "c5", {.data = ""}) == Outcome::Done);
  CHECK(write(cluster, "c6", {.create = true}) == Outcome::Done);
  for (const char* object : {"c1", "c2", "c3", "c4", "c5", "c6"}) CHECK(exists(cluster, object));

  // What was removed leaves nothing for the next object of its name.
  const WriteOp all{.set = {{"k", "v"}}, .set_attributes = {{"a", "v"}}, .data = "data"};
  CHECK(write(cluster, "again", all) == Outcome::Done);
  CHECK(write(cluster, "again", {.remove = true}) == Outcome::Done);
  CHECK(write(cluster, "again", {.create = true}) == Outcome::Done);
  CHECK(whole(cluster, "again").empty());
  CHECK(all_pairs(cluster, "again", "", 10).empty());
  CHECK(read(cluster, "again", {.attributes = {"a"}}).outcome == Outcome::Missing);
}

void conditions(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  const WriteOp start{
      .set = {{"empty", ""}, {"key", kBinary}}, .set_attributes = {{"v", kBinary}}, .data = "old"};
  REQUIRE(write(cluster, "o", start) == Outcome::Done);

  WriteOp change;
  change.erase = {"key"};
  change.erase_ranges = {{"a", "z"}};
  change.set = {{"new", "1"}};
  change.set_attributes = {{"v", "2"}, {"w", "3"}};
  change.data = "new";
  const auto differs = [&](Pairs attributes, Pairs keys) {
    WriteOp op = change;
    op.attribute_is = std::move(attributes);
    op.key_is = std::move(keys);
    CHECK(write(cluster, "o", op) == Outcome::Differs);
    // Nothing was changed.
    CHECK(all_pairs(cluster, "o", "", 10) == start.set);
    CHECK(whole(cluster, "o") == "old");
    CHECK(read(cluster, "o", {.attributes = {"v"}}).attributes == start.set_attributes);
    CHECK(read(cluster, "o", {.attributes = {"w"}}).outcome == Outcome::Missing);
  };
  // A value differs, is a prefix, is longer, or differs after a NUL.
  differs({{"v", "x"}}, {});
  differs({{"v", "a"}}, {});
  differs({{"v", kBinary + "x"}}, {});
  differs({{"v", "a\0c"s}}, {});
  differs({{"missing", "x"}}, {});
  differs({{"v", ""}}, {});
  differs({}, {{"key", "x"}});
  differs({}, {{"key", "a"}});
  differs({}, {{"key", kBinary + "x"}});
  differs({}, {{"key", ""}});
  differs({}, {{"missing", "x"}});
  differs({}, {{"empty", "x"}});
  // One of several.
  differs({{"v", kBinary}}, {{"empty", ""}, {"key", kBinary}, {"missing", "x"}});
  differs({{"missing", "x"}, {"v", kBinary}}, {{"key", kBinary}});

  // They are checked in their order: the first that is not met decides.
  CHECK(write(cluster, "o", {.create = true, .attribute_is = {{"v", "x"}}}) == Outcome::Exists);
  CHECK(write(cluster, "none", {.must_exist = true, .attribute_is = {{"v", "x"}}}) == Outcome::Missing);
  CHECK(write(cluster, "none", {.must_exist = true, .key_is = {{"k", "x"}}}) == Outcome::Missing);
  CHECK_FALSE(exists(cluster, "none"));

  // Conditions that are met: a key that is missing has the empty value.
  change.attribute_is = {{"v", kBinary}};
  change.key_is = {{"empty", ""}, {"key", kBinary}, {"missing", ""}};
  change.must_exist = true;
  CHECK(write(cluster, "o", change) == Outcome::Done);
  CHECK(all_pairs(cluster, "o", "", 10) == change.set);
  CHECK(whole(cluster, "o") == "new");
  CHECK(read(cluster, "o", {.attributes = {"v", "w"}}).attributes == change.set_attributes);

  // Removal has conditions too.
  CHECK(write(cluster, "o", {.attribute_is = {{"v", "1"}}, .remove = true}) == Outcome::Differs);
  CHECK(write(cluster, "o", {.key_is = {{"new", "2"}}, .remove = true}) == Outcome::Differs);
  CHECK(exists(cluster, "o"));
  CHECK(write(cluster, "o", {.attribute_is = {{"v", "2"}}, .key_is = {{"new", "1"}}, .remove = true}) ==
        Outcome::Done);
  CHECK_FALSE(exists(cluster, "o"));
}

void missing_objects(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  // Even a key that must have the empty value.
  CHECK(write(cluster, "o", {.attribute_is = {{"v", "1"}}, .set = {{"k", "v"}}}) == Outcome::Missing);
  CHECK(write(cluster, "o", {.key_is = {{"k", "1"}}, .set = {{"k", "v"}}}) == Outcome::Missing);
  CHECK(write(cluster, "o", {.key_is = {{"k", ""}}, .set = {{"k", "v"}}}) == Outcome::Missing);
  CHECK(write(cluster, "o", {.key_is = {{"k", ""}}, .remove = true}) == Outcome::Missing);
  CHECK(write(cluster, "o", {.key_is = {{"k", ""}}, .erase = {"k"}}) == Outcome::Missing);
  CHECK_FALSE(exists(cluster, "o"));
  // A write that creates the object checks them afterwards.
  CHECK(write(cluster, "o", {.create = true, .key_is = {{"k", "1"}}}) == Outcome::Differs);
  CHECK_FALSE(exists(cluster, "o"));
  CHECK(write(cluster, "o", {.create = true, .key_is = {{"k", ""}}, .set = {{"k", "v"}}}) == Outcome::Done);
}

void changes(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  CHECK(write(cluster, "o", {.set = {{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}}) == Outcome::Done);
  // Keys are erased before others are set.
  CHECK(write(cluster, "o",
              {.erase = {"a", "missing"}, .erase_ranges = {{"b", "d"}}, .set = {{"a", "5"}, {"bb", ""}}}) ==
        Outcome::Done);
  CHECK(all_pairs(cluster, "o", "", 10) == Pairs{{"a", "5"}, {"bb", ""}, {"d", "4"}});
  // A range has its first key, and not its second.
  CHECK(write(cluster, "o", {.erase_ranges = {{"a", "a"}, {"bb", "bc"}, {"c", "d"}}}) == Outcome::Done);
  CHECK(all_pairs(cluster, "o", "", 10) == Pairs{{"a", "5"}, {"d", "4"}});
  CHECK(write(cluster, "o", {.erase_ranges = {{"", "zz"}}, .set = {{"c", kBinary}}}) == Outcome::Done);
  CHECK(all_pairs(cluster, "o", "", 10) == Pairs{{"c", kBinary}});

  // Attributes and content stay as they are unless a write names them.
  CHECK(write(cluster, "o", {.set_attributes = {{"v", kBinary}, {"w", "1"}}, .data = "content"}) ==
        Outcome::Done);
  CHECK(write(cluster, "o", {.set_attributes = {{"w", ""}}}) == Outcome::Done);
  CHECK(read(cluster, "o", {.attributes = {"v", "w"}}).attributes == Pairs{{"v", kBinary}, {"w", ""}});
  CHECK(whole(cluster, "o") == "content");
  // The content is replaced as a whole.
  CHECK(write(cluster, "o", {.data = "new"}) == Outcome::Done);
  CHECK(whole(cluster, "o") == "new");
  CHECK(write(cluster, "o", {.data = ""}) == Outcome::Done);
  CHECK(whole(cluster, "o").empty());
  CHECK(all_pairs(cluster, "o", "", 10) == Pairs{{"c", kBinary}});
  // A write that is accepted on a full pool is one like others.
  CHECK(write(cluster, "o", {.set = {{"d", ""}}, .data = "x", .although_full = true}) == Outcome::Done);
  CHECK(whole(cluster, "o") == "x");
}

void reads(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  CHECK(read(cluster, "none", {}).outcome == Outcome::Missing);
  CHECK(read(cluster, "none", {.attributes = {"v"}}).outcome == Outcome::Missing);
  CHECK(read(cluster, "none", {.keys = {"k"}}).outcome == Outcome::Missing);
  CHECK(read(cluster, "none", {.page = ReadOp::Page{"", "", 10}}).outcome == Outcome::Missing);
  CHECK(read(cluster, "none", {.range = ReadOp::Range{}}, Pool::Data).outcome == Outcome::Missing);

  REQUIRE(write(cluster, "o",
                {.set = {{"a", kBinary}, {"b", ""}, {"pa", "1"}, {"pb", "2"}},
                 .set_attributes = {{"v", kBinary}, {"w", ""}, {"x", "1"}},
                 .data = "0123456789"}) == Outcome::Done);
  // One read has all parts that are asked for, and no others.
  const Reply all = read(cluster, "o",
                         {.attributes = {"w", "v"},
                          .keys = {"missing", "b", "a"},
                          .page = ReadOp::Page{"", "p", 1},
                          .range = ReadOp::Range{2, 3}});
  CHECK(all.done());
  CHECK(all.attributes == Pairs{{"v", kBinary}, {"w", ""}});
  CHECK(all.pairs == Pairs{{"a", kBinary}, {"b", ""}, {"pa", "1"}});
  CHECK(all.more);
  CHECK(all.data == "234");
  const Reply nothing = read(cluster, "o", {});
  CHECK(nothing.done());
  CHECK((nothing.attributes.empty() && nothing.pairs.empty() && nothing.data.empty() && !nothing.more));
  CHECK(read(cluster, "o", {.keys = {"missing"}}).pairs.empty());
  CHECK(read(cluster, "o", {.attributes = {"v", "missing"}}).outcome == Outcome::Missing);

  const auto range = [&](std::uint64_t offset, std::uint64_t length) {
    const Reply reply = read(cluster, "o", {.range = ReadOp::Range{offset, length}});
    CHECK(reply.done());
    return reply.data;
  };
  CHECK(range(0, 0) == "0123456789");
  CHECK(range(4, 0) == "456789");
  CHECK(range(8, 5) == "89");
  CHECK(range(10, 0).empty());
  CHECK(range(10, 1).empty());
  CHECK(range(100, 10).empty());
}

void pages(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  // More than an OSD returns in one reply.
  constexpr std::size_t kCount = 2500;
  WriteOp op;
  Pairs mine;
  for (std::size_t i = 0; i < kCount; ++i) mine.emplace("e" + h16(i), i % 3 == 0 ? "" : kBinary + h16(i));
  op.set = mine;
  for (const char* key : {"d", "dz", "e", "f", "f0", "zz"}) op.set.emplace(key, "other");
  REQUIRE(write(cluster, "o", op) == Outcome::Done);
  mine.emplace("e", "other");
  for (const std::uint64_t most : {1000, 5000, 999}) CHECK(all_pairs(cluster, "o", "e", most) == mine);
  CHECK(all_pairs(cluster, "o", "", 1000) == op.set);
  CHECK(all_pairs(cluster, "o", "d", 1) == Pairs{{"d", "other"}, {"dz", "other"}});

  const auto page = [&](const std::string& after, const std::string& prefix, std::uint64_t most) {
    Reply reply = read(cluster, "o", {.page = ReadOp::Page{after, prefix, most}});
    CHECK(reply.done());
    return reply;
  };
  // `more` speaks of the keys of the prefix only.
  CHECK(page("", "f", 2).pairs == Pairs{{"f", "other"}, {"f0", "other"}});
  CHECK_FALSE(page("", "f", 2).more);
  CHECK(page("", "f", 1).more);
  CHECK(page("f", "f", 1).pairs == Pairs{{"f0", "other"}});
  CHECK_FALSE(page("f", "f", 1).more);
  CHECK_FALSE(page("e" + h16(kCount - 1), "e", 10).more);
  CHECK(page("e" + h16(kCount - 1), "e", 10).pairs.empty());
  CHECK(page("x", "e", 10).pairs.empty());
  CHECK(page("a", "f0", 10).pairs == Pairs{{"f0", "other"}});
  CHECK(page("", "none", 10).pairs.empty());
  CHECK_FALSE(page("", "none", 10).more);
  CHECK(page("", "e", 0).pairs.empty());
}

void big_objects(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  std::string data((4 << 20) + 12345, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7 + (i >> 13));
  REQUIRE(write(cluster, "p", {.create = true, .data = data}, Pool::Data) == Outcome::Done);
  CHECK((whole(cluster, "p", Pool::Data) == data));
  const Reply part = read(cluster, "p", {.range = ReadOp::Range{12345, 4 << 20}}, Pool::Data);
  CHECK((part.data == data.substr(12345, 4 << 20)));

  // Longer than the objects of a vault are, and again one byte longer.
  data += data;
  REQUIRE(write(cluster, "p", {.data = data}, Pool::Data) == Outcome::Done);
  CHECK((whole(cluster, "p", Pool::Data) == data));
  const Reply rest = read(cluster, "p", {.range = ReadOp::Range{1, 0}}, Pool::Data);
  CHECK((rest.data == data.substr(1)));

  // A change of many keys in one write.
  WriteOp many;
  for (std::size_t i = 0; i < 20'000; ++i) many.set.emplace("e" + h16(i), std::string(200, 'v'));
  REQUIRE(write(cluster, "many", many) == Outcome::Done);
  WriteOp erase;
  for (const auto& [key, value] : many.set) erase.erase.push_back(key);
  erase.set = {{"S", "1"}};
  REQUIRE(write(cluster, "many", erase) == Outcome::Done);
  CHECK(all_pairs(cluster, "many", "", 1000) == erase.set);

  const Reply refused = cluster.write(Pool::Data, "too-big", {.data = std::string(91 << 20, 'x')});
  CHECK(refused.outcome == Outcome::Failed);
  CHECK_FALSE(refused.text.empty());
  CHECK_FALSE(exists(cluster, "too-big", Pool::Data));
}

void locks(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& one = *subject.one;
  Cluster& other = *subject.other;
  std::optional<LockHolder> holder;
  CHECK(one.lock_holder("m", "drain", holder).outcome == Outcome::Missing);
  CHECK(one.unlock("m", "drain", "c1").outcome == Outcome::Missing);
  CHECK_FALSE(exists(one, "m"));

  // A lock creates its object.
  require_done(one.lock("m", "drain", "c1", "pop3 192.0.2.1", seconds(30)));
  CHECK(exists(one, "m"));
  require_done(one.lock("m", "drain", "c1", "another text", seconds(30)));
  CHECK(one.lock("m", "drain", "c2", "", seconds(30)).outcome == Outcome::Busy);
  CHECK(other.lock("m", "drain", "c1", "", seconds(30)).outcome == Outcome::Busy);
  CHECK_FALSE(other.lock("m", "drain", "c1", "", seconds(30)).text.empty());
  CHECK(other.unlock("m", "drain", "c1").outcome == Outcome::Missing);
  CHECK(one.unlock("m", "drain", "c2").outcome == Outcome::Missing);
  require_done(other.lock_holder("m", "drain", holder));
  REQUIRE(holder);
  CHECK(holder->cookie == "c1");
  CHECK_FALSE(holder->client.empty());
  CHECK_FALSE(holder->address.empty());
  const LockHolder first = *holder;

  // Locks of other names and objects are others. A lock stops no write.
  require_done(other.lock("m", "sweep", "c1", "", seconds(30)));
  require_done(other.lock("n", "drain", "c1", "", seconds(30)));
  require_done(one.lock_holder("m", "sweep", holder));
  REQUIRE(holder);
  CHECK(holder->client != first.client);
  CHECK(write(other, "m", {.set = {{"k", "v"}}, .set_attributes = {{"v", "1"}}, .data = "x"}) ==
        Outcome::Done);
  CHECK(read(other, "m", {.attributes = {"v"}}).attributes == Pairs{{"v", "1"}});
  require_done(one.lock_holder("m", "drain", holder));
  CHECK(holder);

  require_done(one.unlock("m", "drain", "c1"));
  CHECK(one.unlock("m", "drain", "c1").outcome == Outcome::Missing);
  require_done(one.lock_holder("m", "drain", holder));
  CHECK_FALSE(holder);

  // Another client can end a lock if it knows the holder.
  require_done(one.lock("m", "drain", "c3", "", seconds(30)));
  require_done(other.lock_holder("m", "drain", holder));
  REQUIRE(holder);
  CHECK(other.break_lock("m", "drain", first).outcome == Outcome::Missing);
  require_done(other.break_lock("m", "drain", *holder));
  CHECK(other.break_lock("m", "drain", *holder).outcome == Outcome::Missing);
  require_done(other.lock("m", "drain", "c1", "", seconds(30)));
  CHECK(one.unlock("m", "drain", "c3").outcome == Outcome::Missing);

  // A lock goes with its object.
  CHECK(write(other, "m", {.remove = true}) == Outcome::Done);
  require_done(one.lock("m", "drain", "c3", "", seconds(30)));
  // A long cookie is returned as it is.
  const std::string cookie(1000, 'c');
  require_done(one.lock("long", "drain", cookie, "", seconds(30)));
  require_done(other.lock_holder("long", "drain", holder));
  REQUIRE(holder);
  CHECK(holder->cookie == cookie);
}

void lock_times(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& one = *subject.one;
  Cluster& other = *subject.other;
  std::optional<LockHolder> holder;
  // Each renewal sets the time again, to a longer or a shorter one.
  require_done(one.lock("m", "drain", "c1", "", seconds(1)));
  require_done(one.lock("m", "drain", "c1", "", seconds(60)));
  subject.pass(seconds(2));
  CHECK(other.lock("m", "drain", "c2", "", seconds(60)).outcome == Outcome::Busy);
  require_done(one.lock("m", "drain", "c1", "", seconds(1)));
  subject.pass(seconds(2));
  test::await("the end of the lock", [&] {
    require_done(other.lock_holder("m", "drain", holder));
    return !holder;
  });
  CHECK(one.unlock("m", "drain", "c1").outcome == Outcome::Missing);
  require_done(other.lock("m", "drain", "c2", "", seconds(60)));
  CHECK(one.lock("m", "drain", "c1", "", seconds(60)).outcome == Outcome::Busy);
}

void lists(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  std::set<std::string> meta;
  std::set<std::string> data;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Pool pool = i % 2 == 0 ? Pool::Meta : Pool::Data;
    (i % 2 == 0 ? meta : data).insert("p." + h16(i));
    REQUIRE(write(cluster, "p." + h16(i), {.data = ""}, pool) == Outcome::Done);
    REQUIRE(write(cluster, "q." + h16(i), {.data = ""}, pool) == Outcome::Done);
  }
  const auto list = [&](Pool pool, const std::string& prefix) {
    std::vector<std::string> names{"what was there"};
    require_done(subject.other->objects(pool, prefix, names));
    REQUIRE(names.front() == "what was there");
    const std::set<std::string> listed(names.begin() + 1, names.end());
    CHECK(listed.size() == names.size() - 1);
    return listed;
  };
  CHECK(list(Pool::Meta, "p.") == meta);
  CHECK(list(Pool::Data, "p.") == data);
  CHECK(list(Pool::Data, "").size() == 40);
  CHECK(list(Pool::Meta, "none").empty());
  CHECK(write(cluster, *meta.begin(), {.remove = true}) == Outcome::Done);
  meta.erase(meta.begin());
  CHECK(list(Pool::Meta, "p.") == meta);
}

// Several threads of two clients change one object by compare-and-append.
void racing_writes(const MakeCluster& make) {
  const ClusterSubject subject = make();
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kEach = 25;
  REQUIRE(write(*subject.one, "m", {.create = true, .set_attributes = {{"v", h16(0)}}}) == Outcome::Done);
  std::array<std::string, kThreads> errors;
  const auto append = [&](std::size_t thread) {
    Cluster& cluster = thread % 2 == 0 ? *subject.one : *subject.other;
    std::size_t done = 0;
    while (done < kEach && errors[thread].empty()) {
      const Reply seen = cluster.read(Pool::Meta, "m", ReadOp{.attributes = {"v"}});
      if (!seen.done()) {
        errors[thread] = seen.text;
        break;
      }
      const std::string version = seen.attributes.begin()->second;
      const std::uint64_t next = std::stoull(version, nullptr, 16) + 1;
      const Reply reply = cluster.write(Pool::Meta, "m",
                                        WriteOp{.attribute_is = {{"v", version}},
                                                .set = {{"e" + h16(next), std::to_string(thread)}},
                                                .set_attributes = {{"v", h16(next)}}});
      if (reply.done()) {
        ++done;
      } else if (reply.outcome != Outcome::Differs) {
        errors[thread] = reply.text;
      }
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i) threads.emplace_back(append, i);
  for (std::thread& thread : threads) thread.join();
  for (const std::string& error : errors) CHECK(error.empty());
  CHECK(read(*subject.one, "m", {.attributes = {"v"}}).attributes == Pairs{{"v", h16(kThreads * kEach)}});
  const Pairs all = all_pairs(*subject.one, "m", "e", 1000);
  CHECK(all.size() == kThreads * kEach);
  for (std::size_t thread = 0; thread < kThreads; ++thread)
    CHECK(std::count_if(all.begin(), all.end(),
                        [&](const auto& one) { return one.second == std::to_string(thread); }) == kEach);
}

// Many operations run at a time.
void operations_in_flight(const MakeCluster& make) {
  const ClusterSubject subject = make();
  constexpr std::size_t kCount = 300;
  Cluster& cluster = *subject.one;
  std::vector<std::unique_ptr<Started>> started;
  for (std::size_t i = 0; i < kCount; ++i)
    started.push_back(cluster.start(i % 2 == 0 ? Pool::Meta : Pool::Data, "o" + std::to_string(i),
                                    WriteOp{.create = true, .data = std::string(i * 37, 'x')}));
  for (std::size_t i = kCount; i > 0; --i) CHECK(started[i - 1]->wait().done());
  started.clear();
  for (std::size_t i = 0; i < kCount; ++i)
    started.push_back(subject.other->start(i % 2 == 0 ? Pool::Meta : Pool::Data, "o" + std::to_string(i),
                                           ReadOp{.range = ReadOp::Range{}}));
  for (std::size_t i = 0; i < kCount; ++i) CHECK(started[i]->wait().data.size() == i * 37);

  // An operation that nobody waits for is done when it has been destroyed.
  for (int i = 0; i < 20; ++i) {
    const std::string object = "left" + std::to_string(i);
    cluster.start(Pool::Meta, object, WriteOp{.data = "x"}).reset();
    CHECK(exists(*subject.other, object));
    cluster.start(Pool::Meta, object, ReadOp{.page = ReadOp::Page{"", "", 10}, .range = ReadOp::Range{}})
        .reset();
  }
}

// Makes the cluster full, until its destruction.
class Filled {
 public:
  explicit Filled(const ClusterSubject& subject) : subject_(subject) { subject_.fill(true); }
  ~Filled() { subject_.fill(false); }
  Filled(const Filled&) = delete;
  Filled& operator=(const Filled&) = delete;

 private:
  const ClusterSubject& subject_;
};

void full_cluster(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& cluster = *subject.one;
  const WriteOp start{.set = {{"k", "v"}}, .set_attributes = {{"v", "1"}}, .data = "x"};
  for (const char* object : {"o", "m", "r"}) REQUIRE(write(cluster, object, start) == Outcome::Done);
  require_done(cluster.lock("m", "held", "c", "", seconds(600)));
  // A cluster of a test is full when it has more than this.
  REQUIRE(write(cluster, "ballast", {.data = std::string(2 << 20, 'x')}, Pool::Data) == Outcome::Done);
  {
    const Filled full(subject);
    Outcome last = Outcome::Done;
    int count = 0;
    test::await(
        "a full pool",
        [&] {
          last = write(cluster, "new" + std::to_string(++count), {.create = true, .data = "y"}, Pool::Data);
          return last != Outcome::Done;
        },
        seconds(60));
    CHECK(last == Outcome::Full);
    // New objects and longer ones.
    CHECK(write(cluster, "none", {.create = true}) == Outcome::Full);
    CHECK(write(cluster, "none", {.set = {{"k", "v"}}}) == Outcome::Full);
    CHECK(write(cluster, "o", {.data = "longer"}) == Outcome::Full);
    CHECK(cluster.lock("none", "drain", "c", "", seconds(60)).outcome == Outcome::Full);
    CHECK_FALSE(exists(cluster, "none"));
    CHECK(whole(cluster, "o") == "x");
    // Conditions come first.
    CHECK(write(cluster, "o", {.attribute_is = {{"v", "2"}}, .data = "longer"}) == Outcome::Differs);

    // Keys and attributes are not counted. Locks neither.
    CHECK(write(cluster, "o",
                {.attribute_is = {{"v", "1"}},
                 .erase = {"k"},
                 .set = {{"e1", std::string(1000, 'e')}},
                 .set_attributes = {{"v", "2"}},
                 .although_full = true}) == Outcome::Done);
    CHECK(write(cluster, "o", {.set = {{"e2", "v"}}}) == Outcome::Done);
    require_done(cluster.lock("m", "drain", "c", "", seconds(60)));
    require_done(cluster.lock("m", "held", "c", "", seconds(60)));
    require_done(cluster.unlock("m", "held", "c"));
    CHECK(write(cluster, "r", {.remove = true, .although_full = true}) == Outcome::Done);
    CHECK(write(cluster, "made", {.create = true, .data = "d", .although_full = true}) == Outcome::Done);
  }
  test::await(
      "space", [&] { return write(cluster, "last", {.data = "y"}, Pool::Data) == Outcome::Done; },
      seconds(60));
}

void fenced_client(const MakeCluster& make) {
  const ClusterSubject subject = make();
  Cluster& fenced = *subject.one;
  Cluster& other = *subject.other;
  require_done(fenced.lock("k", "alive", "c", "", seconds(600)));
  std::optional<LockHolder> holder;
  require_done(other.lock_holder("k", "alive", holder));
  REQUIRE(holder);
  subject.fence(*holder);

  Outcome last = Outcome::Done;
  test::await("the fence", [&] {
    last = write(fenced, "k", {.set = {{"k", "v"}}});
    return last != Outcome::Done;
  });
  CHECK(last == Outcome::Shut);
  CHECK(read(fenced, "k", {.range = ReadOp::Range{}}).outcome == Outcome::Shut);
  CHECK(fenced.lock("k", "alive", "c", "", seconds(60)).outcome == Outcome::Shut);

  require_done(other.break_lock("k", "alive", *holder));
  CHECK(write(other, "k", {.set = {{"k", "w"}}}) == Outcome::Done);
}

struct Rule {
  const char* title;
  void (*prove)(const MakeCluster& make);
};

constexpr std::array kRules{
    Rule{"a write creates its object, or requires that it exists", creation},
    Rule{"a write whose condition is not met changes nothing", conditions},
    Rule{"an object that does not exist meets no condition", missing_objects},
    Rule{"changes are made in their order", changes},
    Rule{"a read returns the parts that it asks for", reads},
    Rule{"pages of keys", pages},
    Rule{"big objects and writes", big_objects},
    Rule{"locks exclude other clients and cookies", locks},
    Rule{"a lock ends by the clock of the cluster", lock_times},
    Rule{"lists of objects", lists},
    Rule{"writes of several clients race, and one wins", racing_writes},
    Rule{"many operations run at the same time", operations_in_flight},
    Rule{"a full cluster refuses new data, and accepts what frees space", full_cluster},
    Rule{"a client that is shut out changes and reads nothing", fenced_client},
};

// A test case with a factory, which the macros of Catch2 cannot make.
class Invoker : public Catch::ITestInvoker {
 public:
  Invoker(const Rule& rule, MakeCluster make) : rule_(rule), make_(std::move(make)) {}
  void invoke() const override { rule_.prove(make_); }

 private:
  const Rule& rule_;
  const MakeCluster make_;
};

}  // namespace

ClusterTest::ClusterTest(const std::string& cluster, const MakeCluster& make) {
  // Catch2 owns the invoker and copies the title.
  for (const Rule& rule : kRules)
    Catch::AutoReg(new Invoker(rule, make), CATCH_INTERNAL_LINEINFO, Catch::StringRef(),
                   Catch::NameAndTags(cluster + ": " + rule.title));
}

}  // namespace gw::store::contract
