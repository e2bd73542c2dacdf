#include "transfer/import.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/text.h"
#include "mime/unwrap.h"
#include "seal/fingerprint.h"
#include "transfer/export.h"
#include "transfer/mbox.h"
#include "transfer/unpack.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kPiece = 64 << 10;
// Longer than a server waits for more of a mail (RFC 5321 section 4.5.3.2 asks for 10 minutes at most).
constexpr Micros kQuiet = 15 * 60 * Micros{1'000'000};

// The sender that a separator line names: its first word, where that is an address.
std::string sender_of(std::string_view separator) {
  const std::string_view rest = trim(separator.substr(std::min(separator.size(), kMboxFrom.size())));
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.find('@') != std::string_view::npos ? std::string(word) : std::string();
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

// A read lease while it lives: the kernel gives none while the file is open for writing anywhere.
class ReadLease {
 public:
  explicit ReadLease(int fd) : fd_(fd) {
    // A program that opens the file to write waits until the lease is given back. The signal that tells of it
    // would by default end this process; SIGURG is ignored by default.
    (void)::fcntl(fd_, F_SETSIG, SIGURG);
    held_ = ::fcntl(fd_, F_SETLEASE, F_RDLCK) == 0;
    refused_ = !held_ && errno == EAGAIN;
  }
  ~ReadLease() {
    if (held_) (void)::fcntl(fd_, F_SETLEASE, F_UNLCK);
  }
  ReadLease(const ReadLease&) = delete;
  ReadLease& operator=(const ReadLease&) = delete;

  bool held() const { return held_; }
  bool refused() const { return refused_; }  // somebody writes; if neither, nobody can tell
  bool wanted_back() const { return held_ && ::fcntl(fd_, F_GETLEASE) != F_RDLCK; }

 private:
  int fd_;
  bool held_ = false;
  bool refused_ = false;
};

// Gives a file a name that nothing has.
bool move_file(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL && errno != ENOSYS) return false;
  return ::link(from.c_str(), to.c_str()) == 0 && ::unlink(from.c_str()) == 0;
}

// `<id>` of a file `<id>.eml` or `<id>.json` as gw-export names it, with or without directories; else empty.
std::string_view exported_id(std::string_view path, std::string_view ending) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  if (!path.ends_with(ending)) return {};
  path.remove_suffix(ending.size());
  return MessageId::parse(path) ? path : std::string_view();
}

enum class Kind : unsigned char { Single, Mbox, Packed, Empty, NoMail };

// How to read what is found, format Auto. What gw-export wrote is a mail, whatever it holds.
Result<Kind> kind_of(mime::Source& source, const std::string& name) {
  if (!exported_id(name, ".eml").empty()) return Kind::Single;
  if (source.size() == 0) return Kind::Empty;
  const auto looks = look_at(source, lower(name).ends_with(".eml"));
  if (!looks) return looks.error();
  if (*looks != Looks::Other) return *looks == Looks::Mbox ? Kind::Mbox : Kind::Single;
  Bytes start(static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), kPackedStart)));
  if (auto read = source.read(0, start); !read) return read.error();
  return is_packed(start) ? Kind::Packed : Kind::NoMail;
}

Result<Kind> kind_in(mime::Source& source, const SourceFile& file) {
  if (file.format == SourceFormat::Auto) return kind_of(source, file.path);
  if (file.format == SourceFormat::Eml) return Kind::Single;
  if (source.size() == 0) return Kind::Empty;
  return file.format == SourceFormat::Mbox ? Kind::Mbox : Kind::Single;
}

// What gw-export put beside a mail. A broken one is none.
std::optional<ListedMail> sidecar_of(const SourceFile& file) {
  if (exported_id(file.path, ".eml").empty()) return std::nullopt;
  const auto text = read_file(file.path.substr(0, file.path.size() - 4) + ".json", kLongestManifestLine);
  return text ? parse_manifest_line(*text) : std::nullopt;
}

Error no_mail(const std::string& name) {
  return Error(Code::BadInput, name + ": it looks like neither a mail nor an mbox");
}

Error being_written(const std::string& path) {
  return Error(Code::Busy, path + ": another program has it open for writing");
}

}  // namespace

// A mail that lies somewhere, and can be read more than once.
struct Importer::Mail {
  std::function<Result<void>(const Sink&)> feed;
  std::string source;
  std::string sender;
  std::string entry{};
  std::optional<std::uint64_t> offset{};
  const ListedMail* sidecar = nullptr;
  SeparatorCount* count = nullptr;  // of what feed() gives
};

// A file, or one in an archive.
struct Importer::Part {
  mime::Source& source;
  std::string name;     // for people, with the archive's
  std::string entry{};  // in an archive
  std::optional<ListedMail> sidecar{};
};

class Importer::OpenFile {
 public:
  // Busy: another program writes to it.
  Result<void> open(const std::string& path) {
    path_ = path;
    Fd fd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!fd) return Error::from_errno(path_);
    number_ = fd.get();
    {
      const ReadLease lease(number_);
      if (lease.refused()) return being_written(path_);
      known_ = lease.held();
      if (::fstat(number_, &facts_) != 0) return Error::from_errno(path_);
    }
    return read_from(std::move(fd));
  }

  // Busy: nobody can tell whether another program writes to it, and it has changed of late.
  Result<void> require_whole() const {
    const Micros changed = facts_.st_ctim.tv_sec * Micros{1'000'000} + facts_.st_ctim.tv_nsec / 1000;
    const Micros age = now() - changed;
    if (known_ || age >= kQuiet) return {};
    return Error(Code::Busy,
                 path_ +
                     ": it may still be being written, because it changed in the last 15 minutes and "
                     "this user does not own it or its file system has no leases");
  }

  // Locks an mbox as programs that deliver to it do, to read it or to empty it. The locks belong to the open
  // file, so that they conflict with locks of processes and do not end when the same file is closed
  // elsewhere.
  Result<void> lock(bool to_empty) {
    if (to_empty) {
      writable_ = Fd(::open(path_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
      if (!writable_) return Error::from_errno(path_);
    }
    struct flock range {};
    range.l_type = to_empty ? F_WRLCK : F_RDLCK;
    range.l_whence = SEEK_SET;
    const int fd = to_empty ? writable_.get() : number_;
    const bool locked = ::fcntl(fd, F_OFD_SETLK, &range) == 0;
    if (!locked && (errno == EAGAIN || errno == EACCES))
      return Error(Code::Busy, path_ + ": locked by another program");
    if (!locked && to_empty) return Error::from_errno(path_);
    struct stat facts {};
    if (::fstat(fd, &facts) != 0) return Error::from_errno(path_);
    if (facts.st_dev != facts_.st_dev || facts.st_ino != facts_.st_ino)
      return Error(Code::Busy, path_ + ": it was replaced just now");
    facts_ = facts;
    Fd again(::dup(number_));
    if (!again) return Error::from_errno(path_);
    number_ = again.get();
    return read_from(std::move(again));
  }

  mime::FileSource& source() { return *source_; }
  const std::string& path() const { return path_; }

  bool unchanged() const {
    struct stat now {};
    return ::fstat(number_, &now) == 0 && same_file(now, facts_);
  }

  // Empties the mbox that lock() locked.
  Result<void> empty() const {
    if (!unchanged()) return changed();
    if (::ftruncate(writable_.get(), 0) != 0 || ::fsync(writable_.get()) != 0)
      return Error::from_errno(path_);
    return {};
  }

  // Removes the very file that was read. It is moved aside first, so that a file which took its name just
  // now, or a writer that just now opened it, is noticed before anything is gone.
  Result<void> remove() const {
    const ReadLease lease(number_);
    if (lease.refused()) return being_written(path_);
    if (!unchanged()) return changed();
    const std::string aside = path_.substr(0, path_.rfind('/') + 1) + ".gw-import." +
                              std::to_string(::getpid()) + "." + std::to_string(facts_.st_ino);
    if (!move_file(path_, aside)) return Error::from_errno(path_);
    struct stat there {};
    const bool same = ::lstat(aside.c_str(), &there) == 0 && same_file(there, facts_);
    if (same && !lease.wanted_back()) {
      if (::unlink(aside.c_str()) != 0) return Error::from_errno(aside);
      return {};
    }
    if (move_file(aside, path_)) return changed();
    return Error(Code::Conflict, path_ + ": it has changed and stays, now as " + aside);
  }

 private:
  Result<void> read_from(Fd fd) {
    auto source = mime::FileSource::of(std::move(fd), path_);
    if (!source) return source.error();
    source_.emplace(std::move(*source));
    return {};
  }
  Error changed() const { return Error(Code::Conflict, path_ + ": it has changed and stays"); }

  std::string path_;
  std::optional<mime::FileSource> source_;
  int number_ = -1;     // the source's
  Fd writable_;         // holds the lock of an mbox that is to be emptied
  bool known_ = false;  // nobody had it open for writing
  struct stat facts_ {};
};

struct Importer::Work {
  const Said& said;
  std::string name;
  OpenFile file{};
  ImportedFile report{};
  bool safe = true;  // each mail so far is in the mailbox

  void end(ImportedFile::Outcome outcome, const Error& error) {
    report.outcome = outcome;
    report.reason = error.text();
    safe = false;
  }
  void stay(const std::string& why) {
    if (report.reason.empty()) report.reason = name + ": " + why + "; the source stays";
  }
  // A file in an archive is passed over.
  void leave(const std::string& why) {
    ++report.left;
    if (report.reason.empty()) report.reason = why;
  }
};

Importer::Importer(store::Store& store, const store::Recipient& recipient, const Secret& key,
                   ImportOptions options)
    : store_(store), recipient_(recipient), key_(key), options_(std::move(options)) {}

Result<ImportedFile> Importer::add(const SourceFile& file, const Said& said) {
  using Outcome = ImportedFile::Outcome;
  if (file.path == "-") return add_input(file.format, said);
  Work work{said, file.path};
  const auto ended = [&work](const Error& error) {
    work.end(error.code() == Code::Busy ? Outcome::Busy : Outcome::Failed, error);
    return work.report;
  };
  OpenFile& open = work.file;
  if (auto opened = open.open(file.path); !opened) return ended(opened.error());
  const auto kind = kind_in(open.source(), file);
  if (!kind) return ended(kind.error());
  Part part{open.source(), file.path};
  switch (*kind) {
    case Kind::Empty:
      work.report.outcome = Outcome::Empty;
      return work.report;
    case Kind::NoMail:
      work.end(Outcome::NoMail, no_mail(file.path));
      return work.report;
    case Kind::Mbox:
      if (auto locked = open.lock(options_.remove); !locked) return ended(locked.error());
      if (auto added = add_mbox(work, part); !added) return added.error();
      break;
    case Kind::Packed:
    case Kind::Single:
      auto whole = file.format == SourceFormat::Maildir ? Result<void>() : open.require_whole();
      if (!whole) return ended(whole.error());
      if (*kind == Kind::Single) part.sidecar = sidecar_of(file);
      auto added = *kind == Kind::Single ? add_single(work, part, file.format) : add_packed(work, part);
      if (!added) return added.error();
      break;
  }
  if (work.report.outcome != Outcome::Taken) return work.report;
  if (!open.unchanged()) return ended(Error(Code::Conflict, file.path + ": it changed while it was read"));
  if (!options_.remove || !work.safe || !work.report.reason.empty()) return work.report;
  auto removed = *kind == Kind::Mbox ? open.empty() : open.remove();
  if (!removed) return ended(removed.error());
  work.report.removed = true;
  return work.report;
}

Result<ImportedFile> Importer::add_input(SourceFormat format, const Said& said) {
  using Outcome = ImportedFile::Outcome;
  Work work{said, "standard input"};
  SealedSpill input;
  Bytes piece(kPiece);
  for (;;) {
    const auto got = read_some(STDIN_FILENO, piece, work.name);
    if (!got) return got.error();
    if (*got == 0) break;
    if (auto written = input.write(ByteView(piece).first(*got)); !written) return written.error();
  }
  const auto kind = kind_in(input, {work.name, format});
  if (!kind) return kind.error();
  const Part part{input, work.name};
  Result<void> added;
  switch (*kind) {
    case Kind::Empty:
      work.report.outcome = Outcome::Empty;
      break;
    case Kind::NoMail:
      work.end(Outcome::NoMail, no_mail(work.name));
      break;
    case Kind::Mbox:
      added = add_mbox(work, part);
      break;
    case Kind::Packed:
      added = add_packed(work, part);
      break;
    case Kind::Single:
      added = add_single(work, part, format);
      break;
  }
  if (!added) return added.error();
  return work.report;
}

// A sidecar follows its mail in an archive, perhaps after mails of a journal report: the mail waits for it.
Result<void> Importer::add_packed(Work& work, const Part& part) {
  struct Waiting {
    std::unique_ptr<SealedSpill> content;
    std::string entry;
    std::optional<ListedMail> sidecar{};
  };
  std::optional<Waiting> waiting;
  const auto settle = [&]() -> Result<void> {
    if (!waiting) return {};
    const Waiting mail = std::move(*std::exchange(waiting, std::nullopt));
    return add_single(work, {*mail.content, part.name + ": " + mail.entry, mail.entry, mail.sidecar},
                      SourceFormat::Auto);
  };
  const auto each = [&](const std::string& entry, std::unique_ptr<SealedSpill> content) -> Result<void> {
    const std::string name = entry.empty() ? part.name : part.name + ": " + entry;
    if (const std::string_view id = exported_id(entry, ".json"); !id.empty()) {
      if (!waiting || exported_id(waiting->entry, ".eml") != id || content->size() > kLongestManifestLine)
        return {};
      std::string text(static_cast<std::size_t>(content->size()), '\0');
      if (auto read = content->read(0, std::as_writable_bytes(std::span(text))); !read) return read;
      waiting->sidecar = parse_manifest_line(text);
      return {};
    }
    // The name of a compressed file, without its last ending, tells what it was called.
    const auto kind = kind_of(*content, entry.empty() ? part.name.substr(0, part.name.rfind('.')) : entry);
    if (!kind) return kind.error();
    if (*kind == Kind::NoMail || *kind == Kind::Packed) work.leave(no_mail(name).text());
    if (*kind == Kind::Mbox) return add_mbox(work, {*content, name, entry});
    if (*kind != Kind::Single) return {};
    if (exported_id(entry, ".eml").empty())
      return add_single(work, {*content, name, entry}, SourceFormat::Auto);
    if (auto settled = settle(); !settled) return settled;
    waiting = {std::move(content), entry};
    return {};
  };
  const auto failed = [&](const std::string& entry, const std::string& why) {
    work.leave(part.name + ": " + entry + ": " + why);
  };
  const auto unpacked = unpack(part.source, each, failed);
  if (unpacked || unpacked.error().code() == Code::BadInput) {
    if (auto settled = settle(); !settled) return settled;
  }
  if (unpacked) {
    const ImportedFile& report = work.report;
    if (report.added + report.present + report.left == 0) work.report.outcome = ImportedFile::Outcome::Empty;
    return {};
  }
  if (unpacked.error().code() != Code::BadInput) return unpacked;
  work.end(ImportedFile::Outcome::Failed, unpacked.error().within(part.name));
  return {};
}

Result<void> Importer::add_single(Work& work, const Part& part, SourceFormat format) {
  SeparatorCount count;
  Mail mail;
  mail.source = part.name;
  mail.entry = part.entry;
  mail.sidecar = part.sidecar ? &*part.sidecar : nullptr;
  mail.count = &count;
  mail.feed = [&part](const Sink& sink) -> Result<void> {
    return mime::unwrap(part.source, {{0, part.source.size()}, mime::Encoding::Identity}, sink);
  };
  if (auto added = add_mail(work, mail); !added) return added;
  // In a Maildir or a spool each file is one mail, and may hold an mbox that was attached to it.
  const bool found = format == SourceFormat::Auto || format == SourceFormat::Eml;
  const bool exported = !exported_id(part.name, ".eml").empty();
  if (found && !exported && count.followed() > 0 && (format == SourceFormat::Auto || options_.remove))
    work.stay("taken as one mail, but it holds separators of an mbox");
  if (!options_.remove) return {};
  const auto looks = look_at(part.source, true);
  if (!looks || *looks == Looks::Other) work.stay("it does not begin with the header of a mail");
  return {};
}

Result<void> Importer::add_mbox(Work& work, const Part& part) {
  const auto failed = [&](const Error& error) {
    work.end(ImportedFile::Outcome::Failed, error.within(part.name));
    return Result<void>();
  };
  auto form = part.source.size() == 0 ? MboxForm() : MboxForm::guess(part.source);
  if (!form) return failed(form.error());
  if (options_.quoting) {
    form->quoting = *options_.quoting;
    form->quoted = *options_.quoting != MboxForm::Quoting::None;
  }
  MboxReader reader(part.source, *form);
  std::uint64_t mails = 0;
  for (;; ++mails) {
    const auto found = reader.next();
    if (!found) return failed(found.error());
    if (!*found) break;
    Mail mail;
    mail.entry = part.entry;
    mail.offset = (*found)->offset;
    mail.source = part.name + "@" + std::to_string((*found)->offset) + ": " + (*found)->separator;
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
    if (auto added = add_mail(work, mail); !added) return added;
    if (work.report.outcome != ImportedFile::Outcome::Taken) return {};
    if (!options_.remove || reader.by_length()) continue;
    SeparatorCount count;
    const mime::Range stored{(*found)->offset, reader.end() - (*found)->offset};
    auto counted = mime::unwrap(part.source, {stored, mime::Encoding::Identity}, [&](ByteView octets) {
      count.write(octets);
      return Result<void>();
    });
    if (!counted) return failed(counted.error());
    count.finish();
    if (dated_separator((*found)->separator) ? count.dated() > 0 : count.any() > 0)
      work.stay("a line in the mail at " + std::to_string(stored.offset) +
                " was read as text and may be a separator");
  }
  if (mails == 0 && part.entry.empty()) work.report.outcome = ImportedFile::Outcome::Empty;
  return {};
}

// Says in `work` whether the mail is safe in the mailbox, so that its source may be removed.
Result<void> Importer::add_mail(Work& work, const Mail& mail) {
  ImportedFile& report = work.report;
  seal::Fingerprints::Content print =
      seal::Fingerprints(key_, "", "import " + recipient_.mailbox.id.hex()).content();
  ImportedMail line;
  line.entry = mail.entry;
  line.offset = mail.offset;
  Sha256 sum;
  auto read = mail.feed([&](ByteView octets) -> Result<void> {
    print.update(octets);
    sum.update(octets);
    if (mail.count != nullptr) mail.count->write(octets);
    line.octets += octets.size();
    return {};
  });
  if (!read) {
    work.end(ImportedFile::Outcome::Failed, read.error());
    return {};
  }
  if (mail.count != nullptr) mail.count->finish();
  const Digest fingerprint = print.finish();
  line.id = MessageId::from(ByteView(fingerprint).first(16));
  line.sha256 = sum.finish();
  const auto result = deliver(mail, line.id, line.sha256);
  if (!result) return result.error();
  line.result = *result;
  work.said(line);
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
      work.safe = false;
      if (options_.remove) work.stay("a mail of it has left the mailbox since it was brought in");
      break;
    case ImportResult::Failed:
      work.end(ImportedFile::Outcome::Failed,
               Error(Code::Conflict, mail.source + ": it changed while it was read"));
      break;
  }
  return {};
}

// As an export listed it, or with what is known here.
Result<vault::Envelope> Importer::envelope_of(const Mail& mail, const Digest& sha256) const {
  vault::Envelope envelope;
  envelope.reverse_path = mail.sender;
  envelope.source = mail.source;
  std::optional<ListedMail> listed;
  if (mail.sidecar != nullptr && mail.sidecar->sha256 == sha256) listed = *mail.sidecar;
  if (!listed && options_.manifest != nullptr) {
    auto found = options_.manifest->find(sha256);
    if (!found) return found.error();
    listed = std::move(*found);
  }
  if (listed) {
    envelope = std::move(listed->envelope);
    // Flags of a Maildir are at the end, of either.
    const std::string here = mail.source + ", received " + listed->received_at;
    const std::string earlier = envelope.source;
    envelope.source = earlier.empty() ? here : here + ", from " + earlier;
    if (!maildir_flags(mail.source).empty())
      envelope.source = "received " + listed->received_at + ", " + mail.source;
  }
  envelope.origin = vault::Origin::Import;
  if (envelope.recipients.empty()) envelope.recipients.push_back({recipient_.mailbox.local_part(), "", ""});
  return envelope;
}

Result<ImportResult> Importer::deliver(const Mail& mail, const MessageId& id, const Digest& sha256) {
  const auto there = held(id, std::nullopt);
  if (!there) return there.error();
  if (*there) return ImportResult::Present;
  auto envelope = envelope_of(mail, sha256);
  if (!envelope) return envelope.error();
  auto delivery = vault::Delivery::begin(store_, recipient_, std::move(*envelope), options_.actor, id);
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
