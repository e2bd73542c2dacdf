#include "transfer/export.h"

#include "mail/header.h"

namespace gw::transfer {
namespace {

constexpr int kCannotCreate = 73;

// What is wrong with one message and not with the store as a whole.
bool concerns_one_message(const Error& error) {
  return error.code() == Code::Corrupt || error.code() == Code::NotFound || error.code() == Code::Version;
}

}  // namespace

Exporter::Exporter(store::Store& store, const MailboxId& mailbox, Writer& writer, Manifest* manifest,
                   ExportOptions options)
    : store_(store), mailbox_(mailbox), writer_(writer), manifest_(manifest), options_(std::move(options)) {}

Result<void> Exporter::add(const store::MessageRecord& record, Result<vault::Message> opened) {
  ManifestLine line;
  line.id = record.id;
  line.octets = record.octets;
  if (!opened) return fail(line, opened.error());
  line.envelope = &opened->envelope();
  line.sha256 = line.envelope->sha256;
  line.file = writer_.name(record.id, record.received, ".eml");

  auto there = already_there(line.file, *line.sha256);
  if (!there) return there.error();
  const bool listed = manifest_ != nullptr && manifest_->listed(record.id);
  const bool complete = *there && (manifest_ == nullptr || listed) && !options_.sidecar;

  if (!complete) {
    // Also for a file that is there: an interrupted run may have written it and not yet its line.
    mail::HeaderWalker header({"Message-ID"});
    if (!*there) {
      if (auto begun = writer_.begin({line.file, record.octets, record.received}); !begun) return begun;
    }
    for (;;) {
      const Result<ByteView> piece = opened->next();
      if (!piece) {
        writer_.abandon();
        line.sha256.reset();
        return fail(line, piece.error());
      }
      if (piece->empty()) break;
      if (!header.done()) header.write(*piece);
      if (*there && header.done()) break;
      if (*there) continue;
      if (auto written = writer_.write(*piece); !written) {
        writer_.abandon();
        return written;
      }
    }
    header.finish();
    if (const std::string* id = header.field("Message-ID")) line.message_id = *id;
    if (!*there) {
      if (auto committed = writer_.commit(); !committed) return committed;
    }
    if (options_.sidecar) {
      if (auto kept = write_sidecar(line, record.received); !kept) return kept;
    }
  }
  if (options_.read_back) {
    const auto reached = writer_.digest(line.file);
    if (!reached) return reached.error();
    if (*reached != *line.sha256)
      return Error(Code::Io, line.file + ": what was read back is not what was written");
    taken_.push_back(record.id);
  }
  if (!*there) {
    if (auto noted = note(record); !noted) return noted;
  }
  ++(*there ? report_.present : report_.written);
  report_.octets += *there ? 0 : record.octets;
  return manifest_ != nullptr && !listed ? manifest_->add(line) : Result<void>();
}

// A file in the way is good with `resume` if it is the same octet for octet, and nothing else ever is.
Result<bool> Exporter::already_there(const std::string& name, const Digest& wanted) {
  const Result<Digest> there = writer_.digest(name);
  if (!there && there.error().code() == Code::NotFound) return false;
  if (!there) return there.error();
  if (options_.resume && *there == wanted) return true;
  const Error in_the_way(Code::Exists,
                         name + (options_.resume ? ": in the way, and not the same" : ": exists already"));
  return in_the_way.with_exit_status(kCannotCreate)
      .with_hint(options_.resume ? "move it away; nothing is overwritten"
                                 : "--resume goes on with an earlier export");
}

Result<void> Exporter::write_sidecar(const ManifestLine& line, Micros time) {
  const std::string name = writer_.name(line.id, time, ".json");
  const std::string text = manifest_line(line) + "\n";
  auto there = already_there(name, sha256(as_bytes(text)));
  if (!there) return there.error();
  if (*there) return {};
  if (auto begun = writer_.begin({name, text.size(), time}); !begun) return begun;
  if (auto written = writer_.write(as_bytes(text)); !written) {
    writer_.abandon();
    return written;
  }
  return writer_.commit();
}

Result<void> Exporter::note(const store::MessageRecord& record) {
  store::Leaf leaf;
  leaf.type = store::LeafType::Exported;
  leaf.mailbox = mailbox_;
  leaf.message = record.id;
  leaf.value = record.octets;
  leaf.container = record.container;
  leaf.envelope = record.envelope;
  leaf.commitment = record.commitment;
  leaf.actor = options_.actor;
  auto noted = store_.note(mailbox_, leaf);
  // Removed by somebody in between: there is nothing left to note it of.
  if (!noted && noted.error().code() != Code::NotFound)
    return noted.error().within("cannot note the export in the history");
  return {};
}

Result<void> Exporter::fail(ManifestLine line, const Error& error) {
  if (!concerns_one_message(error)) return error;
  line.file.clear();
  line.reason = error.text();
  report_.failures.push_back({line.id, line.reason});
  return manifest_ != nullptr ? manifest_->add(line) : Result<void>();
}

Result<void> Exporter::finish() {
  if (auto synced = writer_.sync(); !synced) return synced;
  return manifest_ != nullptr ? manifest_->sync() : Result<void>();
}

}  // namespace gw::transfer
