#include "transfer/import.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "mime/unwrap.h"
#include "seal/fingerprint.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kPiece = 64 << 10;

// The sender that a separator line names: its first word, where that is an address.
std::string sender_of(std::string_view separator) {
  const std::string_view rest = trim(separator.substr(std::min<std::size_t>(separator.size(), 5)));
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.find('@') != std::string_view::npos ? std::string(word) : std::string();
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

// A mail that lies somewhere, and can be read more than once.
struct Importer::Mail {
  std::function<Result<void>(const Sink&)> feed;
  std::string source;
  std::string sender;
  std::optional<std::uint64_t> offset;
};

class Importer::OpenFile {
 public:
  // Where the source is to be removed an mbox is locked, as programs that deliver to it do (fcntl).
  Result<void> open(const SourceFile& file, bool lock) {
    path_ = file.path;
    const bool locked = lock && file.mbox;
    Fd fd(::open(path_.c_str(), (locked ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return Error::from_errno(path_);
    struct flock range {};
    range.l_type = F_WRLCK;
    range.l_whence = SEEK_SET;
    if (locked && ::fcntl(fd.get(), F_SETLK, &range) != 0)
      return Error(Code::Busy, path_ + ": locked by another program");
    if (::fstat(fd.get(), &facts_) != 0) return Error::from_errno(path_);
    number_ = fd.get();
    auto source = mime::FileSource::of(std::move(fd), path_);
    if (!source) return source.error();
    source_.emplace(std::move(*source));
    return {};
  }

  mime::FileSource& source() { return *source_; }
  const std::string& path() const { return path_; }

  bool unchanged() const {
    struct stat now {};
    return ::fstat(number_, &now) == 0 && same_file(now, facts_);
  }
  // Only the very file that was read.
  Result<void> remove() const {
    struct stat now {};
    if (::lstat(path_.c_str(), &now) != 0) return Error::from_errno(path_);
    if (!unchanged() || !same_file(now, facts_))
      return Error(Code::Conflict, path_ + ": it has changed and stays");
    if (::unlink(path_.c_str()) != 0) return Error::from_errno(path_);
    return {};
  }

 private:
  std::string path_;
  std::optional<mime::FileSource> source_;
  int number_ = -1;  // the source's
  struct stat facts_ {};
};

Importer::Importer(store::Store& store, const store::Recipient& recipient, const Secret& key,
                   ImportOptions options)
    : store_(store), recipient_(recipient), key_(key), options_(std::move(options)) {}

Result<ImportedFile> Importer::add(const SourceFile& file, const Said& said) {
  ImportedFile report;
  const auto failed = [&](const Error& error) {
    report.failed = true;
    report.reason = error.text();
    return report;
  };
  OpenFile open;
  if (auto opened = open.open(file, options_.remove); !opened) return failed(opened.error());
  bool all = true;
  if (file.mbox) {
    if (auto added = add_mbox(open, report, said); !added) return added.error();
    all = !report.failed;
  } else {
    Mail mail;
    mail.source = file.path;
    mail.feed = [&open](const Sink& sink) -> Result<void> {
      return mime::unwrap(open.source(), {{0, open.source().size()}, mime::Encoding::Identity}, sink);
    };
    const auto kept = add_mail(mail, report, said);
    if (!kept) return kept.error();
    all = *kept;
  }
  if (!options_.remove || !all || !report.reason.empty()) return report;
  if (auto removed = open.remove(); !removed) return failed(removed.error());
  report.removed = true;
  return report;
}

Result<void> Importer::add_mbox(OpenFile& file, ImportedFile& report, const Said& said) {
  const auto failed = [&](const Error& error) {
    report.failed = true;
    report.reason = file.path() + ": " + error.text();
    return Result<void>();
  };
  if (file.source().size() == 0) return {};
  auto form = MboxForm::guess(file.source());
  if (!form) return failed(form.error());
  // Who says how the file is quoted means it for each mail in it.
  if (options_.quoting) *form = {*options_.quoting, form->lengths};
  MboxReader reader(file.source(), *form);
  for (;;) {
    const auto found = reader.next();
    if (!found) return failed(found.error());
    if (!*found) break;
    Mail mail;
    mail.offset = (*found)->offset;
    mail.source = file.path() + "@" + std::to_string((*found)->offset) + ": " + (*found)->separator;
    mail.sender = sender_of((*found)->separator);
    mail.feed = [&reader](const Sink& sink) -> Result<void> {
      reader.rewind();
      for (;;) {
        const auto piece = reader.read();
        if (!piece) return piece.error();
        if (piece->empty()) return {};
        if (auto taken = sink(*piece); !taken) return taken;
      }
    };
    const auto kept = add_mail(mail, report, said);
    if (!kept) return kept.error();
    if (report.failed) return {};
  }
  return {};
}

// Whether the mail is safe in the mailbox, as far as its source may be removed.
Result<bool> Importer::add_mail(const Mail& mail, ImportedFile& report, const Said& said) {
  seal::Fingerprints::Content print =
      seal::Fingerprints(key_, "", "import " + recipient_.mailbox.id.hex()).content();
  ImportedMail line;
  line.offset = mail.offset;
  Sha256 sum;
  auto read = mail.feed([&](ByteView octets) -> Result<void> {
    print.update(octets);
    sum.update(octets);
    line.octets += octets.size();
    return {};
  });
  if (!read) {
    report.failed = true;
    report.reason = read.error().text();
    return false;
  }
  const Digest fingerprint = print.finish();
  line.id = MessageId::from(ByteView(fingerprint).first(16));
  line.sha256 = sum.finish();
  const auto result = deliver(mail, line.id, line.sha256);
  if (!result) return result.error();
  line.result = *result;
  said(line);
  switch (*result) {
    case ImportResult::Added:
      ++report.added;
      report.octets += line.octets;
      break;
    case ImportResult::Present:
      ++report.present;
      break;
    case ImportResult::Left:
      ++report.present;
      if (options_.remove)
        report.reason = "a mail of it has left the mailbox since it was brought in; the source stays";
      return false;
    case ImportResult::Failed:
      report.failed = true;
      report.reason = mail.source + ": it changed while it was read";
      return false;
  }
  return true;
}

Result<ImportResult> Importer::deliver(const Mail& mail, const MessageId& id, const Digest& sha256) {
  const auto there = held(id, std::nullopt);
  if (!there) return there.error();
  if (*there) return ImportResult::Present;
  vault::Envelope envelope;
  envelope.reverse_path = mail.sender;
  envelope.origin = vault::Origin::Import;
  envelope.source = mail.source;
  envelope.recipients.push_back({recipient_.mailbox.local_part(), "", ""});
  auto delivery = vault::Delivery::begin(store_, recipient_, std::move(envelope), options_.actor, id);
  if (!delivery) return delivery.error();
  Sha256 sum;
  std::optional<Error> of_store;
  auto read = mail.feed([&](ByteView octets) -> Result<void> {
    sum.update(octets);
    auto written = delivery->write(octets);
    if (!written) of_store = written.error();
    return written;
  });
  if (of_store && of_store->code() == Code::Exists) return ImportResult::Left;
  if (of_store) return *of_store;
  if (!read || sum.finish() != sha256) return ImportResult::Failed;
  const auto stored = delivery->finish();
  if (!stored && stored.error().code() == Code::Exists) {
    // Somebody else may have brought it in at the same time.
    const auto now = held(id, std::nullopt);
    if (!now) return now.error();
    return *now ? ImportResult::Present : ImportResult::Left;
  }
  if (!stored) return stored.error();
  if (options_.remove) {
    const auto kept = held(id, stored->container);
    if (!kept) return kept.error();
    if (!*kept) return Error(Code::Io, "message " + id.hex() + " was committed and is not there");
  }
  return ImportResult::Added;
}

// Whether the mailbox holds this message. Where its source is to be removed all of it is read back and
// compared with its digest, and with `container` where that is known.
Result<bool> Importer::held(const MessageId& id, std::optional<Digest> container) {
  const auto record = store_.find(recipient_.mailbox.id, id);
  if (!record && record.error().code() == Code::NotFound) return false;
  if (!record) return record.error();
  if (!options_.remove) return true;
  const Error damaged(Code::Corrupt, "message " + id.hex() + " is damaged in the vault; its source stays");
  if (container && record->container != *container) return damaged;
  Sha256 sum;
  Bytes piece(kPiece);
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = store_.read(recipient_.mailbox.id, id, offset, piece);
    if (!got) return got.error();
    if (*got == 0) break;
    sum.update(ByteView(piece).first(*got));
    offset += *got;
  }
  if (offset != record->container_octets || sum.finish() != record->container) return damaged;
  return true;
}

}  // namespace gw::transfer
