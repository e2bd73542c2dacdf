// A host that crashes: a simulated disk, and the store that is opened on it again and again. What
// runs on it derives from this class.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "disk.h"
#include "script.h"
#include "store/local/local_store.h"
#include "store/store.h"

namespace gw::simulation {

// A fault in the simulation itself, which the oracle must find.
enum class Plant : unsigned char {
  None,
  DroppedSync,        // no sync of a file has an effect
  DroppedFolderSync,  // no sync of a directory has one
  // No sync of one kind of file, or of one directory, has one.
  DroppedLogSync,
  DroppedTableSync,
  DroppedBlobSync,
  DroppedManifestSync,
  DroppedLargeSync,
  DroppedDatabaseFolderSync,
  DroppedLargeFolderSync,
  DroppedVaultFolderSync,
  Lost,      // an acknowledged message is not given to the store
  Returned,  // a drained message becomes live again
  Vanished,  // a live message is removed
};

class Host {
 public:
  // What happened, for the table and to compare two runs.
  struct Counts {
    std::uint64_t crashes = 0;   // kills, power cuts and stops, after each of which it was opened again
    std::uint64_t failures = 0;  // calls that failed
    std::uint64_t changes = 0;   // acknowledged changes
    std::uint64_t calls = 0;     // file calls
    std::uint64_t trace = 0;
  };

  // Works in a new directory below `base`. start_threads() must have been called.
  Host(const std::string& base, std::uint64_t seed, Plant plant);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host();
  // Does one step. Throws a Violation if a promise does not hold.
  virtual void run(const Step& step) = 0;
  // Opens the vault once more and compares.
  virtual void finish() = 0;
  Counts counts() const;
  // Returns what the last crash did, for people.
  const std::string& story() const { return disk_.story(); }

 protected:
  struct Clocks {
    Micros wall = 1'800'000'000'000'000;
    BootClock::time_point boot{std::chrono::hours(1)};
  };

  // Creates the vault and does not open it. No fault happens meanwhile.
  void create(std::string_view recovery_recipient);
  // Commits a planted fault of the disk.
  void plant_in_disk();
  // Restarts the disk if the host has crashed.
  void restart();
  // Opens the store after a crash or a stop, until it can be written to. Throws a Violation if that
  // is not possible, or if the first attempt failed although no call did.
  void open();
  // Returns true if a call has failed, or space was short, since the store was opened.
  bool disturbed() const;
  // Returns true if the store has failed, so that the process must end.
  bool has_failed() const;
  // Does a step that is the same for all: plans a crash or failures, or lets time pass. Returns
  // false if it is another one.
  bool plan(const Step& step);
  // Crashes or closes the store as the step `restart` says. The caller opens it again.
  void stop(const Step& step);

  const std::shared_ptr<Clocks> clocks_ = std::make_shared<Clocks>();
  const std::string base_;
  Disk disk_;
  const Plant plant_;
  const VaultId id_;
  store::LocalOptions options_;
  std::unique_ptr<store::Store> store_;
  std::uint64_t failures_at_open_ = 0;
  bool space_was_low_ = false;
  std::uint64_t opened_ = 0;  // how often
  Counts counts_;
};

// Returns the id of this number.
template <class T>
T id_of(std::uint64_t number) {
  ByteWriter writer;
  writer.u64(0x0190'0000'0000'0000U + number).u64(Random(number).next());
  return T::from(writer.data());
}

}  // namespace gw::simulation
