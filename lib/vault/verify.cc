#include "vault/verify.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "seal/age.h"
#include "store/leaf.h"
#include "vault/drain.h"
#include "vault/proof.h"
#include "vault/replay.h"

namespace gw::vault {
namespace {

constexpr std::size_t kVerifyPage = 500;
constexpr std::size_t kContainerRead = 64 << 10;
constexpr int kRounds = 4;  // how often a message that changes meanwhile is looked at

using Progress = std::function<void(std::uint64_t)>;

// Tells damage of what is stored from a failure to reach it. Io counts as damage: a sector that
// cannot be read is what a verification is for.
bool about_the_data(const Error& error) {
  return error.code() == Code::Corrupt || error.code() == Code::NotFound || error.code() == Code::Version ||
         error.code() == Code::Io;
}

// Verifies one mailbox. The vault stays in use meanwhile, so each contradiction is only a doubt
// until the history was replayed again and the message was looked at again.
class MailboxCheck {
 public:
  MailboxCheck(store::Store& store, MailboxId mailbox, Claims heads, VerifyReport& report,
               const Progress& progress)
      : store_(store),
        mailbox_(mailbox),
        report_(report),
        progress_(progress),
        replay_(mailbox, std::move(heads), [this](std::optional<MessageId> message, std::string what) {
          report_.findings.add({mailbox_, message, std::move(what)});
        }) {}

  // Makes run() also decrypt every message with these keys.
  void open_with(const VaultId& vault, const seal::KeyRing& ring) {
    vault_ = vault;
    ring_ = &ring;
  }
  // Messages with a smaller sequence number are compared with the history but not read.
  void read_from(std::uint64_t seq) { read_from_ = seq; }

  // The order matters: the listing needs the replayed history, the missing messages follow from the
  // listing, and both only collect doubts, which settle_doubts() decides.
  Result<void> run() {
    if (const Result<void> read = replay_.advance(store_); !read) return damaged(read.error());
    if (const Result<void> listed = check_listed(); !listed) return listed;
    if (const Result<void> missing = check_missing(); !missing) return missing;
    if (const Result<void> settled = settle_doubts(); !settled) return settled;
    if (const Result<void> receipts = check_removal_records(); !receipts) return receipts;
    if (const Result<void> record = check_record(); !record) return record;
    report_.leaves += replay_.size();
    report_.gaps += replay_.gaps();
    return {};
  }

 private:
  // Records damage as a finding and lets the check continue; any other error ends it.
  Result<void> damaged(const Error& error, std::optional<MessageId> message = {}) {
    if (!about_the_data(error)) return error;
    report_.findings.add({mailbox_, message, error.text()});
    return {};
  }

  // Each removal record must be of a message that is gone, and agree with the leaf that made the
  // message visible. Whether the history says how a message went is checked in check_missing().
  Result<void> check_removal_records() {
    for (std::optional<MessageId> from = MessageId{}; from;) {
      Result<std::vector<store::RemovalRecord>> page = store_.removal_records(mailbox_, *from, kVerifyPage);
      if (!page) return damaged(page.error());
      if (page->empty()) return {};
      // A damaged store that does not advance would otherwise be asked forever.
      if (page->back().record.id < *from)
        return damaged(Error(Code::Corrupt, "its removal records are out of order"));
      from = page->back().record.id.next();
      report_.receipts += page->size();
      // In the order of their leaves, so that leaf_at() reads each page of the history once.
      std::ranges::sort(*page, {}, [](const store::RemovalRecord& swept) { return swept.record.seq; });
      for (const store::RemovalRecord& swept : *page) {
        const Result<std::optional<std::string>> wrong = judge_removal_record(swept);
        if (!wrong) return wrong.error();
        if (*wrong) report_.findings.add({mailbox_, swept.record.id, **wrong});
      }
    }
    return {};
  }

  Result<std::optional<std::string>> judge_removal_record(const store::RemovalRecord& swept) {
    using Verdict = std::optional<std::string>;
    const store::MessageRecord& record = swept.record;
    // The message may have been removed after the history was replayed.
    if (replay_.find(record.id) != nullptr || record.seq >= replay_.size()) {
      if (const Result<void> read = replay_.advance(store_); !read) return trouble(read.error());
    }
    if (replay_.find(record.id) != nullptr)
      return Verdict("it has a removal record, but the history does not record its removal");
    const Result<std::optional<store::Leaf>> leaf = leaf_at(record.seq);
    if (!leaf) return trouble(leaf.error());
    if (!*leaf || (*leaf)->message != record.id)
      return Verdict("it has a removal record, but the history does not record its acceptance");
    if ((*leaf)->envelope != sha256(swept.envelope) || (*leaf)->container != record.container ||
        (*leaf)->commitment != record.commitment || (*leaf)->value != record.size)
      return Verdict("its removal record differs from what was accepted");
    // A password reset drops the keys that older removal records are sealed to; these cannot be
    // opened any more.
    if (ring_ == nullptr || ring_->find(record.generation) == nullptr) return Verdict();
    const Result<Content> content = open_removed(swept, *ring_, vault_, mailbox_);
    return content ? Verdict() : trouble(content.error());
  }

  // Keeps a page of leaves, because removal records that follow each other have leaves close to
  // each other.
  Result<std::optional<store::Leaf>> leaf_at(std::uint64_t index) {
    if (index >= replay_.size()) return std::optional<store::Leaf>();
    if (index < leaves_from_ || index - leaves_from_ >= leaves_.size()) {
      Result<std::vector<Bytes>> page = store_.history_read(mailbox_, index, kVerifyPage);
      if (!page) return page.error();
      leaves_ = std::move(*page);
      leaves_from_ = index;
      if (leaves_.empty()) return std::optional<store::Leaf>();
    }
    Result<store::Leaf> leaf = store::decode_leaf(leaves_[index - leaves_from_]);
    if (!leaf) return leaf.error();
    return std::optional<store::Leaf>(std::move(*leaf));
  }

  Result<void> check_listed() {
    for (std::uint64_t after = 0;;) {
      const Result<std::vector<store::MessageRecord>> page = store_.list(mailbox_, after, kVerifyPage);
      if (!page) return damaged(page.error());
      if (page->empty()) return {};
      after = page->back().seq;
      for (const store::MessageRecord& record : *page) {
        seen_.insert(record.id);
        const Result<std::optional<std::string>> wrong = judge(record);
        if (!wrong) return wrong.error();
        // The message may have changed since the replay; settle_doubts() looks again.
        if (*wrong) doubtful_.insert(record.id);
        ++report_.messages;
        if (progress_) progress_(report_.messages);
      }
    }
  }

  Result<void> check_missing() {
    for (const auto& [id, expected] : replay_.messages())
      if (!seen_.contains(id) && !expected.before_gap) doubtful_.insert(id);
    return {};
  }

  // Looks at each doubtful message again, between two replays of the history. If the second replay
  // shows no new leaf about the message, the contradiction is real. After kRounds it counts anyway,
  // since otherwise a busy mailbox could hide damage.
  Result<void> settle_doubts() {
    for (int round = 0; round < kRounds && !doubtful_.empty(); ++round) {
      if (const Result<void> read = replay_.advance(store_); !read) return damaged(read.error());
      const std::uint64_t seen_size = replay_.size();
      std::set<MessageId> again;
      std::vector<Finding> found;
      for (const MessageId& id : doubtful_) {
        const Result<std::optional<std::string>> wrong = judge_anew(id);
        if (!wrong) return wrong.error();
        if (*wrong) found.push_back({mailbox_, id, **wrong});
      }
      if (found.empty()) return {};
      if (const Result<void> read = replay_.advance(store_); !read) return damaged(read.error());
      const bool last = round + 1 == kRounds;
      for (Finding& finding : found) {
        const Expected* expected = replay_.find(*finding.message);
        const bool moved = expected != nullptr && expected->touched >= seen_size;
        if (moved && !last) {
          again.insert(*finding.message);
        } else {
          report_.findings.add(std::move(finding));
        }
      }
      doubtful_ = std::move(again);
    }
    return {};
  }

  Result<std::optional<std::string>> judge_anew(const MessageId& id) {
    const Result<store::MessageRecord> record = store_.find(mailbox_, id);
    if (record) return judge(*record);
    if (record.error().code() != Code::NotFound) {
      if (!about_the_data(record.error())) return record.error();
      return std::optional<std::string>(record.error().text());
    }
    const Expected* expected = replay_.find(id);
    if (expected == nullptr || expected->before_gap) return std::optional<std::string>();
    return std::optional<std::string>("it was accepted and is missing");
  }

  // Returns what is wrong with a message that is present, or nullopt if nothing is. The cheap
  // comparisons come first; the container is read last.
  Result<std::optional<std::string>> judge(const store::MessageRecord& record) {
    using Verdict = std::optional<std::string>;
    const Expected* expected = replay_.find(record.id);
    if (expected == nullptr) return Verdict("it exists, but its history does not mention it");
    if (record.state != expected->state) return Verdict("its state differs from the one in the history");
    if (record.seq != expected->seq)
      return Verdict("its sequence number differs from the one in the history");
    if (record.size != expected->size || record.container != expected->container ||
        record.envelope != expected->envelope || record.commitment != expected->commitment)
      return Verdict("its record differs from what was accepted");
    if (record.container_size != seal::container_size(record.size))
      return Verdict("the size of its container does not match its record");
    if (record.seq < read_from_) return Verdict();
    const Result<Bytes> envelope = store_.envelope(mailbox_, record.id);
    if (!envelope) return trouble(envelope.error());
    if (sha256(*envelope) != record.envelope) return Verdict("its envelope differs from what was accepted");
    Result<Verdict> container = judge_container(record);
    if (!container || *container || ring_ == nullptr) return container;
    return judge_content(record);
  }

  Result<std::optional<std::string>> judge_container(const store::MessageRecord& record) {
    using Verdict = std::optional<std::string>;
    Sha256 digest;
    buffer_.resize(kContainerRead);
    // One read past the end of the record's size, so that a container that is too long is noticed
    // too.
    for (std::uint64_t offset = 0; offset <= record.container_size;) {
      const Result<std::size_t> got = store_.read(mailbox_, record.id, offset, buffer_);
      if (!got) return trouble(got.error());
      if (*got == 0) break;
      digest.update(ByteView(buffer_).first(*got));
      offset += *got;
    }
    if (digest.finish() != record.container) return Verdict("its container differs from what was accepted");
    return Verdict();
  }

  // next() compares the digest of the whole at the end; so the message must be read until it
  // returns no bytes.
  Result<std::optional<std::string>> judge_content(const store::MessageRecord& record) {
    Result<Message> message = open_message(store_, *ring_, vault_, mailbox_, record);
    if (!message) return trouble(message.error());
    for (;;) {
      const Result<ByteView> chunk = message->next();
      if (!chunk) return trouble(chunk.error());
      if (chunk->empty()) return std::optional<std::string>();
    }
  }

  static Result<std::optional<std::string>> trouble(const Error& error) {
    if (!about_the_data(error)) return error;
    return std::optional<std::string>(error.text());
  }

  Result<void> check_record() {
    const Result<store::Record> record = store_.get({store::Kind::Mailbox, mailbox_, {}});
    if (!record) return damaged(record.error());
    const Digest digest = sha256(record->value);
    if (std::ranges::find(replay_.records(), digest) != replay_.records().end()) return {};
    // The record may have changed since the history was replayed.
    if (const Result<void> read = replay_.advance(store_); !read) return damaged(read.error());
    if (std::ranges::find(replay_.records(), digest) == replay_.records().end())
      report_.findings.add({mailbox_, {}, "its record does not match its history"});
    return {};
  }

  store::Store& store_;
  MailboxId mailbox_;
  VerifyReport& report_;
  const Progress& progress_;
  Replay replay_;
  VaultId vault_;
  const seal::KeyRing* ring_ = nullptr;
  std::uint64_t read_from_ = 0;
  std::vector<Bytes> leaves_;  // a part of the history, from this index on
  std::uint64_t leaves_from_ = 0;
  std::unordered_set<MessageId> seen_;
  std::set<MessageId> doubtful_;
  Bytes buffer_;
};

}  // namespace

Result<VerifyReport> verify(store::Store& store, const std::function<void(std::uint64_t)>& progress,
                            const Checkpoint* against, const ReadBefore* before) {
  VerifyReport report;
  const auto found = [&](std::optional<MessageId> message, std::string what) {
    report.findings.add({{}, message, std::move(what)});
  };
  const Result<store::Health> health = store.health();
  if (!health) return health.error();
  if (health->damaged) found({}, "acknowledged mail is or may be missing: " + health->reason);
  Claims kept;
  if (against != nullptr) {
    const Result<VaultId> id = store.vault_id();
    if (!id) return id.error();
    if (against->vault != *id) return Error(Code::BadInput, "the checkpoint belongs to another vault");
    kept.emplace(against->head.size, Claim{against->head.root, 0, false});
  }
  // The vault's history comes first: its Head leaves are the claims that the mailboxes' histories
  // are checked against. They are older than what the mailboxes contain when they are read
  // afterwards.
  Replay vault({}, std::move(kept), found, against == nullptr ? 0 : against->head.size);
  if (const Result<void> read = vault.advance(store); !read) {
    if (!about_the_data(read.error())) return read.error();
    found({}, read.error().text());
  }
  const Result<std::vector<store::MailboxRecord>> mailboxes = store.mailboxes();
  if (!mailboxes) return mailboxes.error();
  // Mailboxes may have been created or removed since the first replay.
  if (const Result<void> read = vault.advance(store); !read && !about_the_data(read.error()))
    return read.error();

  std::unordered_set<MailboxId> here;
  for (const store::MailboxRecord& mailbox : *mailboxes) {
    here.insert(mailbox.id);
    ++report.mailboxes;
    if (!vault.mailboxes().contains(mailbox.id))
      report.findings.add({mailbox.id, {}, "the vault's history does not mention it"});
    const auto heads = vault.heads().find(mailbox.id);
    MailboxCheck check(store, mailbox.id, heads == vault.heads().end() ? Claims() : heads->second, report,
                       progress);
    const auto read = before == nullptr ? ReadBefore::const_iterator() : before->find(mailbox.id);
    if (before != nullptr && read != before->end()) check.read_from(read->second);
    if (const Result<void> done = check.run(); !done) return done.error();
  }
  for (const auto& [id, alive] : vault.mailboxes())
    // A mailbox may have been created after the list was read; only one that the store does not
    // know is missing.
    if (alive && !here.contains(id) && !store.mailbox(id))
      report.findings.add({id, {}, "it was created and is missing"});
  report.leaves += vault.size();
  report.gaps += vault.gaps();
  return report;
}

Result<VerifyReport> verify_deep(store::Store& store, const store::MailboxRecord& mailbox,
                                 const seal::KeyRing& ring,
                                 const std::function<void(std::uint64_t)>& progress) {
  const Result<VaultId> vault = store.vault_id();
  if (!vault) return vault.error();
  VerifyReport report;
  report.mailboxes = 1;
  MailboxCheck check(store, mailbox.id, {}, report, progress);
  check.open_with(*vault, ring);
  if (const Result<void> done = check.run(); !done) return done.error();
  return report;
}

}  // namespace gw::vault
