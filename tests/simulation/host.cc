#include "host.h"

#include <array>
#include <map>

#include "dump.h"

namespace gw::simulation {
namespace {

using namespace store;  // NOLINT: all that follows is about a store

constexpr std::uint64_t kMuchSpace = std::uint64_t{4} << 30;

// Signs nothing: the tree head itself is compared.
Signer plain_signer() {
  return {[](const VaultId& vault, const LogHead& head) -> Result<std::string> {
            return vault.hex() + " " + std::to_string(head.size) + " " + to_hex(head.root);
          },
          [](const VaultId& vault) { return "plain " + vault.hex(); }};
}

std::string told(const Error& error) {
  return std::string(name(error.code())) + ": " + error.text();
}

}  // namespace

Host::Host(const std::string& base, std::uint64_t seed, Plant plant)
    : base_(base), disk_(base, seed), plant_(plant), id_(id_of<VaultId>(1)) {
  options_.path = disk_.path() + "/vault";
  options_.signer = plain_signer();
  options_.large_threshold = 4000;
  options_.low_mark = 1 << 20;
  options_.high_mark = 2 << 20;
  options_.ballast = 64 << 10;
  options_.clock = [clocks = clocks_] { return clocks->wall; };
  options_.boot_clock = [clocks = clocks_] { return clocks->boot; };
}

void Host::create(std::string_view recovery_recipient) {
  if (auto made = create_local_store(options_.path, id_, as_bytes(recovery_recipient), options_.clock); !made)
    throw Violation("a vault cannot be created: " + told(made.error()));
  plant_in_disk();
}

void Host::plant_in_disk() {
  static const std::map<Plant, std::string> kFiles{{Plant::DroppedSync, ""},
                                                   {Plant::DroppedLogSync, ".log"},
                                                   {Plant::DroppedTableSync, ".sst"},
                                                   {Plant::DroppedBlobSync, ".blob"},
                                                   {Plant::DroppedManifestSync, "/db/MANIFEST-"},
                                                   {Plant::DroppedLargeSync, "/large/tmp/"}};
  static const std::map<Plant, std::string> kFolders{{Plant::DroppedFolderSync, ""},
                                                     {Plant::DroppedDatabaseFolderSync, "/vault/db"},
                                                     {Plant::DroppedLargeFolderSync, "/vault/large"},
                                                     {Plant::DroppedVaultFolderSync, "/vault"}};
  if (const auto file = kFiles.find(plant_); file != kFiles.end())
    disk_.drop_syncs(true, false, file->second);
  if (const auto folder = kFolders.find(plant_); folder != kFolders.end())
    disk_.drop_syncs(false, true, folder->second);
}

void Host::restart() {
  if (disk_.crashed() == Crash::None) return;
  disk_.restart();
  options_.path = disk_.path() + "/vault";
}

Host::~Host() = default;

Host::Counts Host::counts() const {
  Counts counts = counts_;
  counts.calls = disk_.calls();
  counts.failures = disk_.failures();
  counts.trace = disk_.trace();
  return counts;
}

bool Host::disturbed() const {
  return disk_.failures() != failures_at_open_ || space_was_low_;
}

bool Host::has_failed() const {
  const auto health = store_->health();
  return !health || !health->writable;
}

void Host::open() {
  constexpr int kTries = 8;
  for (int tries = 0;; ++tries) {
    // A fault passes.
    if (tries == kTries / 2) disk_.forget_plans();
    store_.reset();
    restart();
    failures_at_open_ = disk_.failures();
    ++opened_;
    auto opened = open_local_store(options_);
    if (opened) store_ = std::move(*opened);
    if (disk_.crashed() != Crash::None) {
      ++counts_.crashes;
      continue;
    }
    if (opened) {
      const Health health = *store_->health();
      if (health.writable && !health.damaged) return;
      if (!disturbed()) throw Violation("the vault opens read-only: " + health.reason);
    } else {
      const Code code = opened.error().code();
      if (!disturbed() || code == Code::NotFound || code == Code::Denied || code == Code::Exists)
        throw Violation("the vault does not open: " + told(opened.error()));
    }
    if (tries == kTries) throw Violation("the vault does not open for writing after the faults have passed");
    if (std::exchange(space_was_low_, false)) disk_.set_space(kMuchSpace);
  }
}

bool Host::plan(const Step& step) {
  const std::string& word = step.word;
  if (word == "cut" || word == "kill") {
    disk_.crash_after(step.at(0), word == "cut" ? Crash::PowerCut : Crash::Kill);
  } else if (word == "fail") {
    disk_.fail_after(step.at(0), static_cast<int>(step.at(1)), step.at(2));
  } else if (word == "sleep") {
    sleep_for(static_cast<Nanos>(step.at(0)) * kMillisecond);
  } else {
    return false;
  }
  return true;
}

void Host::stop(const Step& step) {
  constexpr std::array kHow{Crash::PowerCut, Crash::Kill};
  if (step.at(0) < kHow.size()) disk_.crash(kHow[step.at(0)]);
  // Otherwise the store is closed; with 3, planned crashes and failures can still happen.
  if (step.at(0) == 2) disk_.forget_plans();
  if (std::exchange(space_was_low_, false)) disk_.set_space(kMuchSpace);
}

}  // namespace gw::simulation
