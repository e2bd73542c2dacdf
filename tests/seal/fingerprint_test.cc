#include "seal/fingerprint.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace gw;
using seal::Fingerprints;

namespace {
using namespace std::literals;

Secret some_key(char fill) {
  return Secret(as_bytes(std::string(seal::kFingerprintKey, fill)));
}

Digest of_content(const Fingerprints& prints, std::string_view text, std::size_t cut = 1000) {
  Fingerprints::Content content = prints.content();
  for (std::size_t at = 0; at < text.size(); at += cut) content.update(as_bytes(text.substr(at, cut)));
  return content.finish();
}

}  // namespace

TEST_CASE("The same facts under the same key have the same fingerprint, in whatever pieces they are added") {
  const Secret key = some_key('k');
  const Secret again = some_key('k');
  const Fingerprints one(key, "work", "joe@example.com");
  const Fingerprints other(again, "work", "joe@example.com");
  CHECK(one.of_uidl("17") == other.of_uidl("17"));
  const std::string mail(300'000, 'x');
  CHECK(of_content(one, mail) == of_content(other, mail, 7));
  CHECK(of_content(one, "") == of_content(other, ""));
}

TEST_CASE("Any other key, route, login, kind or content has another fingerprint") {
  const Secret key = some_key('k');
  const Secret other_key = some_key('l');
  std::set<Digest> all;
  std::size_t made = 0;
  const auto add = [&](const Fingerprints& prints) {
    for (const std::string_view text : {"", "1", "17", "171", "\0"}) {
      all.insert(prints.of_uidl(text));
      all.insert(of_content(prints, text));
      made += 2;
    }
    all.insert(prints.of_uidl("\0"sv));
    all.insert(of_content(prints, "\0"sv));
    made += 2;
  };
  add(Fingerprints(key, "work", "joe"));
  add(Fingerprints(other_key, "work", "joe"));
  add(Fingerprints(key, "home", "joe"));
  add(Fingerprints(key, "work", "jim"));
  // The boundary between two fields counts.
  add(Fingerprints(key, "workj", "oe"));
  add(Fingerprints(key, "wor", "kjoe"));
  add(Fingerprints(key, "workjoe", ""));
  add(Fingerprints(key, "", "workjoe"));
  // Twice, "\0" as a C string is the empty text again.
  CHECK(all.size() == made - 2 * 8);
}

TEST_CASE("A fingerprint is keyed BLAKE2b over the fields, each preceded by its length") {
  // Computed with Python's hashlib.blake2b(digest_size=32, key=b"k" * 32).
  const Secret key = some_key('k');
  const Fingerprints prints(key, "work", "joe");
  CHECK(to_hex(prints.of_uidl("17")) == "e4e14e66a73c1645a5f692b2fdc6d9e842144a90d527eb9e2f85990699abcf30");
  CHECK(to_hex(of_content(prints, "mail\r\n")) ==
        "ac9976b8841c981a998cb6537184c51d5f738321913e2ef1c8d6738597b323ba");
}
