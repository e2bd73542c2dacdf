// VAULT/format: what kind of vault this is. Text, written once, and once more at each end of a move.
//
//   gw-vault 1
//   vault 0123456789abcdef0123456789abcdef
//   requires
//
// A move has two folders, and one file that decides which of them is the vault: that of the folder it leaves.
// The new folder is complete first, with `requires arrival` and `arrival TOKEN OLD-FOLDER`, and nobody opens
// it. Then the old one gets `requires moved` and `moved TOKEN NEW-FOLDER`, under the vault's lock. From that
// moment on the old one is never opened again, and the new one is, by its token, whoever comes first.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace gw::store {

// The other end of a move.
struct Move {
  std::string token;  // the same at both ends of one move, and of no other
  std::string place;  // the other folder, or whatever names it; no control characters

  friend bool operator==(const Move&, const Move&) = default;
};

struct Format {
  VaultId vault;
  std::optional<Move> moved;    // to there
  std::optional<Move> arrival;  // from there, unless that was seen to
};

std::string new_move_token();

// For a new vault.
Result<void> write_format(const std::string& vault, const VaultId& id);
// In place of the one that is there, as a whole and durable. BadInput: a place that does not fit.
Result<void> replace_format(const std::string& vault, const Format& format);
// NotFound: there is no vault. Version: a reader must know something that this one does not. Corrupt.
Result<Format> read_format(const std::string& vault);

// Which vault is to be opened in this folder. Config: none, since it has moved, or has not arrived; says
// where it is. One whose arrival is due is taken note of in its format.
Result<VaultId> vault_in(const std::string& vault);
// The error of one that has moved to there.
Error moved_error(const std::string& vault, const std::string& place);
// That error, for a folder whose vault is known to have moved; none for any other and where it cannot be
// read.
std::optional<Error> moved_away(const std::string& vault);

}  // namespace gw::store
