// gw-store message list and show: the commands that read messages.
#include "store/message.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/counted.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/values.h"
#include "mail/header.h"
#include "store/format.h"
#include "transfer/inner_files.h"
#include "transfer/json.h"
#include "transfer/manifest.h"
#include "transfer/message_source.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

struct ListOptions {
  std::string mailbox;
  std::optional<Micros> since, until;
  std::string state;
  bool json = false;
  bool ids = false;
};

// Without --state, what POP3 shows.
bool wanted(const ListOptions& options, const store::MessageRecord& record) {
  if (options.since && record.received < *options.since) return false;
  if (options.until && record.received >= *options.until) return false;
  if (options.state.empty())
    return record.state == store::State::Live || record.state == store::State::Unconfirmed;
  return options.state == "all" || name(record.state) == options.state;
}

Result<int> list(const Commands& commands, const ListOptions& options) {
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  cli::Output output;
  // The width of the columns is fixed, so that a long list is printed as it is read.
  const bool table = !options.json && !options.ids;
  if (table) output.line("ID                                RECEIVED                    SIZE  STATE");
  auto listed =
      for_each_message(**store, mailbox->id, [&](const store::MessageRecord& record) -> Result<void> {
        if (!wanted(options, record)) return {};
        if (options.json) {
          output.json(transfer::message_json(record));
        } else if (options.ids) {
          // NUL after each id, for xargs -0.
          output.data(as_bytes(record.id.hex() + std::string(1, '\0')));
        } else {
          std::string size = format_size(record.size);
          size.insert(0, size.size() < 10 ? 10 - size.size() : 0, ' ');
          output.line(record.id.hex() + "  " + shown_time(record.received) + "  " + size + "  " +
                      std::string(name(record.state)));
        }
        return {};
      });
  if (!listed) return listed.error();
  return output.close();
}

struct ShowOptions {
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
    // Parsed and printed again: Output::json() decides about the form of all JSON lines.
    output.json(Json::parse(transfer::envelope_json(envelope)));
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
    output.json(Json::parse(transfer::journal_json(*report, *inner)));
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

Result<int> show(const Commands& commands, const ShowOptions& options) {
  const auto id = message_id(options.id);
  if (!id) return id.error();
  auto store = commands.connect();
  if (!store) return store.error();
  const auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  const auto record = (*store)->find(mailbox->id, *id);
  if (!record) return record.error();
  // Before the password is asked for.
  if (options.container) return show_container(**store, mailbox->id, *id);

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

Result<MessageId> message_id(const std::string& text) {
  const auto id = MessageId::parse(text);
  if (id) return *id;
  return Error(Code::Usage, "`" + text + "` is not a message id").with_hint("gw-store message list MAILBOX");
}

void add_message_list(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = commands.add(family, "list", "List the messages of a mailbox (needs no password)",
                                   [&commands, options] { return list(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  cli::time_option(*command, "--since", options->since, "Print only messages received at this time or later");
  cli::time_option(*command, "--until", options->until, "Print only messages received before this time");
  command->add_option("--state", options->state, "Print only this state (else live and unconfirmed)")
      ->check(CLI::IsMember({"live", "pending", "unconfirmed", "drained", "quarantined", "all"}));
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON lines");
  command->add_flag("-0,--null", options->ids, "Print only the ids, each followed by NUL")->excludes(json);
}

void add_message_show(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = commands.add(family, "show", "Print a message (needs the mailbox's password)",
                                   [&commands, options] { return show(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  command->add_option("ID", options->id, "Message id, 32 hex digits")->required();
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
