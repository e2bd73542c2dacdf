#include "store/vault_format.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/file.h"
#include "base/rename.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/version.h"

namespace gw::store {
namespace {

constexpr std::size_t kMaxFormatFile = 16 << 10;  // bytes; a path has at most 4 KiB

std::string to_text(const Format& format) {
  const bool local = format.kind == kLocalKind;
  std::string text = "gw-vault 1\nvault " + format.vault.hex() + "\nrequires";
  // All requirements come before the lines that belong to them, so that a program which does not
  // know one names the requirement and not the line.
  if (!local) text += " " + format.kind;
  if (format.moved) text += " moved";
  if (format.arrival) text += " arrival";
  text += "\n";
  if (!local) text += "store " + format.kind + ":" + format.place + "\n";
  if (format.moved) text += "moved " + format.moved->token + " " + format.moved->place + "\n";
  if (format.arrival) text += "arrival " + format.arrival->token + " " + format.arrival->place + "\n";
  return text;
}

bool is_kind(std::string_view text) {
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  // These two words have another meaning after `requires`.
  if (text == "moved" || text == "arrival") return false;
  return !text.empty() && text.size() <= 32 && std::ranges::all_of(text, fits);
}

// Returns true if the text can be the rest of a line: the place of a move or of a store.
bool is_place(std::string_view text) {
  // A line ending would add lines to the file.
  return !text.empty() && text.size() <= kMaxFormatFile / 4 && !has_control(text);
}

// Parses `TOKEN PLACE`; a place may contain spaces.
std::optional<Move> parse_move(std::string_view text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos || blank == 0 || blank + 1 == text.size()) return std::nullopt;
  return Move{std::string(text.substr(0, blank)), std::string(text.substr(blank + 1))};
}

Error not_arrived(const std::string& vault, const std::string& from, const std::string& why) {
  return Error(Code::Config,
               vault + ": the vault is being moved here from " + printable(from) + ", which " + why);
}

// Returns the error for a vault that a newer gw has written: reading on could lose or alter mail.
Error newer(const std::string& text) {
  return Error(Code::Version, text).with_hint("install a newer gw; this one is " + std::string(version()));
}

// Files and directories that every vault has, except for the last one, and whose names are unlikely
// in any other directory.
constexpr std::array<std::string_view, 4> kOfAVault{"db/CURRENT", "large/tmp", "ballast", "history.key"};

// How to rescue the mail of a vault without a valid format file.
std::string rescue(const std::string& vault) {
  return "gw-store salvage " + vault + " --to DIR, or gw-store restore BACKUP --to DIR";
}

// Returns the error for the new directory of a migration that has not written its format file. The
// vault is the old directory. Salvage must not be the advice: it would create a second one.
Error interrupted_migration(const std::string& vault) {
  std::string from = "OLD";  // if the migration was interrupted before it noted the directory
  const auto noted = read_file(vault + "/" + kMigrationWork + "/" + kMigrationFrom, kMaxFormatFile);
  if (noted && noted->ends_with('\n'))
    for (const std::string_view line : split(*noted, '\n'))
      if (line.starts_with("from ")) from = line.substr(5);
  return Error(Code::Config, vault + ": not a vault yet: a migration to it was interrupted")
      .with_hint("gw-store --vault " + printable(from) + " migrate --to " + printable(vault) + " --resume");
}

// Returns the error for a directory without a format file. A directory with other files of a vault
// is a damaged vault: `gw-store init` must not be the advice.
Error without_format(const std::string& vault) {
  if (::access((vault + "/" + kMigrationWork).c_str(), F_OK) == 0) return interrupted_migration(vault);
  if (::access((vault + "/" + kUnfinishedFormat).c_str(), F_OK) == 0)
    return Error(Code::NotFound, vault + ": not a vault yet: its creation has not finished");
  const auto found = std::ranges::find_if(kOfAVault, [&](std::string_view name) {
    return ::access((vault + "/" + std::string(name)).c_str(), F_OK) == 0;
  });
  if (found == kOfAVault.end()) return Error(Code::NotFound, vault + ": not a vault");
  return Error(Code::Corrupt,
               vault + "/format: is missing, but the directory is a vault: it has " + std::string(*found))
      .with_hint(rescue(vault));
}

}  // namespace

std::string new_move_token() {
  std::array<std::byte, 16> data;
  random_bytes(data);
  return to_hex(data);
}

Result<void> begin_format(const std::string& vault, const VaultId& id) {
  return create_file(vault + "/" + kUnfinishedFormat, as_bytes(to_text({id, {}, {}})), 0600);
}

Result<void> finish_format(const std::string& vault) {
  const std::string unfinished = vault + "/" + kUnfinishedFormat;
  const std::string format = vault + "/format";
  // Before the new name is durable, the names of all other files must be.
  if (auto synced = sync_folder(vault); !synced) return synced;
  if (!rename_new(AT_FDCWD, unfinished, AT_FDCWD, format)) return Error::from_errno(format);
  auto synced = sync_folder(vault);
  // The caller will remove the files, which must not look like those of a damaged vault meanwhile.
  if (!synced && !rename_new(AT_FDCWD, format, AT_FDCWD, unfinished))
    return Error(Code::Unknown, synced.error().text() + "; perhaps the vault was created");
  return synced;
}

Result<void> write_format(const std::string& vault, const VaultId& id) {
  // Fails if the file exists: a vault must never get another id.
  return create_file(vault + "/format", as_bytes(to_text({id, {}, {}})), 0600);
}

Result<void> replace_format(const std::string& vault, const Format& format) {
  for (const auto& move : {format.moved, format.arrival}) {
    if (move && !is_place(move->place))
      return Error(Code::BadInput, printable(move->place) + ": not a valid destination for a vault");
  }
  if (format.kind != kLocalKind && (!is_kind(format.kind) || !is_place(format.place)))
    return Error(Code::BadInput,
                 printable(format.kind + ":" + format.place) + ": not a valid place of a store");
  // Atomic: a power cut leaves the old or the new content, and so exactly one of the two
  // directories is the vault.
  return replace_file(vault + "/format", as_bytes(to_text(format)), 0600);
}

Result<Format> read_format(const std::string& vault) {
  const std::string path = vault + "/format";
  auto text = read_file(path, kMaxFormatFile);
  if (!text) {
    if (text.error().code() == Code::NotFound) return without_format(vault);
    return text.error();
  }
  const Error damaged =
      Error(Code::Corrupt, path + ": not a valid vault format file").with_hint(rescue(vault));
  bool known = false;
  bool torn = false;
  std::optional<VaultId> id;
  std::vector<std::string_view> required;
  std::optional<Error> unknown;
  bool elsewhere = false;  // a store line was found
  Format format;
  for (const std::string_view line : split(*text, '\n')) {
    const std::size_t blank = line.find(' ');
    const std::string_view key = line.substr(0, blank);
    const std::string_view whole = blank == std::string_view::npos ? "" : line.substr(blank + 1);
    const std::string_view value = trim(whole);
    if (key == "gw-vault") {
      if (value != "1")
        return newer(vault + ": the vault has format " + printable(value) + ", but this gw supports only 1");
      known = true;
    } else if (key == "vault") {
      id = VaultId::parse(value);
    } else if (key == "requires") {
      for (const std::string_view word : split(value, ' '))
        if (!word.empty()) required.push_back(word);
    } else if (key == "store") {
      const std::size_t colon = whole.find(':');
      format.kind = whole.substr(0, colon);
      if (colon != std::string_view::npos) format.place = whole.substr(colon + 1);
      torn = torn || !is_kind(format.kind) || format.kind == kLocalKind || !is_place(format.place);
      elsewhere = true;
    } else if (key == "moved" || key == "arrival") {
      std::optional<Move>& move = key == "moved" ? format.moved : format.arrival;
      move = parse_move(whole);
      torn = torn || !move;
    } else if (!key.empty() && !unknown) {
      unknown = newer(path + ": unknown line: " + printable(key));
    }
  }
  // An unknown line or requirement is a Version error and not skipped: it may mean that the
  // directory must not be opened. Requirements come first, because a line belongs to one.
  const auto requires_word = [&](std::string_view word) {
    return std::ranges::find(required, word) != required.end();
  };
  for (const std::string_view word : required)
    if (word != "moved" && word != "arrival" && !(elsewhere && word == format.kind))
      return newer(vault + ": needs a gw that supports " + printable(word));
  if (unknown) return *unknown;
  // No version writes both. If a later one does, this one does not know what it means.
  if (requires_word("moved") && requires_word("arrival"))
    return newer(vault + ": needs a gw that supports moved with arrival");
  // The requirement and its line must come together. One without the other is a torn or edited
  // file, and guessing could make two directories the vault.
  if (torn || !known || !id || format.moved.has_value() != requires_word("moved") ||
      format.arrival.has_value() != requires_word("arrival") || (elsewhere && !requires_word(format.kind)))
    return damaged;
  format.vault = *id;
  return format;
}

Result<void> check_kind(const std::string& vault, std::string_view kind) {
  if (kind == kLocalKind) return {};
  const std::string program = "gw-store-" + std::string(kind);
  return Error(Code::Config, vault + ": a store of the kind `" + printable(kind) + "` needs the program " +
                                 printable(program) + ", which is not installed")
      .with_hint("install the package that has " + printable(program));
}

Result<VaultId> vault_in(const std::string& vault) {
  auto format = read_format(vault);
  if (!format) return format.error();
  if (format->moved) return moved_error(vault, format->moved->place);
  if (!format->arrival) return format->vault;
  const Move& arrival = *format->arrival;
  // Only the format file of the old directory decides. It must name the same vault and the token of
  // this migration: a directory that was restored from a backup has another token or none.
  const auto left = read_format(arrival.place);
  if (!left)
    return not_arrived(vault, arrival.place, "cannot be read: " + left.error().text())
        .with_hint("make the old directory readable: its format file must confirm the move");
  if (left->vault != format->vault || !left->moved || left->moved->token != arrival.token)
    return not_arrived(vault, arrival.place, "still has it")
        .with_hint("gw-store --vault " + printable(arrival.place) + " migrate --to " + printable(vault) +
                   " --resume");
  return format->vault;
}

Result<void> confirm_arrival(const std::string& vault) {
  if (auto here = vault_in(vault); !here) return here.error();
  auto format = read_format(vault);
  if (!format) return format.error();
  if (!format->arrival) return {};
  format->arrival.reset();
  return replace_format(vault, *format);
}

Error moved_error(const std::string& vault, const std::string& place) {
  return Error(Code::Config, vault + ": the vault has moved to " + printable(place))
      .with_hint("set `vault` in gw.toml, $GW_VAULT or --vault to the new directory");
}

std::optional<Error> moved_away(const std::string& vault) {
  const auto format = read_format(vault);
  if (!format || !format->moved) return std::nullopt;
  return moved_error(vault, format->moved->place);
}

}  // namespace gw::store
