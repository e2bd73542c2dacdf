#include "seal/fingerprint.h"

#include <sodium.h>

namespace gw::seal {
namespace {

// Stored fingerprints depend on these numbers.
enum Kind : std::uint8_t { kUidl = 1, kContent = 2 };

void hash(crypto_generichash_state& state, ByteView data) {
  crypto_generichash_update(&state, as_uchar(data.data()), data.size());
}

Digest finished(crypto_generichash_state& state) {
  Digest digest;
  crypto_generichash_final(&state, as_uchar(digest.data()), digest.size());
  return digest;
}

}  // namespace

// Hash states after the key, the kind, the route and the login. Each fingerprint starts from a
// copy, which saves hashing these again. The states are wiped, because fingerprints can be computed
// from them without the key.
struct Fingerprints::Start {
  Start(const Secret& key, std::string_view route, std::string_view login) {
    begin(uidl, key, kUidl, route, login);
    begin(content, key, kContent, route, login);
  }
  ~Start() {
    wipe(std::as_writable_bytes(std::span(&uidl, 1)));
    wipe(std::as_writable_bytes(std::span(&content, 1)));
  }
  static void begin(crypto_generichash_state& state, const Secret& key, Kind kind, std::string_view route,
                    std::string_view login) {
    crypto_generichash_init(&state, as_uchar(key.view().data()), key.size(), Digest{}.size());
    ByteWriter fields;
    fields.text("gw fingerprint v1").u8(kind);
    fields.u64(route.size()).text(route);
    fields.u64(login.size()).text(login);
    hash(state, fields.data());
  }

  crypto_generichash_state uidl;
  crypto_generichash_state content;
};

struct Fingerprints::Content::State {
  crypto_generichash_state hash;
  std::uint64_t size = 0;
  ~State() { wipe(std::as_writable_bytes(std::span(&hash, 1))); }
};

Fingerprints::Fingerprints(const Secret& key, std::string_view route, std::string_view login)
    : start_(std::make_unique<Start>(key, route, login)) {}
Fingerprints::~Fingerprints() = default;
Fingerprints::Fingerprints(Fingerprints&&) noexcept = default;
Fingerprints& Fingerprints::operator=(Fingerprints&&) noexcept = default;

Digest Fingerprints::of_uidl(std::string_view uidl) const {
  crypto_generichash_state state = start_->uidl;
  ByteWriter field;
  field.u64(uidl.size()).text(uidl);
  hash(state, field.data());
  const Digest digest = finished(state);
  wipe(std::as_writable_bytes(std::span(&state, 1)));
  return digest;
}

Fingerprints::Content Fingerprints::content() const {
  return Content(std::unique_ptr<Content::State>(new Content::State{start_->content}));
}

Fingerprints::Content::Content(std::unique_ptr<State> state) : state_(std::move(state)) {}
Fingerprints::Content::~Content() = default;
Fingerprints::Content::Content(Content&&) noexcept = default;
Fingerprints::Content& Fingerprints::Content::operator=(Content&&) noexcept = default;

Fingerprints::Content& Fingerprints::Content::update(ByteView data) {
  hash(state_->hash, data);
  state_->size += data.size();
  return *this;
}

// The length of a stream is known only at its end, so here it follows the bytes. This is as
// unambiguous as a length before them, since it has a fixed size.
Digest Fingerprints::Content::finish() {
  ByteWriter length;
  length.u64(state_->size);
  hash(state_->hash, length.data());
  return finished(state_->hash);
}

}  // namespace gw::seal
