#include "creation.h"

#include <sys/stat.h>

#include <filesystem>

#include "base/file.h"
#include "dump.h"
#include "net/tls.h"
#include "seal/keypair.h"
#include "store/open/open_store.h"
#include "vault/checkpoint.h"
#include "vault/recovery.h"

namespace gw::simulation {
namespace {

using namespace store;  // NOLINT: all that follows is about a store

constexpr std::string_view kActor = "simulation";
const MailboxId kMailbox = id_of<MailboxId>(100);

std::string told(const Error& error) {
  return std::string(name(error.code())) + ": " + error.text();
}

template <class T>
T value(Result<T> result, const std::string& what) {
  if (!result) throw Violation(what + ": " + told(result.error()));
  return std::move(*result);
}

}  // namespace

Creation::Creation(const std::string& base, std::uint64_t seed, Plant plant) : Host(base, seed, plant) {
  const auto recipient = [] { return seal::public_key(seal::generate_key()); };
  wanted_.settings.host = "gw.example";
  wanted_.settings.recovery_recipient = seal::recipient(recipient());
  wanted_.settings.argon2_memory = 8 << 10;
  wanted_.settings.argon2_passes = 1;
  wanted_.settings.cheap_passwords = true;
  wanted_.other_recipients = {recipient(), recipient()};
  wanted_.history_key = vault::generate_history_key();
  plant_in_disk();
  begin();
}

// What follows is a new process.
void Creation::begin() {
  store_.reset();
  disk_.forget_plans();
  failures_at_open_ = disk_.failures();
}

void Creation::attempt() {
  store_.reset();
  const auto complete = [this](Store& store) -> Result<void> {
    if (auto done = vault::complete_vault(store, options_.path, wanted_, kActor); !done) return done;
    const std::string tls = options_.path + "/tls";
    if (::mkdir(tls.c_str(), 0700) != 0) return Error::from_errno(tls);
    return net::make_self_signed(wanted_.settings.host, {tls + "/certificate.pem", tls + "/key.pem"});
  };
  const auto made = create_local_store(options_.path, id_, as_bytes(wanted_.settings.recovery_recipient),
                                       options_.clock, complete);
  if (disk_.crashed() != Crash::None) {
    // What is answered after the crash reaches nobody.
    if (state_ == Attempt::Absent) state_ = Attempt::Unknown;
    return look();
  }
  if (made && state_ == Attempt::Made) throw Violation("a vault is created where one is");
  if (!made && !disturbed() && (state_ != Attempt::Made || made.error().code() != Code::Exists))
    throw Violation("a vault cannot be created: " + told(made.error()));
  if (made) state_ = Attempt::Made;
  if (!made && made.error().code() == Code::Unknown) state_ = Attempt::Unknown;
  counts_.changes += made ? 1 : 0;
  if (!made) look();
}

void Creation::look() {
  counts_.crashes += disk_.crashed() == Crash::None ? 0 : 1;
  begin();
  restart();
  const auto there = openable_vault(options_.path);
  if (!there && there.error().code() != Code::NotFound)
    throw Violation("an interrupted creation leaves " + told(there.error()));
  if (there && state_ == Attempt::Absent) throw Violation("a creation that failed has left a vault");
  if (!there && state_ == Attempt::Made) throw Violation("the vault is lost: " + told(there.error()));
  state_ = there ? Attempt::Made : Attempt::Absent;
  if (there) check_vault();
}

// Checks that the vault has all that it was to be created with, and all acknowledged mail.
void Creation::check_vault() {
  open();
  const vault::Settings settings = value(vault::read_settings(*store_), "the settings cannot be read");
  if (settings.host != wanted_.settings.host ||
      settings.recovery_recipient != wanted_.settings.recovery_recipient)
    throw Violation("the vault has no settings");
  const auto keys = value(vault::recovery_keys(*store_), "the recovery recipients cannot be read");
  if (keys.size() != 1 + wanted_.other_recipients.size())
    throw Violation("the vault has " + std::to_string(keys.size()) + " recovery recipients");
  const std::string key = value(read_file(options_.path + "/history.key"), "the history key cannot be read");
  if (key.size() != wanted_.history_key.size() + 1) throw Violation("the history key is damaged");
  for (const char* name : {"key.pem", "certificate.pem"}) {
    const std::string text =
        value(read_file(options_.path + "/tls/" + name), "the certificate cannot be read");
    if (!text.ends_with("-----\n")) throw Violation("the certificate is damaged");
  }
  dump(*store_);  // reads everything
  for (const MessageId& message : acknowledged_) {
    if (!store_->find(kMailbox, message))
      throw Violation("message " + message.hex() + " was acknowledged and is lost");
  }
}

void Creation::deliver() {
  if (state_ != Attempt::Made) return;
  if (!store_) open();
  if (disk_.crashed() != Crash::None) return look();
  MailboxRecord record;
  record.id = kMailbox;
  record.name = "a";
  record.generations = {{1, {}, 5}};
  if (!store_->mailbox(kMailbox)) (void)store_->put_mailbox(record, {}, {LeafType::Setting, "init", 0});
  const auto message = id_of<MessageId>(++next_id_);
  const Bytes content(next_id_ % 2 == 0 ? 100 : 9000, std::byte{7});
  Commit commit;
  commit.received = 1'700'000'000'000'000;
  commit.size = commit.wire_size = content.size();
  commit.generation = 1;
  commit.container = sha256(content);
  commit.actor = kActor;
  auto append = store_->begin(kMailbox, message);
  const bool stored = append && (*append)->put(content) && (*append)->commit(commit);
  if (append) append->reset();
  if (stored && disk_.crashed() == Crash::None) {
    acknowledged_.push_back(message);
    ++counts_.changes;
  }
  if (!stored && disk_.crashed() == Crash::None && !disturbed())
    throw Violation("a message cannot be delivered");
  if (stored && plant_ == Plant::Vanished) {
    Transition removed;
    removed.mailbox = kMailbox;
    removed.messages = {message};
    removed.from = State::Live;
    (void)store_->transition(removed);
  }
  if (disk_.crashed() != Crash::None || has_failed()) look();
}

void Creation::run(const Step& step) {
  if (disk_.crashed() != Crash::None) look();
  if (plan(step)) return;
  if (step.word == "create") {
    attempt();
  } else if (step.word == "deliver") {
    deliver();
  } else if (step.word == "restart") {
    stop(step);
    store_.reset();
    look();
  } else if (step.word == "forget") {
    // An administrator removes the vault, so that another one can be created.
    begin();
    std::filesystem::remove_all(options_.path);
    (void)sync_folder(disk_.path());
    acknowledged_.clear();
    state_ = Attempt::Absent;
  } else if (step.word != "creation") {
    throw Violation("no such step: " + to_text(step));
  }
}

void Creation::finish() {
  if (disk_.crashed() == Crash::None) begin();
  look();
  if (state_ == Attempt::Absent) attempt();
  deliver();
  disk_.crash(Crash::PowerCut);
  look();
}

}  // namespace gw::simulation
