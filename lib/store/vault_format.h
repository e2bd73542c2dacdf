// VAULT/format: the file that makes a directory a vault. It is text, written once when the vault is
// created and again at both ends of a migration.
//
//   gw-vault 1
//   vault 0123456789abcdef0123456789abcdef
//   requires
//
// A reader that does not know a word after `requires` must not open the vault.
//
// While a vault is being created, the file has the name `format.unfinished`. It is written before any
// other file of the vault and renamed to `format` after all of them. No program opens a vault without
// `format`, so a directory with `format.unfinished` has never held mail: an interrupted creation left
// it, and the next one removes its files.
//
// The file of a vault whose mail is not in the directory itself requires the kind of its store and
// has a line `store KIND:PLACE`. The place is for the program that opens this kind.
//
// A migration has two directories, and one file decides which of them is the vault: the format file
// of the old directory. First the new directory is completed, with `requires arrival` and `arrival
// TOKEN OLD-DIRECTORY`; no program opens it in this state. Then the old one gets `requires moved`
// and `moved TOKEN NEW-DIRECTORY`, under the vault lock. From that moment the old directory is
// never opened again, and the first program that opens the new one for writing finds the same token
// there and removes the arrival line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace gw::store {

// The other end of a migration.
struct Move {
  std::string token;  // random; the same at both ends of one migration only
  std::string place;  // path of the other directory; no control characters

  friend bool operator==(const Move&, const Move&) = default;
};

// The kind of a store whose mail is in the vault directory (store/local/local_store.h).
inline constexpr char kLocalKind[] = "local";

// The content of a format file.
struct Format {
  VaultId vault;
  std::optional<Move> moved;      // the vault has moved to there; nullopt if it has not
  std::optional<Move> arrival;    // the vault comes from there and is not yet confirmed
  std::string kind = kLocalKind;  // of its store: lower-case letters, digits and `-`
  std::string place = {};         // where the store is; empty if it is local
};

// Directory below the new directory of a migration: it is there until the migration is complete. Its
// file `from` contains `vault ID` and `from OLD-DIRECTORY`.
inline constexpr char kMigrationWork[] = ".migrate";
inline constexpr char kMigrationFrom[] = "from";

// Returns 128 random bits in hex.
std::string new_move_token();

// The name of the format file until the vault is complete.
inline constexpr char kUnfinishedFormat[] = "format.unfinished";

// Creates the format file of a new vault under this name, durably. Fails with Exists if there is one.
Result<void> begin_format(const std::string& vault, const VaultId& id);
// Syncs the directory, and then renames `format.unfinished` to `format`, durably. The contents of the
// other files must be durable already. Fails with Exists if there is a format file, and with Unknown
// if the vault may be complete: its files must stay then. After any other failure the file still is
// `format.unfinished`.
Result<void> finish_format(const std::string& vault);
// Creates the format file of a vault whose other files are complete, durably. Fails with Exists if
// there is one.
Result<void> write_format(const std::string& vault, const VaultId& id);
// Replaces the format file atomically and durably. Fails with BadInput if the place of a move or of a
// store is empty, too long or has control characters.
Result<void> replace_format(const std::string& vault, const Format& format);
// Reads the format file. Fails with NotFound if there is no vault or an unfinished one, Config if the
// directory has no vault yet because a migration to it was interrupted, Version if the file requires
// something that this program does not know, Corrupt if it is damaged, or missing in the directory of
// a vault. Any kind of store is accepted; see check_kind().
Result<Format> read_format(const std::string& vault);
// Fails with Config if this program does not have this kind of store. The text names the kind and
// the program that has it.
Result<void> check_kind(const std::string& vault, std::string_view kind);

// Returns the id of the vault to open in this directory. Fails with Config if the vault has moved
// away or has not yet arrived; the text says where it is. Changes nothing.
Result<VaultId> vault_in(const std::string& vault);
// Removes the arrival from the format file of a vault that has arrived, because the old directory may
// be deleted soon and could then no longer be asked. Fails as vault_in(). Does nothing if there is no
// arrival.
Result<void> confirm_arrival(const std::string& vault);
// Returns the error for a vault that has moved to `place`.
Error moved_error(const std::string& vault, const std::string& place);
// Returns that error if the vault of this directory is known to have moved; nullopt otherwise, also
// if the format file cannot be read.
std::optional<Error> moved_away(const std::string& vault);

}  // namespace gw::store
