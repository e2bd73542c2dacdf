// The published test vectors of the age format (C2SP/CCTV), if they are available.
#include <zlib.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "base/digest.h"
#include "base/text.h"
#include "seal/age.h"
#include "support/source_dir.h"

using namespace gw;
using namespace gw::seal;
namespace fs = std::filesystem;

namespace {

struct Vector {
  std::string expect;
  std::string payload;
  std::vector<std::string> identities;
  bool other_kind = false;  // armor, passphrase or hybrid, which gw does not support
  std::string file;
};

std::string inflate_all(std::string_view packed) {
  std::string out(32 << 20, '\0');
  uLongf size = out.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(out.data()), &size,
                     reinterpret_cast<const Bytef*>(packed.data()), packed.size()) == Z_OK);
  out.resize(size);
  return out;
}

Vector read_vector(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(in), {}};
  const std::size_t end = all.find("\n\n");
  REQUIRE(end != std::string::npos);
  Vector vector;
  vector.file = all.substr(end + 2);
  for (std::string_view line : split(std::string_view(all).substr(0, end), '\n')) {
    const std::size_t colon = line.find(": ");
    const std::string key(line.substr(0, colon));
    const std::string value(line.substr(colon + 2));
    if (key == "expect") vector.expect = value;
    if (key == "payload") vector.payload = value;
    if (key == "identity" && value.starts_with("AGE-SECRET-KEY-1")) vector.identities.push_back(value);
    if (key == "passphrase" || key == "armored" ||
        (key == "identity" && value.starts_with("AGE-SECRET-KEY-PQ-")))
      vector.other_kind = true;
    if (key == "compressed") vector.file = inflate_all(vector.file);
  }
  return vector;
}

std::string verdict(const Result<void>& opened, bool header_opened) {
  if (opened) return "success";
  if (header_opened) return "payload failure";
  switch (opened.error().code()) {
    case Code::BadInput:
      return "header failure";
    case Code::Denied:
      return "no match";
    case Code::Corrupt:
      return "HMAC failure";
    default:
      return opened.error().text();
  }
}

}  // namespace

TEST_CASE("every published age vector has the result that it states") {
  const fs::path directory = gw::test::source_dir() + "/../shared/corpus/age-vectors/testdata";
  if (!fs::is_directory(directory)) {
    WARN("no published vectors here");
    return;
  }
  std::size_t judged = 0;
  std::size_t other = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    INFO(entry.path().filename().string());
    const Vector vector = read_vector(entry.path());
    std::vector<RingKey> keys;
    for (const std::string& text : vector.identities) {
      Result<SecretKey> key = parse_identity(text);
      REQUIRE(key);
      keys.push_back(ring_key(static_cast<std::uint32_t>(keys.size() + 1), std::move(*key)));
    }
    const bool header_opened = open_header(as_bytes(vector.file), keys, Shape::Any).has_value();
    Sha256 payload;
    const Result<void> opened =
        open_file(as_bytes(vector.file), keys, [&](ByteView piece) { payload.update(piece); });
    if (vector.other_kind) {
      ++other;
      CHECK_FALSE(opened);
      continue;
    }
    ++judged;
    CHECK(verdict(opened, header_opened) == vector.expect);
    if (!vector.payload.empty()) CHECK(to_hex(payload.finish()) == vector.payload);
  }
  CHECK(judged == 67);
  CHECK(other == 76);
}
