// gw-store message show, and the ids that the commands on messages take.
#include "store/message.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "mail/header.h"
#include "store/format.h"
#include "transfer/inner_files.h"
#include "transfer/manifest.h"
#include "transfer/message_source.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

// Hex digits of an id, and the fewest of a shortened one.
constexpr std::size_t kIdDigits = 32;
constexpr std::size_t kLeastDigits = 4;

struct MessageShowOptions {
  std::string mailbox;
  std::string id;
  bool raw = false, headers = false, envelope = false, journal = false, container = false;
  bool json = false;
  cli::PasswordOptions password;
};

// Prints the container as it is stored. No password is needed, since only the mailbox's key can
// open it.
Result<int> show_container(store::Store& store, const MailboxId& mailbox, const MessageId& id) {
  cli::Output output;
  Bytes buffer(store.limits().chunk);
  std::uint64_t offset = 0;
  for (;;) {
    const auto got = store.read(mailbox, id, offset, buffer);
    if (!got) return got.error();
    if (*got == 0) return output.close();
    output.data(ByteView(buffer).first(*got));
    offset += *got;
  }
}

void line_if_any(cli::Output& output, std::string label, const std::string& text) {
  label.resize(14, ' ');
  if (!text.empty()) output.line(label + text);
}

Result<int> show_envelope(const vault::Envelope& envelope, bool json) {
  cli::Output output;
  if (json) {
    output.json(json::envelope_json(envelope));
    return output.close();
  }
  output.line("from          <" + envelope.reverse_path + ">" +
              (envelope.parameters.empty() ? "" : " " + envelope.parameters));
  for (const vault::EnvelopeRecipient& each : envelope.recipients) {
    output.line("to            <" + each.address + ">" +
                (each.parameters.empty() ? "" : " " + each.parameters) +
                (each.refusal.empty() ? "" : ", refused: " + each.refusal));
  }
  line_if_any(output, "received", shown_time(envelope.received));
  line_if_any(output, "peer", envelope.peer);
  line_if_any(output, "helo", envelope.helo);
  line_if_any(output, "tls", envelope.tls);
  line_if_any(output, "certificate", envelope.client_certificate);
  line_if_any(output, "auth", envelope.auth);
  line_if_any(output, "listener", envelope.listener);
  line_if_any(output, "host", envelope.host);
  line_if_any(output, "transaction", envelope.transaction);
  line_if_any(output, "route", envelope.route);
  line_if_any(output, "login", envelope.login);
  line_if_any(output, "source", envelope.source);
  for (const std::string& each : envelope.trace) line_if_any(output, "trace line", each);
  output.line("bytes         " + std::to_string(envelope.size));
  output.line("sha256        " + to_hex(envelope.sha256));
  std::string odd;
  for (const auto& [is, word] : {std::pair(envelope.bare_newline, " bare-newline"),
                                 {envelope.eight_bit, " 8-bit"},
                                 {envelope.long_line, " long-line"},
                                 {envelope.nul, " NUL"}}) {
    if (is) odd += word;
  }
  if (!odd.empty()) output.line("contains     " + odd);
  return output.close();
}

std::string shown_recipient(const mime::Recipient& recipient) {
  return recipient.address + (recipient.expanded ? ", expanded from " + *recipient.expanded : "") +
         (recipient.forwarded ? ", forwarded from " + *recipient.forwarded : "");
}

void show_report(cli::Output& output, const mime::JournalReport& report) {
  output.line("sender        " + report.sender);
  line_if_any(output, "on behalf of", report.on_behalf_of.value_or(""));
  line_if_any(output, "subject", report.subject.value_or(""));
  line_if_any(output, "message id", report.message_id.value_or(""));
  for (const mime::Recipient& each : report.recipients)
    line_if_any(output, transfer::name(each.kind), shown_recipient(each));
}

Result<int> show_journal(vault::Message& message, bool json) {
  transfer::MessageSource source(message);
  const auto report = mime::read_journal_report(source);
  if (!report) return report.error();
  const auto inner = transfer::inner_files(source, *report);
  if (!inner) return inner.error();
  cli::Output output;
  if (json) {
    output.json(transfer::journal_json(*report, *inner));
    return output.close();
  }
  if (!report->is_journal_report) {
    output.line("not a journal report");
    return output.close();
  }
  show_report(output, *report);
  for (const transfer::InnerFile& each : *inner) {
    output.line("inner mail    " + each.message_id.value_or("no Message-ID") + ", " +
                counted(each.size, "byte") + ", sha256 " + to_hex(each.sha256) +
                (each.is_protected ? ", rights-protected" : ""));
  }
  if (report->within == mime::Within::DeliveryReport) output.line("within        a delivery report");
  if (report->within == mime::Within::Mail) output.line("within        another mail");
  for (const mime::JournalReport& each : report->further) {
    output.line("");
    output.line("further report");
    show_report(output, each);
  }
  return output.close();
}

Result<int> show_bytes(vault::Message& message, bool headers_only) {
  cli::Output output;
  mail::HeaderWalker header({});
  std::uint64_t before = 0;
  for (;;) {
    const auto piece = message.next();
    if (!piece) {
      // The output so far may be only a part of the mail. The exit status says so.
      (void)output.close();
      return piece.error();
    }
    if (piece->empty()) return output.close();
    if (!headers_only) {
      output.data(*piece);
      continue;
    }
    header.write(*piece);
    // The header may have ended in an earlier piece: lines that are not fields belong to it only if
    // a field follows them.
    const std::uint64_t end = header.done() ? std::max(header.size(), before) : before + piece->size();
    output.data(piece->first(static_cast<std::size_t>(end - before)));
    before += piece->size();
    if (header.done()) return output.close();
  }
}

Result<int> show(const Commands& commands, const MessageShowOptions& options) {
  if (auto good = check_message_id(options.id, options.mailbox); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  const auto ids = message_ids(**store, *mailbox, {options.id});
  if (!ids) return ids.error();
  const MessageId id = ids->front();
  const auto record = (*store)->find(mailbox->id, id);
  if (!record) return record.error();
  // Before the password is asked for.
  if (options.container) return show_container(**store, mailbox->id, id);

  const auto password = options.password.read(mailbox->name);
  if (!password) return password.error();
  const auto ring = vault::unlock(**store, *mailbox, *password);
  if (!ring) return ring.error();
  const auto health = (*store)->health();
  if (!health) return health.error();
  auto message = vault::open_message(**store, *ring, health->vault, mailbox->id, *record);
  if (!message) return message.error();
  if (options.envelope) return show_envelope(message->envelope(), options.json);
  if (options.journal) return show_journal(*message, options.json);
  return show_bytes(*message, options.headers);
}

}  // namespace

Result<void> check_message_id(const std::string& text, const std::string& mailbox) {
  const bool hex = text.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (hex && text.size() >= kLeastDigits && text.size() <= kIdDigits) return {};
  return Error(Code::Usage, "`" + text + "` is not a message id")
      .with_hint("gw-store message list " + mailbox);
}

Result<std::vector<MessageId>> message_ids(store::Store& store, const store::MailboxRecord& mailbox,
                                           const std::vector<std::string>& texts) {
  // The messages whose ids begin with each shortened id, and the lengths of these.
  std::map<std::string, std::vector<MessageId>> shortened;
  std::set<std::size_t> lengths;
  for (const std::string& text : texts) {
    if (text.size() == kIdDigits) continue;
    shortened[lower(text)];
    lengths.insert(text.size());
  }
  if (!shortened.empty()) {
    auto done = for_each_message(store, mailbox.id, [&](const store::MessageRecord& record) -> Result<void> {
      const std::string id = record.id.hex();
      for (const std::size_t length : lengths) {
        const auto found = shortened.find(id.substr(0, length));
        if (found == shortened.end()) continue;
        // A message that settles meanwhile is visited twice. Two ids show that it is ambiguous.
        std::vector<MessageId>& ids = found->second;
        if (ids.size() < 2 && std::ranges::find(ids, record.id) == ids.end()) ids.push_back(record.id);
      }
      return {};
    });
    if (!done) return done.error();
  }
  std::vector<MessageId> ids;
  for (const std::string& text : texts) {
    if (const auto whole = MessageId::parse(text)) {
      ids.push_back(*whole);
      continue;
    }
    const std::vector<MessageId>& found = shortened[lower(text)];
    if (found.empty()) {
      return Error(Code::NotFound, "no message id begins with `" + text + "`")
          .with_hint("gw-store message list " + mailbox.name + " --state all");
    }
    if (found.size() > 1)
      return Error(Code::Usage, "several message ids begin with `" + text + "`")
          .with_hint("gw-store message list " + mailbox.name + " --state all");
    ids.push_back(found.front());
  }
  return ids;
}

void add_message_show(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MessageShowOptions>();
  CLI::App* command = commands.add(family, "show", "Print a message (needs the mailbox's password)",
                                   [&commands, options] { return show(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("ID", options->id, "Message id, or the beginning of one")->required();
  std::vector<CLI::Option*> forms{
      command->add_flag("--raw", options->raw, "Print the bytes as received (default)"),
      command->add_flag("--headers", options->headers, "Print only the header"),
      command->add_flag("--envelope", options->envelope, "Print the SMTP envelope"),
      command->add_flag("--journal", options->journal, "Print the sender and recipients of a journal report"),
      command->add_flag("--container", options->container, "Print the sealed age file (needs no password)")};
  for (CLI::Option* each : forms) {
    for (CLI::Option* other : forms) {
      if (each != other) each->excludes(other);
    }
  }
  options->password.declare(*command);
  command->add_flag("--json", options->json, "Print a JSON line, with --envelope or --journal");
}

void add_message(Commands& commands) {
  CLI::App& family = *commands.add_family("message", "List, show, add, remove and quarantine messages");
  add_message_list(commands, family);
  add_message_show(commands, family);
  add_message_add(commands, family);
  add_message_remove(commands, family);
  add_message_undelete(commands, family);
  add_message_quarantine(commands, family);
}

}  // namespace gw::cmd
