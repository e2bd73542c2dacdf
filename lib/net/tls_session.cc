#include "net/tls_session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>

#include "base/digest.h"
#include "base/text.h"

namespace gw::net {
namespace {

constexpr std::size_t kRecord = 16 * 1024;  // payload of a TLS record
constexpr std::size_t kSendAt = 64 * 1024;  // as much is gathered before it is sent

// The methods of a BIO whose data pointer is the TlsSession.
TlsSession& session_of(BIO* bio) {
  return *static_cast<TlsSession*>(BIO_get_data(bio));
}
int read_method(BIO* bio, char* to, int size) {
  return session_of(bio).bio_read(bio, to, size);
}
int write_method(BIO* bio, const char* from, int size) {
  return session_of(bio).bio_write(from, size);
}
// OpenSSL calls FLUSH at the end of each flight. The data stays in outgoing_ until flush(), so
// success is reported.
long control_method(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return session_of(bio).bio_ended() ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}
int create_method(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

// Never freed: connections may use it until the process ends.
const BIO_METHOD* channel_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "channel");
    BIO_meth_set_read(made, read_method);
    BIO_meth_set_write(made, write_method);
    BIO_meth_set_ctrl(made, control_method);
    BIO_meth_set_create(made, create_method);
    return made;
  }();
  return method;
}

// Replaces the macro SSL_set_tlsext_host_name, which contains C casts.
bool set_server_name(SSL* ssl, std::string host) {
  return SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

bool is_pinned(X509* certificate, const std::string& pin) {
  Digest digest{};
  unsigned size = 0;
  return X509_digest(certificate, EVP_sha256(), as_uchar(digest.data()), &size) == 1 &&
         size == digest.size() && to_hex(digest) == lower(pin);
}

}  // namespace

// Never waits: on EAGAIN the retry flag makes SSL_read return WANT_READ, and the caller waits with
// its deadline.
int TlsSession::bio_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = channel_.receive(std::as_writable_bytes(std::span(to, static_cast<std::size_t>(size))));
  ended_ = got == 0;
  if (got >= 0) return static_cast<int>(got);
  if (errno == EAGAIN || errno == EWOULDBLOCK) {
    BIO_set_retry_read(bio);
  } else {
    read_errno_ = errno;
  }
  return -1;
}

// Never fails and never asks for a retry, so SSL_write never stops in the middle of a record.
int TlsSession::bio_write(const char* from, int size) {
  append(outgoing_, as_bytes(std::string_view(from, static_cast<std::size_t>(size))));
  return size;
}

TlsSession::Outcome TlsSession::outcome(int result, std::string_view what) const {
  Outcome found;
  found.why = SSL_get_error(ssl_.get(), result);
  // The oldest error in the queue is the cause. SSL_get_error depends on the queue, which is why
  // every call of OpenSSL is preceded by ERR_clear_error().
  const unsigned long first = ERR_peek_error();
  const bool told = found.why == SSL_ERROR_SSL && ERR_GET_LIB(first) == ERR_LIB_SSL;
  found.cut = told && ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  found.refused = told && ERR_GET_REASON(first) == SSL_R_CERTIFICATE_VERIFY_FAILED;
  if (found.why != SSL_ERROR_SSL && found.why != SSL_ERROR_SYSCALL) return found;
  // An errno of the socket explains more than OpenSSL's generic text.
  found.failure = read_errno_ != 0 ? Error::from_errno(what, read_errno_)
                                   : Error(Code::Closed, std::string(what) + ": " + openssl_reason());
  return found;
}

Result<void> TlsSession::begin(SSL_CTX* context) {
  ERR_clear_error();
  ssl_.reset(SSL_new(context));
  BIO* bio = BIO_new(channel_method());
  if (!ssl_ || bio == nullptr) {
    BIO_free(bio);
    return Error(Code::Internal, "cannot start TLS: " + openssl_reason());
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_.get(), bio, bio);
  SSL_set_app_data(ssl_.get(), &protocol_);
  return {};
}

Result<void> TlsSession::shake_hands(int (*step)(SSL*), Deadline deadline) {
  constexpr std::string_view kWhat = "TLS handshake";
  for (;;) {
    ERR_clear_error();
    const int done = step(ssl_.get());
    const Outcome met = done == 1 ? Outcome{} : outcome(done, kWhat);
    // An alert, which tells the peer why the handshake failed, is in outgoing_ too.
    const auto sent = flush(deadline);
    if (met.refused) {
      const char* verdict = X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
      return Error(Code::Denied, std::string("the peer's certificate is not accepted: ") + verdict);
    }
    if (met.failure) return *met.failure;
    if (!sent) return sent.error().within(kWhat);
    if (done == 1) {
      note_facts();
      return {};
    }
    // Writes never wait (bio_write), so WANT_READ is the only reason to continue.
    if (met.why != SSL_ERROR_WANT_READ)
      return Error(Code::Closed, std::string(kWhat) + ": the peer closed the connection");
    if (auto ready = channel_.wait_readable(deadline); !ready) return ready.error().within(kWhat);
  }
}

Result<void> TlsSession::accept(const ServerTls& tls, std::string_view protocol, Deadline deadline) {
  protocol_ = protocol;
  if (auto begun = begin(tls.context()); !begun) return begun;
  // The certificate is requested so that it can be noted in the trace line. Any is accepted, and so
  // is none.
  if (protocol == "smtp") SSL_set_verify(ssl_.get(), SSL_VERIFY_PEER, nullptr);
  return shake_hands(SSL_accept, deadline);
}

Result<void> TlsSession::connect(const ClientTls& tls, const std::string& host, Deadline deadline) {
  if (auto begun = begin(tls.context()); !begun) return begun;
  X509_VERIFY_PARAM* checks = SSL_get0_param(ssl_.get());
  // SNI must not contain an address (RFC 6066, section 3), and an address is compared with the IP
  // entries of the certificate.
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  in6_addr any{};
  const bool address =
      ::inet_pton(AF_INET, host.c_str(), &any) == 1 || ::inet_pton(AF_INET6, host.c_str(), &any) == 1;
  const bool set = address
                       ? X509_VERIFY_PARAM_set1_ip_asc(checks, host.c_str()) == 1
                       : SSL_set1_host(ssl_.get(), host.c_str()) == 1 && set_server_name(ssl_.get(), host);
  if (!set || host.empty())
    return Error(Code::Usage, "`" + printable(host) + "` is not a valid host to connect to");

  if (auto done = shake_hands(SSL_connect, deadline); !done) return done;
  // The pin is checked after the handshake, and before any application data is sent.
  const std::string& pin = tls.policy().pin;
  if (tls.policy().verify && !pin.empty()) {
    const X509Ptr certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (!certificate || !is_pinned(certificate.get(), pin)) {
      say_goodbye();
      return Error(Code::Denied, "the peer's certificate does not match the pin");
    }
  }
  return {};
}

Result<std::size_t> TlsSession::read(std::span<std::byte> to, Deadline deadline) {
  if (to.empty()) return std::size_t{0};
  for (;;) {
    ERR_clear_error();
    std::size_t got = 0;
    const int done = SSL_read_ex(ssl_.get(), to.data(), to.size(), &got);
    if (done == 1 && outgoing_.empty()) return got;
    const Outcome met = done == 1 ? Outcome{} : outcome(done, "TLS");
    // Reading can produce output: the reply to a key update, or an alert.
    const auto sent = flush(deadline);
    if (done == 1) return got;
    // A FIN without close_notify is treated as a normal end: SMTP and POP3 frame their messages
    // themselves, so a truncation is noticed there, and many clients close this way.
    if (met.cut || met.why == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    if (met.failure) return *met.failure;
    if (!sent) return sent.error();
    // An idle connection should hold no buffer. swap() frees the memory, unlike clear() and `= {}`.
    Bytes().swap(outgoing_);
    if (auto ready = channel_.wait_readable(deadline); !ready) return ready.error();
  }
}

Result<void> TlsSession::encrypt(ByteView data, Deadline deadline) {
  while (!data.empty()) {
    ERR_clear_error();
    std::size_t taken = 0;
    const int done = SSL_write_ex(ssl_.get(), data.data(), data.size(), &taken);
    if (done != 1)
      return outcome(done, "TLS")
          .failure.value_or(Error(Code::Closed, "TLS: the peer closed the connection"));
    data = data.subspan(taken);
    // Bounds the memory for a long write.
    if (outgoing_.size() >= kSendAt) {
      if (auto sent = flush(deadline); !sent) return sent;
    }
  }
  return {};
}

namespace {

struct Wiped {
  Bytes& bytes;
  ~Wiped() { wipe(bytes); }
};

}  // namespace

// Small pieces are joined into one record, which saves the overhead of a record for each. A long
// piece is encrypted directly, without a copy. The pieces may be passwords, so the joined ones are
// wiped; the buffer must not grow, because that would leave a copy behind.
Result<void> TlsSession::write(std::span<const ByteView> pieces, Deadline deadline) {
  std::size_t size = 0;
  for (const ByteView piece : pieces) size += piece.size();
  Bytes gathered;
  if (pieces.size() > 1) gathered.reserve(std::min(size, kRecord));
  const Wiped wiped{gathered};
  for (const ByteView piece : pieces) {
    if (gathered.size() + piece.size() <= kRecord && pieces.size() > 1) {
      append(gathered, piece);
      continue;
    }
    if (auto done = encrypt(gathered, deadline); !done) return done;
    wipe(gathered);
    gathered.clear();
    if (auto done = encrypt(piece, deadline); !done) return done;
  }
  if (auto done = encrypt(gathered, deadline); !done) return done;
  return flush(deadline);
}

// Ciphertext that cannot be sent is lost, and the session with it: the peer could not decrypt the
// record that follows. The buffer keeps its memory for the next records of a download; read() frees
// it before it waits.
Result<void> TlsSession::flush(Deadline deadline) {
  std::size_t sent = 0;
  while (sent < outgoing_.size()) {
    const iovec piece{outgoing_.data() + sent, outgoing_.size() - sent};
    const ssize_t count = channel_.send({&piece, 1});
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK) {
      const Error failure = Error::from_errno("cannot send");
      outgoing_.clear();
      return failure;
    } else if (auto ready = channel_.wait_writable(deadline); !ready) {
      outgoing_.clear();
      return ready;
    }
  }
  outgoing_.clear();
  return {};
}

// SSL_pending would not do: it ignores bytes that are still in the kernel's receive buffer.
bool TlsSession::pending() {
  ERR_clear_error();
  char byte = 0;
  std::size_t got = 0;
  return SSL_peek_ex(ssl_.get(), &byte, 1, &got) == 1 && got == 1;
}

void TlsSession::say_goodbye() {
  ERR_clear_error();
  // OpenSSL reports an error for a shutdown within the handshake.
  if (!ssl_ || SSL_in_init(ssl_.get())) return;
  (void)SSL_shutdown(ssl_.get());
  ERR_clear_error();
  (void)flush(Channel::Clock::now() + std::chrono::seconds(1));
}

void TlsSession::note_facts() {
  facts_.version = SSL_get_version(ssl_.get());
  facts_.cipher = SSL_get_cipher_name(ssl_.get());
  const X509Ptr certificate(SSL_is_server(ssl_.get()) ? SSL_get1_peer_certificate(ssl_.get()) : nullptr);
  if (!certificate) return;
  char subject[256];
  X509_NAME_oneline(X509_get_subject_name(certificate.get()), subject, sizeof subject);
  Digest digest;
  unsigned length = 0;
  X509_digest(certificate.get(), EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &length);
  facts_.client_certificate = printable(subject) + " sha256=" + to_hex(digest);
}

namespace {

// RFC 2253 order, with UTF-8 kept readable. printable() removes control characters, because the
// certificate is the peer's data.
std::string text_of(X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0)
    return {};
  const char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return size > 0 ? printable(std::string_view(data, static_cast<std::size_t>(size))) : std::string();
}

Micros time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return 0;
  return static_cast<Micros>(::timegm(&parts)) * 1'000'000;
}

std::string text_of(const ASN1_STRING* text) {
  return printable(std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                    static_cast<std::size_t>(ASN1_STRING_length(text))));
}

// The limit bounds what a hostile server can make this process store and show.
std::vector<std::string> names_of(const X509* certificate) {
  constexpr int kMaxCount = 100;
  std::vector<std::string> names;
  const std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int at = 0; all && at < std::min(sk_GENERAL_NAME_num(all.get()), kMaxCount); ++at) {
    const GENERAL_NAME* each = sk_GENERAL_NAME_value(all.get(), at);
    if (each->type == GEN_DNS) names.push_back(text_of(each->d.dNSName));
    if (each->type != GEN_IPADD) continue;
    char address[INET6_ADDRSTRLEN] = "";
    const int size = ASN1_STRING_length(each->d.iPAddress);
    if (size == 4 || size == 16)
      ::inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(each->d.iPAddress), address,
                  sizeof address);
    if (address[0] != 0) names.emplace_back(address);
  }
  return names;
}

}  // namespace

ServerCertificate facts_of(const X509* certificate) {
  ServerCertificate shown;
  shown.subject = text_of(X509_get_subject_name(certificate));
  shown.issuer = text_of(X509_get_issuer_name(certificate));
  shown.names = names_of(certificate);
  shown.not_before = time_of(X509_get0_notBefore(certificate));
  shown.not_after = time_of(X509_get0_notAfter(certificate));
  unsigned length = 0;
  X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(shown.sha256.data()), &length);
  return shown;
}

std::optional<ServerCertificate> TlsSession::server_certificate() const {
  const X509Ptr certificate(ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr);
  if (!certificate) return std::nullopt;
  ServerCertificate shown = facts_of(certificate.get());
  const long verdict = SSL_get_verify_result(ssl_.get());
  if (verdict != X509_V_OK) shown.verdict = X509_verify_cert_error_string(verdict);
  ERR_clear_error();
  return shown;
}

}  // namespace gw::net
