#include "transfer/manifest.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "json/objects.h"
#include "support/temp_folder.h"

namespace gw::transfer {
namespace {

using Json = nlohmann::ordered_json;

const MessageId kFirst = *MessageId::parse("00000000000000000000000000000001");
const MessageId kSecond = *MessageId::parse("00000000000000000000000000000002");

vault::Envelope envelope() {
  vault::Envelope envelope;
  envelope.reverse_path = "sender@example.com";
  envelope.recipients = {{"a@example.com", "NOTIFY=NEVER", ""}, {"caf\xff@example.com", "", "550 5.1.1 no"}};
  envelope.peer = "192.0.2.1";
  envelope.received = 1'795'608'754'000'000;
  envelope.size = 12;
  envelope.nul = true;
  return envelope;
}

ManifestLine line_of(const MessageId& id) {
  ManifestLine line;
  line.id = id;
  line.file = "2026/11/25/" + id.hex() + ".eml";
  line.sha256 = sha256(as_bytes("x"));
  line.size = 12;
  return line;
}

}  // namespace

TEST_CASE("a manifest line has the documented fields in their order") {
  const vault::Envelope from = envelope();
  ManifestLine line = line_of(kFirst);
  line.envelope = &from;
  line.message_id = "<1@example.com>";
  const Json json = Json::parse(manifest_line(line));
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"id", "file", "sha256", "octets", "envelope", "message_id",
                                          "result", "reason", "state"});
  CHECK(json["id"] == kFirst.hex());
  CHECK(json["sha256"] == to_hex(sha256(as_bytes("x"))));
  CHECK(json["octets"] == 12);
  CHECK(json["message_id"] == "<1@example.com>");
  CHECK(json["result"] == "ok");
  CHECK(json["reason"].is_null());
  CHECK(json["envelope"]["mail_from"] == "sender@example.com");
  CHECK(json["envelope"]["received_at"] == "2026-11-25T12:12:34Z");
  CHECK(json["envelope"]["rcpt_to"][0]["parameters"] == "NOTIFY=NEVER");
  CHECK(json["envelope"]["rcpt_to"][1]["refusal"] == "550 5.1.1 no");
  CHECK(json["envelope"]["nul"] == true);
}

TEST_CASE("an address that is not UTF-8 keeps its bytes in a second field") {
  const Json json = json::envelope_json(envelope());
  CHECK(json["rcpt_to"][1]["address"] == "caf\xef\xbf\xbd@example.com");
  CHECK(json["rcpt_to"][1]["address_b64"] == "Y2Fm/0BleGFtcGxlLmNvbQ==");
}

TEST_CASE("a failed message has its reason and no file") {
  ManifestLine line;
  line.id = kFirst;
  line.size = 5;
  line.reason = "the envelope does not open";
  const Json json = Json::parse(manifest_line(line));
  CHECK(json["result"] == "failed");
  CHECK(json["reason"] == "the envelope does not open");
  CHECK(json["file"].is_null());
  CHECK(json["sha256"].is_null());
  CHECK(json["envelope"].is_null());
  CHECK(json["message_id"].is_null());
}

TEST_CASE("a manifest is created for its user only, and an existing file is Exists") {
  const test::TempFolder temp;
  const std::string path = temp.path() + "/manifest.jsonl";
  auto manifest = Manifest::open(path, false);
  REQUIRE(manifest);
  REQUIRE(manifest->add(manifest_line(line_of(kFirst))));
  REQUIRE(manifest->sync());
  struct stat state {};
  REQUIRE(::stat(path.c_str(), &state) == 0);
  CHECK((state.st_mode & 0777) == 0600);
  CHECK(*read_file(path) == manifest_line(line_of(kFirst)) + "\n");
  CHECK(Manifest::open(path, false).error().code() == Code::Exists);
  CHECK(Manifest::open("/nonexistent/folder/m", false).error().exit_status() == 73);
}

TEST_CASE("a resumed manifest knows what was done, drops half a line, and continues there") {
  const test::TempFolder temp;
  const std::string path = temp.path() + "/manifest.jsonl";
  ManifestLine failed = line_of(kSecond);
  failed.reason = "damaged";
  const std::string lines = manifest_line(line_of(kFirst)) + "\n" + manifest_line(failed) + "\n";
  REQUIRE(create_file(path, as_bytes(lines + "{\"id\":\"0000"), 0600));

  auto manifest = Manifest::open(path, true);
  REQUIRE(manifest);
  CHECK(manifest->listed(kFirst));
  CHECK_FALSE(manifest->listed(kSecond));
  REQUIRE(manifest->add(manifest_line(line_of(kSecond))));
  REQUIRE(manifest->sync());
  CHECK(*read_file(path) == lines + manifest_line(line_of(kSecond)) + "\n");
}

TEST_CASE("a file that is not a manifest is refused and not changed") {
  const test::TempFolder temp;
  for (const std::string text : {"some notes\n", "{}\n", "[1]\n", "{\"id\":7}\n", "{\"id\":\"short\"}\n"}) {
    const std::string path = temp.path() + "/" + to_hex(sha256(as_bytes(text)));
    REQUIRE(create_file(path, as_bytes(text), 0600));
    const auto manifest = Manifest::open(path, true);
    REQUIRE_FALSE(manifest);
    CHECK(manifest.error().code() == Code::BadInput);
    CHECK(*read_file(path) == text);
  }
}

}  // namespace gw::transfer
