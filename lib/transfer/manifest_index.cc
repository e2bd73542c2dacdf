#include "transfer/manifest_index.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/file.h"
#include "json/json.h"

namespace gw::transfer {
namespace {

using json::Json;

constexpr std::size_t kIndexBuffer = 64 << 10;

// Reverses json::put_text(): the base64 field, if present, has the exact bytes.
std::string stored_text(const Json& object, const std::string& name) {
  if (const Json data = object.value(name + "_b64", Json()); data.is_string()) {
    const auto decoded = from_base64(data.get<std::string>(), Padding::Full);
    if (decoded) return std::string(as_text(*decoded));
  }
  const Json text = object.value(name, Json());
  return text.is_string() ? text.get<std::string>() : std::string();
}

// The manifest is untrusted input. Missing fields and fields of another type become empty.
vault::Envelope envelope_of(const Json& object) {
  vault::Envelope envelope;
  envelope.reverse_path = stored_text(object, "mail_from");
  envelope.parameters = stored_text(object, "mail_parameters");
  for (const Json& each : object.value("rcpt_to", Json::array())) {
    if (!each.is_object()) continue;
    envelope.recipients.push_back(
        {stored_text(each, "address"), stored_text(each, "parameters"), stored_text(each, "refusal")});
  }
  envelope.helo = stored_text(object, "helo");
  envelope.host = stored_text(object, "host");
  envelope.peer = stored_text(object, "peer");
  envelope.tls = stored_text(object, "tls");
  envelope.client_certificate = stored_text(object, "client_certificate");
  envelope.auth = stored_text(object, "auth");
  envelope.listener = stored_text(object, "listener");
  envelope.transaction = stored_text(object, "transaction");
  envelope.route = stored_text(object, "route");
  envelope.login = stored_text(object, "login");
  envelope.source = stored_text(object, "source");
  // Whatever the manifest says, gw did not receive this mail itself.
  envelope.origin = vault::Origin::Import;
  return envelope;
}

std::optional<Digest> digest_of(const Json& line) {
  const Json hex = line.value("sha256", Json());
  Digest digest{};
  if (!hex.is_string() || !from_hex(hex.get<std::string>(), digest)) return std::nullopt;
  return digest;
}

}  // namespace

std::optional<ListedMail> parse_manifest_line(std::string_view text) {
  const Json line = Json::parse(text, nullptr, false);
  if (!line.is_object() || !line.value("envelope", Json()).is_object()) return std::nullopt;
  const auto digest = digest_of(line);
  if (!digest) return std::nullopt;
  return ListedMail{*digest, envelope_of(line["envelope"]), stored_text(line["envelope"], "received_at")};
}

Result<ManifestIndex> ManifestIndex::open(const std::string& path) {
  auto fd = open_for_reading(path);
  if (!fd) return fd.error().within("cannot read the manifest");
  ManifestIndex index(std::move(*fd), path);
  const Error bad(Code::BadInput, path + ": not a manifest of gw-export");
  std::string rest;
  std::string buffer(kIndexBuffer, '\0');
  std::uint64_t offset = 0;  // of `rest`
  for (;;) {
    const auto got = read_some(index.fd_.get(), std::as_writable_bytes(std::span(buffer)), path);
    if (!got) return got.error();
    rest.append(buffer, 0, *got);
    std::size_t from = 0;
    for (std::size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n', from)) {
      const Json line = Json::parse(rest.substr(from, end - from), nullptr, false);
      if (!line.is_object() || !line.value("id", Json()).is_string()) return bad;
      // A line without a digest is of a message that failed.
      if (const auto digest = digest_of(line)) index.places_.emplace_back(*digest, offset + from);
      from = end + 1;
    }
    rest.erase(0, from);
    offset += from;
    if (rest.size() > kMaxManifestLine) return bad;
    if (*got == 0) break;
  }
  // Sorted by digest and then offset, so that find() meets the first line of a mail first.
  std::ranges::sort(index.places_);
  return index;
}

Result<std::optional<ListedMail>> ManifestIndex::find(const Digest& sha256) const {
  const auto place = std::ranges::lower_bound(places_, std::pair(sha256, std::uint64_t{0}));
  if (place == places_.end() || place->first != sha256) return std::optional<ListedMail>();
  std::string line;
  std::string buffer(kIndexBuffer, '\0');
  while (line.find('\n') == std::string::npos && line.size() <= kMaxManifestLine) {
    const ssize_t got =
        ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(place->second + line.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error::from_errno(path_);
    if (got == 0) break;
    line.append(buffer, 0, static_cast<std::size_t>(got));
  }
  auto listed = parse_manifest_line(std::string_view(line).substr(0, line.find('\n')));
  // The file was modified since open(); an envelope of another mail must not be used.
  if (!listed || listed->sha256 != sha256) return Error(Code::Conflict, path_ + ": has changed");
  return listed;
}

}  // namespace gw::transfer
