#include "transfer/import.h"

#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "mime/unwrap.h"
#include "transfer/import_work.h"
#include "transfer/mbox.h"
#include "transfer/unpack.h"

namespace gw::transfer {
namespace {

constexpr std::size_t kInputPiece = 64 << 10;  // bytes read at a time

// Returns the sender in a separator line, its first word, or an empty string if that is not an
// address.
std::string sender_of(std::string_view separator) {
  const std::string_view rest = trim(separator.substr(std::min(separator.size(), kMboxFrom.size())));
  const std::string_view word = rest.substr(0, rest.find(' '));
  return word.find('@') != std::string_view::npos ? std::string(word) : std::string();
}

// Returns `<id>` if the file is `<id>.eml` or `<id>.json`, as gw-export names it, with or without
// directories. Returns an empty string otherwise.
std::string_view exported_id(std::string_view path, std::string_view ending) {
  path.remove_prefix(path.rfind('/') + 1);  // npos + 1 is 0
  if (!path.ends_with(ending)) return {};
  path.remove_suffix(ending.size());
  return MessageId::parse(path) ? path : std::string_view();
}

enum class Kind : unsigned char { Single, Mbox, Packed, Empty, NoMail };

// Decides how to read a file of format Auto. A file that gw-export has named is one mail, whatever
// it contains: an exported message can look like an mbox or an archive.
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

// Reads the sidecar that gw-export wrote beside a mail. An invalid one is ignored, since the mail
// matters more.
std::optional<ListedMail> sidecar_of(const SourceFile& file) {
  if (exported_id(file.path, ".eml").empty()) return std::nullopt;
  const auto text = read_file(file.path.substr(0, file.path.size() - 4) + ".json", kMaxManifestLine);
  return text ? parse_manifest_line(*text) : std::nullopt;
}

Error no_mail(const std::string& name) {
  return Error(Code::BadInput, name + ": is neither a mail nor an mbox");
}

}  // namespace

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
  ImportFile& open = work.file;
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
      // A Maildir's protocol guarantees that files outside `tmp` are complete.
      auto whole = file.format == SourceFormat::Maildir ? Result<void>() : open.require_whole();
      if (!whole) return ended(whole.error());
      if (*kind == Kind::Single) part.sidecar = sidecar_of(file);
      auto added = *kind == Kind::Single ? add_single(work, part, file.format) : add_packed(work, part);
      if (!added) return added.error();
      break;
  }
  if (work.report.outcome != Outcome::Taken) return work.report;
  // Even without removal: a mail may have been read while it was modified.
  if (!open.unchanged()) return ended(Error(Code::Conflict, file.path + ": changed while it was read"));
  if (!options_.remove || !work.safe || !work.report.reason.empty()) return work.report;
  auto removed = *kind == Kind::Mbox ? open.empty() : open.remove();
  if (!removed) return ended(removed.error());
  work.report.removed = true;
  return work.report;
}

Result<ImportedFile> Importer::add_input(SourceFormat format, const Said& said) {
  using Outcome = ImportedFile::Outcome;
  Work work{said, "standard input"};
  // Each mail is read twice, for its id and for delivery, so a stream must be stored first.
  SealedSpill input;
  Bytes piece(kInputPiece);
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

// In an archive of gw-export a sidecar follows its mail, possibly after the mails of a journal
// report. So such a mail waits for its sidecar, until the next mail comes.
Result<void> Importer::add_packed(Work& work, const Part& part) {
  struct Waiting {
    std::unique_ptr<SealedSpill> content;
    std::string entry;
    std::optional<ListedMail> sidecar{};
  };
  std::optional<Waiting> waiting;
  // Imports the waiting mail.
  const auto settle = [&]() -> Result<void> {
    if (!waiting) return {};
    const Waiting mail = std::move(*std::exchange(waiting, std::nullopt));
    return add_single(work, {*mail.content, part.name + ": " + mail.entry, mail.entry, mail.sidecar},
                      SourceFormat::Auto);
  };
  const auto each = [&](const std::string& entry, std::unique_ptr<SealedSpill> content) -> Result<void> {
    const std::string name = entry.empty() ? part.name : part.name + ": " + entry;
    if (const std::string_view id = exported_id(entry, ".json"); !id.empty()) {
      if (!waiting || exported_id(waiting->entry, ".eml") != id || content->size() > kMaxManifestLine)
        return {};
      std::string text(static_cast<std::size_t>(content->size()), '\0');
      if (auto read = content->read(0, std::as_writable_bytes(std::span(text))); !read) return read;
      waiting->sidecar = parse_manifest_line(text);
      return {};
    }
    // The name of a compressed file without its last suffix is that of the content: `a.eml.gz`.
    const auto kind = kind_of(*content, entry.empty() ? part.name.substr(0, part.name.rfind('.')) : entry);
    if (!kind) return kind.error();
    // Archives in archives are not unpacked, which bounds the work for a malicious one.
    if (*kind == Kind::NoMail || *kind == Kind::Packed) work.leave(options_, no_mail(name).text());
    if (*kind == Kind::Mbox) return add_mbox(work, {*content, name, entry});
    if (*kind != Kind::Single) return {};
    if (exported_id(entry, ".eml").empty())
      return add_single(work, {*content, name, entry}, SourceFormat::Auto);
    if (auto settled = settle(); !settled) return settled;
    waiting = {std::move(content), entry};
    return {};
  };
  const auto failed = [&](const std::string& entry, const std::string& why) {
    work.leave(options_, part.name + ": " + entry + ": " + why);
  };
  const auto unpacked = unpack(part.source, each, failed);
  // What came before the damage is intact and imported.
  if (unpacked || unpacked.error().code() == Code::BadInput) {
    if (auto settled = settle(); !settled) return settled;
  }
  if (unpacked) {
    const ImportedFile& report = work.report;
    if (report.outcome == ImportedFile::Outcome::Taken && report.added + report.present + report.left == 0) {
      work.report.outcome = ImportedFile::Outcome::Empty;
      return {};
    }
    if (!options_.remove || !work.safe || !report.reason.empty()) return {};
    const auto counted = count_packed(part.source);
    if (!counted) {
      if (counted.error().code() != Code::BadInput) return counted.error();
      work.stay(counted.error().text());
    } else if (*counted != *unpacked) {
      work.stay("its bytes show " + std::to_string(*counted) + " files, and " + std::to_string(*unpacked) +
                " were unpacked");
    }
    return {};
  }
  if (unpacked.error().code() != Code::BadInput) return unpacked.error();
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
  // In a Maildir or spool each file is one mail, and may have an mbox attached. Elsewhere a mail
  // that contains separators may be an mbox that was not recognised.
  const bool found = format == SourceFormat::Auto || format == SourceFormat::Eml;
  const bool exported = !exported_id(part.name, ".eml").empty();
  if (found && !exported && count.followed() > 0 && (format == SourceFormat::Auto || options_.remove))
    work.stay("imported as one mail, but it contains separators of an mbox");
  if (!options_.remove) return {};
  // Removing something that does not look like a mail could destroy a file that was never meant to
  // be imported.
  const auto looks = look_at(part.source, true);
  if (!looks || *looks == Looks::Other) work.stay("does not begin with a mail header");
  return {};
}

Result<void> Importer::add_mbox(Work& work, const Part& part) {
  const auto failed = [&](const Error& error) {
    work.end(ImportedFile::Outcome::Failed, error.within(part.name));
    return Result<void>();
  };
  auto form = part.source.size() == 0 ? MboxForm() : MboxForm::guess(part.source);
  if (!form) return failed(form.error());
  // The user knows the writer, so the reader need not be cautious about undated separators.
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
    // Before the mbox may be emptied, an independent count must agree that the mail contains no
    // separator: otherwise two mails may have been read as one. A mail that ends where its
    // Content-Length says is not in doubt.
    if (!options_.remove || reader.by_length()) continue;
    SeparatorCount count;
    const mime::Range stored{(*found)->offset, reader.end() - (*found)->offset};
    auto counted = mime::unwrap(part.source, {stored, mime::Encoding::Identity}, [&](ByteView data) {
      count.write(data);
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

}  // namespace gw::transfer
