// Looks up the envelopes of mails in a manifest of gw-export (transfer/manifest.h), for the import.
//
// A mail is found by its SHA-256 and never by a file name. The manifest of an export therefore fits
// its mails in any format and at any place.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.h"
#include "base/fd.h"
#include "base/result.h"
#include "vault/envelope.h"

namespace gw::transfer {

struct ListedMail {
  Digest sha256{};
  vault::Envelope envelope;  // as exported, without the fields that vault::Delivery sets
  std::string received_at;   // RFC 3339
};

// Parses one line. Returns nullopt if it is not a line of a manifest or is about a mail that
// failed.
std::optional<ListedMail> parse_manifest_line(std::string_view line);

// Keeps 40 bytes of memory per mail and reads lines from the file when they are needed. find() may
// be called from several threads.
class ManifestIndex {
 public:
  // Reads the whole manifest once. Fails with BadInput if it is not one.
  static Result<ManifestIndex> open(const std::string& path);

  // Returns the mail with this digest, or nullopt if it is not listed. If several lines list it,
  // the first one counts. Fails with Conflict if the file has changed since open().
  Result<std::optional<ListedMail>> find(const Digest& sha256) const;

 private:
  explicit ManifestIndex(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
  std::vector<std::pair<Digest, std::uint64_t>> places_;  // digest and offset of the line; sorted
};

// An envelope has at most 1 MiB; escapes and base64 make it longer.
inline constexpr std::size_t kMaxManifestLine = 4 << 20;

}  // namespace gw::transfer
