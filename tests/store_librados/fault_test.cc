// What only a real cluster does: it has rights, and daemons that do not answer.
#include <catch2/catch.hpp>
#include <fstream>
#include <thread>

#include "store/librados/outcomes.h"
#include "store_librados/ceph.h"
#include "support/await.h"
#include "support/temp_folder.h"

namespace gw::store {
namespace {

using std::chrono::seconds;

Error refusal(const LibradosOptions& options) {
  const auto opened = open_cluster(options);
  REQUIRE_FALSE(opened);
  INFO(opened.error().text());
  CHECK_FALSE(opened.error().text().empty());
  return opened.error();
}

std::string written(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
  return path;
}

TEST_CASE("a cluster that is not configured right is refused with the reason") {
  const auto with = [](auto change) {
    LibradosOptions options = ceph_options();
    change(options);
    return refusal(options);
  };
  const Error no_file = with([](LibradosOptions& o) { o.conf = "/nonexistent/ceph.conf"; });
  CHECK(no_file.code() == Code::Config);
  CHECK(no_file.text() == "cannot read /nonexistent/ceph.conf: No such file or directory");

  const Error no_key = with([](LibradosOptions& o) { o.user = "nobody-has-this-name"; });
  CHECK(no_key.code() == Code::Config);

  const Error no_pool = with([](LibradosOptions& o) { o.data_pool = "lost"; });
  CHECK(no_pool.code() == Code::Config);
  CHECK(no_pool.text() == "the Ceph cluster has no pool lost");
  CHECK(no_pool.hint() == "ceph osd pool create lost");
  CHECK(with([](LibradosOptions& o) { o.meta_pool = "lost"; }).code() == Code::Config);

  // The key of another vault.
  const Error no_rights = with([](LibradosOptions& o) {
    o.user = "gw2";
    o.vault = "aa00";
  });
  CHECK(no_rights.code() == Code::Config);
  CHECK(no_rights.text() ==
        "client.gw2 cannot use the pool meta: the key of this client does not have the right");
  CHECK(no_rights.hint() ==
        "ceph auth caps client.gw2 mon 'allow r' osd 'allow rwx pool=meta namespace=aa00, "
        "allow rwx pool=data namespace=aa00'");
  // The key for one of the two pools, and one that can only read.
  REQUIRE(ceph("admin", "auth get-or-create client.half mon 'allow r' osd 'allow rwx pool=meta' -o " +
                            ceph_directory() + "/client.half.keyring"));
  const Error half = with([](LibradosOptions& o) { o.user = "half"; });
  CHECK(half.code() == Code::Config);
  CHECK(half.text() ==
        "client.half cannot use the pool data: the key of this client does not have the right");
  REQUIRE(ceph("admin", "auth get-or-create client.reader mon 'allow r' osd 'allow r' -o " +
                            ceph_directory() + "/client.reader.keyring"));
  CHECK(with([](LibradosOptions& o) { o.user = "reader"; }).code() == Code::Config);

  // A key that the monitors do not know.
  const test::TempFolder folder;
  const std::string wrong =
      written(folder.path() + "/wrong", "[client.gw]\n\tkey = AQDWf+NjAAAAABAAm0Z5rYSHB3FyE7VJXNRGNg==\n");
  const std::string conf = written(folder.path() + "/wrong.conf", [] {
    std::ifstream in(ceph_directory() + "/ceph.conf");
    return std::string(std::istreambuf_iterator<char>(in), {});
  }() + "[client.gw]\nkeyring = " + wrong + "\n");
  CHECK(with([&](LibradosOptions& o) { o.conf = conf; }).code() == Code::Config);
}

TEST_CASE("a cluster whose monitors do not answer is unavailable") {
  const test::TempFolder folder;
  LibradosOptions options = ceph_options();
  options.monitor_timeout = seconds(1);
  options.conf = written(folder.path() + "/ceph.conf", "[global]\nmon_host = [v2:127.0.0.1:1]\nkeyring = " +
                                                           ceph_directory() + "/client.gw.keyring\n");
  CHECK(refusal(options).code() == Code::Unavailable);
}

TEST_CASE("an operation that the key does not allow is refused") {
  REQUIRE(
      ceph("admin",
           "auth get-or-create client.writer mon 'allow r' osd 'allow rwx pool=meta, allow w pool=data' -o " +
               ceph_directory() + "/client.writer.keyring"));
  LibradosOptions options = ceph_options();
  options.user = "writer";
  const auto cluster = ceph_client(options);
  CHECK(cluster->write(Pool::Data, "o", {.data = "x"}).done());
  const Reply reply = cluster->read(Pool::Data, "o", {.range = ReadOp::Range{}});
  CHECK(reply.outcome == Outcome::Refused);
  CHECK(reply.text == "cannot read object o of pool data: the key of this client does not have the right");
}

TEST_CASE("vaults do not see each other") {
  const auto one = ceph_client(ceph_options());
  const auto other = ceph_client(ceph_options());
  CHECK(one->write(Pool::Meta, "o", {.create = true}).done());
  CHECK(other->read(Pool::Meta, "o", {}).outcome == Outcome::Missing);
  CHECK(other->write(Pool::Meta, "o", {.create = true}).done());
  std::vector<std::string> names;
  CHECK(other->objects(Pool::Meta, "", names).done());
  CHECK(names == std::vector<std::string>{"o"});
}

TEST_CASE("one pool can be both pools of a vault, on a wire that is not encrypted") {
  LibradosOptions options = ceph_options();
  options.data_pool = options.meta_pool;
  options.encrypt = false;
  const auto cluster = ceph_client(options);
  CHECK(cluster->write(Pool::Data, "o", {.data = "x"}).done());
  CHECK(cluster->read(Pool::Meta, "o", {.range = ReadOp::Range{}}).data == "x");
}

TEST_CASE("the space of a cluster without a manager is not known") {
  // The cluster of the tests has none.
  ClusterSpace space;
  const Reply reply = ceph_client(ceph_options())->space(space);
  CHECK(reply.outcome == Outcome::Failed);
  CHECK_FALSE(reply.text.empty());
  CHECK(space.total == 0);
}

// Stops the OSD, until its destruction.
class StoppedOsd {
 public:
  StoppedOsd() { REQUIRE(ceph("stop", "osd.0")); }
  ~StoppedOsd() { CHECK(ceph("continue", "osd.0")); }
};

TEST_CASE("an operation without an answer ends after its time") {
  LibradosOptions options = ceph_options();
  const auto patient = ceph_client(options);
  options.osd_timeout = seconds(4);
  const auto cluster = ceph_client(options);
  const Pairs before{{"v", "1"}};
  REQUIRE(patient->write(Pool::Meta, "m", {.set_attributes = before}).done());
  {
    const StoppedOsd stopped;
    // At the same time, because each takes as long as the limit is.
    const auto change =
        cluster->start(Pool::Meta, "m", WriteOp{.attribute_is = before, .set_attributes = {{"v", "2"}}});
    const auto pack =
        cluster->start(Pool::Data, "p", WriteOp{.create = true, .data = std::string(4 << 20, 'x')});
    const auto read =
        cluster->start(Pool::Meta, "m", ReadOp{.attributes = {"v"}, .page = ReadOp::Page{"", "", 10}});
    const auto content = cluster->start(Pool::Data, "p", ReadOp{.range = ReadOp::Range{}});
    Outcome lock = Outcome::Done;
    std::thread locks([&] { lock = cluster->lock("m", "drain", "c", "", seconds(60)).outcome; });
    const Error unavailable = refusal(options);
    locks.join();
    CHECK(lock == Outcome::Unanswered);
    CHECK(unavailable.code() == Code::Unavailable);
    CHECK(unavailable.text() == "client.gw cannot use the pool meta: the cluster did not answer in time");
    for (const auto* one : {&change, &pack, &read, &content}) {
      const Reply reply = (*one)->wait();
      CHECK(reply.outcome == Outcome::Unanswered);
      CHECK(reply.text.find("the cluster did not answer in time") != std::string::npos);
    }
  }
  // The change was made or was not made, or it will be made unless another change comes first.
  test::await(
      "the OSD", [&] { return patient->read(Pool::Meta, "m", {}).done(); }, seconds(60));
  const Outcome next =
      patient->write(Pool::Meta, "m", {.attribute_is = before, .set_attributes = {{"v", "3"}}}).outcome;
  CHECK((next == Outcome::Done || next == Outcome::Differs));
  const Reply after = patient->read(Pool::Meta, "m", {.attributes = {"v"}});
  CHECK(after.attributes == Pairs{{"v", next == Outcome::Done ? "3" : "2"}});
}

TEST_CASE("each error of librados has its outcome") {
  const std::pair<int, Outcome> meanings[] = {
      {0, Outcome::Done},
      {7, Outcome::Done},
      {ECANCELED, Outcome::Differs},
      {EEXIST, Outcome::Exists},
      {ENOENT, Outcome::Missing},
      {ENODATA, Outcome::Missing},
      {ENOSPC, Outcome::Full},
      {EDQUOT, Outcome::Full},
      {EBUSY, Outcome::Busy},
      {ETIMEDOUT, Outcome::Unanswered},
      {EPERM, Outcome::Refused},
      {EACCES, Outcome::Refused},
      {ESHUTDOWN, Outcome::Shut},
      {ENOTCONN, Outcome::Shut},
      {EIO, Outcome::Failed},
      {EMSGSIZE, Outcome::Failed},
      {EOPNOTSUPP, Outcome::Failed},
      {ERANGE, Outcome::Failed},
  };
  for (const auto& [number, outcome] : meanings) {
    INFO(number);
    CHECK(outcome_of(outcome == Outcome::Done ? number : -number) == outcome);
  }
  CHECK(failed_reply("cannot do it", -EIO).text == "cannot do it: Input/output error");
  CHECK(failed_reply("cannot do it", -EDQUOT).text == "cannot do it: the quota of the pool is reached");
}

}  // namespace
}  // namespace gw::store
