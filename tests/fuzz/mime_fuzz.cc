// The parts of any bytes lie within one another and in order, however the source is read, at bounded cost.
#include <cstdlib>

#include "base/text.h"
#include "mime/charset.h"
#include "mime/message.h"
#include "mime/reading.h"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

gw::mime::Structure walk(gw::ByteView octets, std::size_t read_size) {
  gw::mime::MemorySource source(octets);
  gw::mime::Limits limits;
  limits.read_size = read_size;
  // Low enough to be met.
  limits.depth = 12;
  limits.parts = 200;
  limits.header = 4000;
  limits.field = 600;
  limits.fields = 100;
  gw::Result<gw::mime::Structure> structure = gw::mime::walk(source, limits);
  check(structure.has_value());
  return std::move(*structure);
}

// What people are shown is text, within its limits.
void read_for_people(gw::ByteView octets) {
  gw::mime::MemorySource source(octets);
  gw::mime::ReadingLimits limits;
  limits.text = 1000;
  limits.header = 2000;
  limits.fields = 20;
  limits.value = 300;
  limits.attachments = 10;
  const auto reading = gw::mime::read_for_people(source, limits);
  check(reading.has_value());
  check(reading->fields.size() <= 20 && reading->inner.size() <= 20 && reading->attachments.size() <= 10);
  for (const auto* fields : {&reading->fields, &reading->inner})
    for (const gw::mime::Field& field : *fields)
      check(gw::valid_utf8(field.name) && gw::valid_utf8(field.value) && field.value.size() <= 3 * 300);
  for (const gw::mime::Attachment& each : reading->attachments)
    check(gw::valid_utf8(each.name) && each.name.size() <= 255 && each.name.find('/') == std::string::npos);
  if (reading->text) check(gw::valid_utf8(reading->text->text) && reading->text->text.size() <= 4 * 1000);
  if (!reading->html) return;
  const auto html = gw::mime::read_text(source, *reading->html, 1000);
  check(html.has_value() && gw::valid_utf8(html->text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const gw::ByteView octets = std::as_bytes(std::span(data + 1, size - 1));
  const gw::mime::Structure whole = walk(octets, 64 << 10);
  const gw::mime::Structure pieces = walk(octets, data[0] % 61U + 1U);

  check(!whole.parts.empty() && whole.parts.size() <= 200);
  check(whole.parts.size() == pieces.parts.size());
  check(whole.steps <= 6 * octets.size() + 100);
  for (std::size_t i = 0; i < whole.parts.size(); ++i) {
    const gw::mime::Part& part = whole.parts[i];
    check(part.header == pieces.parts[i].header && part.body == pieces.parts[i].body);
    check(part.type == pieces.parts[i].type && part.encoding == pieces.parts[i].encoding);
    check(part.header.end() == part.body.offset && part.body.end() <= octets.size() && part.depth < 12);
    if (i == 0) continue;
    const gw::mime::Part& parent = whole.parts[part.parent];
    check(part.parent < i && part.depth == parent.depth + 1);
    check(part.header.offset >= parent.body.offset && part.body.end() <= parent.body.end());
    // Behind the sibling in front.
    const gw::mime::Part& before = whole.parts[i - 1];
    check(part.parent == i - 1 || part.header.offset >= before.body.end());
  }
  const std::string text =
      gw::mime::decode_words(gw::as_text(octets.first(std::min<std::size_t>(octets.size(), 4096))));
  check(gw::mime::decode_words(text).size() <= 3 * text.size());
  read_for_people(octets);
  return 0;
}
