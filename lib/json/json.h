// How values look in JSON, for all programs: times are RFC 3339 in UTC, digests are hex, sizes are
// bytes, and null means that there is no value. The objects that several programs print are in
// json/objects.h.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/digest.h"
#include "base/secret.h"

namespace gw::json {

// The order of the fields is part of the output.
using Json = nlohmann::ordered_json;

// Returns the time, or null for 0.
Json json_time(Micros time);
// Returns the digest in hex, or null for all zeros.
Json json_digest(const Digest& digest);
// Returns the text, with U+FFFD for each invalid byte if it is not UTF-8, or null if it is empty.
Json text_or_null(std::string_view text);
// Sets `name` to the text, with U+FFFD for each invalid byte if it is not UTF-8. In that case it
// also sets `NAME_b64` to the exact bytes in base64.
void put_text(Json& object, const std::string& name, std::string_view text);
// Returns the object on one line, without a line ending. Replaces invalid UTF-8 by U+FFFD.
std::string one_line(const Json& object);

// A field of an object that holds a secret; null in the JSON if `value` is a null pointer.
struct SecretField {
  std::string_view name;
  const Secret* value = nullptr;
};
// Returns the object on one line with these fields at its end. All JSON with secrets is made here:
// the secrets are only ever in the returned Secret, and never in a Json, which would leave copies of
// them in freed memory. They must be UTF-8 without control characters, as check_password() demands.
Secret with_secrets(const Json& object, std::initializer_list<SecretField> fields);

}  // namespace gw::json
