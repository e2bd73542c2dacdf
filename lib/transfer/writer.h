// Where exported mail goes: a folder of files, one message on standard output, later an archive.
//
//   writer.begin(entry); writer.write(octets)…; writer.commit();     // or abandon()
//   writer.sync();                                                   // once, at the end
//
// A Writer never overwrites and never leaves half a message under its name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/id.h"
#include "base/result.h"

namespace gw::transfer {

struct Entry {
  std::string name;          // relative to the destination; `2026/11/25/<id>.eml`
  std::uint64_t octets = 0;  // exactly what will be written
  Micros time = 0;           // for the file's time
};

class Writer {
 public:
  virtual ~Writer() = default;

  // What a message is called here, with this suffix (`.eml`, `.json`). Never made of anything in the mail.
  virtual std::string name(const MessageId& id, Micros received, std::string_view suffix) const = 0;

  // Exists: something of that name is there.
  virtual Result<void> begin(const Entry& entry) = 0;
  virtual Result<void> write(ByteView octets) = 0;
  // The entry is there under its name, whole, and its octets are synced. Exists: the name was taken
  // meanwhile.
  virtual Result<void> commit() = 0;
  // Forgets the entry in hand; nothing of it stays.
  virtual void abandon() = 0;
  // Everything committed survives a power cut.
  virtual Result<void> sync() = 0;

  // Reads back what is there under a name, past the page cache where the system lets us. NotFound.
  virtual Result<Digest> digest(const std::string& name) = 0;
};

// Files `YYYY/MM/DD/<id>.eml` (day of arrival, UTC) below `folder`, mode 0600, folders 0700, both made as
// needed. Symbolic links below `folder` are not followed.
Result<std::unique_ptr<Writer>> make_eml_writer(const std::string& folder);

// One message, as it is, to a descriptor. A second one is Usage: nobody could tell where the first ended.
std::unique_ptr<Writer> make_stream_writer(int fd);

}  // namespace gw::transfer
