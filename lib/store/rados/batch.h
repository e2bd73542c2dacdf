// The transaction of one write to an index, or to two (intent.h).
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "store/rados/cluster_reader.h"
#include "store/rados/pack.h"
#include "store/rados/values.h"

namespace gw::store::rados {

// An index as it was read, or as the last write of this keeper left it.
struct Loaded {
  bool exists = false;
  std::uint64_t version = 0;
  Entry entry;
  IndexState state;  // its log is in `entry`
  std::string turn;
  std::uint64_t writes = 0;  // number of this keeper's last write; 0: it is not registered
  PackNumbers numbers;
  std::vector<std::string> others;  // incarnations of other keepers that are registered
};

// Reads an index; `exists` is false if there is none.
Result<Loaded> load_index(Context& context, const MailboxId& log);

// Writes of one index in the order in which a change added them; see Transaction.
class Writes {
 public:
  void put(const std::string& key, std::string value);
  void erase(const std::string& key);
  void erase_prefix(const std::string& prefix);
  // Adds those of a later change.
  void merge(Writes&& later);
  bool empty() const { return keys_.empty() && prefixes_.empty(); }
  std::size_t size() const { return size_; }
  void add_to(WriteOp& op) const;

 private:
  std::map<std::string, std::optional<std::string>> keys_;  // nullopt: erased
  std::vector<std::string> prefixes_;                       // erased before the keys are written
  std::size_t size_ = 0;
};

// Used by one thread. The change functions see the indexes of the batch as the functions before
// left them; others have no state.
class Batch final : public Transaction {
 public:
  // One index of the batch.
  struct Part {
    MailboxId log;
    Loaded loaded;
  };
  Batch(Context& context, std::vector<Part> parts);

  // Marks the beginning and the end of a change function. Without keep() its writes are dropped.
  void begin();
  void keep();
  void undo();

  Result<std::optional<std::string>> get(Family family, ByteView key) const override {
    return reader_.get(family, key);
  }
  Result<void> scan(Family family, ByteView from, ByteView end,
                    const std::function<bool(ByteView key, ByteView value)>& visit) const override {
    return reader_.scan(family, from, end, visit);
  }
  Entry* state(const MailboxId& log) override;
  Entry& make(const MailboxId& log) override;
  void touch(const MailboxId& log) override;
  bool claim_messages(const MailboxId& mailbox) override { return claimed_.insert(mailbox).second; }
  bool claim_records() override { return !std::exchange(records_claimed_, true); }
  using Transaction::leaf;
  std::uint64_t leaf(const MailboxId& log, Bytes& encoded) override;
  using Transaction::put;
  void put(Family family, ByteView key, std::span<const ByteView> parts) override;
  void erase(Family family, ByteView key) override;
  void erase_range(Family family, ByteView from, ByteView end) override;
  std::size_t size() const override;

  // The rest is for changes that know this store.
  //
  // Reads that were made together, see ClusterReader.
  ClusterReader& reader() { return reader_; }
  IndexState& index_state(const MailboxId& log);
  // Writes keys of an index as they are in layout.h.
  Writes& writes(const MailboxId& log) { return own_.at(log).writes; }
  // Adds a condition: there is no such key. If it is not met, the batch runs again, with careful().
  void expect_absent(const MailboxId& log, const std::string& key);
  bool careful() const { return careful_; }
  void set_careful(bool careful) { careful_ = careful; }
  // Sets another place as the value of a key `b` or `q` that exists.
  void move_place(const MailboxId& mailbox, const std::string& key, const Place& to);
  // Names a pack that was written and whose entries this change begins to name.
  void new_pack(const MailboxId& mailbox, const PackId& pack, const PackCount& count);

  // Sets what finish() needs to write the removal records of the batch into packs: `next` returns an
  // unused number, or nullopt if there is none.
  void set_numbers(std::function<std::optional<std::uint64_t>()> next, PackNumbers numbers);
  // Packs that finish() has written.
  const std::vector<PackId>& written() const { return written_; }

  // Returns the write of an index, with its conditions; nullopt if nothing changes. Call it once for
  // each index, after the last change.
  Result<std::optional<WriteOp>> finish(const MailboxId& log);
  // Returns the index as it is after that write.
  Loaded after(const MailboxId& log) const;
  // Writes to objects that are no index: they follow the write of the index.
  const std::map<Spot, std::string>& beside() const { return beside_; }

 private:
  // The writes of one function, or of all, to one index.
  struct Changes {
    Writes writes;
    bool changed = false;
    std::set<std::string> named;  // `b` and `q` keys that were erased
    std::map<PackId, int> added;  // entries that keys name from now on
    std::map<PackId, PackCount> packs;
    std::map<std::string, std::string> records;  // `q` key -> removal record
    bool records_dropped = false;
    std::set<std::string> absent;
  };
  struct Now {
    Entry entry;
    IndexState state;
    bool made = false;
    bool known = false;  // there is an entry
  };
  Changes& own(const Spot& spot);
  Result<void> place_records(const MailboxId& log, Changes& changes);
  Result<void> count_packs(const MailboxId& log, Changes& changes);

  Context& context_;
  ClusterReader reader_;
  std::map<MailboxId, Loaded> loaded_;
  std::map<MailboxId, Now> now_;
  std::map<MailboxId, Now> before_;   // what undo() restores
  std::map<MailboxId, Changes> own_;  // of the present function
  std::map<MailboxId, Changes> all_;
  std::map<Spot, std::string> own_beside_;
  std::map<Spot, std::string> beside_;
  std::set<MailboxId> claimed_;
  bool records_claimed_ = false;
  bool careful_ = false;
  const Micros wall_;
  std::function<std::optional<std::uint64_t>()> next_;
  PackNumbers numbers_;
  std::vector<PackId> written_;
  std::set<MailboxId> finished_;
};

}  // namespace gw::store::rados
