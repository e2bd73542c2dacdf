// What the rules of a store read and write while a change is made: the interface between the rules,
// which are the same for every store, and the database of one kind.
//
// A rule is a function that looks at the state as the change functions before it leave it. It either
// adds its writes to the transaction or returns an error, and then nothing of it is written:
//
//   Result<ChangeResult> rule(Transaction& transaction) {
//     Entry* entry = transaction.state(mailbox);
//     if (entry == nullptr) return Error(Code::NotFound, "no such mailbox");
//     transaction.leaf(mailbox, leaf);
//     return ChangeResult::Done;
//   }
//
// A store may run a rule several times, for instance because another keeper was faster; so a rule
// sets its results each time. The rules are in record_changes.h and message_changes.h.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/keys.h"
#include "store/leaf.h"
#include "store/stored_values.h"

namespace gw::store {

// Reads what is committed. The writes of a transaction that is being made are not visible.
class Reader {
 public:
  virtual ~Reader() = default;
  // Returns the value of a key; nullopt if there is no such key.
  virtual Result<std::optional<std::string>> get(Family family, ByteView key) const = 0;
  // Calls `visit` for the keys from `from` up to but not including `end`, in order, until it
  // returns false. It sees the database as it was when the scan began. The views are valid only
  // during the call.
  virtual Result<void> scan(Family family, ByteView from, ByteView end,
                            const std::function<bool(ByteView key, ByteView value)>& visit) const = 0;
};

// What a rule returns when it does not fail.
enum class ChangeResult : unsigned char {
  Done,
  // It depends on data that this transaction changes, and needs to read that from the database: run
  // it again in the next one.
  NextBatch,
};

// The writes of one transaction, with the states of the histories as they will be after it. Used by
// one thread.
class Transaction : public Reader {
 public:
  // Returns the state of a history as this transaction leaves it so far; null if there is none. The
  // pointer is valid as long as the transaction. A change made through it becomes part of the
  // transaction only by a leaf() or touch() of the same history.
  virtual Entry* state(const MailboxId& log) = 0;
  // Creates the state of a new history.
  virtual Entry& make(const MailboxId& log) = 0;
  // Marks a state as changed, so that it is written although it gets no leaf.
  virtual void touch(const MailboxId& log) = 0;

  // Reserves the messages of a mailbox that existed before this transaction, or the small records,
  // for the calling rule. Returns false if another one in this transaction has reserved them: return
  // NextBatch then, because the database does not yet show what that one changed. A rule claims each
  // thing once.
  virtual bool claim_messages(const MailboxId& mailbox) = 0;
  virtual bool claim_records() = 0;

  // Sets index and time of an encoded leaf, appends it to the history and returns its index. state()
  // or make() must have been called for `log`.
  virtual std::uint64_t leaf(const MailboxId& log, Bytes& encoded) = 0;
  std::uint64_t leaf(const MailboxId& log, const Leaf& leaf) {
    Bytes encoded = encode(leaf);
    return this->leaf(log, encoded);
  }

  // Add writes, which are applied in the order in which they are added: of two that name the same key
  // the later one counts. Keys and values are copied. The parts are written as one value.
  virtual void put(Family family, ByteView key, std::span<const ByteView> parts) = 0;
  void put(Family family, ByteView key, ByteView value) { put(family, key, std::span(&value, 1)); }
  virtual void erase(Family family, ByteView key) = 0;
  virtual void erase_range(Family family, ByteView from, ByteView end) = 0;

  // Returns about the number of bytes that were added so far.
  virtual std::size_t size() const = 0;
};

}  // namespace gw::store
