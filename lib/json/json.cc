#include "json/json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/text.h"

namespace gw::json {
namespace {

// Appends to a Secret that was allocated large enough.
class Writer {
 public:
  explicit Writer(Secret& to) : to_(to) {}
  void text(std::string_view text) {
    std::ranges::copy(as_bytes(text), to_.span().begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += text.size();
  }
  void quoted(std::string_view text) {
    this->text("\"");
    for (const char& c : text) {
      if (c == '"' || c == '\\') this->text("\\");
      this->text({&c, 1});
    }
    this->text("\"");
  }
  std::size_t size() const { return size_; }

 private:
  Secret& to_;
  std::size_t size_ = 0;
};

}  // namespace

Json json_time(Micros time) {
  return time == 0 ? Json() : Json(rfc3339(time));
}

Json json_digest(const Digest& digest) {
  return digest == Digest{} ? Json() : Json(to_hex(digest));
}

Json text_or_null(std::string_view text) {
  return text.empty() ? Json() : Json(valid_text(text));
}

// The text with replacement characters is for reading; a program that needs the exact bytes takes
// the base64.
void put_text(Json& object, const std::string& name, std::string_view text) {
  object[name] = valid_text(text);
  if (!valid_utf8(text)) object[name + "_b64"] = to_base64(as_bytes(text));
}

// Without the error handler, dump() would throw: some strings of a mail have unknown encodings.
std::string one_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Secret with_secrets(const Json& object, std::initializer_list<SecretField> fields) {
  std::string before = one_line(object);
  before.pop_back();
  std::size_t most = before.size() + 1;
  for (const SecretField& field : fields)
    most += field.name.size() + sizeof(R"(,"":null)") + (field.value ? 2 * field.value->size() : 0);
  Secret line(most);
  Writer writer(line);
  writer.text(before);
  bool first = object.empty();
  for (const SecretField& field : fields) {
    writer.text(first ? "" : ",");
    first = false;
    writer.quoted(field.name);
    writer.text(":");
    if (field.value == nullptr)
      writer.text("null");
    else
      writer.quoted(field.value->text());
  }
  writer.text("}");
  line.shorten(writer.size());
  return line;
}

}  // namespace gw::json
