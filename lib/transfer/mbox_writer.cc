// mbox in the variant mboxrd: each line that consists of any number of `>` followed by `From ` gets
// one more `>`.
#include <array>
#include <ctime>

#include "base/text.h"
#include "transfer/mbox_reader.h"
#include "transfer/one_file_writer.h"

namespace gw::transfer {
namespace {

constexpr Micros kMboxSecond = 1'000'000;

// Returns `From sender Wed Nov 25 03:12:34 2026`, the date as ctime(3) prints it, in UTC. The
// sender is one word, because readers take the date from what follows it.
std::string separator(const Entry& entry) {
  std::string sender;
  for (const char c : entry.sender) sender += c > 0x20 && c < 0x7f ? c : '_';
  if (sender.empty()) sender = "MAILER-DAEMON";
  const std::time_t seconds = entry.time / kMboxSecond;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> date{};
  // The program runs in the C locale, so that names of days and months are English.
  const std::size_t size = std::strftime(date.data(), date.size(), "%a %b %e %H:%M:%S %Y", &parts);
  return std::string(kMboxFrom) + sender + " " + std::string(date.data(), size) + "\n";
}

class MboxWriter : public OneFileWriter {
 public:
  explicit MboxWriter(OneFile file) : OneFileWriter(std::move(file)) {}
  Result<void> look() { return OneFileWriter::look(); }

  std::string name(const Entry&) const override { return file_.name(); }
  bool sidecars() const override { return false; }
  bool ends_lines() const override { return true; }

  // A line is examined only as far as its `>`s and the five bytes after them. `given` is the end of
  // what was written of these bytes.
  Result<void> write(ByteView data) override {
    sum_.update(data);
    std::size_t given = 0;
    const auto give = [&](std::size_t end) {
      auto done = file_.write(data.subspan(given, end - given));
      given = end;
      return done;
    };
    for (std::size_t i = 0; i < data.size();) {
      const char c = static_cast<char>(data[i]);
      if (!at_start_) {
        const std::size_t end = as_text(data).find('\n', i);
        if (end == std::string_view::npos) break;
        i = end + 1;
        at_start_ = true;
        matched_ = 0;
      } else if (matched_ == 0 && c == '>') {
        ++i;
      } else if (c == kMboxFrom[matched_]) {
        // A possible `From ` is held back until it is decided, because it may continue in the next
        // call.
        if (matched_ == 0) {
          if (auto done = give(i); !done) return done;
        }
        ++matched_;
        given = ++i;
        if (matched_ == kMboxFrom.size()) {
          if (auto done = release(">From "); !done) return done;
        }
      } else {
        if (auto done = release(kMboxFrom.substr(0, matched_)); !done) return done;
      }
    }
    if (data.empty()) return {};
    last_ = static_cast<char>(data.back());
    return give(data.size());
  }

  Result<Digest> commit() override {
    if (matched_ > 0) {
      if (auto done = release(kMboxFrom.substr(0, matched_)); !done) return done.error();
    }
    // The separator after this mail must begin a line. The digest includes the added newline, as a
    // reader returns it.
    if (last_ && *last_ != '\n') {
      sum_.update(as_bytes("\n"));
      if (auto done = file_.write(as_bytes("\n")); !done) return done.error();
    }
    if (auto done = file_.write(as_bytes("\n")); !done) return done.error();
    return sum_.finish();
  }

 protected:
  Result<std::unique_ptr<EntryReader>> read(Fd fd) const override {
    return make_mbox_entry_reader(std::move(fd), file_.name());
  }

  Result<void> begin_entry(const Entry& entry) override {
    sum_ = Sha256();
    at_start_ = true;
    matched_ = 0;
    last_.reset();
    return file_.write(as_bytes(separator(entry)));
  }

 private:
  // Writes what was held back; the rest of the line needs no examination.
  Result<void> release(std::string_view text) {
    at_start_ = false;
    matched_ = 0;
    return file_.write(as_bytes(text));
  }

  Sha256 sum_;
  bool at_start_ = true;      // of a line, or after `>`s at its start
  std::size_t matched_ = 0;   // bytes of `From ` seen there and not yet written
  std::optional<char> last_;  // last byte of the mail
};

class MboxEntryReader : public EntryReader {
 public:
  MboxEntryReader(mime::FileSource source, std::string name)
      : source_(std::move(source)), name_(std::move(name)) {}

  Result<std::optional<Found>> next() override {
    if (source_.size() == 0) return std::optional<Found>();
    const auto mail = reader_.next();
    if (!mail && mail.error().code() != Code::BadInput) return mail.error();
    if (!mail || !*mail) return std::optional<Found>();
    Sha256 sum;
    for (;;) {
      const auto piece = reader_.read();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      sum.update(*piece);
    }
    // The writer ends each mail with an empty line. A mail without one was cut by an interruption.
    if (!reader_.closed()) return std::optional<Found>();
    return std::optional(Found{name_, sum.finish(), reader_.end()});
  }

 private:
  mime::FileSource source_;
  std::string name_;
  // MboxWriter quotes, so every unquoted `From ` line is a separator.
  MboxReader reader_{source_, {.quoted = true}};
};

}  // namespace

Result<std::unique_ptr<EntryReader>> make_mbox_entry_reader(Fd fd, const std::string& name) {
  auto source = mime::FileSource::of(std::move(fd), name);
  if (!source) return source.error();
  return std::unique_ptr<EntryReader>(std::make_unique<MboxEntryReader>(std::move(*source), name));
}

MadeWriter make_mbox_writer(const std::string& path, bool resume) {
  auto file = OneFile::open(path, resume, true);
  if (!file) return file.error();
  auto writer = std::make_unique<MboxWriter>(std::move(*file));
  if (auto ready = writer->look(); !ready) return ready.error();
  return std::unique_ptr<Writer>(std::move(writer));
}

}  // namespace gw::transfer
