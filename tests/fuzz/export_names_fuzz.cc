// Names of exported files, whatever the mail and its envelope hold: below the destination, without a
// character that a shell or a file system minds, and different for different messages. And what an mbox holds
// comes out again.
#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "transfer/export.h"
#include "transfer/mbox_reader.h"

namespace {

namespace fs = std::filesystem;
using namespace gw;
using namespace gw::transfer;

void check(bool holds) {
  if (!holds) std::abort();
}

struct Places {
  std::string folder;
  std::unique_ptr<Writer> eml, maildir;
  Places() {
    std::string name = fs::exists("/dev/shm") ? "/dev/shm/gw-fuzz-XXXXXX" : "/tmp/gw-fuzz-XXXXXX";
    check(::mkdtemp(name.data()) != nullptr);
    folder = name;
    eml = std::move(*make_eml_writer(folder + "/eml", false));
    maildir = std::move(*make_maildir_writer(folder + "/maildir", false));
  }
  ~Places() { fs::remove_all(folder); }
};

void check_name(const std::string& name) {
  check(!name.empty() && name.front() != '/' && name.size() < 200);
  check(name.find("..") == std::string::npos);
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '/' || c == '.' || c == ':' || c == ',' || c == '-';
    check(plain);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Places places;
  if (size < 26) return 0;
  ByteReader reader(std::as_bytes(std::span(data, size)));
  Entry entry;
  entry.id = MessageId::from(reader.bytes(16));
  entry.time = static_cast<Micros>(reader.u64() % (Micros{253'402'300'799} * 1'000'000));
  const std::size_t sender = reader.u8() % 64U;
  entry.sender = as_text(reader.bytes(std::min(sender, reader.rest().size())));
  const std::string_view text = as_text(reader.rest());
  entry.flags = maildir_flags(text);
  entry.size = text.size();
  for (const Writer* writer : {places.eml.get(), places.maildir.get()}) {
    const std::string name = writer->name(entry);
    check_name(name);
    Entry other = entry;
    other.suffix = ".1.eml";
    check_name(writer->name(other));
    check(writer->name(other) != name);
    other.suffix = entry.suffix;
    other.id.data[0] ^= std::byte{1};
    check(writer->name(other) != name);
  }

  const std::string path = places.folder + "/mbox";
  auto mbox = std::move(*make_mbox_writer(path, false));
  for (int i = 0; i < 2; ++i) {
    check(mbox->begin(entry).has_value());
    check(mbox->write(as_bytes(text)).has_value());
    check(mbox->commit().has_value());
  }
  check(mbox->finish().has_value());
  const std::string stored = *read_file(path, 64 << 20);
  fs::remove(path);
  mime::MemorySource source(as_bytes(stored));
  MboxReader mails(source, {.quoted = true});
  const std::string wanted = std::string(text) + (text.empty() || text.back() == '\n' ? "" : "\n");
  for (int i = 0; i < 2; ++i) {
    const auto mail = mails.next();
    check(mail && *mail && dated_separator((*mail)->separator));
    std::string found;
    for (auto piece = mails.read(); !piece->empty(); piece = mails.read()) found += as_text(*piece);
    check(found == wanted);
  }
  const auto end = mails.next();
  check(end && !*end);
  return 0;
}
