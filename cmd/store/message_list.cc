// gw-store message list: needs no password, unless the messages have to be opened for what their
// headers say.
#include "vault/message_list.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "base/text.h"
#include "cli/output.h"
#include "cli/password.h"
#include "cli/span.h"
#include "cli/values.h"
#include "mail/header.h"
#include "mime/charset.h"
#include "store/format.h"
#include "store/message.h"
#include "vault/drain.h"
#include "vault/mailbox.h"

namespace gw::cmd {
namespace {

// Messages that are read from the store at a time, and that are looked at for one page.
constexpr std::size_t kPage = 200;
constexpr std::size_t kMaxLookedAt = 20'000;
// Bounds what -n holds in memory.
constexpr std::size_t kMaxNumber = 100'000;

struct MessageListOptions {
  std::string mailbox;
  std::optional<Micros> since, until;
  std::optional<std::uint64_t> larger, smaller;
  std::string state;
  std::string from, subject;
  std::optional<std::size_t> number;
  bool headers = false;
  bool json = false;
  bool ids = false;
  cli::PasswordOptions password;

  bool searches() const { return !from.empty() || !subject.empty(); }
  // The messages have to be opened.
  bool opens() const { return headers || searches() || password.given(); }
};

// The fields that a list shows. nullopt if the header has none.
struct Fields {
  std::optional<std::string> date, from, subject;
};

// Checks what needs no password. Without --state, what POP3 shows.
bool wanted(const MessageListOptions& options, const store::MessageRecord& record) {
  if (options.since && record.received < *options.since) return false;
  if (options.until && record.received >= *options.until) return false;
  if (options.larger && record.size < *options.larger) return false;
  if (options.smaller && record.size >= *options.smaller) return false;
  if (options.state.empty())
    return record.state == store::State::Live || record.state == store::State::Unconfirmed;
  return options.state == "all" || name(record.state) == options.state;
}

bool contains(const std::string& text, const std::string& wanted) {
  return lower(text).find(lower(wanted)) != std::string::npos;
}

// Returns the text with spaces up to `width` code points.
std::string padded(std::string text, std::size_t width) {
  const auto points = static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
  text.append(points < width ? width - points : 0, ' ');
  return text;
}

class MessageList {
 public:
  MessageList(const Commands& commands, const MessageListOptions& options, store::Store& store,
              store::MailboxRecord mailbox)
      : commands_(commands), options_(options), store_(store), mailbox_(std::move(mailbox)) {}

  // Unlocks the mailbox if the messages have to be opened.
  Result<void> unlock() {
    if (!options_.opens()) return {};
    const auto password = options_.password.read(mailbox_.name);
    if (!password) return password.error();
    auto ring = vault::unlock(store_, mailbox_, *password);
    if (!ring) return ring.error();
    const auto vault = store_.vault_id();
    if (!vault) return vault.error();
    ring_ = std::move(*ring);
    vault_ = *vault;
    return {};
  }

  Result<int> run() {
    const bool table = !options_.json && !options_.ids;
    if (table) {
      std::string heading = "ID                                RECEIVED                    SIZE  STATE";
      if (options_.opens())
        heading =
            padded(heading, 83) + "DATE                             FROM" + std::string(28, ' ') + "SUBJECT";
      output_.line(heading);
    }
    auto done = table || options_.number ? newest_first(table) : oldest_first();
    if (!done) return done.error();
    return output_.close(failed_ ? kExitSomeFailed : kExitSuccess);
  }

 private:
  Result<void> oldest_first() {
    return for_each_message(store_, mailbox_.id, [&](const store::MessageRecord& record) -> Result<void> {
      return wanted(options_, record) ? print_if_it_fits(record) : Result<void>();
    });
  }

  // Programs get the newest ones in the order of arrival too, so these are gathered first.
  Result<void> newest_first(bool table) {
    std::vector<store::MessageRecord> gathered;
    std::size_t left = options_.number.value_or(std::numeric_limits<std::size_t>::max());
    std::uint64_t before = 0;
    do {
      const auto page = vault::messages_before(
          store_, mailbox_.id, before, kPage, kMaxLookedAt,
          [&](const store::MessageRecord& record) { return wanted(options_, record); });
      if (!page) return page.error();
      for (const store::MessageRecord& record : page->records) {
        if (left == 0) break;
        const auto fields = read(record);
        if (!fields) return fields.error();
        if (!*fields) continue;
        --left;
        if (table)
          print(record, **fields);
        else
          gathered.push_back(record);
      }
      before = page->before;
    } while (before != 0 && left > 0);
    for (auto record = gathered.rbegin(); record != gathered.rend(); ++record)
      if (auto done = print_if_it_fits(*record); !done) return done;
    return {};
  }

  Result<void> print_if_it_fits(const store::MessageRecord& record) {
    const auto fields = read(record);
    if (!fields) return fields.error();
    if (*fields) print(record, **fields);
    return {};
  }

  // Returns what the list shows of the header, nothing if the message need not be opened. nullopt
  // if the message does not fit the search or is gone. A damaged message is reported and does not
  // fit a search.
  Result<std::optional<Fields>> read(const store::MessageRecord& record) {
    if (!options_.opens()) return std::optional(Fields());
    auto message = vault::open_message(store_, ring_, vault_, mailbox_.id, record);
    const auto fields = message ? fields_of(*message) : Result<Fields>(message.error());
    if (fields) return fits(*message, *fields) ? std::optional(*fields) : std::nullopt;
    if (fields.error().code() == Code::NotFound) return std::optional<Fields>();
    if (fields.error().code() != Code::Corrupt) return fields.error();
    // With -n, programs' messages are read twice.
    if (reported_.insert(record.id).second)
      commands_.program().report(fields.error().within("message " + record.id.hex()));
    failed_ = true;
    return options_.searches() ? std::nullopt : std::optional(Fields());
  }

  static Result<Fields> fields_of(vault::Message& message) {
    mail::HeaderWalker header({"Date", "From", "Subject"});
    while (!header.done()) {
      const auto piece = message.next();
      if (!piece) return piece.error();
      if (piece->empty()) break;
      header.write(*piece);
    }
    header.finish();
    const auto field = [&](const char* name) -> std::optional<std::string> {
      const std::string* value = header.field(name);
      return value == nullptr ? std::nullopt : std::optional(mime::decode_words(*value));
    };
    return Fields{field("Date"), field("From"), field("Subject")};
  }

  bool fits(const vault::Message& message, const Fields& fields) const {
    const bool from = options_.from.empty() || contains(fields.from.value_or(""), options_.from) ||
                      contains(message.envelope().reverse_path, options_.from);
    return from && (options_.subject.empty() || contains(fields.subject.value_or(""), options_.subject));
  }

  void print(const store::MessageRecord& record, const Fields& fields) {
    if (options_.ids) {
      // NUL after each id, for xargs -0.
      output_.data(as_bytes(record.id.hex() + std::string(1, '\0')));
      return;
    }
    if (options_.json) {
      Json object = json::message_json(record);
      if (options_.opens()) {
        const auto put = [&](const char* name, const std::optional<std::string>& value) {
          object[name] = value ? Json(valid_text(*value)) : Json();
        };
        put("date", fields.date);
        put("from", fields.from);
        put("subject", fields.subject);
      }
      output_.json(object);
      return;
    }
    // The width of the columns is fixed, so that a long list is printed as it is read.
    std::string size = format_size(record.size);
    size.insert(0, size.size() < 10 ? 10 - size.size() : 0, ' ');
    std::string line = record.id.hex() + "  " + shown_time(record.received) + "  " + size + "  " +
                       std::string(name(record.state));
    if (options_.opens()) {
      line = padded(line, 81) + "  " + padded(fields.date.value_or("-"), 31) + "  " +
             padded(fields.from.value_or("-"), 30) + "  " + fields.subject.value_or("-");
    }
    output_.line(line);
  }

  const Commands& commands_;
  const MessageListOptions& options_;
  store::Store& store_;
  store::MailboxRecord mailbox_;
  seal::KeyRing ring_;
  VaultId vault_;
  cli::Output output_;
  std::set<MessageId> reported_;
  bool failed_ = false;
};

Result<int> list(const Commands& commands, const MessageListOptions& options) {
  if (auto good = cli::check_span(options.since, options.until); !good) return good.error();
  auto store = commands.connect();
  if (!store) return store.error();
  auto mailbox = mailbox_named(**store, options.mailbox);
  if (!mailbox) return mailbox.error();
  MessageList list(commands, options, **store, std::move(*mailbox));
  if (auto unlocked = list.unlock(); !unlocked) return unlocked.error();
  return list.run();
}

}  // namespace

void add_message_list(Commands& commands, CLI::App& family) {
  auto options = std::make_shared<MessageListOptions>();
  CLI::App* command = commands.add(family, "list", "List messages, newest first; --headers needs a password",
                                   [&commands, options] { return list(commands, *options); });
  command->add_option("MAILBOX", options->mailbox, "Name, id or address")->required();
  cli::time_option(*command, "--since", options->since, "Print only messages received at this time or later");
  cli::time_option(*command, "--until", options->until, "Print only messages received before this time");
  command->add_option("--state", options->state, "Print only this state (else live and unconfirmed)")
      ->check(CLI::IsMember({"live", "pending", "unconfirmed", "drained", "quarantined", "all"}));
  cli::size_option(*command, "--larger", options->larger, "Print only messages of at least this size");
  cli::size_option(*command, "--smaller", options->smaller, "Print only messages below this size");
  command->add_option("-n,--number", options->number, "Print only the newest N messages")
      ->check(CLI::Range(std::size_t{1}, kMaxNumber))
      ->type_name("N");
  command->add_flag("--headers", options->headers, "Also print Date, From and Subject (needs a password)");
  command
      ->add_option("--from", options->from, "Print only mail whose sender contains TEXT (needs a password)")
      ->type_name("TEXT");
  command->add_option("--subject", options->subject, "Print only mail whose subject contains TEXT (likewise)")
      ->type_name("TEXT");
  options->password.declare(*command);
  CLI::Option* json = command->add_flag("--json", options->json, "Print JSON lines, oldest first");
  command->add_flag("-0,--null", options->ids, "Print only the ids, each followed by NUL, oldest first")
      ->excludes(json);
}

}  // namespace gw::cmd
