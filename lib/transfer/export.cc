#include "transfer/export.h"

#include <algorithm>

#include "base/text.h"
#include "mail/header.h"
#include "mail/trace.h"
#include "transfer/message_source.h"
#include "vault/trace.h"

namespace gw::transfer {
namespace {

// A message up to this size is one chunk, which is authenticated before its first byte is returned.
constexpr std::uint64_t kOneChunk = 64 << 10;
constexpr std::size_t kGather = 256 << 10;  // bytes of lines that wait for their history entries
constexpr mail::HeaderLimits kHeader{.value = 256 << 10};

Result<void> read_header(vault::Message& message, mail::HeaderWalker& header) {
  while (!header.done()) {
    const Result<ByteView> piece = message.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    header.write(*piece);
  }
  header.finish();
  return {};
}

// Tells damage of one message from a failure of the store or the destination.
bool concerns_one_message(const Error& error) {
  return error.code() == Code::Corrupt || error.code() == Code::NotFound || error.code() == Code::Version;
}

}  // namespace

std::string maildir_flags(std::string_view source) {
  constexpr std::string_view kInfo = "2,";
  constexpr std::size_t kMaxCount = 52;  // 26 letters in both cases
  const std::size_t at = source.rfind(kInfo);
  if (at == std::string_view::npos || at == 0 ||
      std::string_view(":!;").find(source[at - 1]) == std::string_view::npos)
    return {};
  const std::string_view flags = source.substr(at + kInfo.size());
  const bool letters = flags.size() <= kMaxCount && std::ranges::all_of(flags, [](char c) {
                         return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
                       });
  return letters ? std::string(flags) : std::string();
}

// The message that is being exported.
struct Exporter::Item {
  const store::MessageRecord& record;
  vault::Message& message;
  ManifestLine line{};
  std::string fields{};         // envelope as header fields, inserted at fields_at
  std::uint64_t fields_at = 0;  // offset in the message, in bytes

  Feed feed() {
    return [this](const Sink& sink) -> Result<void> {
      message.rewind();
      std::uint64_t before = 0;
      bool put = fields.empty();
      for (;;) {
        const Result<ByteView> piece = message.next();
        if (!piece) return piece.error();
        ByteView rest = *piece;
        const std::uint64_t size = rest.size();
        // The place is in this piece, or the message ends before it.
        if (!put && (fields_at < before + size || size == 0)) {
          const auto first = static_cast<std::size_t>(fields_at - before);
          if (first > 0) {
            if (auto taken = sink(rest.first(first)); !taken) return taken;
          }
          if (auto taken = sink(as_bytes(fields)); !taken) return taken;
          rest = rest.subspan(first);
          put = true;
        }
        if (size == 0) return {};
        if (auto taken = sink(rest); !taken) return taken;
        before += size;
      }
    };
  }
};

Exporter::Exporter(store::Store& store, const store::MailboxRecord& mailbox, Writer& writer,
                   Manifest* manifest, ExportOptions options)
    : store_(store), mailbox_(mailbox), writer_(writer), manifest_(manifest), options_(std::move(options)) {}

Result<void> Exporter::add(const store::MessageRecord& record, Result<vault::Message> opened) {
  ManifestLine line;
  line.id = record.id;
  line.size = record.size;
  line.state = record.state;
  if (!opened) return fail(std::move(line), opened.error());
  Item item{record, *opened, std::move(line)};
  item.line.envelope = &opened->envelope();
  item.line.sha256 = opened->envelope().sha256;

  const Result<bool> meant = look(item);
  if (meant && !*meant) {
    ++report_.unmatched;
    return {};
  }
  const Result<void> done = meant ? write(item) : Result<void>(meant.error());
  if (done) return {};
  writer_.abandon();
  // The messages before this one are written and keep their history entries and lines. If flush()
  // fails as well, the first error says more.
  if (fatal_) {
    (void)flush();
    return done;
  }
  // A line of a failed message must not let the import find an envelope by a digest that no file
  // has.
  item.line.sha256.reset();
  return fail(std::move(item.line), done.error());
}

// Reads what must be known before anything is written. Returns false if the message does not
// concern the wanted addresses.
Result<bool> Exporter::look(Item& item) {
  const vault::Envelope& envelope = item.message.envelope();
  // The header is read only if the manifest or the match needs it, since it costs decrypting the
  // first chunk.
  const bool listed = manifest_ != nullptr || options_.sidecar || options_.unwrap;
  bool meant = options_.match.empty() || options_.match.envelope(envelope);
  if (listed || !meant) {
    auto header = mail::HeaderWalker::each(
        [&](std::string_view name, std::string_view value) {
          if (!item.line.message_id && iequals(name, "Message-ID")) item.line.message_id = value;
          meant = meant || options_.match.field(name, value);
        },
        kHeader);
    if (auto read = read_header(item.message, header); !read) return read.error();
    // The address may be in the part of the header that was not examined.
    meant = meant || header.truncated();
  }
  // The addresses of a journaled mail are in the report and in the inner mail, not in the outer
  // header.
  if (options_.unwrap || !meant) {
    MessageSource source(item.message);
    auto report = mime::read_journal_report(source);
    if (!report) return report.error();
    meant = meant || options_.match.report(*report) || report->limit_reached;
    if (!meant) {
      const Result<bool> inner = match_inner(source, *report);
      if (!inner) return inner.error();
      meant = *inner;
    }
    if (options_.unwrap) item.line.journal = std::move(*report);
  }
  if (!meant) return false;
  if (options_.headers) {
    if (auto placed = place_fields(item); !placed) return placed.error();
  }
  // What was written to a one-way destination cannot be taken back. So the whole message is read
  // and its digest compared before the first byte is written.
  if (writer_.one_way() && item.record.size > kOneChunk) {
    if (auto whole = item.feed()([](ByteView) { return Result<void>(); }); !whole) return whole.error();
  }
  return true;
}

// Checks whether the header of a mail within a report names one of the addresses.
Result<bool> Exporter::match_inner(mime::Source& source, const mime::JournalReport& report) {
  bool meant = false;
  for (const mime::JournalReport* each : mime::all_reports(report)) {
    for (const mime::InnerMail& inner : each->inner) {
      auto header = mail::HeaderWalker::each(
          [&](std::string_view name, std::string_view value) {
            meant = meant || options_.match.field(name, value);
          },
          kHeader);
      mime::ContentReader reader(source, inner.content);
      while (!header.done() && !meant) {
        const Result<ByteView> piece = reader.next();
        if (!piece) return piece.error();
        if (piece->empty()) break;
        header.write(*piece);
      }
      header.finish();
      meant = meant || header.truncated();
      if (meant) return true;
    }
  }
  return false;
}

// Composes the header fields of the envelope and finds their place in the message.
Result<void> Exporter::place_fields(Item& item) {
  for (const std::string& field : vault::envelope_fields(mailbox_, item.message.envelope()))
    item.fields += field + "\r\n";
  if (item.fields.empty()) return {};
  mail::TracePlacer placer;
  item.message.rewind();
  while (!placer.done()) {
    const Result<ByteView> piece = item.message.next();
    if (!piece) return piece.error();
    if (piece->empty()) break;
    placer.write(*piece);
  }
  placer.finish();
  item.fields_at = placer.place().offset;
  // The message has no header: an empty line keeps its first line from becoming a field.
  if (placer.place().apart) item.fields += "\r\n";
  return {};
}

Result<void> Exporter::write(Item& item) {
  const Entry main = entry(item, ".eml", item.fields.size() + item.record.size);
  item.line.file = writer_.name(main);
  // With inserted fields the content differs from the message as received, and its digest is not
  // known yet.
  const auto known = item.fields.empty() ? item.line.sha256 : std::nullopt;
  const Result<bool> fresh = put(main, item.feed(), known);
  if (!fresh) return fresh.error();
  const bool unwrapped = item.line.journal && item.line.journal->is_journal_report;
  if (unwrapped) {
    // The message itself has been written. A failure from here on is not damage of it, so it must
    // not be listed as failed with its file in place.
    if (auto done = write_inner(item); !done)
      return fatal(done.error().within("cannot unwrap " + item.record.id.hex()));
  }
  // The sidecar is written last: it lists the inner files with their digests.
  if (writer_.sidecars() && (options_.sidecar || unwrapped)) {
    const std::string text = manifest_line(item.line) + "\n";
    const Feed feed = [&text](const Sink& sink) { return sink(as_bytes(text)); };
    const Result<bool> kept = put(entry(item, ".json", text.size()), feed, sha256(as_bytes(text)));
    if (!kept) return kept.error();
  }
  ++(*fresh ? report_.written : report_.present);
  report_.size += *fresh ? item.record.size : 0;
  if (options_.read_back) written_.push_back(item.record.id);
  if (auto kept = keep(item, *fresh); !kept) return fatal(kept.error());
  return {};
}

Result<void> Exporter::write_inner(Item& item) {
  MessageSource source(item.message);
  std::size_t number = 0;
  for (const mime::InnerMail* each : mime::all_inner(*item.line.journal)) {
    const mime::InnerMail& inner = *each;
    const Feed feed = [&](const Sink& sink) { return mime::unwrap(source, inner.content, sink); };
    InnerFile file;
    Sha256 sum;
    // The length must be known before writing, and that of an encoded mail only follows from
    // decoding it.
    auto measured = feed([&](ByteView data) -> Result<void> {
      sum.update(data);
      file.size += data.size();
      return {};
    });
    if (!measured) return measured;
    const Entry place = entry(item, "." + std::to_string(++number) + ".eml", file.size);
    file.sha256 = sum.finish();
    file.file = writer_.name(place);
    file.is_protected = inner.is_protected;
    file.message_id = inner.message_id;
    if (auto written = put(place, feed, file.sha256); !written) return written.error();
    ++report_.unwrapped;
    item.line.inner.push_back(std::move(file));
  }
  return {};
}

Entry Exporter::entry(const Item& item, std::string suffix, std::uint64_t size) const {
  const vault::Envelope& envelope = item.message.envelope();
  Entry entry;
  entry.id = item.record.id;
  entry.time = item.record.received;
  entry.suffix = std::move(suffix);
  entry.size = size;
  entry.sender = envelope.reverse_path;
  // Only an import stores a path in `source`; flags in anything else would be accidental.
  if (envelope.origin == vault::Origin::Import) entry.flags = maildir_flags(envelope.source);
  return entry;
}

// Writes the entry unless an earlier run did. Returns true if it was written now. `digest` is that
// of the content if it is known. The flags tell whether the message or the destination failed,
// because only the latter ends the export.
Result<bool> Exporter::put(const Entry& entry, const Feed& feed, std::optional<Digest> digest) {
  Digest found{};
  bool message_failed = false;
  const auto expected = [&]() -> Result<Digest> {
    const Result<Digest> wanted = digest && !writer_.ends_lines() ? Result<Digest>(*digest) : carried(feed);
    if (wanted) found = *wanted;
    message_failed = !wanted;
    return wanted;
  };
  const Result<bool> there = writer_.holds(entry, expected);
  if (!there) return message_failed ? there.error() : fatal(there.error());
  if (!*there) {
    if (auto begun = writer_.begin(entry); !begun) return fatal(begun.error());
    // After begin() a one-way destination contains a part of the entry: then every failure is
    // fatal.
    bool writer_failed = writer_.one_way();
    auto written = feed([&](ByteView data) {
      auto taken = writer_.write(data);
      writer_failed = writer_failed || !taken;
      return taken;
    });
    if (!written) return writer_failed ? fatal(written.error()) : written.error();
    const Result<Digest> committed = writer_.commit();
    if (!committed) return fatal(committed.error());
    found = *committed;
  }
  if (options_.read_back) to_compare_.emplace_back(entry, found);
  return !*there;
}

// Returns the digest that the content has after the writer has taken it.
Result<Digest> Exporter::carried(const Feed& feed) const {
  Sha256 sum;
  std::optional<std::byte> last;
  auto read = feed([&](ByteView data) -> Result<void> {
    sum.update(data);
    if (!data.empty()) last = data.back();
    return {};
  });
  if (!read) return read.error();
  if (writer_.ends_lines() && last && *last != std::byte{'\n'}) sum.update(as_bytes("\n"));
  return sum.finish();
}

// Queues the history entry and the manifest line of a written message. A line is only written after
// its history entry. A resumed run therefore appends an entry for each message that is not listed.
Result<void> Exporter::keep(const Item& item, bool fresh) {
  const bool listed = manifest_ != nullptr && manifest_->listed(item.record.id);
  if (fresh || (manifest_ != nullptr && !listed)) to_note_.push_back(item.record.id);
  if (!listed) list(item.line);
  return flush_if_much();
}

// Queues a manifest line.
void Exporter::list(const ManifestLine& line) {
  if (manifest_ == nullptr) return;
  to_list_.push_back(manifest_line(line));
  gathered_ += to_list_.back().size();
}

Result<void> Exporter::flush_if_much() {
  return to_note_.size() >= store_.limits().notes || gathered_ >= kGather ? flush() : Result<void>();
}

Result<void> Exporter::flush() {
  // History entries first: if the process dies in between, the resumed run notes the messages once
  // more, which is harmless. The other order could lose entries.
  const std::vector<MessageId> messages = std::exchange(to_note_, {});
  const auto noted = vault::note_exported(store_, mailbox_.id, options_.actor, messages);
  if (!noted) return noted.error().within("cannot record the export in the history");
  if (!*noted) report_.unnoted += messages.size();
  for (const std::string& line : std::exchange(to_list_, {})) {
    if (auto added = manifest_->add(line); !added) return added;
  }
  gathered_ = 0;
  return {};
}

Error Exporter::fatal(const Error& error) {
  fatal_ = true;
  return error;
}

Result<void> Exporter::fail(ManifestLine line, const Error& error) {
  if (!concerns_one_message(error)) return error;
  // The line must not name files that were abandoned.
  line.file.clear();
  line.journal.reset();
  line.inner.clear();
  line.reason = error.text();
  report_.failures.add({line.id, line.reason});
  list(line);
  return flush_if_much();
}

// The files are durable before the history says that they were exported. The messages count as
// taken only after they were read back, and the manifest is complete last.
Result<void> Exporter::finish() {
  if (auto finished = writer_.finish(); !finished) return finished;
  if (auto noted = flush(); !noted) return noted;
  if (auto same = compare(); !same) return same;
  return manifest_ != nullptr ? manifest_->sync() : Result<void>();
}

Result<void> Exporter::compare() {
  for (const auto& [entry, wanted] : to_compare_) {
    const Result<Digest> reached = writer_.digest(entry);
    if (!reached) return reached.error().within("cannot read back what was written");
    if (*reached != wanted) return Error(Code::Io, writer_.name(entry) + ": differs from what was written");
  }
  to_compare_.clear();
  taken_.insert(taken_.end(), written_.begin(), written_.end());
  written_.clear();
  return {};
}

}  // namespace gw::transfer
