// What a manifest of gw-export (transfer/manifest.h) says of the envelopes of mails, for the import.
//
// A mail is found by its SHA-256 and never by a name, so that the manifest of an export fits its files in any
// format and at any place.
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
  vault::Envelope envelope;  // as it was, but for what vault::Delivery fills in
  std::string received_at;   // RFC 3339
};

// None: this is not a line of a manifest, or of a mail that failed.
std::optional<ListedMail> parse_manifest_line(std::string_view line);

class ManifestIndex {
 public:
  // 40 bytes of memory for each mail. BadInput: not a manifest.
  static Result<ManifestIndex> open(const std::string& path);

  // None: the mail is not listed. One that is listed twice has the envelope of its first line.
  Result<std::optional<ListedMail>> find(const Digest& sha256) const;

 private:
  explicit ManifestIndex(Fd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  Fd fd_;
  std::string path_;
  std::vector<std::pair<Digest, std::uint64_t>> places_;  // offsets of lines; by digest
};

inline constexpr std::size_t kLongestManifestLine = 4 << 20;  // an envelope holds at most 1 MiB

}  // namespace gw::transfer
